"""The part of the `bedrock` service that callers need to find models and profiles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

from rockbottom.catalog import Catalog, CatalogError, Lifecycle, Model, Phase, lifecycles, limit
from rockbottom.files import packaged
from rockbottom.local.bodies import object_of
from rockbottom.local.callers import Caller
from rockbottom.local.clock import Clock
from rockbottom.local.embeddings import Embedding, embedding_model, embedding_models
from rockbottom.local.failures import END_OF_LIFE, ServiceFailure, invalid
from rockbottom.local.profiles import KnownProfiles
from rockbottom.local.shapes import BodyChecker, body_checker, service_model
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request to the control plane: who asks, about which resource, with what."""

    caller: Caller
    identifier: str
    query: Mapping[str, str]
    body: bytes


class ControlPlane:
    """Answers the operations of the control plane."""

    def __init__(self, catalog: Catalog, profiles: KnownProfiles, clock: Clock) -> None:
        self._catalog = catalog
        self._profiles = profiles
        self._clock = clock
        self._checkers: dict[str, BodyChecker] = {}
        self._logging: dict[tuple[str, str], Json] = {}  # by account and Region
        self._operations: Mapping[str, Callable[[Asking], tuple[int, Json]]] = {
            "ListFoundationModels": self._list_models,
            "GetFoundationModel": self._get_model,
            "ListInferenceProfiles": self._list_profiles,
            "GetInferenceProfile": self._get_profile,
            "CreateInferenceProfile": self._create_profile,
            "DeleteInferenceProfile": self._delete_profile,
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "PutModelInvocationLoggingConfiguration": self._put_logging,
            "GetModelInvocationLoggingConfiguration": self._get_logging,
            "DeleteModelInvocationLoggingConfiguration": self._delete_logging,
        }

    def answer(self, operation: str, asking: Asking) -> tuple[int, Json]:
        """The HTTP status and body. Raises ServiceFailure."""
        return self._operations[operation](asking)

    def _list_models(self, asking: Asking) -> tuple[int, Json]:
        query, rows = asking.query, list(_summaries(self._catalog, asking.caller.region, self._today()))
        if "byProvider" in query:
            rows = [row for row in rows if row["providerName"].lower() == query["byProvider"].lower()]
        if "byInferenceType" in query:
            rows = [row for row in rows if query["byInferenceType"] in row["inferenceTypesSupported"]]
        if "byOutputModality" in query:
            rows = [row for row in rows if query["byOutputModality"] in row["outputModalities"]]
        return 200, {"modelSummaries": rows}

    def _get_model(self, asking: Asking) -> tuple[int, Json]:
        bare = asking.identifier.rpartition("/")[2]
        model = self._catalog.models.get(bare)
        embedding = embedding_model(bare)
        if model is None and embedding is not None:
            return 200, {"modelDetails": _embedding_summary(embedding, asking.caller.region)}
        if model is None:
            raise ServiceFailure(
                "ResourceNotFoundException",
                f"Could not resolve the foundation model from the provided model identifier: {asking.identifier}.",
            )
        on, known = self._today(), lifecycles(self._catalog)
        if not _is_served(model, known, on):
            raise ServiceFailure("ResourceNotFoundException", END_OF_LIFE)
        return 200, {"modelDetails": _model_summary(model, asking.caller.region, known.get(model.id), on)}

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()

    def _list_profiles(self, asking: Asking) -> tuple[int, Json]:
        caller, kind = asking.caller, asking.query.get("type", "SYSTEM_DEFINED")
        if kind not in ("SYSTEM_DEFINED", "APPLICATION"):
            raise invalid(
                f"1 validation error detected: Value '{kind}' at 'typeEquals' failed to satisfy constraint: "
                "Member must satisfy enum value set: [SYSTEM_DEFINED, APPLICATION]"
            )
        if kind == "APPLICATION":
            rows = [
                profile.summary()
                for profile in self._profiles.created.values()
                if profile.arn.split(":")[3:5] == [caller.region, caller.account]
            ]
        else:
            rows = list(self._profiles.system(caller.account, caller.region))
        return 200, page_of(rows, "inferenceProfileSummaries", asking.query)

    def _get_profile(self, asking: Asking) -> tuple[int, Json]:
        return 200, self._profiles.find(asking.identifier, asking.caller.account, asking.caller.region)

    def _create_profile(self, asking: Asking) -> tuple[int, Json]:
        body = self._checked("CreateInferenceProfile", asking)
        try:
            profile = self._profiles.create(body, asking.caller.account, asking.caller.region, self._clock.now())
        except CatalogError as error:
            raise ServiceFailure(
                "ValidationException", "The provided model identifier is invalid.", hint=str(error)
            ) from error
        return 201, {"inferenceProfileArn": profile.arn, "status": "ACTIVE"}

    def _delete_profile(self, asking: Asking) -> tuple[int, Json]:
        self._profiles.delete(asking.identifier)
        return 200, {}

    def _put_logging(self, asking: Asking) -> tuple[int, Json]:
        config = self._checked("PutModelInvocationLoggingConfiguration", asking)["loggingConfig"]
        if not (config.get("s3Config") or config.get("cloudWatchConfig")):
            raise invalid("At least one of s3Config and cloudWatchConfig must be given.")
        self._logging[asking.caller.account, asking.caller.region] = config
        return 200, {}

    def _get_logging(self, asking: Asking) -> tuple[int, Json]:
        config = self._logging.get((asking.caller.account, asking.caller.region))
        return 200, {} if config is None else {"loggingConfig": config}

    def _delete_logging(self, asking: Asking) -> tuple[int, Json]:
        self._logging.pop((asking.caller.account, asking.caller.region), None)
        return 200, {}

    def _checked(self, operation: str, asking: Asking) -> Json:
        """The body of a call, checked against the service model. Raises ServiceFailure."""
        if operation not in self._checkers:
            self._checkers[operation] = body_checker(service_model("bedrock"), operation)
        return self._checkers[operation](object_of(asking.body or b"{}"))

    def _list_tags(self, asking: Asking) -> tuple[int, Json]:
        return 200, {"tags": self._tagged(object_of(asking.body or b"{}")).tags}

    def _tag(self, asking: Asking) -> tuple[int, Json]:
        body = object_of(asking.body or b"{}")
        profile = self._tagged(body)
        tags = body.get("tags")
        if not is_list(tags) or not all(is_object(tag) and "key" in tag for tag in tags):
            raise invalid("tags must be a list of objects with key and value")
        changed = {tag["key"]: tag for tag in (*profile.tags, *tags)}
        if len(changed) > (most := limit("resource_tags")):
            raise ServiceFailure("TooManyTagsException", f"A resource has at most {most} tags.")
        profile.tags = list(changed.values())
        return 200, {}

    def _tagged(self, body: Json) -> Any:
        profile = self._profiles.created.get(str(body.get("resourceARN")))
        if profile is None:
            raise ServiceFailure("ResourceNotFoundException", f"Unknown resource: {body.get('resourceARN')}")
        return profile


def page_of(rows: Sequence[Json], name: str, query: Mapping[str, str]) -> Json:
    """One page of a list as ``maxResults`` and ``nextToken`` ask for it. Raises ServiceFailure."""
    size, start = query.get("maxResults", "1000"), query.get("nextToken", "0")
    if not (size.isdecimal() and 1 <= int(size) <= 1000):
        raise invalid(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000"
        )
    if not start.isdecimal() or len(start) > 9:
        raise invalid("The provided nextToken is invalid.")
    end = int(start) + int(size)
    page: Json = {name: rows[int(start) : end]}
    return {**page, "nextToken": str(end)} if end < len(rows) else page


@lru_cache(maxsize=32)
def _summaries(catalog: Catalog, region: str, on: date) -> tuple[Json, ...]:
    """What a Region lists on a day: made once, for programs that list the models before every call."""
    known = lifecycles(catalog)
    served = [model for model in catalog.models.values() if _is_served(model, known, on)]
    rows = [_model_summary(model, region, known.get(model.id), on) for model in served]
    return (*rows, *(_embedding_summary(model, region) for model in set(embedding_models().values())))


_OUTPUTS = {"rerank": "TEXT", "stable_image": "IMAGE"}


def _embedding_summary(model: Embedding, region: str) -> Json:
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model.id}",
        "modelId": model.id,
        "modelName": model.name,
        **_listed(model.id),
        "outputModalities": [_OUTPUTS.get(model.form, "EMBEDDING")],
        "responseStreamingSupported": False,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _is_served(model: Model, known: Mapping[str, Lifecycle], on: date) -> bool:
    lifecycle = known.get(model.id)
    return lifecycle is None or lifecycle.phase(on) is not Phase.ENDED


def _model_summary(model: Model, region: str, lifecycle: Lifecycle | None, on: date) -> Json:
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model.id}",
        "modelId": model.id,
        "modelName": model.name,
        **_listed(model.id),
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": (["ON_DEMAND"] if model.in_region is not False else [])
        + (["INFERENCE_PROFILE"] if model.profiles else []),
        "modelLifecycle": _lifecycle(lifecycle, on),
    }


def _listed(model: str) -> Json:
    """Who provides a model and what it takes, where a source says it."""
    providers, inputs = _listings()
    vendor = model.partition(".")[0]
    return {"providerName": providers[vendor]} | ({"inputModalities": inputs[model]} if model in inputs else {})


@cache
def _listings() -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    """Names of providers by vendor, and what models take by their ids."""
    table = packaged("local", "modalities")
    providers = {vendor: name for row in table["providers"] for vendor, name in row["names"].items()}
    return providers, {model: row["inputs"] for row in table["listed"] for model in row["models"]}


def _lifecycle(known: Lifecycle | None, on: date) -> Json:
    """``modelLifecycle`` as AWS gives it: the status, and the instants that are known."""
    if known is None:
        return {"status": "ACTIVE"}
    days = {
        "startOfLifeTime": known.launched_on, "legacyTime": known.legacy_from,
        "publicExtendedAccessTime": known.extended_access_from, "endOfLifeTime": known.ends_on,
    }  # fmt: skip
    instants = {name: f"{day}T00:00:00Z" for name, day in days.items() if day is not None}
    return {"status": "ACTIVE" if known.phase(on) is Phase.ACTIVE else "LEGACY", **instants}
