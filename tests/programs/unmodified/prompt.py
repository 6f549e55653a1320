"""What every program asks: four questions on one long system prompt. None of them knows of rockbottom."""

MODEL = "us.anthropic.claude-sonnet-4-6"
SYSTEM = "\n".join(
    f"Rule {number}: a book of section {number} may be kept for {7 + number % 21} days." for number in range(300)
)
QUESTIONS = [f"How long may I keep a book of section {number}?" for number in (17, 44, 30, 8)]
