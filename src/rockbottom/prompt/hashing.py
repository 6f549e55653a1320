"""Digests of blocks and chained hashes of prefixes.

Equality is of bytes: text exactly as sent, JSON values in the key order they were given
(a different order is a different prompt; whether Bedrock itself is sensitive to it was not measured,
so a changed order counts as a change). Members of AWS structures carry no order of their own.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import cast

from rockbottom.prompt.segments import Parameters, PrefixHash, Section, Segment

DIGEST_BYTES = 16


def digest_of(kind: str, role: str, *parts: bytes) -> bytes:
    """The digest of one block: its kind, its role and its content, unambiguously joined."""
    head = _HEADS.get((kind, role)) or _head_of(kind, role)
    if len(parts) == 1 and len(parts[0]) < _SHORT:  # one call on a joined copy is quicker than three
        return blake2b(head + len(parts[0]).to_bytes(8, "big") + parts[0], digest_size=DIGEST_BYTES).digest()
    state = blake2b(head, digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


_SHORT, _HEADS_KEPT = 65_536, 1024
_HEADS: dict[tuple[str, str], bytes] = {}


def _head_of(kind: str, role: str) -> bytes:
    if len(_HEADS) >= _HEADS_KEPT:  # roles come from callers, and might be anything
        _HEADS.clear()
    head = _HEADS[kind, role] = f"{kind}\0{role}\0".encode()
    return head


def seed_of(*parts: str) -> bytes:
    """The start of a chain of prefix hashes: what must be equal besides the segments."""
    return digest_of("seed", "", *(part.encode("utf-8", "surrogatepass") for part in parts))


def prefix_hashes(
    segments: Sequence[Segment], seeds: Sequence[bytes], known: Sequence[PrefixHash] = ()
) -> tuple[PrefixHash, ...]:
    """One hash per prefix length, from 0 to all segments.

    ``seeds`` (for tools, system, messages; empty: nothing) are mixed in where the section begins, so
    that a parameter can be part of the key of messages without touching tools and system. ``known`` are the first
    hashes, where they were worked out before. A segment with an empty digest is not in the prompt: the prefix
    that it closes is the one before it.
    """
    hashes: list[bytes] = list(known) or [seeds[0]]
    state, done = hashes[-1], len(hashes) - 1
    section = segments[done - 1].section if done else Section.TOOLS
    for segment in segments[done:] if done else segments:
        if segment.section is not section:
            state = _crossed(state, section, segment.section, seeds)
            section = segment.section
        if segment.digest:
            state = blake2b(state + segment.digest, digest_size=DIGEST_BYTES).digest()
        hashes.append(state)
    return tuple(cast("list[PrefixHash]", hashes))  # one cast: a call for each would take as long as a hash


_ORDER = (Section.TOOLS, Section.SYSTEM, Section.MESSAGES)


def _crossed(state: bytes, left: Section, entered: Section, seeds: Sequence[bytes]) -> bytes:
    for section in range(_ORDER.index(left) + 1, _ORDER.index(entered) + 1):
        if seeds[section]:
            state = blake2b(state + seeds[section], digest_size=DIGEST_BYTES).digest()
    return state


def seeds_of(namespace: Iterable[str], parameters: Parameters, thinking_scope: str) -> tuple[bytes, bytes, bytes]:
    """The seeds for tools, system and messages.

    ``thinking_scope`` is the catalogue's switch: ``all`` (measured on Bedrock: a changed thinking
    setting misses everything) or ``messages`` (Anthropic's documentation: tools and system survive).
    """
    return _seeds_of(tuple(namespace), parameters, thinking_scope)


@lru_cache(maxsize=1024)  # a namespace and its few settings come again with every request
def _seeds_of(namespace: tuple[str, ...], parameters: Parameters, thinking_scope: str) -> tuple[bytes, bytes, bytes]:
    thinking = f"thinking={parameters.thinking}"
    everywhere = [*namespace, f"effort={parameters.effort}", f"schema={parameters.output_schema}"]
    late = [f"choice={parameters.tool_choice_group}", f"images={parameters.images}"]
    (everywhere if thinking_scope == "all" else late).append(thinking)
    system = seed_of("citations") if parameters.citations else b""
    return seed_of(*everywhere), system, seed_of(*late)
