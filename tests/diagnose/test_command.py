"""The command: what it prints, what it exits with."""

import gzip
import json

import pytest
from click.testing import CliRunner

pytest.importorskip("numpy", reason="reads logs with rockbottom.trace: pip install 'rockbottom[replay]'")

from rockbottom.cli import root

MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))


def run(*arguments):
    """The command's result; a usage error is turned into its exit code as the program does."""
    return CliRunner().invoke(root, ["explain", *map(str, arguments)])


@pytest.fixture
def log(tmp_path, traffic, catalog):
    """A log of planted traffic."""

    def log(name, seed=1):
        path = tmp_path / f"{name}.json.gz"
        lines = [json.dumps(traffic.log_line(record)) for record in traffic.planted(name, seed, catalog).records]
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
        return path

    return log


@pytest.fixture
def pair(tmp_path):
    """Two bodies in files: the same but for the system prompt."""

    def pair(before, after):
        for name, system in (("a.json", before), ("b.json", after)):
            body = {
                "system": [{"text": system}, {"cachePoint": {"type": "default"}}],
                "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            }
            (tmp_path / name).write_text(json.dumps(body))
        return tmp_path / "a.json", tmp_path / "b.json"

    return pair


def test_the_report_fits_80_columns(log):
    """No line is wider, whatever was found."""
    for name in ("volatile-timestamp", "parallel-write", "ttl-expired", "parameter-output-schema", "tools-reordered"):
        done = run(log(name))
        assert done.exit_code == 0, done.output
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_cause_its_evidence_and_its_fix_are_shown(log):
    """A counter in the system prompt: where, what from and what to, and what moving it away would save."""
    text = run(log("volatile-counter")).stdout
    assert "RB003  text that changes every time" in text
    assert "system[0].text, byte 23: counter " in text
    assert "tried on this log: what changes moved behind the last cachePoint" in text


def test_clean_traffic_says_so(log):
    """One line, no table."""
    assert "no miss to explain" in run(log("clean")).stdout


def test_fail_on_exits_with_1_and_says_why(log):
    """By id, by name, or any; another rule does not fail."""
    path = log("key-order")
    for rules in ("RB006", "rb001,key-order", "any"):
        done = run(path, "--fail-on", rules)
        assert done.exit_code == 1
        assert "RB006" in done.stderr
    assert run(path, "--fail-on", "RB001").exit_code == 0


def test_an_unknown_rule_is_a_usage_error(log):
    """The message lists those that exist."""
    done = run(log("clean"), "--fail-on", "RB999")
    assert done.exit_code == 2
    assert "RB019" in done.stderr


def test_the_limit_of_dollars_a_month(log):
    """Misses of clean traffic cost nothing; those of planted traffic do, in a log that is too short for a month."""
    assert run(log("clean"), "--max-usd-per-month", "0").exit_code == 0
    short = run(log("volatile-id"), "--max-usd-per-month", "0.0001")
    assert short.exit_code == 1
    assert "the log is too short for a monthly figure" in short.stderr
    assert run(log("volatile-id"), "--max-usd-per-month", "100000").exit_code == 0
    assert run(log("clean"), "--max-usd-per-month", "much").exit_code == 2


def test_json_is_complete_and_exact(log):
    """Money is decimal text; every finding has its place and its evidence."""
    report = json.loads(run(log("whitespace"), "--json").stdout)
    (cause,) = report["causes"]
    assert (cause["rule"], cause["name"]) == ("RB007", "whitespace")
    assert len(cause["findings"]) == cause["misses"]
    assert cause["findings"][0]["difference"]["place"] == "system[0].text"
    assert sum(finding["tokens"] for finding in cause["findings"]) == cause["tokens"] == report["missed_tokens"]


def test_two_bodies_the_first_difference_and_its_price(pair):
    """The changed byte, both texts, the rule."""
    one, two = pair(f"It is 14:00:01. {RULES}", f"It is 14:00:59. {RULES}")
    done = run(one, two, "--model", MODEL)
    assert "first difference: system[0].text, byte 12" in done.stdout
    assert "  - It is 14:00:01. Rule" in done.stdout
    assert "  + It is 14:00:59. Rule" in done.stdout
    assert "RB003" in done.stdout
    assert "\x1b" not in done.stdout
    assert run(one, two, "--model", MODEL, "--fail-on", "volatile-text").exit_code == 1


def test_two_equal_bodies_have_no_miss(pair):
    """Thirty seconds apart; after six minutes the entry is gone."""
    one, two = pair(RULES, RULES)
    assert "no miss" in run(one, two, "--model", MODEL).stdout
    assert "RB012" in run(one, two, "--model", MODEL, "--gap", "360").stdout


def test_a_first_request_without_a_point_is_said(pair):
    """Texts that part at byte 0, and nothing written that could be read: both are named."""
    one, two = pair(f"A. {RULES}", f"B. {RULES}")
    bare = json.loads(one.read_text())
    del bare["system"][1]
    one.write_text(json.dumps(bare))
    done = run(one, two, "--model", MODEL)
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert "no miss" not in said
    assert "a.json has no cachePoint, so it wrote nothing" in said
    assert "The first difference, system[0].text, byte 0, leaves 0 tokens" in said
    assert "RB001  no cachePoint" in run(two, one, "--model", MODEL).stdout


def test_two_bodies_of_which_one_cannot_be_read(pair):
    """An unknown model: exit code 2, and the reason."""
    done = run(*pair(RULES, RULES), "--model", "no-such-model-9")
    assert done.exit_code == 2
    assert "no-such-model-9" in done.stderr


def test_a_model_is_asked_for(pair):
    """Bodies do not name one."""
    done = run(*pair(RULES, RULES))
    assert done.exit_code == 2
    assert "--model" in done.stderr


def test_damaged_lines_are_counted_and_named(log, tmp_path):
    """A cut line and a stray text among good records."""
    path = log("clean")
    good = gzip.decompress(path.read_bytes()).decode()
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text(good + '\n{"timestamp": "2026-09-\nnot json at all\n')
    done = run(damaged)
    assert done.exit_code == 0
    assert "2 damaged lines" in done.stderr
    assert f"{damaged}:19" in done.stderr


def test_nothing_to_read_is_a_usage_error(tmp_path):
    """An empty folder, and a file without a record."""
    (tmp_path / "other.json").write_text('{"some": "thing"}')
    assert run(tmp_path / "other.json").exit_code == 2
    assert run(tmp_path / "nowhere").exit_code != 0
