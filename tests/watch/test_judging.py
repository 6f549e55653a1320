"""Causes of misses from what a ledger holds: hand-made calls, one cause each."""

import tempfile

from rockbottom.ledger import LedgerWriter
from rockbottom.tables import LedgerTables
from rockbottom.watch.asking import latest_misses
from tests.watch.traffic import SONNET, call, catalog, read, write

NOON = 1_795_000_000.0


def judged(*calls):
    """The miss of each call, None where it was none; all of them are recorded, then taken in."""
    with tempfile.TemporaryDirectory() as folder:
        writer = LedgerWriter(folder)
        for one in calls:
            writer.record(one)
        with LedgerTables(folder, catalog(), lambda: NOON + 86_400) as tables:
            tables.catch_up()
            misses = latest_misses(tables, 0, NOON + 86_400, False, lambda model: model)
    found = {miss.at: miss for miss in misses}
    return [found.get(one.at) for one in calls]


def causes(*calls):
    """The rule of each call, None where it was no miss."""
    return [None if miss is None else miss.rule or miss.cause for miss in judged(*calls)]


def last(*calls):
    """The miss of the last call."""
    return judged(*calls)[-1]


def test_the_first_write_of_a_prefix_is_no_miss():
    """Somebody has to write it."""
    assert causes(write(NOON), read(NOON + 10)) == [None, None]


def test_a_pause_longer_than_the_ttl_is_named_with_the_gap():
    """Five minutes without a touch, and the entry is gone; reads keep it alive before that."""
    miss = last(write(NOON), read(NOON + 200), write(NOON + 200 + 312))
    assert (miss.rule, miss.tokens) == ("RB012", 4000)
    assert miss.evidence == "5 min 12 s since it was last used; it lives 5 min"


def test_an_entry_of_an_hour_outlives_a_pause_of_six_minutes():
    """The TTL is that of the write: read or not, six minutes are no reason for entries of an hour."""
    hour = call(NOON, cache_write_1h=4000, input=10, cacheable=4000, family="3fa91c: 4,000 tokens, Claude Sonnet 4.6")
    assert last(hour, write(NOON + 360)).rule == "RB019"
    assert last(hour, write(NOON + 3700)).evidence == "1 h 1 min since it was last used; it lives 1 h"


def test_another_region_is_named_when_the_live_entry_is_there():
    """An entry of the Region before is live and out of reach."""
    miss = last(write(NOON), write(NOON + 20, region="us-west-2"))
    assert (miss.rule, miss.evidence) == ("RB013", "the live entry is in us-east-1, the call went to us-west-2")


def test_another_host_is_named_when_the_live_entry_is_there():
    """Each host is taken to have entries of its own; what its own has expired of is no matter of hosts."""
    mantle = {"host": "bedrock-mantle"}
    miss = last(write(NOON), write(NOON + 20, **mantle))
    evidence = "the live entry is at bedrock-runtime, the call went to bedrock-mantle"
    assert (miss.rule, miss.evidence, miss.tokens) == ("RB021", evidence, 4000)
    assert causes(write(NOON), write(NOON + 20, **mantle), read(NOON + 40, **mantle), read(NOON + 50))[2:] == [None] * 2
    assert last(write(NOON, **mantle), write(NOON + 400, **mantle)).rule == "RB012"


def test_what_the_service_marked_by_itself_is_marked():
    """GPT's own point is in no request: what was written or read shows that it was there."""
    family = {"points": 0, "family": "3fa91c: 4,000 tokens", "cacheable": 4000}
    sent = call(NOON, "openai.gpt-5.6-luna", cache_write_30m=4000, input=180, **family)
    again = call(NOON + 2000, "openai.gpt-5.6-luna", cache_write_30m=4000, input=180, **family)
    assert causes(sent, again) == [None, "RB012"]
    bare = call(NOON + 60, "openai.gpt-5.6-luna", input=4180, **family)
    assert last(sent, bare).rule == "RB001"


def test_a_tail_that_changes_under_the_services_own_point_is_named():
    """GPT keeps the prompt up to its latest message as one entry: 4,000 tokens of rules before another question."""
    model = {"model": "openai.gpt-5.6-luna", "points": 0, "input": 2, "cache_read": 0, "family": "3fa91c: 4,000 tokens"}

    def asked(at, question, **more):
        return call(
            at, **model | {"cache_write_30m": 4030, "hashes": ["aa" * 8, question * 8], "depths": [4000, 4030]} | more
        )

    first, other = asked(NOON, "01"), asked(NOON + 20, "02")
    miss = last(first, other)
    assert (miss.rule, miss.tokens) == ("RB022", 4000)
    assert miss.evidence == "the service kept the whole prompt of the call before it, and this one ends differently"
    grown = {"hashes": ["aa" * 8, "01" * 8, "03" * 8], "depths": [4000, 4030, 4300]}
    assert last(first, asked(NOON + 20, "", cache_write_30m=270, cache_read=4030, **grown)) is None
    unread = last(first, asked(NOON + 20, "", cache_write_30m=4300, **grown))
    assert (unread.rule, unread.tokens) == ("RB019", 4030)  # all of the first is in the second, and was live


def test_calls_that_left_before_the_writer_answered_wrote_too():
    """The writer's reply began after 900 ms; the second call left after 300."""
    miss = last(write(NOON), write(NOON + 0.3))
    assert (miss.rule, miss.evidence) == ("RB014", "left 300 ms after its writer, before the reply began")


def test_a_live_entry_that_was_not_read_is_unexplained():
    """Nothing in the ledger says why, so nothing is guessed."""
    assert last(write(NOON), write(NOON + 60)).rule == "RB019"


def test_no_point_on_a_prefix_that_was_sent_before():
    """The same 4,000 tokens again without a cachePoint."""
    bare = read(NOON + 30, cache_read=0, input=4180, points=0, cacheable=0)
    assert last(write(NOON), bare).rule == "RB001"


def test_a_point_under_the_minimum_is_told_with_both_numbers():
    """The family is long enough, and the last point stands too early."""
    short = read(NOON + 30, cache_read=0, input=4180, cacheable=600)
    miss = last(write(NOON), short)
    assert (miss.rule, miss.evidence) == ("RB002", "the last point stands at 600 tokens; the model needs 1,024")


def test_a_prefix_below_the_minimum_is_nobody_s_miss():
    """Too little repeats for any point to help."""
    small = [read(NOON + at, size=700, cache_read=0, input=900, points=0, cacheable=0) for at in (0, 10)]
    assert causes(*small) == [None, None]


def test_a_new_prefix_of_the_same_size_took_the_place_of_the_old():
    """One byte moved by a deploy: another digest, nearly the same size, the same tags."""
    tags = {"feature": "chat"}
    new = write(NOON + 60, family="b7e210: 4,012 tokens, Claude Sonnet 4.6", tags=tags)
    miss = last(write(NOON, tags=tags), read(NOON + 10, tags=tags), new)
    assert (miss.rule, miss.cause, miss.tokens) == (None, "the prefix changed", 4012)
    assert miss.evidence == "a new prefix of 4,012 tokens in the place of one of 4,000 (2 calls)"


def test_a_prefix_of_another_size_is_another_program_s():
    """Half as large again: a second agent, cold once."""
    other = write(NOON + 60, family="b7e210: 6,000 tokens, Claude Sonnet 4.6")
    assert causes(write(NOON), other) == [None, None]


def test_a_prefix_that_is_new_each_time_changes_every_time():
    """A clock in the system prompt: from the third on it is no coincidence."""
    calls = [write(NOON + at, family=f"{at:06x}: 4,000 tokens, Claude Sonnet 4.6") for at in range(0, 50, 10)]
    assert causes(*calls) == [None, "the prefix changed", "RB003", "RB003", "RB003"]


def test_what_the_client_noticed_is_believed():
    """The client saw the request itself."""
    assert last(write(NOON), write(NOON + 60, cause="RB005")).cause == "tools in another order"


def test_a_changed_prefix_that_the_client_noticed_has_its_tokens():
    """The record names the rule; the size of the prefix says how much was missed."""
    new = write(
        NOON + 60, family="b7e210: 4,012 tokens, Claude Sonnet 4.6", cause="RB003", hashes=("bb",), depths=(4012,)
    )
    miss = last(write(NOON, hashes=("aa",), depths=(4000,)), new)
    assert (miss.rule, miss.tokens) == ("RB003", 4012)


def test_what_nobody_can_tell_is_no_miss():
    """Failed calls, calls without usage, and a read that another conversation may have cut short."""
    partly = read(NOON + 20, cache_read=1500, input=2680)
    odd = [call(NOON + 30, status="failed"), call(NOON + 40, status="no usage")]
    assert causes(write(NOON), partly, *odd) == [None, None, None, None]


HASHES, DEPTHS = ("aa", "bb", "cc"), (2000, 4000, 6000)


def test_hashes_show_what_a_conversation_could_have_read():
    """Turn two shares 6,000 tokens with turn one and read only 2,000 of them, 400 s later."""
    one = write(NOON, cache_write_5m=6000, hashes=HASHES, depths=DEPTHS, cacheable=6000)
    two = read(
        NOON + 400, cache_read=2000, cache_write_5m=4800, hashes=(*HASHES, "dd"), depths=(*DEPTHS, 6800), cacheable=6800
    )
    miss = last(one, two)
    assert (miss.rule, miss.tokens) == ("RB012", 4000)


def test_hashes_show_that_two_conversations_share_only_their_system_prompt():
    """Turn one of another conversation reads the 2,000 tokens that both begin with: nothing was missed."""
    one = write(NOON, cache_write_5m=6000, hashes=HASHES, depths=DEPTHS, cacheable=6000)
    other = read(
        NOON + 5, cache_read=2000, cache_write_5m=3000, hashes=("aa", "xx"), depths=(2000, 5000), cacheable=5000
    )
    assert causes(one, other) == [None, None]


def test_what_was_sent_behind_the_last_point_was_never_marked():
    """The earlier call marked 2,000 of the 6,000 tokens that are sent again."""
    one = write(NOON, size=2000, input=4200, hashes=HASHES, depths=DEPTHS)
    two = read(NOON + 10, size=2000, input=4800, hashes=HASHES, depths=DEPTHS, cacheable=6000)
    assert last(one, two).rule == "RB010"


def test_a_miss_costs_what_was_paid_above_a_read():
    """4,000 tokens written at 3.75 x 1.1 $/M instead of read at 0.30 x 1.1 $/M (Sonnet 4.6, the US profile)."""
    from decimal import Decimal

    write_price, read_price = (_price(SONNET, unit) for unit in ("cache_write_5m", "cache_read"))
    assert last(write(NOON), write(NOON + 60)).lost_usd == 4000 * (write_price - read_price) / Decimal(1_000_000)


def _price(model, unit):
    from datetime import UTC, datetime

    from rockbottom.catalog import Tier
    from rockbottom.quantities import Unit
    from tests.watch.traffic import catalog

    known = catalog().model(model)
    on = datetime.fromtimestamp(NOON, UTC).date()
    return catalog().price_book.price(known.model.id, known.scope, Tier.DEFAULT, Unit(unit), on).usd_per_mtok
