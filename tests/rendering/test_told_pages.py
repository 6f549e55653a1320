"""Pages of sentences and tables in a real browser: they say what the screen says, and fit a phone."""

import json
import re
from html import unescape

import pytest

from rockbottom.cli import main
from rockbottom.cli.exits import Exit

_RULES = "".join(f"Rule {number}: parcels of class {number % 7} wait {number % 5} days. " for number in range(400))
_SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def _record(number: int, team: str) -> dict[str, object]:
    """A call of 6,000 uncached tokens, a minute after the one before."""
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": f"2026-11-20T10:{number:02}:00Z",
        "accountId": "111122223333", "region": "us-east-1", "requestId": f"r-{number}", "operation": "Converse",
        "modelId": _SONNET, "requestMetadata": {"team": team},
        "input": {
            "inputContentType": "application/json", "inputTokenCount": 6000,
            "inputBodyJson": {
                "system": [{"text": _RULES}],
                "messages": [{"role": "user", "content": [{"text": f"<b>Parcel {number}</b>?"}]}],
            },
        },
        "output": {
            "outputContentType": "application/json", "outputTokenCount": 10,
            "outputBodyJson": {
                "output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}}, "stopReason": "end_turn",
                "usage": {"inputTokens": 6000, "outputTokens": 10, "totalTokens": 6010},
            },
        },
    }  # fmt: skip


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(json.dumps(_record(number, "<i>ana</i>" if number % 2 else "b")) for number in range(8)))
    return file


def test_the_page_of_explain_begins_with_the_screens_verdict_and_names_the_cause(log, tmp_path, capsys):
    """Seven of eight calls sent again what the first one had sent, by hand; text of the log stays text."""
    page = tmp_path / "explain.html"
    assert main(["explain", str(log), "--by", "team", "--html", str(page)]) == Exit.OK
    verdict = " ".join(capsys.readouterr().out.split("\n\n")[0].split())
    text = page.read_text(encoding="utf-8")
    heading = re.search("<h1>(.*?)</h1>", text)
    assert heading is not None
    assert unescape(heading[1]) == verdict
    assert "no cachePoint (RB001)" in text
    assert "no cachePoint: 7 misses" in text
    assert "&lt;i&gt;ana&lt;/i&gt;" in text
    assert "<i>ana" not in text


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_its_screen_and_asks_the_network_for_nothing(browser, log, tmp_path, width, dark, capsys):
    page = tmp_path / "explain.html"
    assert main(["explain", str(log), "--by", "team", "--html", str(page)]) == Exit.OK
    browser.open(page, width=width, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("[...document.querySelectorAll('.wide')].every(w => w.scrollWidth <= w.clientWidth)")
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []
    capsys.readouterr()


def test_two_requests_have_no_page(tmp_path, capsys):
    """They fit a screen; the option says so and writes nothing."""
    body = {"modelId": _SONNET, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(body))
    argv = ["explain", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--html", str(tmp_path / "page.html")]
    assert main(argv) == Exit.USAGE
    assert "two requests are shown as text or --json" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
