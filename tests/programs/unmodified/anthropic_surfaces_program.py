import anthropic
from surface_prompt import BASE, CLAUDE, QUESTIONS, SYSTEM

mantle = anthropic.AnthropicBedrockMantle(
    base_url=f"{BASE}/anthropic", aws_region="us-east-1", aws_access_key="AKID", aws_secret_key="secret"
)
plain = anthropic.Anthropic(base_url=f"{BASE}/anthropic", api_key="any")
for client, questions in ((mantle, QUESTIONS[:2]), (plain, QUESTIONS[2:])):
    for question in questions:
        messages = [{"role": "user", "content": question}]
        print(client.messages.create(model=CLAUDE, max_tokens=50, system=SYSTEM, messages=messages).content)
