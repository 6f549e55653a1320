"""Whose responses, batches and files are: what one key made is there for that key alone.

A name is learned from the reply that tells it, before the caller has it, and kept for thirty days: in the store that
gateways share, or in a file beside the table of keys. While that gives no answer this process alone knows what it
learns (a warning says so once), and whoever asks for what another gateway may have made is told to ask again. A name
that nobody is known to have made is nobody's.
"""

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from rockbottom.catalog import RUNTIME
from rockbottom.gateway.asking import RoutedRequest
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.keys import GatewayKey
from rockbottom.gateway.owner_store import OwnerStore
from rockbottom.quantities import Undecodable, decoded, is_list, is_object
from rockbottom.sharing import Store

_log = logging.getLogger("rockbottom.gateway")
_EVERYBODY = "-"  # no id of a key
_AT_HAND = 10_000  # owners that are remembered in memory too
_PUT_S, _ASKED_S = 0.05, 1.0  # the longest that a call waits until an owner is in the store, and for an answer of it
_MOST_NAMES = 3  # of a batch: its own, and its files of results and of errors
_MOST_READ = 65_536  # bytes of a reply that are looked at for a name
_OWNED_IDS = re.compile(rb'"(?:id|output_file_id|error_file_id)"\s*:\s*"((?:resp|batch|file)[_-][A-Za-z0-9_-]+)"')
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
        self._store = None if store is None else OwnerStore(store, self._say)
        self._known: OrderedDict[str, str] = OrderedDict()
        self._warned = False

    def close(self) -> None:
        """Put what is not in the store yet, and let go of it; at most a second."""
        if self._store is not None:
            self._store.close()

    async def checked(self, read: RoutedRequest, key: GatewayKey) -> RoutedRequest:
        """The request, at the host where what it names was made.

        Raises Refused where another key made it, or nobody who is known, and where that cannot be told now. On an open
        gateway it is everybody's.
        """
        for name in named_in(read):
            owner_and_host = await self._owner(name)
            owner, _, host = (owner_and_host or "").partition(" ")
            if owner != (key.id or _EVERYBODY) and key.id:
                kind = next((kind for kind in _MISSING if name.startswith(kind[:4].lower())), "Response")
                if owner_and_host is None:
                    message = f"Whose {kind.lower()} this is cannot be looked up now; try again."
                    raise Refused(503, "ServiceUnavailableException", message, retry_after_s=1.0)
                raise Refused(404, "ResourceNotFoundException", _MISSING[kind])
            if host and read.route.host is None:
                read = replace(read, route=replace(read.route, host=host))
        return read

    def learning(self, read: RoutedRequest, key: GatewayKey) -> "OwnerSeeker | None":
        """What learns from the good reply to a request; None where nothing is to be learned."""
        body = read.body
        is_making = read.route.operation in _MAKING and not (body is not None and body.get("store") is False)
        if not is_making:
            return None
        owner = f"{key.id or _EVERYBODY} {read.route.host or RUNTIME}"
        return OwnerSeeker(self, owner, most=1 if read.route.operation == "Responses" else _MOST_NAMES)

    async def put(self, name: str, owner: str) -> None:
        """Remember an owner, and the host where it was made, with a space between."""
        cell = _cell(name)
        self._at_hand(cell, owner)
        if self._store is not None:
            deposit = self._store.put(cell, owner)
            if not deposit.landed:
                await deposit.wait_async(_PUT_S)

    async def _owner(self, name: str) -> str | None:
        """What is remembered of a name: "" where nothing is, None where the store gives no answer."""
        cell = _cell(name)
        owner = self._known.get(cell)
        if owner is not None or self._store is None:
            return owner or ""
        lookup = self._store.ask(cell)
        if not lookup.landed:
            await lookup.wait_async(_ASKED_S)
        if lookup.owner:
            self._at_hand(cell, lookup.owner)
        return lookup.owner

    def _at_hand(self, cell: str, owner: str) -> None:
        self._known[cell] = owner
        self._known.move_to_end(cell)
        if len(self._known) > _AT_HAND:
            self._known.popitem(last=False)

    def _say(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "the owners of responses are remembered in this process only until the store answers: %s", error
            )


class OwnerSeeker:
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
        for encoded in _OWNED_IDS.findall(self._held):
            name = encoded.decode()
            if name not in self._put and len(self._put) < self._most:
                self._put.add(name)
                await self._owners.put(name, self._owner)


def named_in(read: RoutedRequest) -> Iterator[str]:
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
