"""Every store keeps the same contract."""

import multiprocessing
import stat
import threading
import time

import pytest

from rockbottom.sharing import BadAddress, SqliteStore, StoreAway, ValkeyStore, address_of


def test_what_one_publishes_the_other_reads_in_order(stores):
    """Two entries, then one more behind the place that was read to."""
    one, other = stores
    one.publish(b"first")
    other.publish(b"second")
    read = other.read("", 0)
    assert list(read.entries) == [b"first", b"second"]
    assert list(one.read(read.place, 0).entries) == []
    one.publish(b"third")
    assert list(other.read(read.place, 0).entries) == [b"third"]


def test_who_waits_sees_an_entry_within_half_a_second(stores):
    """The reader was there first; what is published 0.2 s later is read at once, in the best of three (others may keep
    the machine busy)."""
    one, other = stores
    published: list[float] = []

    def publish() -> None:
        time.sleep(0.2)
        published.append(time.monotonic())
        one.publish(b"entry")

    late, place = [], ""
    for _ in range(3):
        thread = threading.Thread(target=publish)
        thread.start()
        read = []
        while not read:
            place, read = other.read(place, 2.0)
        late.append(time.monotonic() - published[-1])
        thread.join()
        assert list(read) == [b"entry"]
    assert min(late) < 0.5


def test_of_two_that_put_the_first_wins_until_it_ends(stores):
    """The second is told of the first; after a second, or once dropped, the place is free."""
    one, other = stores
    assert one.put_if_absent("name", b"one", 1.0) is None
    assert other.put_if_absent("name", b"other", 60) == b"one"
    time.sleep(1.2)
    assert other.put_if_absent("name", b"other", 60) is None
    one.drop("name")
    assert one.put_if_absent("name", b"again", 60) is None
    other.put("name", b"whatever is there", 60)
    assert one.put_if_absent("name", b"one", 60) == b"whatever is there"


def test_changes_by_many_at_once_are_all_made(stores):
    """Two threads count up by one, a hundred times each: 200. The clock is the store's, and near ours."""
    clocks: list[float] = []

    def change(value: bytes | None, _, now: float) -> bytes:
        clocks.append(now)
        return str(int(value or b"0") + 1).encode()

    def count(store) -> None:
        for _ in range(100):
            store.change("count", b"", change, 60)

    threads = [threading.Thread(target=count, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen: list[bytes | None] = []
    stores[0].change("count", b"", lambda value, _, now: seen.append(value) or b"0", 60)
    assert seen[-1] == b"200"
    assert abs(clocks[-1] - time.time()) < 5


def _count(path: str, together, times: int) -> None:
    """Open a store when all are there, and count up so often."""
    store = SqliteStore(path, wait_s=60)
    together.wait(60)
    for _ in range(times):
        store.change("count", b"", lambda value, *_: str(int(value or b"0") + 1).encode(), 60)
    store.close()


def test_many_processes_open_a_new_file_at_once(tmp_path):
    """Eight processes that open a file that is not there yet and count up by one, five times each: 40. Ten files."""
    forking = multiprocessing.get_context("fork")
    for number in range(10):
        path, together = str(tmp_path / f"{number}.db"), forking.Barrier(8)
        members = [forking.Process(target=_count, args=(path, together, 5)) for _ in range(8)]
        for member in members:
            member.start()
        for member in members:
            member.join()
        assert [member.exitcode for member in members] == [0] * 8
        values: list[bytes | None] = []
        SqliteStore(path).change("count", b"", lambda value, *_, values=values: values.append(value) or b"", 60)
        assert values == [b"40"]


def test_whoever_is_overtaken_on_a_server_has_a_turn(server):
    """Sixteen members put fifty entries each, by connections of their own; whoever is first takes in all that wait:
    800, each once, nobody turned away."""
    turned_away: list[StoreAway] = []

    def put(number: int) -> None:
        store = ValkeyStore(server.url, "test")
        for count in range(50):
            entry = f"{number}.{count}".encode()

            def taken_in(value: bytes | None, waiting, _: float, entry=entry) -> bytes | None:
                before = (value or b"").split()
                return None if entry in before else b" ".join([*before, *waiting])

            try:
                store.change("all", entry, taken_in, 60)
            except StoreAway as error:
                turned_away.append(error)
        store.close()

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not turned_away
    entries = (ValkeyStore(server.url, "test").put_if_absent("all", b"", 60) or b"").split()
    assert (len(entries), len(set(entries))) == (800, 800)


def test_a_store_that_is_closed_opens_again(stores):
    """Closing lets go of the connection, not of what is kept (but for memory, where it is all there is)."""
    one, _ = stores
    one.put("name", b"value", 60)
    one.close()
    assert one.put_if_absent("name", b"other", 60) in (b"value", None)


def test_a_server_that_is_not_there_is_one_kind_of_error(tmp_path):
    """Neither a port where nobody listens nor a folder in place of the file raises anything else."""
    for store in (ValkeyStore("redis://127.0.0.1:1/0", "test"), SqliteStore(str(tmp_path))):
        for use in (store.publish, store.drop, lambda _, store=store: store.read("", 0)):
            with pytest.raises(StoreAway):
                use("x")


def test_the_file_is_for_its_owner_only(tmp_path):
    """Mode 0600."""
    path = tmp_path / "share.db"
    SqliteStore(str(path)).publish(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_key_of_the_hashes_is_that_of_the_address_or_of_the_environment():
    """The same key in either place is the same secret; without one it is made of the password; ours do not travel."""
    by_address = address_of("redis://:pw@host:6379/2?name=team&key=k1", {})
    by_environment = address_of("valkey://:other@host/2?name=team", {"ROCKBOTTOM_SHARE_KEY": "k1"})
    by_password = address_of("redis://:pw@host/2", {})
    assert by_address.secret == by_environment.secret != by_password.secret
    assert by_password.secret == address_of("redis://:pw@elsewhere", {}).secret != address_of("redis://host", {}).secret
    assert (by_address.name, by_password.name) == ("team", "default")
    assert by_address.url == "redis://:pw@host:6379/2"
    assert address_of("valkeys://host?ssl_cert_reqs=none", {}).url == "rediss://host?ssl_cert_reqs=none"
    assert "pw" not in by_address.place + repr(by_address)


@pytest.mark.parametrize(
    "text",
    ["", "host:6379", "http://host", "redis://", "sqlite://", "redis://host?name=a b", "redis://host:0x/0",
     "redis://host:99999", "redis://host/cache"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_what_would_be_one(text):
    with pytest.raises(BadAddress):
        address_of(text, {})
