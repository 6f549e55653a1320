"""``rockbottom probe``: consent before money, findings on stdout, talk on stderr."""

import json
from datetime import date

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.local import ClockKind, running

SONNET = "us.anthropic.claude-sonnet-4-6"


@pytest.fixture(scope="module")
def url():
    with running(clock=ClockKind.MANUAL) as one:
        yield one.url


def test_the_price_is_said_and_nothing_is_sent(capsys):
    assert main(["probe", "--model", SONNET, "--estimate", "--json"]) == 0
    out, err = capsys.readouterr()
    assert float(json.loads(out)["expected_usd"]) < float(json.loads(out)["worst_usd"]) < 1
    assert "requests to AWS, 7 minutes of waiting; at AWS's prices about $0." in err


def test_nothing_is_sent_to_aws_without_consent(capsys):
    assert main(["probe", "--model", SONNET]) == 2
    assert "add --yes to agree" in capsys.readouterr().err


def test_findings_of_the_local_endpoint_as_json_and_as_facts(url, tmp_path, capsys):
    path = tmp_path / "measured.toml"
    code = main(["probe", "--model", SONNET, "--endpoint", url, "--json", "--save", str(path)])
    out, err = capsys.readouterr()
    found = {row["question"]: row["answer"] for row in json.loads(out)["findings"]}
    assert code == 0
    assert (found["minimum_tokens"], found["lookback_blocks"], found["ttl_in_key"]) == ("1024", "21", "yes")
    assert "nothing is billed" in err
    catalog = load_catalog().overlaid(path)
    measured = catalog.measured_switches(catalog.model(SONNET), date.max)
    assert measured["api_in_key"].why_default == "Measured on a local endpoint"


def test_one_question_alone(url, capsys):
    assert main(["probe", "--model", SONNET, "--endpoint", url, "--only", "ttl_in_key"]) == 0
    assert capsys.readouterr().out.split() == ["ttl_in_key", "yes"]


def test_an_endpoint_that_is_not_there_is_one_message(capsys):
    assert main(["probe", "--model", SONNET, "--endpoint", "http://127.0.0.1:9"]) == 2
    err = capsys.readouterr().err
    assert "is not a local endpoint of rockbottom" in err
    assert "Traceback" not in err


def test_a_model_nobody_knows(capsys):
    assert main(["probe", "--model", "anthropic.claude-mystery", "--estimate"]) == 2
    assert "Unknown model" in capsys.readouterr().err


def test_the_local_endpoint_is_named_by_its_address(capsys):
    assert main(["probe", "--model", SONNET, "--endpoint", "local", "--estimate"]) == 0
    assert "requests to the local endpoint at http://127.0.0.1:4747 (" in capsys.readouterr().err


def test_a_log_folder_that_cannot_be_made_is_one_message(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["serve", "--port", "0", "--log-dir", str(tmp_path / "file" / "logs")]) == 2
    assert f"no folder can be made at {tmp_path / 'file' / 'logs'}" in capsys.readouterr().err


FACTS = """\
[[measured]]
model = "anthropic.claude-sonnet-4-6"
place = "AWS us-east-1"
region = "us-east-1"
measured_on = 2026-11-20
minimum_tokens = 2048
[measured.switches]
ttl_in_key = "no"
"""


def test_models_and_plan_say_what_was_measured(tmp_path, capsys, monkeypatch):
    """The minimum of the account replaces the catalogue's, in the list and in a plan."""
    path, request = tmp_path / "measured.toml", tmp_path / "request.json"
    path.write_text(FACTS)
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(path))
    assert main(["models", "sonnet-4-6"]) == 0
    out = capsys.readouterr().out
    assert " 2,048 " in out
    assert "measured on your account for anthropic.claude-sonnet-4-6: minimum 2,048" in out
    assert "ttl_in_key no" in " ".join(out.split())
    assert main(["models", "sonnet-4-6", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert (model["measured"], model["cache_rules"]["minimum_tokens"]) == ({"ttl_in_key": "no"}, 2048)
    text = " ".join(f"Rule {n} stands." for n in range(200))  # more than 1,024 tokens and fewer than 2,048
    request.write_text(json.dumps({
        "modelId": "us.anthropic.claude-sonnet-4-6", "system": [{"text": text}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}]},
        "messages": [{"role": "user", "content": [{"text": "What now?"}]}],
    }))  # fmt: skip
    assert main(["plan", str(request), "--json"]) == 0
    with_facts = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("ROCKBOTTOM_FACTS", "")
    assert main(["plan", str(request), "--json"]) == 0
    without = json.loads(capsys.readouterr().out)
    assert (with_facts["points"], len(without["points"])) == ([], 2)
