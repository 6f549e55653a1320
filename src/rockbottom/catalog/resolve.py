"""From what a person or a program writes as a model id to the model, its scope and its Region."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rockbottom.catalog.errors import UnknownModel, UnresolvedProfile
from rockbottom.catalog.models import Model, ModelId, Scope

Resolve = Callable[[str], str]
"""Looks the ARN of an application inference profile, or of a custom model's deployment, up: a model or profile id."""

_PREFIXES: Mapping[str, Scope] = {scope.value: scope for scope in Scope if scope is not Scope.IN_REGION}
_DEPLOYMENT = "custom-model-deployment"
"""Served on demand at the prices of the model that was customized (price list, rows of Nova 2 Lite, 2026-08-02)."""

_LONGEST, _MOST_REMEMBERED = 256, 1024

_DAY = re.compile(r"-20\d\d-\d\d-\d\d$")
"""The day at the end of a dated alias of bedrock-mantle: openai.gpt-5.5-2026-04-23 (sample-per-model-bedrock)."""
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):bedrock:(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<kind>[a-z-]+)/(?P<id>.+)"
)


@dataclass(frozen=True, slots=True)
class Spellings:
    """Every accepted spelling of every model: exact ids, and looser ones that mean exactly one model."""

    exact: Mapping[str, Model]
    loose: Mapping[str, tuple[Model, ...]]
    nearest: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]], repr=False, compare=False)
    """What was found to look like ids that name no model: a program may send one with every call."""

    @classmethod
    def of(cls, models: Iterable[Model]) -> "Spellings":
        """The spellings of these models; an alias that one model has is not a shortened id of another."""
        exact = {model.id: model for model in models}
        aliases = {_plain(alias): model for model in exact.values() for alias in model.aliases}
        loose: dict[str, list[Model]] = {}
        for model in exact.values():
            for spelling in _spellings(model):
                candidates = loose.setdefault(spelling, [])
                if aliases.get(spelling, model) is model and model not in candidates:
                    candidates.append(model)
        return cls(exact, {spelling: tuple(candidates) for spelling, candidates in loose.items()})


def model_id(name: str, spellings: Spellings, resolve: Resolve | None) -> ModelId:
    """The id resolved; raises UnknownModel or UnresolvedProfile."""
    text = name.strip()
    arn = _ARN.fullmatch(text)
    if arn is not None:
        return _of_arn(name, arn, spellings, resolve)
    if text.startswith("arn:"):
        raise _not_a_model(name, "is not the ARN of a Bedrock model or inference profile")
    scope, bare = _split(text)
    return ModelId(name, _model(name, bare, spellings), scope)


def _of_arn(name: str, arn: "re.Match[str]", spellings: Spellings, resolve: Resolve | None) -> ModelId:
    kind, bare, region = arn["kind"], arn["id"], arn["region"] or None
    if kind == "foundation-model":
        return ModelId(name, _model(name, bare, spellings), Scope.IN_REGION, region)
    if kind == "inference-profile":
        scope, bare = _split(bare)
        return ModelId(name, _model(name, bare, spellings), scope, region)
    if kind != "application-inference-profile" and not (kind == _DEPLOYMENT and resolve is not None):
        raise _not_a_model(name, f"names a {kind}, whose price and cache rules the catalogue does not hold")
    if resolve is None:
        raise UnresolvedProfile(
            f"The application inference profile {name} does not say which model it stands for, "
            "and nothing here can look it up.",
            arn=name,
            fix="give the id of the model or system profile, or credentials that may call bedrock:GetInferenceProfile",
        )
    target = resolve(name)
    if "application-inference-profile" in target:
        message = f"The application inference profile {name} was resolved to another one, {target}."
        raise UnresolvedProfile(message, arn=name)
    behind = model_id(target, spellings, None)
    return ModelId(name, behind.model, behind.scope, region, application_profile=name)


def _split(text: str) -> tuple[Scope, str]:
    prefix, dot, rest = text.partition(".")
    scope = _PREFIXES.get(prefix.lower())
    return (scope, rest) if scope is not None and dot else (Scope.IN_REGION, text)


def _model(name: str, bare: str, spellings: Spellings) -> Model:
    model = spellings.exact.get(bare)
    if model is not None:
        return model
    loose = spellings.loose.get(_plain(bare), ())
    if len(loose) == 1:
        return loose[0]
    undated = _DAY.sub("", bare)
    if not loose and undated != bare:
        return _model(name, undated, spellings)
    if loose:
        ids = sorted(model.id for model in loose)
        says = f"{name!r} fits several models: {', '.join(ids)}."
        raise UnknownModel(says, given=name, nearest=ids, fix="give the whole id")
    raise _unknown(name, bare, spellings)


def _unknown(name: str, bare: str, spellings: Spellings) -> UnknownModel:
    def nearest() -> tuple[str, ...]:
        ids = spellings.nearest.get(bare)
        if ids is None:
            ids = _nearest(bare, spellings)
            if len(spellings.nearest) < _MOST_REMEMBERED:
                spellings.nearest[bare] = ids
        return ids

    return UnknownModel(f"Unknown model {name!r}.", given=name, nearest=nearest, fix="rockbottom models")


def _nearest(bare: str, spellings: Spellings) -> tuple[str, ...]:
    """The ids that look most like one; none for a text that is longer than any id."""
    import difflib  # only on the way to an error

    if len(bare) > _LONGEST:
        return ()
    close = difflib.get_close_matches(_plain(bare), spellings.loose, n=12, cutoff=0.5)
    return tuple(dict.fromkeys(model.id for spelling in close for model in spellings.loose[spelling]))[:3]


def _not_a_model(name: str, why: str) -> UnknownModel:
    return UnknownModel(f"{name!r} {why}.", given=name, fix="give the id or ARN of a model or inference profile")


def _plain(text: str) -> str:
    """Lower case, one kind of separator, no ``:0``: what does not tell two models apart."""
    return re.sub(r"[\s._-]+", "-", text.strip().lower().removesuffix(":0"))


def _spellings(model: Model) -> set[str]:
    plain = _plain(model.id)
    vendor = _plain(model.vendor) + "-"
    without_version = re.sub(r"-v?\d$", "", plain) if re.search(r"-(v\d(:\d)?|1:0)$", model.id) else plain
    if "-" not in without_version.removeprefix(vendor):  # "claude-v1": the version is the name
        without_version = plain
    aliases = {_plain(alias) for alias in model.aliases}
    named = {plain, without_version, _plain(model.name)} | aliases | {vendor + alias for alias in aliases}
    return named | {name.removeprefix(vendor) for name in named}


def scope_of_model_arns(arns: Sequence[str]) -> Scope | None:
    """The scope of the profile that lists these foundation-model ARNs, or None where they do not tell.

    One Region is in-Region; an ARN without Region is only in global profiles; otherwise the
    Regions' common geography decides, and jp, au, ca and in cannot be told from a part of apac or us.
    """
    regions = {arn.split(":")[3] for arn in arns}
    if "" in regions:
        return Scope.GLOBAL
    if len(regions) == 1:
        return Scope.IN_REGION
    return next((scope for start, scope in _GEOGRAPHIES if all(region.startswith(start) for region in regions)), None)


_GEOGRAPHIES = (("us-gov-", Scope.US_GOV), ("us-", Scope.US), ("eu-", Scope.EU))
