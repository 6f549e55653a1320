"""JSON that leaves this project in the shortest form that UTF-8 holds."""

import json


def json_text(value: object) -> str:
    """A value as JSON. Text stays as it is, but for half of a surrogate pair, as a cut through an emoji leaves it.

    No UTF-8 holds that: boto3 cannot send it, and AWS refuses what is no UTF-8. It is spelled ``\\ud83d``, as it
    came.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def json_bytes(value: object) -> bytes:
    """The same in UTF-8."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
