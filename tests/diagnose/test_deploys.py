"""Two versions of the instructions in one conversation: named, and at what they really cost."""

from decimal import Decimal

from rockbottom.diagnose import Archive, Cause, explain, read_all, with_savings
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


def test_pinning_each_conversation_to_a_version_is_tried(catalog):
    """What it would have cost is what the same conversation costs on one version throughout."""
    records, _ = conversation(turns=10, versions=2)
    archive = Archive(catalog)
    requests, _, _ = read_all(records, archive)
    findings = with_savings(explain(records, catalog), requests, archive, catalog)
    alone, _ = conversation(turns=10, versions=1)
    spent = explain(alone, catalog).spent
    (total,) = findings.totals
    assert total.saving.what == "each conversation kept to the version that it began with"
    assert abs(total.saving.after - spent) <= spent * Decimal("0.01")
    assert total.saving.before == findings.spent > spent * Decimal("1.5")


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
