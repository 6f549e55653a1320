"""Who waits for whom, and for how long."""

import asyncio
import threading

from rockbottom.catalog import load_catalog
from rockbottom.client.flights import Tower, cache_of, named_in, prefixes_of
from rockbottom.dialects import RequestReader
from rockbottom.prompt import PrefixHash

A, B, C = PrefixHash(b"a"), PrefixHash(b"b"), PrefixHash(b"c")


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def _airborne(tower, prefixes, now=0.0):
    flight = tower.depart(prefixes, now)
    flight.airborne = True
    return flight


def test_a_request_that_shares_a_prefix_being_written_waits_and_goes_when_it_is_written():
    tower = Tower(5.0, Stopwatch())
    flight = _airborne(tower, [(A, 300.0)])
    assert tower.ahead_of([A, B]) is flight
    assert tower.ahead_of([B]) is None
    tower.arrive(flight, 0.0)
    assert flight.landed
    assert tower.ahead_of([A, B]) is None


def test_nobody_waits_for_a_prefix_that_is_known_to_be_there_until_it_expires():
    tower = Tower(5.0, Stopwatch())
    tower.arrive(_airborne(tower, [(A, 300.0)]), 0.0)
    assert tower.depart([(A, 300.0)], 299.0) is None
    assert tower.depart([(A, 300.0)], 300.0) is not None


def test_a_prefix_on_another_host_or_under_another_key_is_waited_for_by_nobody():
    """Neither is known to share entries; the same host and key do."""
    requests = RequestReader(load_catalog())
    part = {"type": "input_text", "text": "A rule. " * 2000, "prompt_cache_breakpoint": {"mode": "explicit"}}
    body = {"model": "openai.gpt-5.6-luna", "input": [{"role": "user", "content": [part]}]}

    def read(host="bedrock-mantle", **more):
        request = requests.read({**body, **more}, host)
        return request, cache_of(request), prefixes_of(request, 1024)

    tower = Tower(5.0, Stopwatch())
    first, cache, prefixes = read()
    flight = _airborne(tower, prefixes)
    assert tower.ahead_of(first.hashes, cache) is flight
    for other, other_cache, other_prefixes in (read(""), read(prompt_cache_key="a")):
        assert other.hashes == first.hashes
        assert tower.ahead_of(other.hashes, other_cache) is None
        assert tower.depart(other_prefixes, 0.0) is not None
    tower.arrive(flight, 0.0)
    assert tower.depart(prefixes, 1.0) is None
    assert len({len(named_in(name, first.hashes[0])) for name in (b"", b"bedrock-mantle\nkey")}) == 1


def test_the_wait_is_bounded_from_the_departure_of_the_first():
    clock = Stopwatch()
    tower = Tower(5.0, clock)
    flight = _airborne(tower, [(A, 300.0)])
    clock.seconds += 3
    assert tower.remaining(flight) == 2.0
    clock.seconds += 3
    assert tower.ahead_of([A]) is None
    assert tower.depart([(A, 300.0)], 0.0) is not None  # the next one may lead


def test_a_request_that_boto3_never_sent_holds_nobody_up_for_long():
    clock = Stopwatch()
    tower = Tower(5.0, clock)
    tower.depart([(A, 300.0)], 0.0)
    assert tower.ahead_of([A]) is not None
    clock.seconds += 0.3
    assert tower.ahead_of([A]) is None


def test_after_a_failure_the_next_one_leads():
    tower = Tower(5.0, Stopwatch())
    flight = _airborne(tower, [(A, 300.0)])
    tower.abandon(flight)
    assert flight.landed
    assert tower.ahead_of([A]) is None
    assert tower.depart([(A, 300.0)], 0.0) is not None


def test_the_deepest_prefix_under_way_is_the_one_waited_for():
    tower = Tower(5.0, Stopwatch())
    _airborne(tower, [(A, 300.0)])
    deeper = _airborne(tower, [(B, 300.0)])
    assert tower.ahead_of([A, B, C]) is deeper


def test_an_event_loop_is_not_blocked_while_a_task_waits():
    tower = Tower(60.0)
    flight = _airborne(tower, [(A, 300.0)])

    async def scene() -> list[str]:
        seen: list[str] = []

        async def waiter() -> None:
            await flight.wait_async(60.0)
            seen.append("woken")

        task = asyncio.create_task(waiter())
        await asyncio.sleep(0)
        seen.append("loop free")
        threading.Thread(target=lambda: tower.arrive(flight, 0.0)).start()
        await task
        return seen

    assert asyncio.run(scene()) == ["loop free", "woken"]


def test_an_asynchronous_wait_ends_by_itself():
    flight = _airborne(Tower(60.0), [(A, 300.0)])
    asyncio.run(flight.wait_async(0.0))
    assert not flight.landed


def test_what_is_remembered_is_bounded():
    tower = Tower(5.0, Stopwatch())
    for number in range(6000):
        tower.arrive(_airborne(tower, [(PrefixHash(str(number).encode()), 300.0)]), 0.0)
    assert len(tower._alive) == 4096
