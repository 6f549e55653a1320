"""What IAM and service control policies must allow for an inference profile.

Rules: a profile needs itself, the foundation model in the source Region, and the foundation model in every destination
Region; one destination that a service control policy blocks fails the call (AWS, geographic cross-Region inference). A
global profile is asked for under the Region name ``unspecified``, and its model ARN names no Region (AWS, inference
profiles), so a policy that lists Regions does not match it.
"""

from typing import Any

from rockbottom.catalog.models import Scope
from rockbottom.catalog.profiles import Profile

Json = dict[str, Any]
_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
UNSPECIFIED = "unspecified"


def scp_regions(profile: Profile, source_region: str) -> tuple[str, ...] | None:
    """Values of aws:RequestedRegion that no service control policy may deny; None where they are not known."""
    if profile.scope is Scope.GLOBAL:
        return (source_region, UNSPECIFIED)
    if profile.scope is Scope.IN_REGION:
        return (source_region,)
    if profile.regions is None:
        return None
    return tuple(dict.fromkeys((source_region, *profile.regions)))


def iam_statements(profile: Profile, source_region: str, account: str) -> list[Json]:
    """Statements that allow calls through a profile from a Region; destinations not known are a ``*`` in place."""
    model = profile.model.id
    if profile.scope is Scope.IN_REGION:
        return [_allow("Model", [_model_arn(source_region, model)])]
    arn = f"arn:aws:bedrock:{source_region}:{account}:inference-profile/{profile.id}"
    through = {"StringEquals": {"bedrock:InferenceProfileArn": arn}}
    if profile.scope is Scope.GLOBAL:
        requested = {"StringEquals": {"aws:RequestedRegion": UNSPECIFIED, "bedrock:InferenceProfileArn": arn}}
        return [
            _allow("Profile", [arn], {"StringEquals": {"aws:RequestedRegion": source_region}}),
            _allow("ModelInSourceRegion", [_model_arn(source_region, model)], through),
            _allow("ModelAnywhere", [_model_arn("", model)], requested),
        ]
    places = scp_regions(profile, source_region) or ("*",)
    return [
        _allow("Profile", [arn]),
        _allow("ModelInEveryDestination", [_model_arn(place, model) for place in places], through),
    ]


def _allow(name: str, resources: list[str], condition: Json | None = None) -> Json:
    statement: Json = {"Sid": name, "Effect": "Allow", "Action": _ACTIONS, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def _model_arn(region: str, model: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
