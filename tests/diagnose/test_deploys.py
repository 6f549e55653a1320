"""Two versions of the instructions in one conversation: named, and at what they really cost."""

from rockbottom.diagnose import Cause, explain
from tests.diagnose.rolling import conversation


def test_a_rolling_deploy_is_named_with_its_cost(catalog):
    """Ten turns, the versions in turn: from the second turn on each writes what the other version had.

    Turn n has 4,000 tokens of instructions and 600 of every message before; nothing but its own version's entry of two
    turns before is read.
    """
    records, missed = conversation(turns=10, versions=2)
    findings = explain(records, catalog)
    (total,) = findings.totals
    assert total.cause is Cause.VERSIONS_MIXED
    assert len(total.findings) == 9
    assert abs(total.tokens - missed) <= missed // 20
    assert "2 versions of the instructions in turn" in total.example.evidence
    assert findings.small_misses == 0


def test_one_change_of_the_instructions_is_no_rolling_deploy(catalog):
    """A new version that stays is a changed text, once."""
    records, _ = conversation(turns=10, versions=2, switch_at=5)
    causes = [total.cause for total in explain(records, catalog).totals]
    assert Cause.VERSIONS_MIXED not in causes


def test_conversations_of_two_applications_are_not_mixed(catalog):
    """Both begin with the same question, each with instructions of its own."""
    one, _ = conversation(turns=4, versions=1)
    other, _ = conversation(turns=4, versions=1, first_version=1, answers="Other answer", start=7.0)
    causes = [total.cause for total in explain([*one, *other], catalog).totals]
    assert Cause.VERSIONS_MIXED not in causes
