"""Suites of other projects, as published, against the local endpoint: a failure that is not expected is one of ours."""

import tomllib
from importlib.util import find_spec

import pytest

from rockbottom.local import running
from tests.peers.running_suites import HERE, mended, run, unexpected

SUITES = tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_a_suite_fails_where_it_is_expected_to_and_nowhere_else(name, tmp_path, record_property, capsys):
    if find_spec("pytest_timeout") is None:
        pytest.skip("what the suites need is not installed here: make peers runs this")
    suite = SUITES[name]
    expected = suite.get("expected", [])
    with running() as endpoint:
        if "pace" in suite:  # a stream that has ended before its first event was read cannot be cancelled
            endpoint.state.latency.change({"mode": "wait", "models": {"*": suite["pace"]}})
        outcome = run(suite, endpoint.url, tmp_path / "report.xml")
    new = unexpected(outcome.failed, expected)
    with capsys.disabled():
        counts = f"{outcome.passed} passed, {len(outcome.failed)} failed ({len(new)} new), {outcome.skipped} skipped"
        print(f"\n{name}: {counts}")
        for pattern in mended(outcome.failed, expected):
            print(f"  passes now, and is still expected to fail: {pattern}")
    assert outcome.passed > 0
    assert new == {}


def test_every_expected_failure_has_its_reason():
    rows = [row for suite in SUITES.values() for row in suite.get("expected", [])]
    assert [row for row in rows if not row.get("reason") or not row.get("tests")] == []


def test_a_failure_that_nobody_expects_is_new():
    expected = [{"tests": "*::test_known*", "reason": "known"}, {"tests": "*::test_mended", "reason": "mended"}]
    failed = {"tests/a::test_known[x]": "", "tests/a::test_other": "why"}
    assert unexpected(failed, expected) == {"tests/a::test_other": "why"}
    assert mended(failed, expected) == ["*::test_mended"]
