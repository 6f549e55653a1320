"""``--by``: which team, identity, project or model pays what, and wastes what, in replay, explain and advise."""

import csv
import io
import json
from decimal import Decimal

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from tests.replay.attached import HAIKU, SONNET, attached_usd, conversations, documents_with_questions, logged

ON = ["--on", "2026-11-01"]
ROLE = "arn:aws:sts::123456789012:assumed-role/Search"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """192 requests of team search, from two sessions of one role; 120 of team build, 10 of them without a team."""
    search = list(documents_with_questions())
    build = list(conversations(6, HAIKU))
    requests = sorted([*search, *build], key=lambda sent: sent.at)
    counts, _ = attached_usd(requests, load_catalog())
    lines = []
    for number, (sent, tokens) in enumerate(zip(requests, counts, strict=True)):
        team = "search" if sent.model == SONNET else "build"
        members = {"requestMetadata": {"team": team}, "identity": {"arn": f"{ROLE}/s{number % 2}"}}
        if team == "build":
            members = {"requestMetadata": {"team": team}, "projectIdentifier": "proj_build"}
            if sent.at < requests[0].at + 600:
                members = {}
        lines.append(logged(sent, tokens, number, **members))
    path = tmp_path_factory.mktemp("by") / "log.jsonl"
    path.write_text("\n".join(lines))
    return path


def answered(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_groups_add_up_to_the_whole(log, capsys):
    """Of what was paid and of what the planner reaches; read and requests too."""
    found = answered(capsys, "replay", log, *ON, "--by", "team")
    groups = {group["label"]: group for group in found["groups"]}
    assert {label: group["requests"] for label, group in groups.items()} == {"search": 192, "build": 110, None: 10}
    for name in ("paid_usd", "attached_usd"):
        assert sum(Decimal(group[name]) for group in found["groups"]) == Decimal(found["answer"][name])
    assert Decimal(groups["search"]["attached_usd"]) < Decimal(groups["search"]["paid_usd"]) / 3


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        ("identity", {ROLE: 192, None: 120}),
        ("project", {"proj_build": 110, None: 202}),
        ("model", {SONNET: 192, HAIKU: 120}),
        ("region", {"us-east-1": 312}),
        ("nothing", {None: 312}),
    ],
)
def test_what_requests_are_told_apart_by(key, labels, log, capsys):
    """A role stands for its sessions; a project is the one that boto3 names; what no record has is not recorded."""
    found = answered(capsys, "replay", log, *ON, "--by", key, "--policy", "none")
    assert {group["label"]: group["requests"] for group in found["groups"]} == labels


def test_explain_and_advise_tell_the_same(log, capsys):
    """Bills of the same counters; the planner's within three percent."""
    replayed = answered(capsys, "replay", log, *ON, "--by", "team")["groups"]
    advised = answered(capsys, "advise", log, *ON, "--by", "team")["groups"]
    explained = answered(capsys, "explain", log, "--by", "team")["groups"]
    assert advised == replayed
    for one, other in zip(replayed, explained, strict=True):
        assert (one["label"], one["requests"]) == (other["label"], other["requests"])
        assert Decimal(one["paid_usd"]) == Decimal(other["paid_usd"])
        saved = Decimal(one["paid_usd"]) - Decimal(one["attached_usd"])
        assert abs(Decimal(other["paid_usd"]) - Decimal(other["attached_usd"]) - saved) <= saved * Decimal("0.03")


def test_a_line_for_each_group(log, capsys):
    """In the text of all three, and as CSV of a replay."""
    expected = [["search", "192"], ["build", "110"]]
    for command in (["replay", log, *ON], ["advise", log, *ON], ["explain", log]):
        assert main([*map(str, command), "--by", "team"]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert [line[:2] for line in lines if line[:1] in (["search"], ["build"])] == expected
        assert any(line[:3] == ["(not", "recorded)", "10"] for line in lines)
    assert main(["replay", str(log), *ON, "--by", "team", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["team"], row["requests"]) for row in rows] == [("search", "192"), ("build", "110"), ("", "10")]


def test_labels_are_kept_by_an_import_that_is_told_to(log, tmp_path, capsys):
    """A Parquet file has the labels of the key it was made with; other files have none."""
    for name, by in (("with", ["--by", "team"]), ("without", [])):
        assert main(["trace", "import", str(log), "--out", str(tmp_path / f"{name}.parquet"), *by]) == 0
    found = answered(capsys, "replay", tmp_path / "with.parquet", *ON, "--by", "team", "--policy", "none")
    assert [group["label"] for group in found["groups"]] == ["search", "build", None]
    bare = answered(capsys, "replay", tmp_path / "without.parquet", *ON, "--by", "team", "--policy", "none")
    assert [group["label"] for group in bare["groups"]] == [None]


def test_every_engine_tells_groups_apart(log, capsys):
    """The same tokens and money."""
    one = answered(capsys, "replay", log, *ON, "--by", "team", "--policy", "system")
    more = answered(
        capsys, "replay", log, *ON, "--by", "team", "--policy", "system", "--engine", "processes", "--jobs", "1"
    )
    assert more["groups"] == one["groups"]
