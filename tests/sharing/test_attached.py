"""Attached clients, gateways and budgets that share, against the local endpoint and a real server."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import rockbottom
from rockbottom.budgets import Budget, BudgetExceeded, Budgets
from rockbottom.client import attachment_of
from rockbottom.client.errors import NotAttachable
from rockbottom.ledger import CallRecord, LedgerReader
from rockbottom.local import running
from rockbottom.plan import ANY_ACCOUNT
from rockbottom.sharing import BadAddress, BudgetLeases, ValkeyStore
from tests.sharing.conftest import serving, until

MODEL = "us.anthropic.claude-sonnet-4-6"
CLAUSE = "Clause {n}: the tenant of unit {n} pays by day {d} of each month. "
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}


def text_of(tokens: int) -> str:
    """Some so many tokens of a contract."""
    return "".join(CLAUSE.format(n=n, d=n % 28) for n in range(tokens // 16))


def plain_client(url: str):
    config = Config(max_pool_connections=32, retries={"max_attempts": 1})
    return boto3.client("bedrock-runtime", endpoint_url=url, config=config, **KEYS)


def shared_client(url: str, share: str):
    """A client that shares, once it may spend."""
    client = rockbottom.attach(plain_client(url), share=share)
    guard = attachment_of(client).planner.guard
    until(lambda: not attachment_of(client).trouble and guard.limits.get(ANY_ACCOUNT, 0) > 0)
    return client


def ask(client, text: str, question: str) -> dict:
    """The usage of one question."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    return client.converse(modelId=MODEL, system=[{"text": text}], messages=messages)["usage"]


def test_twenty_parallel_first_requests_over_four_replicas_make_one_write(server):
    """Five workers at each of four clients ask at once: one writes, nineteen read."""
    with running() as endpoint:
        clients = [shared_client(endpoint.url, server.url) for _ in range(4)]
        time.sleep(1.5)  # leases are fair by then
        text = text_of(10_000)
        with ThreadPoolExecutor(20) as pool:
            usages = list(pool.map(lambda n: ask(clients[n % 4], text, f"Question {n}?"), range(20)))
        for client in clients:
            rockbottom.detach(client)
    assert sum(usage["cacheWriteInputTokens"] > 5_000 for usage in usages) == 1
    assert sum(usage["cacheReadInputTokens"] > 5_000 for usage in usages) == 19


@pytest.mark.parametrize("fault", ["gone", "frozen"])
def test_no_call_waits_for_a_store_that_is_away(server, fault):
    """Calls that write a new prefix each, with the store gone or frozen: none takes half a second more than before."""
    with running() as endpoint:
        client = shared_client(endpoint.url, server.url)
        ask(client, text_of(4_000), "first?")
        server.stop() if fault == "gone" else server.freeze()
        longest = 0.0
        for number in range(12):
            begun = time.perf_counter()
            ask(client, f"{number} {text_of(4_000)}", "Which day?")
            longest = max(longest, time.perf_counter() - begun)
        until(lambda: attachment_of(client).trouble)
        report = rockbottom.report(client)
        server.thaw() if fault == "frozen" else server.start()
        until(lambda: not attachment_of(client).trouble)
        rockbottom.detach(client)
    assert longest < 1.0
    assert any("does not answer" in notice for notice in report.notices)
    assert report.total.calls == 13


def test_a_store_that_is_slow_delays_a_call_by_a_moment_at_most(server):
    """It answers every 0.4 s only. Calls that write a new prefix each ask it, and wait for 50 ms: half of them take no
    more than that longer, though each would wait 0.2 s for an answer; what they saw is told all the same."""
    with running() as endpoint:
        one, other = (shared_client(endpoint.url, server.url) for _ in range(2))
        quick = sorted(_seconds(one, f"quick {number} {text_of(4_000)}") for number in range(10))
        slowing, ends = threading.Event(), threading.Event()

        def slow_down() -> None:
            while not ends.is_set():
                server.ask("CLIENT", "PAUSE", "400", "ALL")
                slowing.set()

        thread = threading.Thread(target=slow_down)
        thread.start()
        try:
            slowing.wait(30)
            slow = sorted(_seconds(one, f"slow {number} {text_of(4_000)}") for number in range(10))
            until(lambda: attachment_of(other).planner.history.prefixes >= 20, 30)
        finally:
            ends.set()
            thread.join()
        assert attachment_of(one).trouble == ""
        for client in (one, other):
            rockbottom.detach(client)
    assert slow[5] - quick[5] < 0.15


def _seconds(client, text: str) -> float:
    begun = time.perf_counter()
    ask(client, text, "Which day?")
    return time.perf_counter() - begun


def test_what_cannot_be_shared_is_refused_at_once(tmp_path):
    """A planner or state of one's own, only observing, or no address: one sentence each, and no password in it."""
    client = plain_client("http://127.0.0.1:9")
    for beside in ({"planner": rockbottom.Planner()}, {"state": tmp_path / "s.db"}, {"dry_run": True}):
        with pytest.raises(NotAttachable, match="share="):
            rockbottom.attach(client, share="redis://:secret@127.0.0.1:1", **beside)
    with pytest.raises(BadAddress):
        rockbottom.attach(client, share="127.0.0.1:6379")
    rockbottom.attach(client, share="redis://:secret@127.0.0.1:1")
    with pytest.raises(rockbottom.client.AlreadyAttached) as caught:
        rockbottom.attach(client, share="redis://:other@127.0.0.1:2")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:2" in str(caught.value)
    rockbottom.detach(client)


def test_processes_of_one_machine_share_a_file(tmp_path):
    """What one client wrote the other reads, through an SQLite file."""
    with running() as endpoint:
        one, other = (shared_client(endpoint.url, f"sqlite://{tmp_path}/share.db") for _ in range(2))
        ask(one, text_of(4_000), "first?")
        until(lambda: attachment_of(other).planner.history.runs)
        assert ask(other, text_of(4_000), "second?")["cacheReadInputTokens"] > 3_000
        for client in (one, other):
            rockbottom.detach(client)


def test_clients_of_a_server_that_forks_after_attaching_are_members_each(server):
    """As with gunicorn's preload: one attaches, three workers are forked and share as three others do."""
    forking = multiprocessing.get_context("fork")
    with running() as endpoint:
        client = shared_client(endpoint.url, server.url)
        told, turn = forking.Queue(), [forking.Event() for _ in range(3)]

        def work(number: int) -> None:
            planner = attachment_of(client).planner
            ask(client, "short", "are you there?")  # a worker joins with its first call
            # What it may write beyond a call's own price: a quarter of 4,000 tokens, and something to spare.
            until(lambda: not attachment_of(client).trouble and planner.guard.limits.get(ANY_ACCOUNT, 0) > 1_500)
            told.put((number, "ready"))
            turn[number].wait(60)
            told.put((number, ask(client, text_of(4_000), f"question {number}?")))
            time.sleep(1)

        workers = [forking.Process(target=work, args=(number,)) for number in range(3)]
        for worker in workers:
            worker.start()
        assert sorted(told.get(timeout=60) for _ in workers) == [(number, "ready") for number in range(3)]
        usages = []
        for event in turn:
            event.set()
            usages.append(told.get(timeout=60)[1])
            time.sleep(0.7)
        for worker in workers:
            worker.join(30)
        usages.append(ask(client, text_of(4_000), "and the parent?"))
        rockbottom.detach(client)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [usage["cacheWriteInputTokens"] > 3_000 for usage in usages] == [True, False, False, False]
    assert [usage["cacheReadInputTokens"] > 3_000 for usage in usages] == [False, True, True, True]


@pytest.mark.parametrize(("key", "alike"), [("?key=of-the-group", True), ("", False)])
def test_ledgers_of_a_group_with_a_key_name_prefixes_alike(tmp_path, key, alike):
    """So a replay of both knows that the document was there already. Without a key of the group each keeps its own, for
    whoever reads the ledger could test guesses."""
    with running() as endpoint:
        for name in ("one", "other"):
            client = rockbottom.attach(
                plain_client(endpoint.url),
                share=f"sqlite://{tmp_path}/share.db{key}",
                record=rockbottom.Recording(ledger=str(tmp_path / name)),
            )
            ask(client, text_of(4_000), "the same?")
            rockbottom.detach(client)
    hashes = [[tuple(call.hashes) for call in LedgerReader(tmp_path / name).calls()] for name in ("one", "other")]
    assert hashes[0][0]
    assert (hashes[0] == hashes[1]) is alike


class Spender:
    """A process with a stop budget that shares its leases; ``step`` is what its threads do, by hand."""

    def __init__(self, url: str, number: int, limit: str, cost: str) -> None:
        self.budgets = Budgets(Budget(limit, "day", action="stop", reserve_usd=cost), file=":memory:")
        self.store = ValkeyStore(url, "test")
        self.leases = BudgetLeases(f"member {number}", lambda: None)
        self.budgets.lend(self.leases)
        self.cost, self.spent, self.stopped = cost, Decimal(0), 0

    def call(self, now: float) -> None:
        try:
            self.budgets.check({}, now)
        except BudgetExceeded:
            self.stopped += 1
            return
        self.budgets.record(CallRecord(now, MODEL, "Converse", cost_usd=self.cost))
        self.spent += Decimal(self.cost)


def test_a_stop_budget_of_sixteen_spends_no_more_than_was_leased_when_the_store_is_killed(tmp_path):
    """$10 for sixteen processes, calls of $0.05, the store killed half-way: all together stay within their leases."""
    now = time.time()
    with serving(tmp_path) as server:
        spenders = [Spender(server.url, number, "10", "0.05") for number in range(16)]
        for _ in range(6):
            for spender in spenders:
                spender.call(now)
                spender.leases.settle(spender.store)
                spender.leases.connected = True
        server.stop()
        half = sum(spender.spent for spender in spenders)
        assert 0 < half < 10
        accounts = [account for spender in spenders for account in spender.leases._accounts.values()]
        leased = sum(Decimal(account.lessee.limit("all")) / 10**9 for account in accounts)
        for spender in spenders:
            spender.leases.connected = False
        for _ in range(60):
            for spender in spenders:
                spender.call(now)
    spent = sum(spender.spent for spender in spenders)
    assert half < spent <= leased <= 10
    assert all(spender.stopped for spender in spenders)


def test_a_gateway_that_shares_is_ready_and_says_that_the_store_is_away(tmp_path, monkeypatch):
    """/ready is 200 with and without the store, for calls go on; its text says that the store does not answer."""
    from rockbottom.gateway import Configuration, Upstream, running_gateway

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with running() as endpoint, serving(tmp_path) as server:
        upstream = Upstream("us-east-1", runtime=endpoint.url)
        told = Configuration(upstream, listen="127.0.0.1:0", share=server.url, folder=tmp_path)
        with running_gateway(told) as gateway:

            def ready() -> str:
                return urlopen(f"{gateway.url}/ready").read().decode()

            until(lambda: ready() == "ready\n")
            assert ask(plain_client(gateway.url), text_of(4_000), "first?")["cacheWriteInputTokens"] > 3_000
            server.stop()
            until(lambda: "does not answer" in ready())
            assert ask(plain_client(gateway.url), text_of(4_000), "second?")["cacheReadInputTokens"] > 3_000


def test_budgets_that_are_read_again_count_what_was_spent_before(tmp_path, monkeypatch):
    """Two gateways with $0.05 a day for both spend at most that until both refuse; then the limit is $0.08 in both, and
    $0.08 is the most that all calls, those before too, may cost."""
    from rockbottom.gateway import BudgetRow, Configuration, Upstream, running_gateway

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")

    def told(name: str, limit: str) -> Configuration:
        row = BudgetRow(limit_usd=limit, period="day", reserve_usd="0.005")
        upstream = Upstream("us-east-1", runtime=endpoint.url)
        share = f"{server.url}?name=budgets"
        return Configuration(upstream, listen="127.0.0.1:0", share=share, folder=tmp_path / name, budgets=[row])

    def spend(gateways) -> Decimal:
        """Ask at both in turns until both refuse; what all calls since the start cost."""
        clients, refused = [plain_client(gateway.url) for gateway in gateways], set()
        for number in range(200):
            if len(refused) == 2:
                break
            try:
                ask(clients[number % 2], "Be brief. " * 80, f"question {number}?")
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 429:
                    refused.add(number % 2)
                elif status != 503:  # the store was slow to answer: nothing is spent until it does
                    raise
        return sum((report.total.cost_usd for one in gateways for report in one.gateway.reports()), Decimal(0))

    with (
        running() as endpoint,
        serving(tmp_path) as server,
        running_gateway(told("one", "0.05")) as one,
        running_gateway(told("other", "0.05")) as other,
    ):
        until(lambda: all(urlopen(f"{each.url}/ready").read() == b"ready\n" for each in (one, other)))
        first = spend((one, other))
        for each, name in ((one, "one"), (other, "other")):
            each.gateway.reload(told(name, "0.08"))
        both = spend((one, other))
    assert Decimal("0.03") < first <= Decimal("0.05")
    assert first < both <= Decimal("0.08")


def test_a_configuration_says_which_line_is_wrong_of_what_is_shared(tmp_path):
    """Beside a state, or with no address: the field, and what would work."""
    from rockbottom.gateway import BadConfiguration, read_configuration

    path = tmp_path / "gateway.yaml"
    path.write_text("upstream: {region: us-east-1}\nshare: http://host\n")
    with pytest.raises(BadConfiguration, match="line 2: share"):
        read_configuration(path, {})
    path.write_text("upstream: {region: us-east-1}\nshare: ${STORE}\nstate: planner.db\n")
    with pytest.raises(BadConfiguration, match="line 3: state"):
        read_configuration(path, {"STORE": "redis://host"})
