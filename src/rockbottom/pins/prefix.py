"""The cached prefix of one request: the blocks in front of the last cachePoint that counts, and what names them.

The prefix is what a second identical call would read, by the rules of ``cache``. Where nothing would be read (no
point, or too few tokens) it is what the points close, or else tools and system, where ``attach`` would set a point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any

from rockbottom.cache import Behaviour, Namespace, behaviour_of, outcome, refusal
from rockbottom.catalog import Catalog, CatalogError, ModelId, Tier, UnresolvedProfile, load_catalog
from rockbottom.diagnose import Archive, LoggedRequest, Sent
from rockbottom.dialects import BodyReader, model_id_of, opened, tier_of
from rockbottom.figures import thousands
from rockbottom.pins.errors import NothingToPin
from rockbottom.prompt import BlockKind, MalformedBody, Parameters, Section, digest_of, prefix_hashes, seeds_of
from rockbottom.quantities import Ttl


class Caching(Enum):
    """What the service does with the prefix, by its documented rules."""

    CACHED = "cached"
    BELOW_MINIMUM = "below the minimum"
    NO_POINT = "no cachePoint"
    REFUSED = "refused"
    UNSUPPORTED = "not offered"


@dataclass(frozen=True, slots=True)
class PinnedBlock:
    """One block of a prefix without its text.

    ``digest`` names the exact content. The other three ignore the order of JSON keys, white space, and text that
    looks like a timestamp, id or counter: they tell what kind of change it was when ``digest`` differs.
    """

    place: str
    kind: str
    tokens: int
    digest: str
    sorted_keys: str
    collapsed: str
    masked: str

    @property
    def in_tools(self) -> bool:
        """Whether it is a tool definition."""
        return self.place.startswith(("toolConfig.tools[", "tools["))


@dataclass(frozen=True, slots=True)
class Prefix:
    """A cached prefix; ``hash`` is equal exactly when blocks and the parameters of their key are.

    ``tokens`` are estimated unless ``counted``. ``points`` are the places of the points inside, with their TTL.
    ``sent`` and ``archive`` hold the text, for the explanation of a difference.
    """

    model: ModelId
    api: str
    tier: Tier
    hash: str
    tokens: int
    counted: bool
    caching: Caching
    why: str
    blocks: tuple[PinnedBlock, ...]
    points: tuple[str, ...]
    ttl: Ttl | None
    sections: Mapping[str, str]
    parameters: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)
    sent: Sent = field(repr=False)
    archive: Archive = field(repr=False)

    @property
    def model_name(self) -> str:
        """The model with its scope, as an id: ``us.anthropic.claude-sonnet-4-6``."""
        return self.model.id

    @property
    def end(self) -> int:
        """How many segments of the prompt it holds."""
        return len(self.blocks)

    def text(self, index: int) -> str | None:
        """The text of a block, or its JSON; None for thinking that the model drops."""
        shown = self.sent.prompt.segments[index].digest
        return self.archive.faces[shown].text if shown == self.sent.segments[index].digest else None


def archive_of(catalog: Catalog) -> Archive:
    """An archive that weighs texts whole: two versions of a text differ by the tokens of what was changed."""
    return Archive(catalog, reader=BodyReader(catalog.token_weights, whole=True))


def read_prefix(
    request: Mapping[str, Any],
    *,
    on: date,
    model: str | None = None,
    counted_tokens: int | None = None,
    archive: Archive | None = None,
) -> Prefix:
    """The prefix of the arguments of converse() or invoke_model(), or of a body that names its model itself.

    ``on`` is the day of the rules.

    ``model`` stands in where the request names none, or an application profile. ``counted_tokens`` is what the
    service counted for the prefix. Raises UnknownModel, UnresolvedProfile, NoRulesInForce, MalformedBody, NothingToPin.
    """
    archive = archive or archive_of(load_catalog())
    model_id = _model_of(request, model, archive.catalog)
    api, body = opened(request, vendor_of(model_id, archive.catalog))
    at = datetime.combine(on, time(12), UTC).timestamp()
    tier = tier_of(request)
    try:
        sent = archive.sent(LoggedRequest(at, model_id, api, body, tier=tier))
    except (AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
        raise MalformedBody("body", f"{type(error).__name__}: {error}", wanted="a request") from error
    behaviour = behaviour_of(archive.catalog.switches)
    end, caching, why = _end(sent, behaviour)
    if not end:
        raise NothingToPin(
            "The request has no cachePoint, no tools and no system text: no other request can share a cached "
            "prefix with it.",
            fix="put a cachePoint behind the part that repeats, or leave this request out",
        )
    seeds = seeds_of((), sent.prompt.parameters, behaviour.thinking_scope)
    whole = prefix_hashes(sent.segments[:end], seeds)[end].hex()
    estimated = sent.prompt.depths[end]
    return Prefix(
        sent.model,
        api.value,
        tier,
        whole,
        estimated if counted_tokens is None else counted_tokens,
        counted_tokens is not None,
        caching,
        why,
        tuple(_block(archive, sent, index) for index in range(end)),
        tuple(_point(sent, number) for number, point in enumerate(sent.prompt.points) if point.after <= end),
        _ttl(sent, end),
        _sections(sent, end),
        _key_parameters(sent.prompt.parameters, sent.prompt.segments[end - 1].section),
        body,
        sent,
        archive,
    )


def vendor_of(name: str, catalog: Catalog) -> str:
    """Whose model an id names, by which a body of Messages is told from one of Chat Completions; "" where unknown."""
    try:
        return catalog.model(name).model.vendor
    except CatalogError:
        return ""


def _model_of(request: Mapping[str, Any], model: str | None, catalog: Catalog) -> str:
    model_id = model_id_of(request) or model or ""
    if not model_id:
        error = MalformedBody("modelId", "nothing", wanted="the id of a model")
        error.fix = "put modelId into the request, or give --model (pytest: model=...)"
        raise error
    try:
        catalog.model(model_id)
    except UnresolvedProfile:
        if model is None:
            raise
        return model
    return model_id


def _end(sent: Sent, behaviour: Behaviour) -> tuple[int, Caching, str]:
    """How many segments the prefix has, what the service does with it, and why not more."""
    prompt, rules, name = sent.prompt, sent.rules, sent.model.model.name
    fixed = sum(segment.section is not Section.MESSAGES for segment in prompt.segments)
    system = "instructions" if any(part.kind is BlockKind.INSTRUCTIONS for part in prompt.segments) else "system"
    if not prompt.points:
        why = f"no cachePoint; tools and {system} are pinned: attach() would put one there"
        return fixed, Caching.NO_POINT, why
    by_itself = rules.implicit_point and prompt.implicit is not False
    if by_itself and fixed and all(point.after == len(prompt.segments) for point in prompt.points):
        why = f"the service's own point moves with the latest message: tools and {system} are pinned"
        return fixed, Caching.NO_POINT, why
    deepest = max(point.after for point in prompt.points)
    refused = refusal(prompt, rules, behaviour)
    if not rules.takes_points(prompt.api.value):
        return deepest, Caching.UNSUPPORTED, f"{name} accepts no cachePoint"
    if refused is not None:
        return (
            deepest,
            Caching.REFUSED,
            f"the service refuses the cachePoint at {prompt.place(refused.point)}: " + (refused.reason.value),
        )
    space = Namespace("", "", sent.model.model.id)
    written = outcome({}, prompt, 0.0, rules, behaviour, space)
    hit = outcome(dict(written.changes), prompt, 1.0, rules, behaviour, space).hit
    if hit:
        return hit, Caching.CACHED, ""
    why = f"{thousands(prompt.depths[deepest])} tokens; {name} caches from {thousands(rules.minimum_tokens)} on"
    return deepest, Caching.BELOW_MINIMUM, why


def _block(archive: Archive, sent: Sent, index: int) -> PinnedBlock:
    segment, shown = sent.segments[index], sent.prompt.segments[index]
    face = archive.faces[shown.digest]
    same = segment.digest == shown.digest  # a thinking block that the model drops has no text for it
    faces = (face.sorted_keys, face.collapsed, face.masked) if same else (segment.digest,) * 3
    tokens = sent.prompt.depths[index + 1] - sent.prompt.depths[index]
    short = (digest.hex()[:8].ljust(8, "0") for digest in faces)
    return PinnedBlock(
        sent.prompt.place(shown), shown.kind.value, tokens, segment.digest.hex()[:16].ljust(16, "0"), *short
    )


def _point(sent: Sent, number: int) -> str:
    point = sent.prompt.points[number]
    before = sent.prompt.place(sent.prompt.segments[point.after - 1]) if point.after else "the start"
    ttl = point.ttl or (sent.rules.ttls[0] if sent.rules.ttls else None)
    return f"after {before}" + (f", {ttl.value}" if ttl else "")


def _ttl(sent: Sent, end: int) -> Ttl | None:
    """The TTL at which the end of the prefix is written."""
    inside = [point for point in sent.prompt.points if point.after <= end]
    last = max(inside, key=lambda point: point.after, default=None)
    default = sent.rules.ttls[0] if sent.rules.ttls else None
    return default if last is None or last.ttl is None else last.ttl


def _sections(sent: Sent, end: int) -> dict[str, str]:
    """One digest for each section that the prefix reaches into."""
    by_section: dict[str, list[bytes]] = {}
    for segment in sent.segments[:end]:
        by_section.setdefault(segment.section.value, []).append(segment.digest)
    return {name: digest_of("section", name, *digests).hex()[:16] for name, digests in by_section.items()}


def _key_parameters(parameters: Parameters, reached: Section) -> dict[str, str]:
    """The settings that are part of the key of this prefix and are not neutral; a schema by its digest."""
    neutral = Parameters()
    chosen = {name: getattr(parameters, name) for name in ("thinking", "effort")}
    settings = {name: value for name, value in chosen.items() if value != getattr(neutral, name)}
    if parameters.output_schema:
        settings["output_schema"] = digest_of("schema", "", parameters.output_schema.encode()).hex()[:16]
    if parameters.citations and reached is not Section.TOOLS:
        settings["citations"] = "on"
    if reached is Section.MESSAGES:
        if parameters.tool_choice_group != "auto":
            settings["tool_choice"] = parameters.tool_choice_group
        if parameters.images:
            settings["images"] = "present"
    return settings


def shared_blocks(before: Sequence[PinnedBlock], after: Sequence[PinnedBlock]) -> int:
    """How many blocks two prefixes have in common at their start."""
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        if old.digest != new.digest:
            return index
    return min(len(before), len(after))
