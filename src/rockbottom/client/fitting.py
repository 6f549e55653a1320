"""What a client's own botocore lets through: nothing is planned that it would refuse, or refuse in other words.

botocore checks the arguments of a call against its service model. A planned request must pass where the caller's own
would have passed; and where the caller's own is refused, it must be the caller's own that is, so that the message
names the caller's objects at the caller's indexes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from msgspec import Struct

from rockbottom.catalog import Catalog, botocore_since
from rockbottom.dialects import CACHE_POINT, Params, Request, without_ttls

SERVICE = "bedrock-runtime"


class Abilities(Struct, frozen=True):
    """What the Converse operations of a botocore take."""

    points: bool = True  # cachePoint
    ttl: bool = True  # the ttl of a cachePoint

    @property
    def missing(self) -> str:
        """What is not known, in words; empty: nothing."""
        return "" if self.points and self.ttl else f"the ttl of a {CACHE_POINT}" if self.points else CACHE_POINT


EVERYTHING = Abilities()


def abilities_of(service_model: Any) -> Abilities:
    """What a service model of bedrock-runtime says."""
    if "CachePointBlock" not in service_model.shape_names:
        return Abilities(points=False, ttl=False)
    return Abilities(ttl="ttl" in service_model.shape_for("CachePointBlock").members)


def session_abilities(core: Any) -> Abilities:
    """The abilities of the clients that a session will make; aiobotocore's loader is botocore's."""
    shapes = core.get_component("data_loader").load_service_model(SERVICE, "service-2")["shapes"]
    point = shapes.get("CachePointBlock")
    return Abilities(points=point is not None, ttl=point is not None and "ttl" in point["members"])


def too_old(abilities: Abilities) -> str:
    """What a client's botocore cannot say, and what is done about it."""
    import botocore  # the client's own

    from rockbottom.extras import upgrade_command  # only where there is something to say

    member = "ttl" if abilities.points else CACHE_POINT
    then = (
        "cachePoints are sent without a ttl and live for the usual time"
        if abilities.points
        else "converse and converse_stream are sent as you wrote them and only counted"
    )
    return (
        f"botocore {botocore.__version__} does not know {abilities.missing}: {then}. "
        f"Fix: {upgrade_command(f'boto3>={botocore_since(member)}')}."
    )


def without_ttl_field(catalog: Catalog) -> Catalog:
    """A catalogue by which no cachePoint takes a ttl, so that a planner counts on the usual lifetime alone."""
    return catalog.with_rules(lambda rules: replace(rules, ttls=rules.ttls[:1], accepts_ttl_field=False))


def fits(original: Any, sent: Any, shape: Any) -> bool:
    """Whether botocore lets ``sent`` through, or refuses it in the very words that it has for ``original``.

    Only what differs is looked at; what both share is botocore's business, at the same place in both.
    """
    if original is sent:
        return True
    if getattr(shape, "is_document_type", False):  # whatever JSON can be: it has no members of its own
        return _valid(original, shape) and _valid(sent, shape)
    if isinstance(sent, dict) and shape.type_name == "structure":
        before, after = original, cast(dict[str, Any], sent)
        if not isinstance(original, dict):
            return False
        return all(_member_fits(before, after, key, shape) for key in {**before, **after})
    if isinstance(sent, (list, tuple)) and shape.type_name == "list":
        return isinstance(original, (list, tuple)) and _items_fit(cast(Any, original), cast(Any, sent), shape.member)
    return _valid(original, shape) and _valid(sent, shape)


def _member_fits(original: dict[str, Any], sent: dict[str, Any], key: str, shape: Any) -> bool:
    member = shape.members.get(key)
    if member is None:  # botocore refuses it; in the caller's request too, if it is there
        return key in original and key in sent and original[key] is sent[key]
    if key not in sent:  # taken out, as a point of the caller's: botocore would have looked at it
        return _valid(original[key], member)
    return fits(original[key], sent[key], member) if key in original else _valid(sent[key], member)


def _items_fit(original: Sequence[Any], sent: Sequence[Any], shape: Any) -> bool:
    """Items in a row; from the first one that was put in, those of the caller must be valid by themselves."""
    if len(original) == len(sent):
        return all(fits(item, other, shape) for item, other in zip(original, sent, strict=True))
    same = next((place for place, pair in enumerate(zip(original, sent, strict=False)) if pair[0] is not pair[1]), None)
    start = min(len(original), len(sent)) if same is None else same
    return all(_valid(item, shape) for item in (*original[start:], *sent[start:]))


def _valid(value: Any, shape: Any) -> bool:
    from botocore import validate  # botocore is there: it called us

    return not cast(Any, validate).ParamValidator().validate(value, shape).has_errors()


def fitted(abilities: Abilities, request: Request, params: Params, applied: Mapping[str, Any]) -> Request:
    """What a plan makes of a request whose arguments were ``params``, as far as this client's botocore can send it."""
    if not abilities.ttl and "body" not in params:
        arguments = applied.arguments if isinstance(applied, Request) else applied
        bare = without_ttls(arguments)
        applied = applied if bare is arguments else bare
    if isinstance(applied, Request):
        return applied
    return request if applied == params else request.requests.read(applied, request.host)
