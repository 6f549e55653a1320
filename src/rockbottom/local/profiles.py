"""Inference profiles: the system's, those that were created, and the Region that serves a request to one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Any

from rockbottom.cache import Moving, Pinned, RegionChoice, RoundRobin
from rockbottom.catalog import Catalog, Model, ModelId, Scope
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.quantities import is_object

Json = dict[str, Any]

# Regions behind a geo prefix, as the endpoint plays them; AWS's own lists differ by model and grow. The caller's
# Region comes first wherever it belongs to the geography.
GEOGRAPHIES: Mapping[Scope, tuple[str, ...]] = {
    Scope.US: ("us-east-1", "us-east-2", "us-west-2"),
    Scope.EU: ("eu-central-1", "eu-west-1", "eu-west-3", "eu-north-1"),
    Scope.APAC: ("ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "ap-south-1"),
    Scope.JP: ("ap-northeast-1", "ap-northeast-3"),
    Scope.AU: ("ap-southeast-2", "ap-southeast-4"),
    Scope.CA: ("ca-central-1", "ca-west-1"),
    Scope.IN: ("ap-south-1", "ap-south-2"),
    Scope.US_GOV: ("us-gov-west-1", "us-gov-east-1"),
    Scope.GLOBAL: ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1"),
}
_MAX_PROFILES = 10_000
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@lru_cache(maxsize=1024)
def regions_of(scope: Scope, region: str) -> tuple[str, ...]:
    """The Regions that may serve a request made in ``region``, the likeliest first."""
    if scope is Scope.IN_REGION:
        return (region,)
    places = GEOGRAPHIES[scope]
    return (region, *(place for place in places if place != region)) if region in places else places


@dataclass(slots=True)
class Router:
    """Chooses the serving Region of each request to a profile, by the policy in force."""

    seed: int = 0
    policy: RegionChoice = field(default_factory=Pinned)
    described: Json = field(default_factory=lambda: {"policy": "pinned"})
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def change(self, raw: Any) -> None:
        """Take ``{"policy": "pinned" | "round_robin" | "moving", "probability": p, "seed": n}``."""
        routing: Mapping[str, Any] = raw if is_object(raw) else {}
        policy, probability, seed = (
            routing.get("policy"),
            routing.get("probability", 0.0),
            routing.get("seed", self.seed),
        )
        if (
            policy == "moving"
            and isinstance(probability, int | float)
            and 0 <= probability <= 1
            and isinstance(seed, int)
        ):
            self.policy = Moving(probability, seed)
            self.described = {"policy": policy, "probability": probability, "seed": seed}
        elif policy in ("pinned", "round_robin"):
            self.policy = Pinned() if policy == "pinned" else RoundRobin()
            self.described = {"policy": policy}
        else:
            raise invalid(f"no routing {raw!r}; there are pinned, round_robin, and moving with a probability of 0 to 1")
        self._numbers.clear()

    def serving(self, model: ModelId, account: str, region: str) -> str:
        """The Region that serves the next request of this account to this model."""
        regions = regions_of(model.scope, region)
        if len(regions) == 1:
            return regions[0]
        key = account, model.given
        number = self._numbers.get(key, 0)
        if len(self._numbers) < _MAX_PROFILES or key in self._numbers:
            self._numbers[key] = number + 1
        return self.policy.region_of(number, regions)


@dataclass(slots=True)
class ApplicationProfile:
    """An application inference profile as it was created."""

    arn: str
    name: str
    source: str
    models: tuple[str, ...]
    created_at: float
    description: str | None
    tags: list[Json]
    token: str | None = None

    def summary(self) -> Json:
        instant = datetime.fromtimestamp(self.created_at, UTC).isoformat().replace("+00:00", "Z")
        described = {"description": self.description} if self.description else {}
        return {
            "inferenceProfileName": self.name,
            **described,
            "createdAt": instant,
            "updatedAt": instant,
            "inferenceProfileArn": self.arn,
            "models": [{"modelArn": arn} for arn in self.models],
            "inferenceProfileId": self.arn.rpartition("/")[2],
            "status": "ACTIVE",
            "type": "APPLICATION",
        }


class KnownProfiles:
    """Every profile that the endpoint knows; created ones live as long as the process."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._catalog = catalog
        self._random = Random(seed)
        self.created: dict[str, ApplicationProfile] = {}

    def model_behind(self, arn: str) -> str:
        """What a created profile stands for; for the catalogue. Raises ServiceFailure when there is none."""
        profile = self.created.get(arn)
        if profile is None:
            raise ServiceFailure("ResourceNotFoundException", f"The requested inference profile {arn} was not found.")
        return profile.source

    def system(self, account: str, region: str) -> Iterator[Json]:
        """Summaries of the system profiles that can be called in a Region."""
        for model in self._catalog.models.values():
            for scope in model.profiles:
                if scope is Scope.GLOBAL or region in GEOGRAPHIES[scope]:
                    yield _system_summary(model, scope, account, region)

    def create(self, body: Json, account: str, region: str, now: float) -> ApplicationProfile:
        """A new application profile. Raises ServiceFailure when its source is no model or the name is taken."""
        source = body["modelSource"].get("copyFrom")
        token = body.get("clientRequestToken")
        for known in self.created.values():
            if known.name == body["inferenceProfileName"] and known.arn.split(":")[3:5] == [region, account]:
                if token is not None and known.token == token:
                    return known
                raise ServiceFailure("ConflictException", f"An inference profile named {known.name} exists already.")
        if len(self.created) >= _MAX_PROFILES:
            raise ServiceFailure(
                "ServiceQuotaExceededException", f"There are {_MAX_PROFILES} inference profiles already."
            )
        model = self._catalog.model(source)  # UnknownModel becomes a ValidationException in the control plane
        identity = "".join(self._random.choices(_ALPHABET, k=12))
        arn = f"arn:aws:bedrock:{region}:{account}:application-inference-profile/{identity}"
        regions = regions_of(model.scope, model.region or region)
        profile = ApplicationProfile(
            arn,
            body["inferenceProfileName"],
            source,
            _model_arns(model.model, model.scope, regions),
            now,
            body.get("description"),
            body.get("tags") or [],
            token,
        )
        self.created[arn] = profile
        return profile

    def find(self, identifier: str, account: str, region: str) -> Json:
        """The summary of a profile by id or ARN. Raises ServiceFailure (ResourceNotFoundException)."""
        identity = identifier.rpartition("/")[2]
        for profile in self.created.values():
            if identifier in (profile.arn, profile.arn.rpartition("/")[2]):
                return profile.summary()
        for summary in self.system(account, region):
            if summary["inferenceProfileId"] == identity:
                return summary
        raise ServiceFailure(
            "ResourceNotFoundException", f"The requested inference profile {identifier} was not found."
        )

    def delete(self, identifier: str) -> None:
        """Remove a created profile. Raises ServiceFailure when it is none."""
        for arn in self.created:
            if identifier in (arn, arn.rpartition("/")[2]):
                del self.created[arn]
                return
        raise ServiceFailure(
            "ResourceNotFoundException", f"The requested inference profile {identifier} was not found."
        )


def _model_arns(model: Model, scope: Scope, regions: tuple[str, ...]) -> tuple[str, ...]:
    # A global profile also lists the ARN without a Region, which is what tells it from a geographic one.
    places = ("", *regions) if scope is Scope.GLOBAL else regions
    return tuple(f"arn:aws:bedrock:{place}::foundation-model/{model.id}" for place in places)


def _system_summary(model: Model, scope: Scope, account: str, region: str) -> Json:
    identity = f"{scope.value}.{model.id}"
    return {
        "inferenceProfileName": f"{scope.value.upper()} {model.name}",
        "description": f"Routes requests to {model.name} in {scope.value}.",
        "inferenceProfileArn": f"arn:aws:bedrock:{region}:{account}:inference-profile/{identity}",
        "models": [{"modelArn": arn} for arn in _model_arns(model, scope, regions_of(scope, region))],
        "inferenceProfileId": identity,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }
