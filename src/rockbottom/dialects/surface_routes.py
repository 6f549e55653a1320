"""Which operation of an OpenAI-shaped or Anthropic-shaped surface a request means, and on which host.

Both hosts of Bedrock are served on one port. They are told apart by the Host header, by a first path segment
``/bedrock-mantle`` or ``/bedrock-runtime``, by the service that a signature names, by a path that only one of them has,
and else by the model that is asked for: bedrock-mantle takes bare ids, bedrock-runtime profiles and versioned ids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from rockbottom.catalog import MANTLE, RUNTIME, Scope
from rockbottom.dialects.registry import DIALECTS
from rockbottom.prompt import Api

_FAMILIES = ("/openai/v1", "/anthropic/v1", "/v1")
_CREATING: Mapping[str, str] = {
    **{path: operation for dialect in DIALECTS if dialect.api.names_model for path, operation in dialect.paths.items()},
    "/anthropic/v1/messages/count_tokens": "CountMessageTokens",
    "/openai/v1/batches": "CreateBatch",
    "/v1/batches": "CreateBatch",
    "/v1/files": "CreateFile",
    "/v1/organization/projects": "CreateProject",
}
"""What is created by a POST: the inference of every dialect whose bodies name their model, counts, batches, files,
projects."""
_ACTION = re.compile(r"/(cancel|content|archive)$")
_PROJECTS = "organization/projects"
_HOST = re.compile(r"(bedrock-mantle|bedrock-runtime)(?:-fips)?\.([a-z0-9-]+)\.")
_SERVICE = re.compile(r"Credential=[^,\s]*/bedrock-mantle/aws4_request")
_PREFIXES = tuple(f"{scope.value}." for scope in Scope if scope is not Scope.IN_REGION)


@dataclass(frozen=True, slots=True)
class SurfaceRoute:
    """An operation (``""``: none there) of a path family; ``host`` None: the model decides."""

    operation: str
    family: str
    identifier: str = ""
    host: str | None = None
    region: str | None = None

    @property
    def path(self) -> str:
        """The path as error messages of the service name it."""
        paths = (path for path, operation in _CREATING.items() if operation == self.operation)
        own = next((path for path in paths if path.startswith(f"{self.family}/")), None)
        return own or f"{self.family}/{self.operation}"

    @property
    def of_anthropic(self) -> bool:
        """Whether replies and errors have Anthropic's shape."""
        return self.family == "/anthropic/v1"

    def at(self, model: str) -> "SurfaceRoute":
        """The route with its host, by the model where nothing else tells it."""
        return self if self.host is not None else replace(self, host=host_named(model))


def host_named(model: str) -> str:
    """The host that an id on one of the surfaces is for: bedrock-mantle knows bare ids, without a version, alone."""
    return RUNTIME if ":" in model or model.startswith(_PREFIXES) else MANTLE


def host_of(api: Api, model: str) -> str:
    """The host of a recorded request, as far as the id of its model tells; "" for bedrock-runtime."""
    return MANTLE if api.names_model and host_named(model) == MANTLE else ""


def surface_route_of(method: str, raw_path: bytes, headers: Mapping[bytes, bytes]) -> SurfaceRoute | None:
    """The route of a request to one of the surfaces; None where it is to none of them."""
    path = raw_path.decode("latin-1")
    named = _HOST.match(headers.get(b"host", b"").decode("latin-1"))
    host, region = (named[1], named[2]) if named else (None, None)
    for name in (MANTLE, RUNTIME):
        if path.startswith(f"/{name}/"):
            host, path = name, path[len(name) + 1 :]
    route = _route(method, path)
    if route is None:
        return None if host is None else SurfaceRoute("", "", path, host, region)
    if host is None and (
        route.family == "/v1" or _SERVICE.search(headers.get(b"authorization", b"").decode("latin-1"))
    ):
        host = MANTLE if route.operation else None
    return replace(route, host=host, region=region)


@lru_cache(maxsize=1024)
def _route(method: str, path: str) -> SurfaceRoute | None:
    family = next((family for family in _FAMILIES if path.startswith(family + "/")), None)
    if family is None:
        return None
    rest = path[len(family) + 1 :].rstrip("/")
    created = _CREATING.get(f"{family}/{rest}") if method == "POST" else None
    if created is not None:
        return SurfaceRoute(created, family)
    collection, _, more = rest.partition("/")
    if family == "/v1" and (rest == _PROJECTS or rest.startswith(f"{_PROJECTS}/")):
        collection, more = _PROJECTS, rest[len(_PROJECTS) + 1 :]
    operation = _item(method, family, collection, more)
    return SurfaceRoute(operation, family, unquote(_ACTION.sub("", more) if operation else rest))


def _item(method: str, family: str, collection: str, more: str) -> str:
    if family == "/v1" and collection == "models" and method == "GET":
        return "GetModel" if more else "ListModels"
    if (family, collection, more, method) == ("/v1", "fine_tuning", "jobs", "GET"):
        return "ListFineTuningJobs"
    if family == "/v1" and collection == "data_retention" and not more:
        return {"GET": "GetDataRetention", "PUT": "PutDataRetention"}.get(method, "")
    if collection == _PROJECTS:
        return _of_project(method, more)
    kind = {"responses": "Response", "batches": "Batch", "files": "File"}.get(collection)
    if kind is None or family == "/anthropic/v1" or (kind == "File" and family != "/v1"):
        return ""
    if not more:
        return (
            {"Response": "ListResponses", "Batch": "ListBatches", "File": "ListFiles"}[kind] if method == "GET" else ""
        )
    if method == "POST" and more.endswith("/cancel") and kind != "File":
        return f"Cancel{kind}"
    if method == "GET" and more.endswith("/content") and kind == "File":
        return "GetFileContent"
    if "/" in more or (method == "DELETE" and kind == "Batch"):
        return ""
    return {"GET": f"Get{kind}", "DELETE": f"Delete{kind}"}.get(method, "")


def _of_project(method: str, more: str) -> str:
    if method == "GET":
        return "" if "/" in more else "GetProject" if more else "ListProjects"
    if method == "POST" and more.endswith("/archive"):
        return "ArchiveProject"
    return "UpdateProject" if method == "POST" and more else ""
