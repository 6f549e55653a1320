"""The Prometheus endpoint: names, figures, and where it listens."""

import os
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from rockbottom.ledger import LedgerWriter
from rockbottom.sinks import CannotPublish, Prometheus
from rockbottom.sinks.exposing import LedgerMetrics
from rockbottom.sinks.prometheus import serve
from tests.monitor.calls import NOON, SONNET, call


@pytest.fixture
def registry():
    """A registry of the test's own."""
    return CollectorRegistry()


def scraped(registry):
    """What a scrape over HTTP gives: value by name and the labels that differ."""
    server, thread = serve(registry, port=0)
    try:
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
            text = reply.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
    return {
        (sample.name, *(value for name, value in sorted(sample.labels.items()) if name not in ("model", "endpoint"))):
        sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }  # fmt: skip


def test_a_scrape_shows_the_totals_of_two_calls(registry):
    """A write that cost 0.009 instead of 0.0075, then a read of 2,000 tokens: every figure by hand."""
    sink = Prometheus(registry=registry)
    sink.record(call(cache_read=0, cache_write_5m=2000, cost_usd="0.009", uncached_usd="0.0075"))
    sink.record(call(first_ms=240.0, elapsed_ms=3000.0))
    sink.record(call(status="failed", elapsed_ms=80.0))
    sink.record(call(cost_usd=None, uncached_usd=None, cache_read=0))
    found = scraped(registry)
    assert found["rockbottom_tokens_total", "cache_read"] == 2000
    assert found["rockbottom_tokens_total", "cache_write_5m"] == 2000
    assert found["rockbottom_tokens_total", "uncached"] == 30
    assert found["rockbottom_tokens_total", "output"] == 300
    assert found["rockbottom_requests_total", "ok"] == 3
    assert found["rockbottom_requests_total", "failed"] == 1
    assert found["rockbottom_cost_usd_total",] == 0.011
    assert found["rockbottom_cost_without_caching_usd_total",] == 0.0155
    assert found["rockbottom_unpriced_requests_total",] == 1
    assert found["rockbottom_requests_with_points_total",] == 3
    assert found["rockbottom_points_without_caching_total",] == 1
    assert found["rockbottom_time_to_first_token_seconds_bucket", "0.1"] == 0
    assert found["rockbottom_time_to_first_token_seconds_bucket", "0.25"] == 1
    assert found["rockbottom_time_to_first_token_seconds_sum",] == 0.24
    assert found["rockbottom_request_duration_seconds_count",] == 2
    assert found["rockbottom_request_duration_seconds_sum",] == 3.08


def test_tags_are_labels_and_their_number_is_bounded(registry):
    """2 tenants of a thousand are told apart; the calls of the others are summed under `other`."""
    sink = Prometheus(registry=registry, tags=["tenant"], most_series=2)
    for number in range(1000):
        sink.record(call(tags={"tenant": f"t{number}"}))
    found = scraped(registry)
    assert found["rockbottom_requests_total", "ok", "t0"] == 1
    assert found["rockbottom_requests_total", "ok", "other"] == 998


def test_simulated_calls_have_a_label_of_their_own(registry):
    """The label endpoint says local; nothing of it is added to what AWS billed."""
    sink = Prometheus(registry=registry)
    sink.record(call(endpoint="local"))
    sink.record(call())
    labels = {"model": SONNET, "endpoint": "local", "kind": "cache_read"}
    assert registry.get_sample_value("rockbottom_tokens_total", labels) == 2000
    assert registry.get_sample_value("rockbottom_tokens_total", labels | {"endpoint": "aws"}) == 2000


def test_closing_takes_it_out_of_the_registry(registry):
    """Twice is once, and another may be registered then."""
    sink = Prometheus(registry=registry)
    sink.close()
    sink.close()
    Prometheus(registry=registry).record(call())
    assert ("rockbottom_requests_total", "ok") in scraped(registry)


@pytest.mark.parametrize("tag", ["cost-center", "1st", "__own", "model", ""])
def test_a_tag_that_cannot_be_a_label_is_refused(registry, tag):
    """With what would work."""
    with pytest.raises(CannotPublish) as caught:
        Prometheus(registry=registry, tags=[tag])
    assert caught.value.fix


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_counts_from_zero(registry):
    """What the parent has counted the parent shows."""
    sink = Prometheus(registry=registry)
    sink.record(call())
    child = os.fork()
    if child == 0:
        sink.record(call())
        labels = {"model": SONNET, "endpoint": "aws", "status": "ok"}
        os._exit(0 if registry.get_sample_value("rockbottom_requests_total", labels) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_ledger_of_eleven_million_dollars_is_still_summed(tmp_path):
    """110 hours with a call of 100,000 dollars each: more pico-dollars than an integer of SQLite holds."""
    writer = LedgerWriter(tmp_path)
    for hour in range(110):
        writer.record(call(NOON - 3600 * hour, cost_usd="100000", uncached_usd="100000"))
    writer.close()
    metrics = LedgerMetrics(tmp_path)
    found = {sample.name: sample.value for family in metrics.collect() for sample in family.samples}
    metrics.close()
    assert found["rockbottom_cost_usd_total"] == 11_000_000


def test_a_page_of_a_browser_may_not_read_the_figures(registry):
    """They say what is spent: a foreign Host (DNS rebinding) and a foreign Origin are refused."""
    server, thread = serve(registry, port=0, hosts=("metrics.corp.example",))
    host, port = server.server_address[:2]

    def status(**headers):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"http://{host}:{port}/metrics", headers=headers)
            ) as one:
                return one.status
        except urllib.error.HTTPError as error:
            return error.code

    try:
        assert [status(), status(Host="metrics.corp.example")] == [200, 200]
        assert [status(Host="evil.example"), status(Origin="https://evil.example")] == [403, 403]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
