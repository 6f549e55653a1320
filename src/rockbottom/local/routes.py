"""Which operation a method and a path mean.

Model ids travel percent-encoded; ARNs with plain slashes are understood too, because the operation is
the last segment of a runtime path and the first of a control-plane path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from rockbottom.dialects import OPERATIONS, route_to
from rockbottom.local.failures import invalid

CONTROL_PREFIX = "/_rockbottom/"
"""Everything below it is the endpoint's own control API; AWS has nothing there."""

_COUNTING = re.compile(r"/model/(.+)/count-tokens$")
_APPLYING = re.compile(r"/guardrail/(.+)/version/([^/]+)/apply")
_COLLECTIONS = {
    ("GET", "/foundation-models"): "ListFoundationModels",
    ("GET", "/inference-profiles"): "ListInferenceProfiles",
    ("POST", "/inference-profiles"): "CreateInferenceProfile",
    ("POST", "/listTagsForResource"): "ListTagsForResource",
    ("POST", "/tagResource"): "TagResource",
    ("POST", "/model-customization-jobs"): "CreateModelCustomizationJob",
    ("GET", "/custom-models"): "ListCustomModels",
    ("POST", "/model-customization/custom-model-deployments"): "CreateCustomModelDeployment",
    ("GET", "/model-customization/custom-model-deployments"): "ListCustomModelDeployments",
    ("POST", "/rerank"): "Rerank",  # of bedrock-agent-runtime
    ("POST", "/async-invoke"): "StartAsyncInvoke",
    ("GET", "/async-invoke"): "ListAsyncInvokes",
    ("POST", "/guardrails"): "CreateGuardrail",
    ("GET", "/guardrails"): "ListGuardrails",
    ("POST", "/model-invocation-job"): "CreateModelInvocationJob",
    ("GET", "/model-invocation-jobs"): "ListModelInvocationJobs",
    ("GET", "/data-retention"): "GetAccountDataRetention",
    ("PUT", "/data-retention"): "PutAccountDataRetention",
    ("PUT", "/logging/modelinvocations"): "PutModelInvocationLoggingConfiguration",
    ("GET", "/logging/modelinvocations"): "GetModelInvocationLoggingConfiguration",
    ("DELETE", "/logging/modelinvocations"): "DeleteModelInvocationLoggingConfiguration",
}
_ITEMS = {
    ("GET", "/foundation-models/"): "GetFoundationModel",
    ("GET", "/inference-profiles/"): "GetInferenceProfile",
    ("DELETE", "/inference-profiles/"): "DeleteInferenceProfile",
    ("GET", "/model-invocation-job/"): "GetModelInvocationJob",
    ("GET", "/model-customization-jobs/"): "GetModelCustomizationJob",
    ("GET", "/model-customization/custom-model-deployments/"): "GetCustomModelDeployment",
    ("GET", "/custom-models/"): "GetCustomModel",
    ("DELETE", "/model-customization/custom-model-deployments/"): "DeleteCustomModelDeployment",
    ("DELETE", "/custom-models/"): "DeleteCustomModel",
    ("GET", "/async-invoke/"): "GetAsyncInvoke",
    ("GET", "/guardrails/"): "GetGuardrail",
    ("POST", "/guardrails/"): "CreateGuardrailVersion",
    ("DELETE", "/guardrails/"): "DeleteGuardrail",
}
_CUSTOMIZATION = "/model-customization-jobs/"
RUNTIME_OPERATIONS = frozenset({*OPERATIONS, "CountTokens"})


def check_operations(names: Iterable[str]) -> None:
    """Raise ServiceFailure for a name that no call has: what waits for one would wait for ever."""
    for name in names:
        if name not in RUNTIME_OPERATIONS:
            raise invalid(f"no operation {name!r}; there are {', '.join(sorted(RUNTIME_OPERATIONS))}")


@dataclass(frozen=True, slots=True)
class LocalRoute:
    """An operation's name (``""``: none, ``control``: the control API) and the identifier in the path."""

    operation: str
    identifier: str = ""


@lru_cache(maxsize=4096)
def route_of(method: str, raw_path: bytes) -> LocalRoute:
    """The operation of a request line's method and path (query cut off, still percent-encoded)."""
    path = raw_path.decode("latin-1")
    if path.startswith(CONTROL_PREFIX):
        return LocalRoute("control", unquote(path[len(CONTROL_PREFIX) :]))
    if method == "POST":
        spoken = route_to(path)
        if spoken is not None:
            return LocalRoute(spoken.operation, spoken.model)
        applied = _APPLYING.match(path)
        if applied is not None:
            return LocalRoute("ApplyGuardrail", f"{unquote(applied[1])}\0{applied[2]}")
        counted = _COUNTING.match(path)
        if counted is not None:
            return LocalRoute("CountTokens", unquote(counted[1]))
    collection = _COLLECTIONS.get((method, path.rstrip("/") or path))
    if collection:
        return LocalRoute(collection)
    if method == "POST" and path.startswith("/model-invocation-job/") and path.endswith("/stop"):
        return LocalRoute("StopModelInvocationJob", unquote(path[len("/model-invocation-job/") : -len("/stop")]))
    if method == "POST" and path.startswith(_CUSTOMIZATION) and path.endswith("/stop"):
        return LocalRoute("StopModelCustomizationJob", unquote(path[len(_CUSTOMIZATION) : -len("/stop")]))
    for (verb, prefix), operation in _ITEMS.items():
        if method == verb and path.startswith(prefix) and len(path) > len(prefix):
            return LocalRoute(operation, unquote(path[len(prefix) :]))
    return LocalRoute("")
