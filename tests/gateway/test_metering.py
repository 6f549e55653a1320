"""What a gateway tells beside its ledger: Prometheus' totals, by the tags of keys."""

import httpx
import pytest

from rockbottom.gateway import running_gateway
from tests.gateway.conftest import asking, client_of, configured

pytest.importorskip("prometheus_client")


def test_calls_are_shown_to_prometheus_by_the_tags_of_their_keys(endpoint, key, table, tmp_path):
    with running_gateway(configured(endpoint.url, tmp_path, metrics="127.0.0.1:0", metric_tags=("team",))) as gateway:
        for _ in range(3):
            client_of(gateway, key.id, table.secret(key)).converse(**asking())
        url = f"http://127.0.0.1:{gateway.gateway.metering.port}/metrics"
        shown = httpx.get(url).text
        assert httpx.get(url, headers={"origin": "https://evil.example.com"}).status_code == 403
    line = next(line for line in shown.splitlines() if line.startswith("rockbottom_requests_total{"))
    assert 'status="ok"' in line
    assert 'team="search"' in line
    assert line.endswith(" 3.0")


def test_an_address_that_is_taken_stops_no_call(endpoint, key, table, tmp_path, caplog):
    with running_gateway(configured(endpoint.url, tmp_path, metrics="127.0.0.1:0")) as first:
        taken = f"127.0.0.1:{first.gateway.metering.port}"
        with running_gateway(configured(endpoint.url, tmp_path, metrics=taken)) as second:
            assert client_of(second, key.id, table.secret(key)).converse(**asking())["stopReason"]
    assert f"no metrics at {taken}" in caplog.text
