"""Every fix that can be made mechanically is tried on the planted traffic, and its saving stated."""

import pytest

from rockbottom.diagnose import Archive, Cause, Stream, read_all, with_savings

SEED = 3
WITHOUT_A_MECHANICAL_FIX = {
    "tools-changed", "history-rewritten", "history-trimmed", "parameter-thinking", "parameter-effort",
    "parameter-tool-choice", "parameter-output-schema", "model-switched", "api-switched", "host-switched",
    "tail-changed", "unsupported", "unexplained", "not-looked-back",
}  # fmt: skip
RESTORED = {
    "tools-reordered", "key-order", "whitespace", "volatile-timestamp", "volatile-id", "volatile-counter",
    "volatile-words", "volatile-history", "point-not-advanced", "no-point", "region-hop",
}  # fmt: skip
WORDS = {
    Cause.VERSIONS_MIXED: "the version that it began with",
    Cause.VOLATILE_TEXT: "behind the last cachePoint", Cause.TOOLS_REORDERED: "tools in one order",
    Cause.NO_POINT: "points after the system prompt", Cause.POINT_NOT_ADVANCED: "points after the system prompt",
    Cause.TTL_EXPIRED: "ttl 1h", Cause.LOOKBACK_EXCEEDED: "a further point", Cause.REGION_HOP: "all served by",
    Cause.PARALLEL_WRITE: "once the first reply has begun", Cause.KEY_ORDER: "one spelling",
    Cause.WHITESPACE: "one spelling",
}  # fmt: skip


@pytest.fixture
def tried(traffic, catalog):
    """The only cause of a plant with what its fix saves."""

    def of(name):
        planted = traffic.planted(name, SEED, catalog)
        archive = Archive(catalog)
        requests, unreadable, _ = read_all(planted.records, archive)
        findings = Stream(catalog).run(archive, requests, unreadable)
        (total,) = with_savings(findings, requests, archive, catalog).totals
        assert total.cause is planted.cause
        return total

    return of


@pytest.fixture
def clean_bill(traffic, catalog):
    """What the same conversations cost with nothing planted."""
    records = traffic.planted("clean", SEED, catalog).records
    archive = Archive(catalog)
    requests, unreadable, _ = read_all(records, archive)
    return Stream(catalog).run(archive, requests, unreadable).spent


def names(traffic):
    return [name for name in traffic.PLANTS if name != "clean"]


PROVED = sorted(RESTORED | {"lookback-exceeded", "parallel-write", "ttl-expired", "versions-mixed"})


def test_every_plant_is_in_one_of_the_lists(traffic):
    """What a fix can do for a new cause has to be said here; a point under the minimum may have no deeper place."""
    assert set(PROVED) | WITHOUT_A_MECHANICAL_FIX | {"under-minimum"} == set(names(traffic))


@pytest.mark.parametrize("name", PROVED)
def test_the_fix_is_tried_and_saves(name, tried):
    """The same requests with the fix cost less, by the rules; which fix it was is said."""
    total = tried(name)
    assert total.saving is not None
    assert WORDS[total.cause] in total.saving.what
    if name != "ttl-expired":  # an hour for every point may cost more than one expiry: then that is said
        assert total.saving.usd > 0


@pytest.mark.parametrize("name", sorted(RESTORED))
def test_the_fix_brings_back_the_bill_of_clean_traffic(name, tried, clean_bill):
    """Where the plant only moved, reordered or respelled, the bill with the fix is that of clean traffic within 5%."""
    assert tried(name).saving.after <= clean_bill * 105 / 100


@pytest.mark.parametrize("name", sorted(WITHOUT_A_MECHANICAL_FIX))
def test_no_saving_is_promised_without_a_trial(name, tried):
    """What needs a decision of the author has advice, and no figure."""
    total = tried(name)
    assert total.saving is None
    assert total.cause.fix


def test_a_point_under_the_minimum(tried):
    """Tried as well: where no deeper place exists it saves nothing, and says so."""
    total = tried("under-minimum")
    assert total.saving is not None
    assert total.saving.usd >= 0
