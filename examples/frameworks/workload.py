"""What every example asks: a few questions on one long system prompt, the kind of prompt worth caching."""

import os

MODEL = os.environ.get("BEDROCK_MODEL", "us.anthropic.claude-sonnet-4-6")

SYSTEM = "You answer questions about the house rules of a library.\n" + "\n".join(
    f"Rule {number}: a book of section {number} may be kept for {7 + number % 21} days, and renewed "
    f"{number % 4} times unless somebody else has asked for it."
    for number in range(1, 121)
)

QUESTIONS = [
    "How long may I keep a book of section 17?",
    "And of section 44?",
    "How often may section 30 be renewed?",
    "Which sections allow four weeks?",
    "May I renew section 8?",
    "What about section 99?",
]
