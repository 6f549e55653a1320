"""Random legal requests against the running local endpoint: what was accepted without a plan is accepted with one."""

import copy
import json
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rockbottom import Planner
from rockbottom.catalog import lifecycles, load_catalog
from rockbottom.plan.prices import day_of
from rockbottom.plan.priors import load_priors
from tests.client import legal_requests
from tests.client.client_doubles import runtime

START = 1_790_000_000.0
CATALOG = load_catalog()
TODAY = day_of(START, CATALOG.caching_since)


def _invocable(model: Any) -> str:
    """An id under which the model may be called: its own, or that of a system profile."""
    return f"us.{model.id}" if model.in_region is False else model.id


# The endpoint's clock runs for weeks here, so that a model whose end is near would end in the middle.
ENDED = {id for id, known in lifecycles(CATALOG).items() if known.ends_on is not None}
EXPLICIT = [
    model for model in CATALOG.models.values() if CATALOG.rules(model, TODAY).explicit and model.id not in ENDED
]
CLAUDE = sorted(_invocable(model) for model in EXPLICIT if model.vendor == "anthropic")
NOVA = sorted(_invocable(model) for model in EXPLICIT if model.vendor == "amazon")
OTHERS = ["openai.gpt-oss-120b-1:0", "qwen.qwen3-32b-v1:0", "meta.llama3-3-70b-instruct-v1:0"]
PROFILE = "application-inference-profile"

# With these everything is expected to come back within the minute, so as many points as possible are set.
EAGER = dict.fromkeys(load_priors(), ((5.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)))


@pytest.fixture(scope="module")
def profiles(server) -> dict[str, str]:
    """ARNs of application inference profiles, by the model each stands for."""
    control, made = runtime(server, "bedrock"), {}
    for number, model in enumerate((CLAUDE[-1], CLAUDE[0], NOVA[0])):
        kind = "inference-profile" if model.startswith("us.") else "foundation-model"
        account = "123456789012" if kind == "inference-profile" else ""
        source = f"arn:aws:bedrock:us-east-1:{account}:{kind}/{model}"
        reply = control.create_inference_profile(
            inferenceProfileName=f"legal-{number}", modelSource={"copyFrom": source}
        )
        made[reply["inferenceProfileArn"]] = model
    return made


@pytest.fixture(scope="module")
def bedrock(server) -> Any:
    """A client that does not retry: one request, one verdict."""
    return runtime(server)


class Trial:
    """One planner, and the requests that are sent first as they are and then as planned."""

    def __init__(self, server: Any, bedrock: Any, planner: Planner) -> None:
        self.clock, self.bedrock, self.planner = server.state.clock, bedrock, planner

    def send(self, request: dict[str, Any]) -> Any:
        """The usage of the reply. Raises ClientError when the endpoint refuses the request."""
        if "body" in request:
            return json.loads(self.bedrock.invoke_model(**request)["body"].read())["usage"]
        return self.bedrock.converse(**request)["usage"]

    def legal(self, request: dict[str, Any]) -> bool:
        """Whether it is accepted as it is: a conversation ends when it outgrows the model's window.

        Raises ClientError when it is refused for anything else, which would be a mistake of the generator.
        """
        try:
            self.send(request)
        except ClientError as error:
            if "Input is too long" in str(error):
                return False
            raise
        return True

    def run(self, request: dict[str, Any]) -> int:
        """How many points the plan set; raises ClientError when it is refused."""
        before, now = copy.deepcopy(request), self.clock.now()
        plan = self.planner.plan(request, now=now)
        planned = plan.apply(request)
        assert request == before
        self.planner.observe(plan, self.send(planned), now=now)
        return len(plan.placements)


def _requests(dice: Random, model: str, behind: str, native: bool) -> list[dict[str, Any]]:
    found = CATALOG.model(behind).model
    rules = CATALOG.rules(found, TODAY)
    long = len(rules.ttls) > 1
    if native and found.vendor == "anthropic":
        return list(legal_requests.anthropic(dice, model, long=long))
    if native and found.vendor == "amazon":
        return list(legal_requests.nova(dice, model))
    claude = found.vendor == "anthropic"
    return list(legal_requests.converse(dice, model, claude=claude, explicit=rules.explicit, long=long))


def _try(server: Any, bedrock: Any, profiles: dict[str, str], dice: Random) -> list[int]:
    """One conversation, each request first as it is and then as planned; the points that each plan set."""
    kind = dice.choice(("claude", "claude", "claude", "nova", "other", "profile"))
    model = dice.choice({"claude": CLAUDE, "nova": NOVA, "other": OTHERS, "profile": sorted(profiles)}[kind])
    native = dice.random() < 0.35
    changes = dice.random() < 0.2
    options: dict[str, Any] = {"priors": EAGER} if dice.random() < 0.6 else {}
    own = dice.choice(("keep", "complete", "complete", "replace"))
    resolve = profiles.__getitem__
    planner = Planner(resolve=resolve, own_points=own, move_volatile=changes, sort_tools=changes, **options)
    trial = Trial(server, bedrock, planner)
    points = []
    for request in _requests(dice, model, profiles.get(model, model), native):
        if not trial.legal(request):
            break
        points.append(trial.run(request))
        server.state.clock.advance(dice.choice((1, 20, 20, 400, 4000)))
    return points


def _settings(examples: int) -> settings:
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck))


@_settings(200)
@given(seed=st.integers(0, 2**64))
def test_no_plan_is_ever_refused(server, bedrock, profiles, seed):
    """Every model, dialect, kind of block and way with the caller's own points: what was legal stays legal."""
    _try(server, bedrock, profiles, Random(seed))


@pytest.mark.slow
@_settings(3000)
@given(seed=st.integers(0, 2**64))
def test_no_plan_is_ever_refused_however_long_one_looks(server, bedrock, profiles, seed):
    """The same conversations, fifteen times as many."""
    _try(server, bedrock, profiles, Random(seed))


def test_most_of_these_conversations_get_points(server, bedrock, profiles):
    """The property says something: of forty conversations, at least a quarter have a request whose plan sets points."""
    planned = sum(any(_try(server, bedrock, profiles, Random(seed))) for seed in range(40))
    assert planned >= 10
