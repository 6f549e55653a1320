"""The OpenAI-shaped and Anthropic-shaped surfaces of both hosts: which model is meant, what is kept, what is listed.

Counting and answering are the runtime's, as for Converse.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rockbottom.catalog import MANTLE, RUNTIME, Model, ModelId, Scope, geographies_of, surface_of, surfaces
from rockbottom.dialects import CHAT, DIALECTS, MESSAGES, RESPONSES, Dialect, SurfaceRoute
from rockbottom.local.accepted import check_message_members
from rockbottom.local.bodies import object_of
from rockbottom.local.callers import Caller, caller_from
from rockbottom.local.calls import CountedCall, RuntimeCall, SurfaceCall
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.projects import project_of
from rockbottom.local.retention import SettingPlace
from rockbottom.local.runtime import Runtime, by_profiles_alone
from rockbottom.local.state import EndpointState
from rockbottom.local.surface_checks import check_headers, check_parameters, check_place, missing
from rockbottom.local.surface_failures import UnknownPath
from rockbottom.local.surface_store import KeptReply
from rockbottom.quantities import is_list

Json = dict[str, Any]
_DIALECTS: Mapping[str, Dialect] = {
    **{dialect.operations[0]: dialect for dialect in DIALECTS if dialect.api.names_model},
    "CountMessageTokens": MESSAGES,
}
_VERSION = re.compile(r"(-20\d{6})?-(v\d+:\d+|v\d+|\d+:\d+)$|:\d+$")


class Surfaces:
    """Opens calls to the surfaces and answers what is no inference; one per endpoint."""

    def __init__(self, state: EndpointState, runtime: Runtime) -> None:
        self._state = state
        self._runtime = runtime
        models = state.catalog.models
        aliases = {alias: models[name] for each in surfaces() for alias, name in each.mantle_aliases.items()}
        named = {mantle_name(model): model for model in models.values() if surface_of(model).mantle}
        self._names = named | aliases

    def call_of(
        self, route: SurfaceRoute, headers: Mapping[bytes, bytes], content: bytes, request_id: str
    ) -> RuntimeCall | None:
        """The call that a request makes; None where it is no inference. Raises ServiceFailure."""
        dialect = _DIALECTS.get(route.operation)
        if dialect is None and (route.operation or route.host is not None):
            return None
        if dialect is None:
            raise UnknownPath(route.at(_model_in(content)).host)
        body = object_of(content or b"{}")
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise missing(route, "model")
        route = route.at(model)
        caller = self._caller(route, headers)
        if route.host == RUNTIME and (route.family == "/v1" or route.operation == "CountMessageTokens"):
            raise UnknownPath(RUNTIME)
        stream = body.get("stream") is True and route.operation != "CountMessageTokens"
        surface = SurfaceCall(route, dialect, body)
        return RuntimeCall(dialect.operations[stream], model, headers, content, caller, request_id, surface)

    def _model_of(self, route: SurfaceRoute, name: str) -> ModelId:
        if route.host == RUNTIME:
            if ":application-inference-profile/" in name and not route.of_anthropic:
                raise invalid("Application inference profiles are not supported for this API.")
            model = self._runtime.model(name)
            if model.scope is Scope.IN_REGION and model.model.profiles and not model.model.in_region:
                raise by_profiles_alone(name)
            if route.region and model.scope not in (Scope.IN_REGION, Scope.GLOBAL, *geographies_of(route.region)):
                raise invalid("The provided model identifier is invalid.")  # 11-xai-grok/02: us. in eu-central-1
            return model
        named = self._names.get(name)
        if named is None:
            raise ServiceFailure("ResourceNotFoundException", f"The model '{name}' does not exist")
        return ModelId(name, named, Scope.IN_REGION)

    def read(self, call: RuntimeCall, *, own_answer: bool) -> CountedCall:
        """Check a call and count it (see ``Runtime.read``). Raises ServiceFailure."""
        surface_call = call.surface
        assert surface_call is not None
        dialect, body = surface_call.dialect, surface_call.body
        model = self._placed(surface_call, call.model)
        check_headers(surface_call.route, call.headers)
        check_parameters(surface_call.route, dialect.api, body, model.model, surface_of(model.model))
        if dialect is MESSAGES:
            check_message_members(body, call.headers.get(b"anthropic-beta", b"").decode("latin-1"))
        if dialect is RESPONSES:
            bare = surface_call.route.family == "/v1"
            body = self._state.responses.whole(self._unkept(call, body), names_missing=bare)
        return self._runtime.counted(call, dialect, body, model, own_answer=own_answer)

    def _unkept(self, call: RuntimeCall, body: Json) -> Json:
        """A body of Responses, not stored where nothing may be retained. Raises ServiceFailure; the words are ours.

        "On the Responses API, store defaults to false and store=true is rejected. Background mode is not available."
        (AWS, "Data retention".)
        """
        project = self._state.projects.mode_of(call.place, project_of(call.headers))
        if self._state.retention.in_force(call.place, project)[0] != "none":
            return body
        for member in ("store", "background"):
            if body.get(member):
                raise invalid(f"'{member}' is not available under data retention mode 'none'.")
        body = {**body, "store": False}
        assert call.surface is not None
        call.surface = replace(call.surface, body=body)  # what the reply repeats
        return body

    def check_chat(self, model: str) -> None:
        """Raises ServiceFailure for a model that bedrock-runtime does not serve on Chat Completions."""
        route = SurfaceRoute("ChatCompletions", "/openai/v1", host=RUNTIME)
        check_place(route, CHAT.api, model, surface_of(self._model_of(route, model).model))

    def count_tokens(self, call: RuntimeCall) -> Json:
        """The reply of count_tokens. Raises ServiceFailure."""
        surface_call = call.surface
        assert surface_call is not None
        body = {"max_tokens": 1, **surface_call.body}
        return {
            MESSAGES.counters.input: self._runtime.tokens_of(MESSAGES, body, self._placed(surface_call, call.model))
        }

    def _placed(self, surface_call: SurfaceCall, name: str) -> ModelId:
        """The model, once it is known to be served there and nothing is missing."""
        model = self._model_of(surface_call.route, name)
        check_place(surface_call.route, surface_call.dialect.api, name, surface_of(model.model))
        counting = surface_call.route.operation == "CountMessageTokens"
        if counting and not surface_of(model.model).counts_tokens:
            raise invalid(f"The model '{name}' does not support the '{surface_call.route.path}' API")
        optional = {"max_tokens"} if counting else set[str]()
        for member in surface_call.dialect.required:
            goes_on = member == "input" and surface_call.body.get("previous_response_id")
            if surface_call.body.get(member) is None and member not in optional and not goes_on:
                raise missing(surface_call.route, member)
        return model

    def keep(self, counted: CountedCall, reply: Json) -> None:
        """Keep the reply of Responses, unless the request forbade it."""
        surface = counted.call.surface
        if counted.dialect is RESPONSES and surface is not None and surface.body.get("store", True) is not False:
            self._state.responses.add(KeptReply(reply, tuple(_listed(counted.body.get("input"))), counted.at))

    def other(self, route: SurfaceRoute, headers: Mapping[bytes, bytes], content: bytes) -> tuple[int, Json]:
        """The reply to what is no inference. Raises ServiceFailure."""
        responses, identifier, place = self._state.responses, route.identifier, self.place_of(route, headers)
        if not route.operation or (route.host == RUNTIME and route.family == "/v1"):
            raise UnknownPath(route.host or MANTLE)
        if route.operation == "ListModels":
            rows = [self._model_row(place, name, model) for name, model in self._names.items()]
            return 200, {"object": "list", "data": rows}
        if route.operation == "GetModel":
            model = self._names.get(identifier)
            if model is None:
                raise ServiceFailure("ResourceNotFoundException", f"The model '{identifier}' does not exist")
            return 200, self._model_row(place, identifier, model)
        if route.operation in ("GetDataRetention", "PutDataRetention"):
            return 200, self._retention(place, None if route.operation == "GetDataRetention" else object_of(content))
        if route.operation == "ListFineTuningJobs":
            return 200, {"object": "list", "data": [], "has_more": False}
        if route.operation == "ListResponses":
            return 200, {"object": "list", "data": responses.all(), "has_more": False}
        if route.operation == "GetResponse":
            return 200, responses.looked_at(identifier)
        if route.operation == "DeleteResponse":
            responses.remove(identifier)
            return 200, {"id": identifier, "object": "response", "deleted": True}
        if route.operation == "CancelResponse":
            return 200, responses.cancelled(identifier)
        raise UnknownPath(route.host or MANTLE)

    def _retention(self, place: SettingPlace, change: Json | None) -> Json:
        """The account's mode, as it is or as it shall be. Raises ServiceFailure."""
        retention = self._state.retention
        if change is not None:
            retention.choose(place, change.get("mode"), self._state.clock.now())
        when = {"updated_at": int(retention.chosen[place][1])} if place in retention.chosen else {}
        return {"mode": retention.mode(place), **when}

    def _model_row(self, place: SettingPlace, name: str, model: Model) -> Json:
        availability = self._state.retention.described(place, model.id)
        return {"id": name, "object": "model", "created": 0, "owned_by": model.vendor, **availability}

    def place_of(self, route: SurfaceRoute, headers: Mapping[bytes, bytes]) -> SettingPlace:
        """Where the settings of bedrock-mantle hold for a caller."""
        caller = self._caller(route, headers)
        return SettingPlace(MANTLE, caller.account, caller.region)

    def _caller(self, route: SurfaceRoute, headers: Mapping[bytes, bytes]) -> Caller:
        settings, authorization = self._state.settings, headers.get(b"authorization", b"").decode("latin-1")
        return caller_from(authorization, account=settings.account, region=route.region or settings.region)


def mantle_name(model: Model) -> str:
    """The bare, unversioned id by which bedrock-mantle knows a model."""
    named = surface_of(model).mantle_ids.get(model.id)
    if named is not None:
        return named
    name = _VERSION.sub("", model.id)
    return name.replace("moonshot.", "moonshotai.", 1) if name.startswith("moonshot.") else name


def _model_in(content: bytes) -> str:
    """The model that a body names; "" where it is no JSON or names none."""
    try:
        return str(object_of(content or b"{}").get("model", ""))
    except ServiceFailure:
        return ""


def _listed(value: object) -> list[Any]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return list(value) if is_list(value) else []
