"""A recorded request as the diagnosis sees it, and the archive that keeps what many requests have in common.

An archive keeps every distinct block once, so that a session of a hundred turns costs its text, not its square.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import Any

from rockbottom.cache import as_sent, behaviour_of, effective
from rockbottom.catalog import CacheRules, Catalog, ModelId, Scope, Tier
from rockbottom.diagnose.faces import Face, face_of
from rockbottom.dialects import BodyReader, block_of
from rockbottom.prompt import (
    Api,
    KeptByService,
    Parameters,
    PrefixHash,
    Prompt,
    Segment,
    note_counted,
    prefix_hashes,
    prompt_of,
    seed_of,
    share_out,
)
from rockbottom.quantities import Usage

Reached = tuple[str, Scope]
"""A model as reached: an id and the ARN of its profile are one, as in a replay."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """What a log says of one request.

    ``region`` is the one that served it, ``called`` the one it was sent to (which decides the price); ``usage`` is what
    the service counted (None: not recorded; ``output`` are then the tokens of the reply, where those are).
    ``began_after_s`` is how long its reply took to begin (None: not recorded); ``where`` names it to a person,
    ``label`` is whose it was (None: not recorded, or not asked for); ``body`` is empty where it was not recorded;
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
    output: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """One request read: its prompt, whose depths are estimates until ``settled``, and its chains of hashes.

    ``content`` has one hash per prefix and knows nothing of model, Region or parameters; ``masks`` likewise,
    over blocks with their volatile spans masked. ``segments`` are the blocks as the model is given them.
    ``priced_on`` is the day whose prices apply, where that is not its own.
    """

    record: LoggedRequest
    model: ModelId
    rules: CacheRules
    prompt: Prompt
    segments: tuple[Segment, ...]
    content: tuple[PrefixHash, ...]
    masks: tuple[PrefixHash, ...]
    usage: Usage | None
    priced_on: date | None = None

    @property
    def at(self) -> float:
        """The instant it was sent, in seconds since the epoch."""
        return self.record.at

    @property
    def reached(self) -> Reached:
        """The model as reached."""
        return self.model.model.id, self.model.scope

    @property
    def on(self) -> date:
        """The day whose prices apply: that on which it was sent, unless another was chosen."""
        return self.priced_on or datetime.fromtimestamp(self.record.at, UTC).date()

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
    """Reads records; keeps each distinct block and its face once. ``reader`` None: one of its own.

    ``unseen`` are the instants of requests that were not read, since they went on with a conversation that the service
    keeps; ``marked`` says whether some that were read have cachePoints of their own, or forbid that of the service.
    """

    catalog: Catalog
    blocks: dict[bytes, Any] = field(default_factory=dict[bytes, Any])
    faces: dict[bytes, Face] = field(default_factory=dict[bytes, Face])
    reader: BodyReader | None = None
    unseen: list[float] = field(default_factory=list[float])
    marked: bool = False

    def sent(self, record: LoggedRequest) -> Sent:
        """The record read. Raises UnknownModel, UnresolvedProfile, NoRulesInForce or MalformedBody."""
        if self.reader is None:
            self.reader = BodyReader.of(self.catalog)
        model = self.catalog.model(record.model)
        rules = self.catalog.rules(model, datetime.fromtimestamp(record.at, UTC).date())
        try:
            as_read = self.reader.read(record.body, record.api, model.model)
        except KeptByService:
            self.unseen.append(record.at)
            raise
        self.marked = self.marked or bool(as_read.points) or as_read.implicit is False
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
            prompt,
            segments,
            prefix_hashes(segments, seeds),
            prefix_hashes(masked, seeds),
            None if record.usage is None else record.usage.named(rules.ttls),
        )

    def bare(self, record: LoggedRequest) -> Sent:
        """The record without its prompt. Raises UnknownModel, UnresolvedProfile, NoRulesInForce."""
        model = self.catalog.model(record.model)
        rules = self.catalog.rules(model, datetime.fromtimestamp(record.at, UTC).date())
        prompt, start = prompt_of(record.api, (), (), Parameters()), (PrefixHash(b""),)
        usage = None if record.usage is None else record.usage.named(rules.ttls)
        return Sent(replace(record, body={}), model, rules, prompt, (), start, start, usage)

    def face(self, segment: Segment) -> Face:
        """The face of a block of any request read here."""
        return self.faces[segment.digest]

    def _keep(self, record: LoggedRequest, vendor: str, prompt: Prompt) -> None:
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


def settled(requests: Sequence[Sent]) -> list[Sent]:
    """The same with depths in the service's tokens instead of estimates: what it counted of one holds for all.

    The end of a prompt is counted, and its last cachePoint (all up to it was read or written).
    """
    offsets = [0, *accumulate(len(sent.prompt.segments) for sent in requests)]
    numbers: dict[tuple[str, bytes], int] = {}
    names = [
        numbers.setdefault((sent.model.model.id, name), len(numbers)) for sent in requests for name in sent.content[1:]
    ]
    whole = [_whole(sent) for sent in requests]
    last = [max((point.after for point in sent.prompt.points), default=0) for sent in requests]
    cached = [0 if (usage := sent.record.usage) is None else usage.cache_read + usage.cache_write for sent in requests]
    sums = [0, *accumulate(end - start for sent in requests for start, end in pairwise(sent.prompt.depths))]
    known, depths = [0] * len(numbers), [0] * len(names)
    note_counted(offsets, names, whole, last, cached, known)
    share_out(offsets, names, sums, whole, known, depths)
    return [
        replace(sent, prompt=replace(sent.prompt, depths=(0, *depths[start:end])))
        for sent, (start, end) in zip(requests, pairwise(offsets), strict=True)
    ]


def _whole(sent: Sent) -> int:
    """What was counted of all blocks; 0: nothing."""
    usage = sent.record.usage
    return 0 if usage is None else max(0, usage.total_input - sent.residual)
