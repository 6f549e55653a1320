"""Which requests the gateway carries, and to which host."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from rockbottom.catalog import MANTLE, RUNTIME
from rockbottom.dialects import OPERATIONS, SurfaceRoute, api_of, route_to, surface_route_of

Surfaces = Literal["by-model", "runtime", "mantle"]
_COUNT = re.compile(r"/model/(?P<model>.+)/count-tokens")
_PROFILES = re.compile(r"/inference-profiles(?:/.+)?")
_ASKING = frozenset({*OPERATIONS, "CountTokens", "CountMessageTokens"})
_OF_RUNTIME = frozenset({"CreateBatch", "GetBatch", "CancelBatch"})
_BATCHES = _OF_RUNTIME | {"CreateFile", "GetFile", "GetFileContent", "DeleteFile"}
_BESIDE = frozenset({"GetResponse", "DeleteResponse", "CancelResponse", "ListModels", "GetModel"}) | _BATCHES
"""What is carried and asks no model here. Lists of responses, batches and files are not: they would show the callers
each other's."""
_MOVING = frozenset({".", ".."})
_HOSTS = {"runtime": RUNTIME, "mantle": MANTLE}


@dataclass(frozen=True, slots=True)
class GatewayRoute:
    """An operation of the service, the path as it goes on, and the model that the path names ("": none).

    ``host`` None: whoever knows the model tells (``at``).
    """

    operation: str
    path: str
    model: str = ""
    host: str | None = RUNTIME
    surface: SurfaceRoute | None = None

    @property
    def is_native(self) -> bool:
        """Whether its body is in the model's own format."""
        return api_of(self.operation).wrapped

    @property
    def is_planned(self) -> bool:
        """Whether its body is a prompt that a plan may put points into."""
        return self.operation in OPERATIONS

    @property
    def asks(self) -> bool:
        """Whether it asks a model."""
        return self.operation in _ASKING

    @property
    def is_batch(self) -> bool:
        """Whether it is of batches and their files, whose requests the gateway does not see."""
        return self.operation in _BATCHES

    @property
    def names_model(self) -> bool:
        """Whether its body names the model."""
        return self.surface is not None and self.asks

    def at(self, model: str) -> "GatewayRoute":
        """The route with its host, by the model where nothing else tells it."""
        if self.host is not None or self.surface is None:
            return self
        return replace(self, host=self.surface.at(model).host)


def route_of(
    method: str, path: str, headers: Mapping[str, str], surfaces: Surfaces = "by-model"
) -> GatewayRoute | None:
    """The route of a method and a path as it travels, percent-encoded; None: not carried.

    A path with a segment that means another path (``..``) is not: the service might take it for another model.
    """
    if not _MOVING.isdisjoint(unquote(path).split("/")):
        return None
    route = _runtime_route(method, path)
    return route if route is not None else _surface_route(method, path, headers, surfaces)


@lru_cache(maxsize=4096)
def _runtime_route(method: str, path: str) -> GatewayRoute | None:
    if method == "GET":
        return GatewayRoute("InferenceProfiles", path) if _PROFILES.fullmatch(path) else None
    if method != "POST" or not path.startswith("/model/"):
        return None
    counted = _COUNT.fullmatch(path)
    if counted is not None:
        return GatewayRoute("CountTokens", path, unquote(counted["model"]))
    spoken = route_to(path)
    return None if spoken is None else GatewayRoute(spoken.operation, path, spoken.model)


def _surface_route(method: str, path: str, headers: Mapping[str, str], surfaces: Surfaces) -> GatewayRoute | None:
    raw_headers = {name.encode(): headers.get(name, "").encode("latin-1") for name in ("host", "authorization")}
    surface = surface_route_of(method, path.encode("latin-1"), raw_headers)
    if surface is None or surface.operation not in _ASKING | _BESIDE:
        return None
    of_mantle = surface.family == "/v1" or surface.operation == "CountMessageTokens"
    host = MANTLE if of_mantle else _HOSTS.get(surfaces, surface.host)
    if surface.operation in _OF_RUNTIME:
        host = RUNTIME
    prefix = next((name for name in (MANTLE, RUNTIME) if path.startswith(f"/{name}/")), None)
    return GatewayRoute(surface.operation, path if prefix is None else path[len(prefix) + 1 :], "", host, surface)
