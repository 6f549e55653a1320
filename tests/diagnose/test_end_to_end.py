"""From requests over HTTP to the report: boto3, the local endpoint, its invocation logs, ``rockbottom explain``."""

import json
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from click.testing import CliRunner

boto3 = pytest.importorskip("boto3", reason="needs boto3: pip install 'rockbottom[aws]'")
pytest.importorskip("uvicorn", reason="needs the local endpoint: pip install 'rockbottom[local]'")
pytest.importorskip("numpy", reason="reads logs with rockbottom.trace: pip install 'rockbottom[replay]'")

from botocore.config import Config  # noqa: E402

from rockbottom.cli import root  # noqa: E402
from rockbottom.local import ClockKind, running  # noqa: E402
from rockbottom.prompt import Api  # noqa: E402

SEED = 7
_QUICK = ["clean", "volatile-timestamp", "region-hop", "parallel-write", "api-switched", "unexplained"]
_SLOW = [
    "no-point", "volatile-history", "tools-changed", "tools-reordered", "key-order", "whitespace", "history-rewritten",
    "history-trimmed", "point-not-advanced", "lookback-exceeded", "ttl-expired", "parameter-thinking",
    "parameter-tool-choice", "model-switched", "unsupported", "under-minimum",
]  # fmt: skip
PLANTS = [*_QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in _SLOW)]


class _There:
    """Routes every request to the Region that the traffic says."""

    region = "us-east-1"

    def region_of(self, number, regions):
        """That Region."""
        return self.region


@pytest.fixture
def explained(tmp_path, traffic, catalog):
    """The JSON report on the traffic of one plant, sent over HTTP."""

    def explained(name):
        cause, plant = traffic.PLANTS[name]
        asks = plant(traffic.clean(SEED), Random(SEED + 1))
        with running(clock=ClockKind.MANUAL, start_at=asks[0].at, log_dir=tmp_path) as one:
            client = boto3.client(
                "bedrock-runtime", endpoint_url=one.url, region_name="us-east-1", aws_access_key_id="test",
                aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}),
            )  # fmt: skip
            (_send_at_once if name == "parallel-write" else _send)(one, client, asks, traffic.anthropic)
        return cause, _report(tmp_path)

    return explained


def _send(one, client, asks, anthropic):
    routing = one.state.router.policy = _There()
    for ask in asks:
        one.state.clock.set_to(ask.at)
        routing.region = ask.region
        if ask.forget:
            one.state.memory.clear()
        _call(client, ask, anthropic)


def _send_at_once(one, client, asks, anthropic):
    """The fan-out for real: all at the same time, and the endpoint waits before it begins to answer."""
    one.state.latency.change({"mode": "wait", "models": {"*": {"base_ms": 500, "per_output_token_ms": 0}}})
    asks = [ask for ask in asks if ask.session >= 100]
    with ThreadPoolExecutor(len(asks)) as pool:
        list(pool.map(lambda ask: _call(client, ask, anthropic), asks))


def _call(client, ask, anthropic):
    if ask.api is Api.CONVERSE:
        client.converse(modelId=ask.model, **ask.body)
    else:
        client.invoke_model(modelId=ask.model, body=json.dumps(anthropic(ask.body)))


def _report(folder, *options):
    done = CliRunner().invoke(root, ["explain", str(folder), "--json", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PLANTS)
def test_the_cause_survives_the_wire_and_the_log(name, explained):
    """Sent by boto3, served and logged by the endpoint, read back: the planted cause and no other."""
    cause, report = explained(name)
    assert [one["rule"] for one in report["causes"]] == ([] if cause is None else [cause.value])
    assert report["unreadable"] == []
    assert report["uncounted_requests"] == 0
