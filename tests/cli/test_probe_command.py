"""``rockbottom probe``: consent before money, findings on stdout, talk on stderr."""

import json

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
    assert "--yes agrees" in capsys.readouterr().err


def test_findings_of_the_local_endpoint_as_json_and_as_facts(url, tmp_path, capsys):
    path = tmp_path / "measured.toml"
    code = main(["probe", "--model", SONNET, "--endpoint", url, "--json", "--save", str(path)])
    out, err = capsys.readouterr()
    found = {row["question"]: row["answer"] for row in json.loads(out)["findings"]}
    assert code == 0
    assert (found["minimum_tokens"], found["lookback_blocks"], found["ttl_in_key"]) == ("1024", "21", "yes")
    assert "nothing is billed" in err
    assert load_catalog().overlaid(path).switches["api_in_key"].why_default == "Measured on a local endpoint"


def test_one_question_alone(url, capsys):
    assert main(["probe", "--model", SONNET, "--endpoint", url, "--only", "ttl_in_key"]) == 0
    assert capsys.readouterr().out.split() == ["ttl_in_key", "yes"]


def test_an_endpoint_that_is_not_there_is_one_message(capsys):
    assert main(["probe", "--model", SONNET, "--endpoint", "http://127.0.0.1:9"]) == 2
    err = capsys.readouterr().err
    assert "is no local endpoint of rockbottom" in err
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
