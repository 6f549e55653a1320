"""How much a piece of content weighs: its digest and its tokens, remembered for content seen before.

The token count is an estimate (``TokenWeights`` states its error) unless the service counted it.
Every number of an estimate is calibrated per tokenizer generation; counts of one generation are
never used for another.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

import msgspec

from rockbottom.prompt.features import sample_of, weighted
from rockbottom.prompt.hashing import digest_of
from rockbottom.prompt.segments import Segment
from rockbottom.quantities import TokenWeights

_SEGMENT_BYTES = 150  # what a kept segment takes in memory, about
_ENTRY_BYTES = 250  # what the name of anything kept takes, and its place
_MESSAGE_BYTES = 45  # what the name of one message of a conversation takes
ListName = str | bytes
"""The content of a list of blocks: its text where it is one block of text, else all of it in bytes."""
ListKey = tuple[ListName, int, str, int]
"""A list of blocks: its name, number of the message (or which other list), role, tokens of overhead."""
HistoryKey = tuple[ListName, int, int]
"""A conversation so far: its last message's name, how many messages it has, tokens of overhead before the first."""


class ReadHistory(NamedTuple):
    """The messages of a conversation, each by the hash of its bytes, and the segments that they were read into."""

    names: tuple[int, ...]
    segments: tuple[Segment, ...]
    overhead: int  # tokens that wait for the block after the last


def _plain(value: object) -> object:
    """A number or text of a class of its own (numpy.float64, an IntEnum) as what JSON makes of it."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"Encoding objects of type {type(value).__qualname__} is unsupported")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
_packer = msgspec.msgpack.Encoder(decimal_format="number")


def json_bytes(value: object) -> bytes:
    """A JSON value as bytes, keys in the order given.

    Raises TypeError, ValueError or RecursionError for what is not JSON (cycles included).
    """
    return _encoder.encode(value)


def packed(value: object) -> bytes | None:
    """A value in bytes, type for type, so that equal ones have equal bytes; None for what has none.

    None: what contains itself or is nested as deep as Python goes, whole numbers beyond 64 bits, lone surrogates,
    objects of a class. The first of them ends the work (``marshal`` goes on beside it, without end where a list holds
    itself twice).
    """
    try:
        return _packer.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


class Meter:
    """Weighs content for one tokenizer, and remembers it, in at most ``capacity`` bytes (about), by hash and length.

    The hashes are the interpreter's own, of 64 bits and keyed anew in each process: texts that are remembered would
    take most of a gateway's memory, and comparing with them most of what looking one up takes. A str remembers its
    own hash, so looking up text that the caller sends again costs nothing in proportion to its length. Threads may
    share one: at worst a text is weighed twice. ``whole`` judges long texts whole instead of by slices: slower, but
    two versions of a text differ by what was changed in them.
    """

    def __init__(self, weights: TokenWeights, *, capacity: int = 4_000_000, whole: bool = False) -> None:
        self.weights = weights
        self._estimated = _whole_tokens if whole else estimated_tokens
        self._scale = float(weights.scale)
        self._seen: dict[_Name, tuple[bytes, int]] = {}
        self._lists: dict[_Name, tuple[Segment, ...]] = {}
        self._histories: dict[_Name, ReadHistory | None] = {}
        self._kept_bytes = 0
        self._capacity = capacity

    def text(self, text: str, kind: str = "text", role: str = "") -> tuple[bytes, int]:
        """Digest and tokens of a text; the empty text has no tokens."""
        name = _name((text, kind, role))
        known = self._seen.get(name)
        if known is None:
            known = digest_of(kind, role, text.encode("utf-8", "surrogatepass")), self._tokens_in(text, role)
            self._remember(name, known)
        return known

    def weigh(self, text: str, role: str) -> tuple[bytes, int]:
        """As ``text``, without remembering it: for texts of a message that is then kept as a whole."""
        return digest_of("text", role, text.encode("utf-8", "surrogatepass")), self._tokens_in(text, role)

    def _tokens_in(self, text: str, role: str) -> int:
        """The tokens of a text as it stands in the prompt: without thoughts that the model's template leaves out."""
        end = self.weights.thoughts_end
        if end is not None and role == "assistant":
            text = text.rpartition(end)[2]
        return self.tokens_of_text(text)

    def json(self, value: object, kind: str, role: str = "") -> tuple[bytes, int]:
        """Digest and tokens of a JSON value, as its compact text."""
        encoded = json_bytes(value)
        name = _name((encoded, kind, role))
        known = self._seen.get(name)
        if known is None:
            tokens = self.tokens_of_text(encoded.decode("utf-8", "surrogatepass"))
            known = digest_of(kind, role, encoded), tokens
            self._remember(name, known)
        return known

    def composed(self, key: tuple[str, ...]) -> tuple[bytes, int] | None:
        """Digest and tokens of a block that these texts describe in full (the longest first), if it was weighed."""
        return self._seen.get(_name(key))

    def compose(self, key: tuple[str, ...], weighed: tuple[bytes, int]) -> tuple[bytes, int]:
        """Remember what such a block weighs, and give it back."""
        self._remember(_name(key), weighed)
        return weighed

    def segments(self, key: "ListKey") -> tuple[Segment, ...] | None:
        """The segments kept under this key, or None."""
        return self._lists.get(_name(key))

    def keep_segments(self, key: "ListKey", segments: tuple[Segment, ...]) -> None:
        """Keep the segments of a whole list of blocks, so that a message sent again is not taken apart again."""
        self._count(_SEGMENT_BYTES * len(segments))
        self._lists[_name(key)] = segments

    def was_read(self, key: HistoryKey | None) -> bool:
        """Whether a conversation under this key was read before."""
        return key is not None and _name(key) in self._histories

    def history(self, key: HistoryKey) -> ReadHistory | None:
        """The conversation kept under this key, or None."""
        return self._histories.get(_name(key))

    def keep_history(self, key: HistoryKey, history: ReadHistory | None, grown_from: HistoryKey | None) -> None:
        """Keep a whole conversation, or that it was read, in place of the shorter one that it has grown from."""
        before = None if grown_from is None else _name(grown_from)
        if before in self._histories:
            self._kept_bytes -= _bytes_of(self._histories.pop(before))
        self._count(_bytes_of(history))
        self._histories[_name(key)] = history

    def digest(self, kind: str, role: str, *parts: bytes) -> bytes:
        """The digest of a block that is composed of others."""
        return digest_of(kind, role, *parts)

    def tokens_of_text(self, text: str) -> int:
        """The estimated tokens of a text, rounded up."""
        if not text:
            return 0
        return max(1, ceil(self._estimated(text, self.weights.tokens_per) * self._scale))

    def _remember(self, name: "_Name", weighed: tuple[bytes, int]) -> None:
        self._count(0)
        self._seen[name] = weighed

    def _count(self, kept_bytes: int) -> None:
        cost = kept_bytes + _ENTRY_BYTES
        self._kept_bytes += cost
        if self._kept_bytes > self._capacity:
            self._seen, self._lists, self._histories = {}, {}, {}
            self._kept_bytes = cost


_Name = tuple[int, int, bool]


def _name(key: tuple[Any, ...]) -> _Name:
    """What a key is known by: a text and bytes that read the same have one hash, and are told apart."""
    return hash(key), len(key[0]), type(key[0]) is bytes


def _bytes_of(history: ReadHistory | None) -> int:
    """What a conversation takes; its segments are those of its lists as well."""
    return 0 if history is None else _MESSAGE_BYTES * len(history.names) + 8 * len(history.segments)


def estimated_tokens(text: str, tokens_per: Mapping[str, float]) -> float:
    """Tokens as a weighted count of features; of a long text, from slices spread evenly over it."""
    sample, times = sample_of(text)
    return weighted(sample, tokens_per) * times


def _whole_tokens(text: str, tokens_per: Mapping[str, float]) -> float:
    return weighted(text.encode("utf-8", "surrogatepass"), tokens_per)
