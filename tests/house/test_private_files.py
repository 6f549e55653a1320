"""What holds tags, prompts, bodies or secrets is its owner's alone, whatever the umask lets through."""

import gzip
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

import rockbottom
from rockbottom.cli import main
from rockbottom.gateway import KeyTable, key_secret, new_key
from rockbottom.local import running
from tests.bench.conftest import RULES, SMALL
from tests.pins.pinned_requests import support

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

_NOVA = "us.amazon.nova-pro-v1:0"
_AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(autouse=True)
def _anybody_may_read_what_is_not_made_otherwise(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name, value in _AWS.items():
        monkeypatch.setenv(name, value)
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    """A local endpoint that logs."""
    before = os.umask(0)
    with running(log_dir=tmp_path_factory.mktemp("endpoint") / "logs") as server:
        yield server.url
        os.umask(before)


def _body(number: int = 0) -> dict:
    return {
        "system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": f"a secret question {number}"}]}],
        "inferenceConfig": {"maxTokens": 5},
    }


def _log(folder: Path, name: str) -> None:
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-11-20T10:00:00Z", "requestId": name, "accountId": "1",
        "operation": "Converse", "modelId": _NOVA, "region": "us-east-1", "requestMetadata": {"tenant": "acme"},
        "input": {"inputBodyJson": _body(), "inputTokenCount": 2000},
        "output": {"outputTokenCount": 5, "outputBodyJson": {"output": {"message": {"role": "assistant",
                   "content": [{"text": "hello"}]}}, "usage": {"inputTokens": 2000, "outputTokens": 5}}},
    }  # fmt: skip
    folder.mkdir(exist_ok=True, mode=0o700)
    with open(folder / f"{name}.json.gz", "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(gzip.compress(json.dumps(record).encode()))


def attached(url: str) -> None:
    """A program with a ledger, the planner's state, budgets and embedded metrics; then everything that reads it."""
    client = boto3.client("bedrock-runtime", endpoint_url=url)
    sinks = [rockbottom.EmbeddedMetrics("metrics.log")]
    budgets = rockbottom.Budgets(
        rockbottom.Budget("5", "day", per=["tenant"]), file="budgets/sums.sqlite", simulated=True
    )
    rockbottom.attach(client, ledger="ledger", state="state.db", budget=budgets, sinks=sinks)
    for number in range(3):
        with rockbottom.tagged(tenant="acme"):
            client.converse(modelId=_NOVA, **_body(number))
    rockbottom.detach(client)
    for words in (
        "status --ledger ledger", "ledger info --ledger ledger", "ledger sql --ledger ledger FROM^calls",
        "monitor publish --ledger ledger --simulated --emf published.log", "ledger ship --ledger ledger shipped",
        "replay ledger --html replay.html", "explain ledger --html explain.html",
    ):  # fmt: skip
        assert main([word.replace("^", " ") for word in words.split()]) in (0, 1)


def logged(url: str) -> None:
    """What is made of invocation logs, also where it was stopped half way."""
    for name in ("one", "two"):
        _log(Path("logs"), name)
    assert main(["trace", "import", "logs", "--out", "trace.parquet"]) == 0
    several = ["--engine", "processes", "--jobs", "1"]
    assert main(["replay", "logs", "--html", "replay.html", *several]) == 0
    assert main(["explain", "logs", "--html", "explain.html"]) == 0
    main(["distill", "data", "logs", "--out", "train/data.jsonl", "--answers"])  # it says that one prompt is too few
    assert Path("train/data.jsonl").stat().st_size > 0


def benched(url: str) -> None:
    """The folder of a run, the page and the table."""
    Path("small.yaml").write_text(SMALL.format(rules=RULES))
    Path("small.yaml").chmod(0o600)
    words = f"bench small.yaml --endpoint-url {url} --html page.html --csv table.csv --lane baseline"
    assert main(words.split()) == 0


def batched(url: str) -> None:
    """A run on demand: its journal, what is sent and what comes back."""
    _private("records.jsonl", [json.dumps({"recordId": str(n), "modelInput": _body(n)}) for n in range(3)])
    words = f"batch run records.jsonl --model {_NOVA} --on-demand --yes --endpoint-url {url} --name run"
    os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = url
    try:
        assert main(words.split()) == 0
    finally:
        del os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]


def pinned(url: str) -> None:
    """The text of a prompt; the pins themselves hold none and are committed."""
    _private("support.json", [json.dumps(support())])
    assert main(["check", "support.json", "--accept", "--with-text", "--pins", "pins.toml"]) == 0
    Path("pins.toml").chmod(0o600)  # meant for all


def keyed(url: str) -> None:
    """The keys of a gateway and its master secret."""
    table = KeyTable(Path("gateway/keys.json").absolute(), key_secret(Path("gateway/keys.json").absolute(), {}))
    table.put(new_key("search", 0.0, tags={"team": "search"}))


def _private(name: str, lines: list[str]) -> None:
    Path(name).write_text("\n".join(lines) + "\n")
    Path(name).chmod(0o600)


@pytest.mark.parametrize("make", [attached, logged, benched, batched, pinned, keyed])
def test_nobody_else_may_read_what_is_made(make: Callable[[str], None], url, tmp_path):
    """With a umask of 000: no file and no folder is open to others, at any depth."""
    make(url)
    made = sorted(path for path in tmp_path.rglob("*") if not path.is_symlink())
    assert len(made) > 1
    assert [f"{stat.filemode(path.stat().st_mode)} {path.relative_to(tmp_path)}" for path in made
            if path.stat().st_mode & 0o077] == []  # fmt: skip


def test_nobody_else_may_read_the_invocation_logs_of_a_local_endpoint(tmp_path):
    """Records and the bodies beside them; the folder itself where the command makes it is a test of the command."""
    with running(log_dir=tmp_path / "logs") as server:
        boto3.client("bedrock-runtime", endpoint_url=server.url).converse(modelId=_NOVA, **_body())
    made = list((tmp_path / "logs").rglob("*"))
    assert any(path.is_file() for path in made)
    assert [str(path) for path in made if path.stat().st_mode & 0o077] == []
