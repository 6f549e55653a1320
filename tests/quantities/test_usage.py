"""Lifetimes and the units in which writes are billed: one list, from which everything else follows."""

from rockbottom.quantities import WRITES, Ttl, Unit, Usage


def test_a_lifetime_says_its_seconds_and_its_words():
    told = {ttl.value: (ttl.seconds, ttl.words) for ttl in Ttl}
    assert told == {"5m": (300, "5 minutes"), "30m": (1800, "30 minutes"), "1h": (3600, "1 hour")}


def test_the_codes_of_lifetimes_in_files_never_change():
    """Trace files of before hold 1 for five minutes and 2 for an hour; 0 is a point that names none."""
    assert {ttl.value: ttl.code for ttl in Ttl} == {"5m": 1, "1h": 2, "30m": 3}


def test_writes_of_which_no_lifetime_was_recorded_are_of_the_models_usual_one():
    """They stand under five minutes; a model that has only 30 minutes wrote them for 30. What was named stays."""
    usage = Usage.of(1, 2, 3, {Ttl.FIVE_MINUTES: 40, Ttl.ONE_HOUR: 5})
    assert usage.named((Ttl.THIRTY_MINUTES,)) == Usage.of(1, 2, 3, {Ttl.THIRTY_MINUTES: 40, Ttl.ONE_HOUR: 5})
    assert usage.named((Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)) == usage
    assert usage.named(()) == usage


def test_every_lifetime_has_a_unit_and_a_counter_of_its_own():
    assert set(WRITES) == set(Ttl)
    assert {unit.value for unit in Unit} == {"input", "output", "cache_read", *(unit.value for unit in WRITES.values())}
    usage = Usage.of(1, 2, 3, {ttl: number for number, ttl in enumerate(Ttl, 4)})
    assert usage.writes() == {Ttl.FIVE_MINUTES: 4, Ttl.THIRTY_MINUTES: 5, Ttl.ONE_HOUR: 6}
    assert (usage.cache_write, usage.total_input, usage.total) == (15, 19, 21)
    assert Usage(**usage.fields()) == usage
    assert list(usage.fields()) == [unit.value for unit in Unit]
