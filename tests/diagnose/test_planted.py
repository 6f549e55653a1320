"""Every planted cause is named, and clean traffic has none."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rockbottom.diagnose import Cause, explain

PLANTS = [
    "no-point", "under-minimum", "volatile-timestamp", "volatile-id", "volatile-counter", "volatile-history",
    "volatile-words", "tools-changed", "tools-reordered", "key-order", "whitespace", "history-rewritten",
    "history-trimmed", "point-not-advanced", "lookback-exceeded", "ttl-expired", "region-hop", "parallel-write",
    "parameter-thinking", "parameter-effort", "parameter-tool-choice", "parameter-output-schema", "model-switched",
    "api-switched", "unsupported", "unexplained", "versions-mixed",
    "host-switched", "tail-changed", "not-looked-back",
]  # fmt: skip
_FEW = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def test_every_cause_of_the_list_is_planted(traffic):
    """A new cause comes with a plant."""
    assert {cause for cause, _ in traffic.PLANTS.values()} == {*Cause, None}
    assert {*traffic.PLANTS} == {*PLANTS, "clean"}


@pytest.mark.parametrize("name", PLANTS)
@_FEW
@given(seed=st.integers(0, 10_000), sessions=st.integers(2, 4), turns=st.integers(5, 9))
def test_the_planted_cause_is_named_and_no_other(name, traffic, catalog, seed, sessions, turns):
    """Every finding in planted traffic is of the planted cause, and every planted miss has a finding."""
    planted = traffic.planted(name, seed, catalog, sessions, turns)
    findings = {finding.number: finding for finding in explain(planted.records, catalog)}
    assert {finding.cause for finding in findings.values()} <= {planted.cause}
    assert [number for number in planted.missed if number not in findings] == []


@settings(parent=_FEW, max_examples=12)
@given(seed=st.integers(0, 100_000), sessions=st.integers(1, 6), turns=st.integers(1, 9))
def test_clean_traffic_has_no_finding(traffic, catalog, seed, sessions, turns):
    """Interleaved sessions that share a system prompt and do everything right give no finding."""
    planted = traffic.planted("clean", seed, catalog, sessions, turns)
    findings = explain(planted.records, catalog)
    assert list(findings) == []
    assert findings.requests == sessions * turns
