"""Whose responses, batches and files are: what one key made is there for that key alone.

A name is learned from the reply that tells it, before the caller has it, and kept for thirty days: in the store that
gateways share, or in a file beside the table of keys. Where neither can be written, this process alone knows, until it
ends (a warning says so once). A name that nobody is known to have made is nobody's.
"""

import asyncio
import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from rockbottom.catalog import RUNTIME
from rockbottom.gateway.asking import Asked
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.keys import Key
from rockbottom.quantities import Undecodable, decoded, is_list, is_object
from rockbottom.sharing import Store, StoreAway

_log = logging.getLogger("rockbottom.gateway")
KEPT_S = 30 * 86_400.0
"""Seconds that an owner is remembered; OpenAI keeps a response for 30 days (API reference, Responses, ``store``)."""
_EVERYBODY = "-"  # no id of a key
_AT_HAND = 10_000  # owners that are remembered in memory too
_ASKED_S = 0.001  # how long the question who owns a name stands in the store as an answer
_MOST_NAMES = 3  # of a batch: its own, and its files of results and of errors
_MOST_READ = 65_536  # bytes of a reply that are looked at for a name
_TOLD = re.compile(rb'"(?:id|output_file_id|error_file_id)"\s*:\s*"((?:resp|batch|file)[_-][A-Za-z0-9_-]+)"')
_MAKING = frozenset({"Responses", "CreateBatch", "GetBatch", "CancelBatch", "CreateFile"})
"""Operations whose replies name what their caller may ask for; of a batch also the files of its results."""
_NAMING = frozenset(
    {f"{verb}{kind}" for verb in ("Get", "Delete", "Cancel") for kind in ("Response", "Batch", "File")}
    | {"GetFileContent"}
)
_MISSING = {"Response": "Response not found.", "Batch": "Batch not found.", "File": "File not found."}


class Owners:
    """Knows by key id who made what. ``store`` None: it is remembered in this process alone."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._lock = threading.Lock()  # a store takes one thread at a time
        self._known: OrderedDict[str, str] = OrderedDict()
        self._warned = False

    async def checked(self, read: Asked, key: Key) -> Asked:
        """The request, at the host where what it names was made.

        Raises Refused where another key made it, or nobody who is known. On an open gateway it is everybody's.
        """
        for name in named_in(read):
            owner, _, host = (await self._owner(name)).partition(" ")
            if owner != (key.id or _EVERYBODY) and key.id:
                kind = next((kind for kind in _MISSING if name.startswith(kind[:4].lower())), "Response")
                raise Refused(404, "ResourceNotFoundException", _MISSING[kind])
            if host and read.route.host is None:
                read = replace(read, route=replace(read.route, host=host))
        return read

    def learning(self, read: Asked, key: Key) -> "Learning | None":
        """What learns from the good reply to a request; None where nothing is to be learned."""
        body = read.body
        made = read.route.operation in _MAKING and not (body is not None and body.get("store") is False)
        if not made:
            return None
        owner = f"{key.id or _EVERYBODY} {read.route.host or RUNTIME}"
        return Learning(self, owner, most=1 if read.route.operation == "Responses" else _MOST_NAMES)

    async def put(self, name: str, owner: str) -> None:
        """Remember an owner, and the host where it was made, with a space between."""
        cell = _cell(name)
        self._at_hand(cell, owner)
        if self._store is not None:
            await asyncio.to_thread(self._kept, cell, owner)

    async def _owner(self, name: str) -> str:
        """What is remembered of a name; "" where nothing is."""
        cell = _cell(name)
        owner = self._known.get(cell)
        if owner is None and self._store is not None:
            owner = await asyncio.to_thread(self._looked_up, cell)
            if owner:
                self._at_hand(cell, owner)
        return owner or ""

    def _at_hand(self, cell: str, owner: str) -> None:
        self._known[cell] = owner
        self._known.move_to_end(cell)
        if len(self._known) > _AT_HAND:
            self._known.popitem(last=False)

    def _kept(self, cell: str, owner: str) -> None:
        assert self._store is not None
        try:
            with self._lock:
                self._store.put(cell, owner.encode(), KEPT_S)
        except StoreAway as error:
            self._say(error)

    def _looked_up(self, cell: str) -> str:
        """The owner; "" where none is known. To ask and to claim for nobody is one in a store."""
        assert self._store is not None
        try:
            with self._lock:
                return (self._store.put_if_absent(cell, b"", _ASKED_S) or b"").decode()
        except StoreAway as error:
            self._say(error)
            return ""

    def _say(self, error: StoreAway) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("whose responses are is remembered in this process alone: %s", error)


class Learning:
    """Looks for names in the pieces of one reply."""

    def __init__(self, owners: Owners, owner: str, most: int) -> None:
        self._owners, self._owner, self._most = owners, owner, most
        self._held, self._size = b"", 0
        self._put: set[str] = set()

    async def see(self, piece: bytes) -> None:
        """Learn from a piece of the reply, before it goes on."""
        if self._size >= _MOST_READ or len(self._put) >= self._most:
            return
        self._size += len(piece)
        self._held = (self._held + piece)[-_MOST_READ:]
        for told in _TOLD.findall(self._held):
            name = told.decode()
            if name not in self._put and len(self._put) < self._most:
                self._put.add(name)
                await self._owners.put(name, self._owner)


def named_in(read: Asked) -> Iterator[str]:
    """The responses, batches and files that a request names. Objects of S3 are nobody's in particular."""
    surface, body = read.route.surface, read.body
    if surface is not None and surface.operation in _NAMING:
        yield surface.identifier
    if read.route.operation == "CreateBatch":
        body = _object(read.request.body)
    if body is None:
        return
    for member in ("previous_response_id", "input_file_id"):
        name = body.get(member)
        if isinstance(name, str) and name and not name.startswith("s3://"):
            yield name
    yield from _files_in(body.get("input"))


def _files_in(items: object) -> Iterator[str]:
    for item in items if is_list(items) else ():
        content = item.get("content") if is_object(item) else None
        for part in content if is_list(content) else ():
            name = part.get("file_id") if is_object(part) else None
            if isinstance(name, str):
                yield name


def _object(data: bytes) -> dict[str, object] | None:
    try:
        return decoded(data, dict[str, object])
    except Undecodable:
        return None


def _cell(name: str) -> str:
    return "owner:" + hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
