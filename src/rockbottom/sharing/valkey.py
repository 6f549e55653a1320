"""A store for several machines: Valkey or Redis, by redis-py, which speaks to both."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

from rockbottom.extras import needing
from rockbottom.sharing.errors import StoreAway
from rockbottom.sharing.store import STREAM_KEPT, Change, Read

_ANSWER_S = 1.0
_AT_ONCE = 200
_TRIES, _LONGEST_PAUSE_S = 50, 0.02
_REJOINED_S, _TOLD_S = 2.0, 0.5  # after a server's start members are connected again; asked, those who are tell
Answer = TypeVar("Answer")


def load_client() -> None:
    """Import here and now what a store needs at its first connection, where it is installed.

    A fork while another thread imports leaves the child an import that never ends, and so its program's own.
    """
    with suppress(ImportError):
        for name in (
            "redis",
            "redis.backoff",
            "redis.exceptions",
            "redis.retry",
            "email.parser",
            "encodings.idna",
        ):
            import_module(name)


class ValkeyStore:
    """A connection that is made when it is first needed, and again after each failure.

    ``name`` begins every key, so that one server may serve several groups. Nothing here waits longer than a second.
    ``sleep`` and ``chance`` (from 0 to 1) space the tries of those who change the same key.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url, self._name, self._sleep, self._chance = url, name, sleep, chance
        self._connection: Any = None
        self.era, self._began = "", float("-inf")

    def quiet_until(self, now: float) -> float:
        return max(self._began + _REJOINED_S, now + _TOLD_S)

    def publish(self, entry: bytes) -> None:
        self._asked(lambda db: db.xadd(self._key("stream"), {b"e": entry}, maxlen=STREAM_KEPT, approximate=True))

    def read(self, place: str, wait_s: float) -> Read:
        wait_ms = max(1, int(min(wait_s, _ANSWER_S / 2) * 1000))
        key = self._key("stream")
        streams: Any = self._asked(lambda db: db.xread({key: place or "0"}, count=_AT_ONCE, block=wait_ms))
        if not streams:
            return Read(place, [])
        rows: Any = streams[0][1]
        # An entry of another program's is passed by: who stopped at it would read nothing any more.
        return Read(rows[-1][0].decode(), [fields[b"e"] for _, fields in rows if b"e" in fields])

    def change(self, name: str, entry: bytes, change: Change, for_s: float) -> None:
        self._asked(lambda db: self._changed(db, self._key(name), entry, change, for_s))

    def put_if_absent(self, name: str, value: bytes, for_s: float) -> bytes | None:
        key, lives_ms = self._key(name), _lives_ms(for_s)

        def put(db: Any) -> bytes | None:
            pipe = db.pipeline(transaction=True)
            pipe.set(key, value, nx=True, px=lives_ms)
            pipe.get(key)
            was_put, there = pipe.execute()
            return None if was_put else there

        return self._asked(put)

    def put(self, name: str, value: bytes, for_s: float) -> None:
        self._asked(lambda db: db.set(self._key(name), value, px=_lives_ms(for_s)))

    def drop(self, name: str) -> None:
        self._asked(lambda db: db.delete(self._key(name)))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _key(self, name: str) -> str:
        return f"{self._name}:{name}"

    def _changed(self, db: Any, key: str, entry: bytes, change: Change, for_s: float) -> None:
        """Set it to what ``change`` makes of it; whoever was overtaken waits a moment, so that all have their turn."""
        from redis.exceptions import WatchError

        waiting_key = f"{key}:waiting" if "}" in key else f"{{{key}}}:waiting"  # a cluster keeps both in one slot
        read = [("TIME",), ("GET", key), ("LRANGE", waiting_key, 0, _AT_ONCE - 1)]
        first = [("RPUSH", waiting_key, entry), ("PEXPIRE", waiting_key, _lives_ms(for_s))]
        for number in range(_TRIES):
            with db.pipeline(transaction=True) as pipe:
                try:
                    pipe.watch(key)
                    answers = _answers(pipe.connection, read if number else first + read)
                    (seconds, micros), before, waiting = answers[-3:]
                    ahead = waiting.index(entry) if number == 0 and entry in waiting else 0
                    if ahead:  # whoever is first takes in all of them; the others look again in a moment
                        self._sleep(self._chance() * min(_LONGEST_PAUSE_S, 0.001 * ahead))
                        continue
                    value = change(before, waiting, int(seconds) + int(micros) / 1e6)
                    if value is None:
                        return
                    pipe.multi()
                    pipe.set(key, value, px=_lives_ms(for_s))
                    pipe.ltrim(waiting_key, len(waiting), -1)
                    pipe.execute()
                    return
                except WatchError:
                    pass
            self._sleep(self._chance() * min(_LONGEST_PAUSE_S, 0.0005 * 2**number))
        raise StoreAway(f"Contention: {key} is changed by others all the time")

    def _asked(self, use: Callable[[Any], Answer]) -> Answer:
        """Use the connection. Raises StoreAway, MissingExtra."""
        with needing("sharing through Valkey or Redis"):
            from redis.exceptions import RedisError

        try:
            if self._connection is None:
                self._connection = self._connected()
                self.era, self._began = self._run(self._connection)
            return use(self._connection)
        except (RedisError, OSError) as error:
            self.close()
            raise StoreAway(f"{type(error).__name__}: {error}") from error

    @staticmethod
    def _run(db: Any) -> tuple[str, float]:
        """The number of this run of the server, and when it began at the latest; "" and -inf where it tells none."""
        from redis.exceptions import ResponseError

        try:
            run = db.info("server")
            return str(run.get("run_id", "")), db.time()[0] - float(run.get("uptime_in_seconds", "inf"))
        except (ResponseError, ValueError):  # not allowed, or not known to a service that is like them
            return "", float("-inf")

    def _connected(self) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client: Any = redis.Redis
        return client.from_url(
            self._url,
            protocol=2,  # spoken by every Redis and Valkey, and by the services that are like them
            socket_timeout=_ANSWER_S,
            socket_connect_timeout=_ANSWER_S,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=True,
        )


def _answers(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The answers to several commands that travel together. Raises RedisError."""
    connection.send_packed_command(connection.pack_commands(commands))
    return [connection.read_response() for _ in commands]


def _lives_ms(for_s: float) -> int:
    return max(1, int(for_s * 1000))
