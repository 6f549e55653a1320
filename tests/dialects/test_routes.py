"""Which operation a path means: for clients over HTTP and for the local endpoint alike."""

import pytest

from rockbottom.dialects import DIALECTS, OperationRoute, route_to, surface_route_of

ARN = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/model/us.amazon.nova-pro-v1%3A0/converse", OperationRoute("Converse", "us.amazon.nova-pro-v1:0")),
        ("/model/m/converse-stream", OperationRoute("ConverseStream", "m")),
        (f"/model/{ARN}/invoke", OperationRoute("InvokeModel", ARN)),
        ("/model/m/invoke-with-response-stream", OperationRoute("InvokeModelWithResponseStream", "m")),
        ("/model//converse", None),
        ("/model/m/count-tokens", None),
        ("/gateway/model/m/converse", None),
        ("/guardrail/g/apply", None),
    ],
)
def test_a_path_is_for_one_operation_or_none(path, route):
    assert route_to(path) == route


def test_a_client_behind_a_proxy_sends_to_a_path_below_another():
    assert route_to("/gateway/model/m/converse", below=True) == OperationRoute("Converse", "m")
    assert route_to("/gateway/model/m/converse/x", below=True) is None


def test_a_path_of_a_dialect_leads_to_an_operation_of_its_own():
    for dialect in DIALECTS:
        assert set(dialect.paths.values()) <= set(dialect.operations), dialect.name


@pytest.mark.parametrize(
    "dialect", [dialect for dialect in DIALECTS if dialect.api.names_model], ids=lambda one: one.name
)
def test_the_endpoint_has_every_path_of_a_dialect_whose_bodies_name_their_model(dialect):
    """A surface is its module and its place in the registry; no route has to be written for it."""
    for path, operation in dialect.paths.items():
        route = surface_route_of("POST", path.encode(), {})
        assert route is not None
        assert (route.operation, route.path) == (operation, path)
