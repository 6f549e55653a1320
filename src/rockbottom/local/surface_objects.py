"""What the surfaces keep besides replies: batches of bedrock-runtime, files and projects of bedrock-mantle."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from rockbottom.catalog import MANTLE, RUNTIME
from rockbottom.dialects import SurfaceRoute
from rockbottom.local.projects import PROJECT_OPERATIONS
from rockbottom.local.sending import JSON
from rockbottom.local.state import EndpointState
from rockbottom.local.surface_batches import BATCH_OPERATIONS, Batches, Headers
from rockbottom.local.surface_failures import UnknownPath
from rockbottom.local.surfaces import Surfaces
from rockbottom.prompt import json_bytes

_FILE_OPERATIONS = frozenset({"CreateFile", "GetFile", "GetFileContent", "ListFiles", "DeleteFile"})
_BYTES = (b"content-type", b"application/octet-stream")
Answered = tuple[tuple[bytes, bytes], bytes]


class SurfaceObjects:
    """Batches, files and projects of one endpoint."""

    def __init__(self, state: EndpointState, surfaces: Surfaces) -> None:
        self._state = state
        self._surfaces = surfaces
        self._batches = Batches(state, surfaces)

    def answers(self, operation: str) -> bool:
        """Whether an operation is about one of them."""
        return operation in BATCH_OPERATIONS or operation in _FILE_OPERATIONS or operation in PROJECT_OPERATIONS

    async def answer(self, route: SurfaceRoute, headers: Headers, query_string: bytes, content: bytes) -> Answered:
        """The media type and the body of a reply. Raises ServiceFailure."""
        query = dict(parse_qsl(query_string.decode("latin-1")))
        if route.operation in BATCH_OPERATIONS:
            return JSON, json_bytes(await self._batches.answer(route, headers, query, content))
        if route.operation in PROJECT_OPERATIONS:
            return JSON, json_bytes(self._of_projects(route, headers, content))
        return self._of_files(route, headers, query, content)

    def _of_projects(self, route: SurfaceRoute, headers: Headers, content: bytes) -> dict[str, Any]:
        if route.host == RUNTIME:
            raise UnknownPath(RUNTIME)
        state, place = self._state, self._surfaces.place_of(route, headers)
        now, identity = state.clock.now(), state.new_request_id()
        return state.projects.answer(route.operation, place, route.identifier, content, identity, now)

    def _of_files(self, route: SurfaceRoute, headers: Headers, query: Mapping[str, str], content: bytes) -> Answered:
        files = self._state.files
        if route.host != MANTLE:
            raise UnknownPath(route.host)
        if route.operation == "CreateFile":
            kind = headers.get(b"content-type", b"").decode("latin-1")
            now = int(self._state.clock.now())
            return JSON, json_bytes(files.add(kind, content, self._state.new_request_id(), now))
        if route.operation == "ListFiles":
            return JSON, json_bytes(files.listed(query))
        if route.operation == "GetFileContent":
            return _BYTES, files.content(route.identifier)
        answer_of = files.remove if route.operation == "DeleteFile" else files.told
        return JSON, json_bytes(answer_of(route.identifier))
