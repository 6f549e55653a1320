"""``rockbottom check`` as it is typed."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.pins import ConversationLimits, read_pins
from tests.pins.pinned_requests import POINT, RULES, SONNET, support

_MODULE = f"""
import json, itertools, uuid
from datetime import date
count = itertools.count()
request = json.loads({json.dumps(json.dumps(support()))})

def steady(): return request
async def awaited(): return request
def stamped():
    text = f"Session {{uuid.uuid4()}}. " + request["system"][0]["text"]
    return {{**request, "system": [{{"text": text}}, *request["system"][1:]]}}
def of_a_set():
    names = {{"alpha", "beta", "gamma", "delta", "epsilon", "zeta"}}
    tools = [{{"toolSpec": {{"name": name, "inputSchema": {{"json": {{}}}}}}}} for name in names]
    return {{**request, "toolConfig": {{"tools": tools}}}}
def with_bytes():
    body = {{"system": [{{"type": "text", "text": request["system"][0]["text"],
            "cache_control": {{"type": "ephemeral"}}}}], "messages": []}}
    return {{"modelId": request["modelId"], "body": json.dumps(body).encode()}}
def broken(): raise LookupError("no such template")
def needy(tenant): return request
def noisy():
    print("loading", flush=True)
    return request
def nothing(): return None
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("prompts.py").write_text(_MODULE)
    _write("support.json", support())
    return tmp_path


def _write(name: str, request: object) -> None:
    Path(name).write_text(json.dumps(request))


def test_a_prompt_is_new_then_accepted_then_unchanged_then_changed(folder: Path, capsys: pytest.CaptureFixture[str]):
    """The whole way: each step with its exit code, and the next command to type."""
    assert main(["check", "support.json"]) == Exit.VERDICT
    told = capsys.readouterr()
    assert "not pinned" in told.out
    assert "rockbottom check support.json --accept" in told.err
    assert main(["check", "support.json", "--accept", "--requests-per-month", "200000"]) == Exit.OK
    assert main(["check"]) == Exit.OK
    _write("support.json", support(RULES + " Be brief."))
    capsys.readouterr()
    assert main(["check"]) == Exit.VERDICT
    told = capsys.readouterr()
    assert "system[0]" in told.out
    assert "a month at 200,000 requests" in told.out
    assert "rockbottom check --accept" in told.err
    assert all(len(line) <= 80 for line in told.out.splitlines())
    assert main(["check", "--accept"]) == Exit.OK
    assert main(["check"]) == Exit.OK


def test_json_has_the_whole_verdict_and_nothing_else_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Money as exact text, places and rules as in the text."""
    main(["check", "support.json", "--accept", "--with-text", "--requests-per-month", "1000"])
    _write("support.json", support("It is 14:00:01. " + RULES))
    capsys.readouterr()
    assert main(["check", "--json"]) == Exit.VERDICT
    document = json.loads(capsys.readouterr().out)
    prompt = document["prompts"][0]
    assert (document["passed"], prompt["status"], prompt["tokens_are"]) == (False, "changed", "estimated")
    assert prompt["moved"][0]["place"] == "system[0].text"
    assert prompt["moved"][0]["byte"] == 0
    assert isinstance(prompt["cost"]["usd_per_month"], str)


def test_functions_are_called_in_processes_of_their_own(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Plain, awaited, printing, and with the bytes of a native body."""
    sources = [f"prompts:{name}" for name in ("steady", "awaited", "noisy", "with_bytes")]
    assert main(["check", *sources, "--accept"]) == Exit.OK
    assert "prompts" not in sys.modules
    assert "loading" not in capsys.readouterr().out
    assert set(read_pins(folder / "rockbottom-pins.toml")) == set(sources)


def test_what_differs_between_calls_and_between_processes_is_volatile(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """An id in the text; the order of a set, which is the same within a process."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    assert main(["check", "prompts:stamped", "prompts.py:of_a_set", "--accept"]) == Exit.VERDICT
    told = capsys.readouterr().out
    assert told.count("volatile") >= 2
    assert "RB003" in told
    assert "RB005" in told
    assert "comes from a set" in told
    assert not Path("rockbottom-pins.toml").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("prompts:broken", "LookupError: no such template"),
        ("prompts:needy", "needs arguments (tenant)"),
        ("prompts:nothing", "gives a NoneType"),
        ("prompts:absent", "no function named absent"),
        ("absent:steady", "No module named 'absent'"),
        ("absent.json", "does not exist"),
        ("prompts.py", "cannot be read as JSON"),
    ],
)
def test_a_source_that_gives_no_request_is_told_and_exits_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str], source: str, said: str
):
    """One sentence, no traceback."""
    assert main(["check", source]) == Exit.USAGE
    told = " ".join(capsys.readouterr().out.split())
    assert said in told
    assert "Traceback" not in told


def test_one_unreadable_prompt_does_not_hide_the_others(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Each gets its verdict; the exit code is that of the worst."""
    _write("odd.json", {"modelId": "nova-prro", "system": [{"text": "x"}]})
    assert main(["check", "odd.json", "support.json"]) == Exit.USAGE
    told = capsys.readouterr().out
    assert "Unknown model 'nova-prro'" in told
    assert "support: not pinned" in told


def test_a_source_that_is_gone_fails_until_its_pin_is_dropped(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Accepting removes the pin, and says so."""
    main(["check", "support.json", "--accept", "--with-text"])
    Path("support.json").unlink()
    assert main(["check"]) == Exit.VERDICT
    assert "gone" in capsys.readouterr().out
    assert main(["check", "--accept"]) == Exit.OK
    assert "gone, removed" in capsys.readouterr().out
    assert read_pins(folder / "rockbottom-pins.toml") == {}
    assert list(Path("rockbottom-pins.text").iterdir()) == []


def test_nothing_to_check_is_said(folder: Path, capsys: pytest.CaptureFixture[str]):
    """A gate that checks nothing must not look as if it passed."""
    assert main(["check"]) == Exit.USAGE
    assert "pins nothing yet" in capsys.readouterr().err


def test_a_damaged_pin_file_exits_with_2(folder: Path, capsys: pytest.CaptureFixture[str]):
    """And says what to do."""
    Path("rockbottom-pins.toml").write_text("format = 1\n<<<<<<< HEAD\n")
    assert main(["check"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "rockbottom-pins.toml:2 holds a merge conflict" in told


def test_an_application_profile_is_checked_as_the_model_that_is_named(folder: Path):
    """Its ARN does not say which model it stands for, and nothing is asked."""
    _write("support.json", support(model="arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"))
    assert main(["check", "support.json"]) == Exit.USAGE
    assert main(["check", "support.json", "--model", SONNET, "--accept"]) == Exit.OK
    assert "123456789012" not in Path("rockbottom-pins.toml").read_text()


def test_a_conversation_is_held_to_its_budget(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Turns from one file, by the documented rules; each limit that is not kept is told with the turns."""
    question = {"role": "user", "content": [{"text": "Where is my parcel?"}]}
    answer = {"role": "assistant", "content": [{"text": "On its way."}]}
    turns = [{**support(), "messages": [question, answer] * n + [question]} for n in range(3)]
    _write("talk.json", turns)
    kept = ["check", "talk.json", "--accept", "--max-usd", "0.05", "--min-hit-rate", "60", "--output-tokens", "100"]
    assert main(kept) == Exit.OK
    # One write and two reads of the same prefix: 2/3 of it is read, a little less with the questions.
    assert "turns   3, $" in (told := capsys.readouterr().out)
    assert "simulated" in told
    budget = read_pins(folder / "rockbottom-pins.toml")["talk"].limits
    assert budget == ConversationLimits(Decimal("0.05"), Decimal(60), Decimal(30), 100)
    assert main(["check"]) == Exit.OK
    assert "turns   3, $" in capsys.readouterr().out
    assert main(["check", "talk.json", "--max-usd", "0.001", "--min-hit-rate", "70"]) == Exit.VERDICT
    told = capsys.readouterr().out
    assert "more than $0.001" in told
    assert "less than 70%" in told
    assert "output tokens are not in it" in told
    for turn in turns:
        turn["system"] = [block for block in turn["system"] if block != POINT]
    _write("talk.json", turns)
    assert main(["check", "--accept"]) == Exit.VERDICT
    assert "less than 60%" in capsys.readouterr().out


def test_in_github_actions_failures_are_annotated_and_summed_up(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """At the file, with line breaks and commas escaped; the summary is appended; stdout stays JSON."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    Path("summary.md").write_text("before\n")
    assert main(["check", "support.json", "--json"]) == Exit.VERDICT
    told = capsys.readouterr()
    json.loads(told.out)
    line = next(line for line in told.err.splitlines() if line.startswith("::"))
    assert line.startswith("::error file=support.json,line=1,title=Prompt support%3A not pinned::support: not pinned")
    assert "%0A" in line
    summary = Path("summary.md").read_text()
    assert summary.startswith("before\n## Pinned prompts")
    assert "| ✗ | support | not pinned |" in summary
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder.parent))
    assert main(["check", "support.json"]) == Exit.VERDICT
    assert f"::error file={folder.name}/support.json,line=1," in capsys.readouterr().out
    assert main(["check", "support.json", "--accept"]) == Exit.OK
    told = capsys.readouterr()
    assert "::error" not in told.out + told.err


def test_a_job_summary_holds_no_texts_side_by_side(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The log shows what moved in its own words; the summary only where, and what it costs."""
    main(["check", "support.json", "--accept", "--with-text"])
    _write("support.json", support("Never mention project Bluebird. " + RULES))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    capsys.readouterr()
    assert main(["check"]) == Exit.VERDICT
    assert "+ Never mention" in capsys.readouterr().out
    summary = Path("summary.md").read_text()
    assert "system[0].text" in summary
    assert "+ Never mention" not in summary


def test_a_summary_that_cannot_be_written_fails_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The verdict stands."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "absent" / "summary.md"))
    assert main(["check", "support.json", "--accept"]) == Exit.OK


def test_names_are_chosen_with_one_source(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Two sources of one name would be two prompts of one name."""
    assert main(["check", "support.json", "--name", "clerk", "--accept"]) == Exit.OK
    assert set(read_pins(folder / "rockbottom-pins.toml")) == {"clerk"}
    assert main(["check", "support.json"]) == Exit.OK
    assert main(["check", "support.json", "prompts:steady", "--name", "clerk"]) == Exit.USAGE
    _write("other.json", support("Other. " + RULES))
    assert main(["check", "other.json", "--name", "clerk"]) == Exit.VERDICT


def test_the_pins_are_found_from_a_folder_below_and_sources_are_named_from_theirs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As far up as the repository goes, and no farther."""
    assert main(["check", "support.json", "prompts.py:steady", "--accept"]) == Exit.OK
    below = folder / "docs" / "more"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main(["check"]) == Exit.OK
    _write("other.json", support("Other. " + RULES))
    assert main(["check", "other.json", "../../support.json", "--accept"]) == Exit.OK
    assert {pin.source for pin in read_pins(folder / "rockbottom-pins.toml").values()} == {
        "support.json", "prompts.py:steady", "docs/more/other.json",
    }  # fmt: skip
    monkeypatch.chdir(folder.parent)
    assert main(["check", "--pins", str(folder / "rockbottom-pins.toml")]) == Exit.OK
    (folder / "docs" / ".git").mkdir()
    monkeypatch.chdir(below)
    capsys.readouterr()
    assert main(["check"]) == Exit.USAGE
    assert "pins nothing yet" in capsys.readouterr().err


def test_pins_in_a_folder_that_is_not_there_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Before anything is rendered."""
    assert main(["check", "support.json", "--pins", "absent/pins.toml"]) == Exit.USAGE
    assert "absent is not a folder" in capsys.readouterr().err
