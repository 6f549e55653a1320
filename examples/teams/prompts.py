"""The prompts of three teams: what each sends with every call."""

MODEL = "us.anthropic.claude-sonnet-4-6"


def _rules(of: str, count: int) -> str:
    return " ".join(f"Rule {number} of {of}: answer in one sentence and cite page {number}." for number in range(count))


def search() -> dict:
    return _request("search", 200)


def support() -> dict:
    return _request("support", 350)


def reports() -> dict:
    return _request("reports", 120)


def _request(team: str, rules: int) -> dict:
    return {
        "modelId": MODEL,
        "system": [{"text": _rules(team, rules)}],
        "messages": [{"role": "user", "content": [{"text": "Which page do I need?"}]}],
        "inferenceConfig": {"maxTokens": 60},
    }
