"""The command, with the local endpoint for what only a service knows."""

import json

import pytest

from rockbottom.cli import main
from rockbottom.local import running


@pytest.fixture(scope="module")
def url():
    with running() as server:
        yield server.url


def test_the_first_line_is_the_cheapest_allowed(capsys):
    """eu: the eu. profile and nothing else, its policies in words."""
    assert main(["profiles", "list", "sonnet-4-6", "--residency", "eu", "--on", "2026-11-21"]) == 0
    text = capsys.readouterr().out
    assert "eu.anthropic.claude-sonnet-4-6  <- the cheapest allowed" in text
    assert "no source read names them" in text
    assert "denies aws:RequestedRegion for any destination Region" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_an_impossible_residency_is_one_message(capsys):
    """Exit code 2 and where the model can stay."""
    assert main(["profiles", "list", "nova-pro", "--residency", "jp"]) == 2
    said = capsys.readouterr().err
    assert "it can stay in: eu, us" in said
    assert "other models: rockbottom profiles list" in said


def test_the_service_names_the_regions(url, capsys):
    """The local endpoint plays three Regions behind us."""
    args = ["profiles", "list", "sonnet-4-6", "--residency", "us", "--endpoint-url", url, "--region", "us-east-1"]
    assert main([*args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["profiles"][0]
    assert found["regions_from"] == "service"
    assert found["scp_must_allow"] == ["us-east-1", "us-east-2", "us-west-2"]


def test_a_profile_is_created_with_tags_and_listed(url, capsys):
    """Consent first; then an ARN, and the profile stands in the list."""
    args = ["profiles", "create", "search-prod", "us.sonnet-4-6", "--tag", "team=search"]
    where = ["--endpoint-url", url, "--region", "us-east-1"]
    assert main([*args, *where]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert main([*args, *where, "--yes"]) == 0
    arn = capsys.readouterr().out.strip()
    assert ":application-inference-profile/" in arn
    assert main(["profiles", "list", "sonnet-4-6", *where, "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["own"]
    assert [(one["name"], one["arn"]) for one in own] == [("search-prod", arn)]


def test_a_profile_of_a_model_that_ends_says_so_before_the_question(url, capsys):
    """Claude Sonnet 4.5 ends on 2027-04-08 (litellm 1.110.2)."""
    argv = ["profiles", "create", "late", "us.sonnet-4-5", "--tag", "team=search"]
    assert main([*argv, "--endpoint-url", url, "--region", "us-east-1"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "note: Claude Sonnet 4.5 end" in said
    assert said.index("2027-04-08; successor: Claude Sonnet 5.5") < said.index("This creates the profile late")


def test_a_service_that_is_not_there_is_one_message(capsys):
    """Exit code 3, no traceback."""
    args = ["profiles", "list", "sonnet-4-6", "--endpoint-url", "http://127.0.0.1:9", "--region", "us-east-1"]
    assert main(args) == 3
    assert "ListInferenceProfiles in us-east-1" in capsys.readouterr().err


def test_a_tag_without_a_value_is_refused(capsys):
    """KEY=VALUE."""
    assert main(["profiles", "create", "x", "us.sonnet-4-6", "--tag", "team", "--region", "us-east-1"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


def test_a_profile_is_deleted_after_a_look_and_a_yes(url, capsys):
    """What goes is shown with its tags; without a yes nothing happens; the name of none is an error that lists them."""
    where = ["--endpoint-url", url, "--region", "us-west-2"]
    assert main(["profiles", "create", "old-one", "us.sonnet-4-6", "--tag", "team=search", *where, "--yes"]) == 0
    arn = capsys.readouterr().out.strip()
    assert main(["profiles", "delete", "old-one", *where]) == 2
    assert "- profile old-one for anthropic.claude-sonnet-4-6 (team=search)" in capsys.readouterr().err
    assert main(["profiles", "delete", "another", *where, "--yes"]) == 2
    assert f"there is old-one ({arn})" in " ".join(capsys.readouterr().err.split())
    assert main(["profiles", "delete", "old-one", *where, "--yes"]) == 0
    assert capsys.readouterr().out.strip() == arn
    assert main(["profiles", "list", "sonnet-4-6", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["own"] == []
