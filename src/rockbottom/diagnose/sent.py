"""A recorded request as the diagnosis sees it, and the archive that keeps what many requests have in common.

An archive keeps every distinct block once, so that a session of a hundred turns costs its text, not its square.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from rockbottom.cache import as_sent, behaviour_of, effective
from rockbottom.catalog import CacheRules, Catalog, ModelId, Tier
from rockbottom.diagnose.faces import Face, face_of
from rockbottom.dialects import Reader, block_of
from rockbottom.prompt import Api, PrefixHash, Prompt, Segment, prefix_hashes, seed_of
from rockbottom.quantities import Usage


@dataclass(frozen=True, slots=True)
class Record:
    """What a log says of one request.

    ``region`` is the one that served it, ``called`` the one it was sent to (which decides the price); ``usage``
    what the service counted (None: not recorded); ``began_after_s`` how long its reply took to begin (None: not
    recorded); ``where`` names it to a person, ``label`` is whose it was (None: not recorded, or not asked for);
    ``host`` is "bedrock-mantle", or "" for bedrock-runtime.
    """

    at: float
    model: str
    api: Api
    body: Mapping[str, Any]
    usage: Usage | None = None
    region: str = ""
    called: str = ""
    account: str = ""
    request_id: str = ""
    began_after_s: float | None = None
    tier: Tier = Tier.DEFAULT
    where: str = ""
    label: str | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request read: its prompt with depths in the service's tokens, and its chains of hashes.

    ``content`` has one hash per prefix and knows nothing of model, Region or parameters; ``masks`` likewise,
    over blocks with their volatile spans masked. ``segments`` are the blocks as the model is given them.
    """

    record: Record
    model: ModelId
    rules: CacheRules
    prompt: Prompt
    segments: tuple[Segment, ...]
    content: tuple[PrefixHash, ...]
    masks: tuple[PrefixHash, ...]
    usage: Usage | None

    @property
    def at(self) -> float:
        """The instant it was sent, in seconds since the epoch."""
        return self.record.at

    @property
    def on(self) -> date:
        """The day it was sent, whose prices apply."""
        return datetime.fromtimestamp(self.record.at, UTC).date()

    @property
    def tokens(self) -> int:
        """Tokens of the prompt that can be cached: all but the header of the answer."""
        return self.prompt.depths[-1]

    @property
    def residual(self) -> int:
        """Tokens at the end of every prompt that are never cached."""
        return self.rules.residual_tokens_with_tools if self.prompt.has_tools else self.rules.residual_tokens


@dataclass(slots=True)
class Archive:
    """Reads records; keeps each distinct block and its face once. ``reader`` None: one of its own."""

    catalog: Catalog
    blocks: dict[bytes, Any] = field(default_factory=dict[bytes, Any])
    faces: dict[bytes, Face] = field(default_factory=dict[bytes, Face])
    reader: Reader | None = None

    def sent(self, record: Record) -> Sent:
        """The record read. Raises UnknownModel, UnresolvedProfile, NoRulesInForce or MalformedBody."""
        if self.reader is None:
            self.reader = Reader.of(self.catalog)
        model = self.catalog.model(record.model)
        rules = self.catalog.rules(model, datetime.fromtimestamp(record.at, UTC).date())
        as_read = self.reader.read(record.body, record.api, model.model)
        prompt = effective(as_read, rules, behaviour_of(self.catalog.switches)) if rules.implicit_point else as_read
        self._keep(record, model.model.vendor, prompt)
        segments = tuple(
            mine if as_read is mine else replace_digest(mine, as_read.digest)  # dropped, but still at its place
            for mine, as_read in zip(prompt.segments, as_sent(prompt, rules), strict=True)
        )
        masked = [replace_digest(segment, self._mask(segment)) for segment in segments]
        seeds = (seed_of(record.account), b"", b"")  # accounts share nothing
        return Sent(
            replace(record, body={}),
            model,
            rules,
            counted(prompt, rules, record.usage),
            segments,
            prefix_hashes(segments, seeds),
            prefix_hashes(masked, seeds),
            None if record.usage is None else record.usage.named(rules.ttls),
        )

    def face(self, segment: Segment) -> Face:
        """The face of a block of any request read here."""
        return self.faces[segment.digest]

    def _keep(self, record: Record, vendor: str, prompt: Prompt) -> None:
        for segment in prompt.segments:
            if segment.digest not in self.faces:
                block = block_of(record.body, record.api, vendor, segment)
                self.blocks[segment.digest] = block
                self.faces[segment.digest] = face_of(block, segment.role)

    def _mask(self, segment: Segment) -> bytes:
        face = self.faces.get(segment.digest)
        return segment.digest if face is None else face.masked


def replace_digest(segment: Segment, digest: bytes) -> Segment:
    """The segment with another digest."""
    return Segment(
        segment.section, segment.kind, digest, segment.tokens, segment.blocks, segment.role, segment.message,
        segment.index,
    )  # fmt: skip


def counted(prompt: Prompt, rules: CacheRules, usage: Usage | None) -> Prompt:
    """The prompt with its estimated depths stretched to what the service counted.

    Two places are known exactly: the end, and the last point that counts (everything up to it was read or written).
    """
    residual = rules.residual_tokens_with_tools if prompt.has_tools else rules.residual_tokens
    if usage is None or not prompt.tokens or usage.total_input <= residual:
        return prompt
    total = usage.total_input - residual
    cached = usage.cache_read + usage.cache_write
    last = max((prompt.depths[point.after] for point in prompt.points), default=0)
    if not 0 < cached < total or not 0 < last < prompt.tokens:
        cached = last = 0
    if total == prompt.tokens and last == cached:
        return prompt
    depths = tuple(_stretched(depth, last, cached, prompt.tokens, total) for depth in prompt.depths)
    return replace(prompt, depths=depths)


def _stretched(depth: int, last: int, cached: int, estimated: int, total: int) -> int:
    """A depth in counted tokens: in proportion up to the last point, and in proportion behind it."""
    if depth <= last:
        return depth * cached // last if last else 0
    return cached + (depth - last) * (total - cached) // (estimated - last)
