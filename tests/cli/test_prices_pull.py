"""``rockbottom prices pull``: the list read from a file or a server, shown, and laid over the book."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rockbottom.catalog import PriceBook, Scope, Tier, load_catalog
from rockbottom.cli import main, prices
from rockbottom.quantities import Unit


def offer(code: str, *rows: tuple[str, str, dict[str, str]], since: str = "2026-11-01") -> dict[str, Any]:
    """An offer file with these (usage type, US dollars, attributes), by the thousand tokens."""
    products: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    for number, (usage, usd, attributes) in enumerate(rows):
        sku = f"{code}{number}"
        products[sku] = {"sku": sku, "attributes": {"regionCode": "us-east-1", "usagetype": usage, **attributes}}
        dimension = {"unit": "1K tokens", "pricePerUnit": {"USD": usd}}
        terms[sku] = {f"{sku}.T": {"effectiveDate": f"{since}T00:00:00Z", "priceDimensions": {"d": dimension}}}
    return {
        "offerCode": code, "publicationDate": "2026-11-15T00:00:00Z", "products": products,
        "terms": {"OnDemand": terms},
    }  # fmt: skip


NOVA_PRO = {"model": "Nova Pro", "feature": "On-demand Inference"}
LIST = offer(
    "AmazonBedrock",
    ("USE1-NovaPro-input-tokens", "0.0008", NOVA_PRO),
    ("USE1-NovaPro-output-tokens", "0.0030", NOVA_PRO),
    ("USE1-NovaPro-input-tokens-latency-optimized", "0.001", NOVA_PRO),
    ("CNN1-NovaPro-input-tokens", "0.0009", {**NOVA_PRO, "regionCode": "ca-central-1"}),
    ("USE1-Acme-input-tokens", "0.0009", {"model": "Acme"}),
)


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pulled prices are kept."""
    path = tmp_path / "data" / "prices.csv"
    monkeypatch.setenv("ROCKBOTTOM_PRICES", str(path))
    return path


def pull(*args: str) -> Result:
    return CliRunner().invoke(prices.command, ["pull", *args], catch_exceptions=False)


def test_a_list_is_shown_first_and_stored_on_agreement(saved: Path, tmp_path: Path) -> None:
    """One price as in the book, the output of two scopes changed, ca-central-1 new, two entries refused."""
    file = tmp_path / "index.json"
    file.write_text(json.dumps(LIST))
    shown = pull("--offline", str(file))
    assert not saved.exists()
    assert "5 entries read" in shown.output
    assert "2 prices as in the book, 2 new, 2 changed, 0 contested" in shown.output
    assert "amazon.nova-pro-v1:0 us us-east-1 default output: 3 from 2026-11-01, was 3.2" in " ".join(
        shown.output.split()
    )
    assert "latency-optimised inference" in shown.output
    assert "the model 'Acme' is not in the catalogue" in shown.output
    pull("--offline", str(file), "--yes")
    asked = ("amazon.nova-pro-v1:0", Scope.US, Tier.DEFAULT, Unit.OUTPUT)
    book = load_catalog().price_book.overlay(PriceBook.read(saved))
    assert book.price(*asked, date(2026, 10, 31), region="us-east-1").usd_per_mtok == Decimal("3.2")
    assert book.price(*asked, date(2026, 11, 1), region="us-east-1").usd_per_mtok == 3
    assert book.price(*asked, date(2026, 11, 1), region="us-west-2").usd_per_mtok == Decimal("3.2")


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", b"[" * 100_000, b"\xff\xfe{\x00", b"\x89PNG\r\n"])
def test_a_file_that_is_no_list_is_a_mistake_of_the_command_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Packed, nested without end, of another encoding, a picture: none is an error of rockbottom's own."""
    (tmp_path / "index.json").write_bytes(content)
    assert main(["prices", "pull", "--offline", str(tmp_path / "index.json")]) == 2
    assert "index.json is not JSON" in " ".join(capsys.readouterr().err.split())


def test_what_was_stored_holds_for_every_command_and_is_not_stored_twice(saved: Path, tmp_path: Path) -> None:
    """prices show has the pulled row with its source; the same list pulled again changes nothing."""
    file = tmp_path / "index.json"
    file.write_text(json.dumps(LIST))
    pull("--offline", str(file), "--yes")
    before = saved.read_text()
    load_again()
    shown = CliRunner().invoke(prices.command, ["show", "nova-pro", "--on", "2026-11-20"], catch_exceptions=False)
    assert "[AWS price list, published 2026-11-15]" in shown.output
    again = pull("--offline", str(file), "--yes")
    assert "0 new, 0 changed, 0 contested" in again.output
    assert saved.read_text() == before


def load_again() -> None:
    """Forget what was read, as a new process does."""
    from rockbottom.catalog import saved

    saved._with_prices.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    load_again()
    yield
    load_again()


def test_two_prices_of_the_list_for_one_cell_are_contested(saved: Path, tmp_path: Path) -> None:
    """The twin on bedrock-mantle only fills what nothing else gives: its other price is kept and not in force."""
    file = tmp_path / "index.json"
    rows = [
        ("USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", "0.0002", {"model": "gpt-oss-120b"}),
        ("USE1-GPT-OSS-120B-input-tokens", "0.00016", {"model": "gpt-oss-120b"}),
    ]
    file.write_text(json.dumps(offer("AmazonBedrock", *rows)))
    pull("--offline", str(file), "--yes")
    stored = [(row.usd_per_mtok, row.contested) for row in PriceBook.read(saved).rows]
    assert stored == [(Decimal("0.16"), False), (Decimal("0.2"), True)]


def test_the_output_of_get_products_is_read_too(saved: Path, tmp_path: Path) -> None:
    """PriceList holds JSON as text, as the AWS command line prints it."""
    about = {**NOVA_PRO, "regionCode": "us-east-1", "usagetype": "USE1-NovaPro-output-tokens"}
    product = {
        "product": {"sku": "A", "attributes": about},
        "serviceCode": "AmazonBedrock", "publicationDate": "2026-11-15T00:00:00Z",
        "terms": {"OnDemand": {"A.T": {"effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": {
            "d": {"unit": "1K tokens", "pricePerUnit": {"USD": "0.003"}}}}}},
    }  # fmt: skip
    file = tmp_path / "page.json"
    file.write_text(json.dumps({"PriceList": [json.dumps(product)]}))
    pull("--offline", str(file), "--yes")
    assert {(row.scope, row.usd_per_mtok) for row in PriceBook.read(saved).rows} == {
        (Scope.IN_REGION, 3),
        (Scope.US, 3),
    }


class Offers(BaseHTTPRequestHandler):
    """Plays the index of offers, the index of Regions and the offer files."""

    documents: dict[str, Any]

    def do_GET(self) -> None:
        document = self.documents.get(self.path)
        self.send_response(200 if document is not None else 404)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def list_url() -> Iterator[str]:
    """A server with one offer of two Regions, and an offer that is not Bedrock's."""
    start = "/offers/v1.0/aws"
    regions = {
        r: {"regionCode": r, "currentVersionUrl": f"{start}/AmazonBedrock/1/{r}/index.json"}
        for r in ("us-east-1", "eu-west-3")
    }
    paris = offer("AmazonBedrock", ("EUW3-NovaPro-input-tokens", "0.00118", {**NOVA_PRO, "regionCode": "eu-west-3"}))
    Offers.documents = {
        f"{start}/index.json": {"offers": {
            "AmazonBedrock": {"currentRegionIndexUrl": f"{start}/AmazonBedrock/current/region_index.json"},
            "AmazonEC2": {"currentRegionIndexUrl": "/nowhere"},
        }},
        f"{start}/AmazonBedrock/current/region_index.json": {"regions": regions},
        f"{start}/AmazonBedrock/1/us-east-1/index.json": LIST,
        f"{start}/AmazonBedrock/1/eu-west-3/index.json": paris,
    }  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), Offers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_offer_of_bedrock_is_read_from_the_index(saved: Path, list_url: str) -> None:
    """Both Regions' files, and nothing of other services; --region leaves the other file alone."""
    both = json.loads(pull("--base-url", list_url, "--json").stdout)
    assert both["entries"] == 6
    one = json.loads(pull("--base-url", list_url, "--region", "eu-west-3", "--json").stdout)
    assert (one["entries"], one["agreeing"], one["rows"]) == (1, 2, [])


def test_a_list_that_cannot_be_reached_is_said_with_what_would_work(saved: Path) -> None:
    """The address that failed, and --offline."""
    with pytest.raises(prices.PriceListUnavailable, match="could not be read") as caught:
        pull("--base-url", "http://127.0.0.1:9")
    assert "--offline" in str(caught.value.fix)


def test_every_entry_of_the_sample_list_is_a_row_or_refused(recorded_data: Path, saved: Path) -> None:
    """171 entries of real shape: each is in the book, new or refused; none contradicts a price of the book.

    Their prices are those of AWS's list of October 2026, which the book has from the same source.
    """
    file = recorded_data.parent / "facts" / "price_list_samples.json"
    if not file.exists():
        pytest.skip(f"the sample list is not here: {file}")
    found = json.loads(pull("--offline", str(file), "--json").stdout)
    assert found["entries"] == 171
    assert len(found["refused"]) == 34
    assert all(one["why"] for one in found["refused"])
    new = {(row["model"], row["scope"], row["tier"], row["unit"], row["usd_per_mtok"]) for row in found["rows"]}
    assert [row["standing"] for row in found["rows"]] == ["new"] * len(found["rows"])
    assert new == {
        ("anthropic.claude-sonnet-4-6", "us", "batch", "input", "1.65"),
        ("anthropic.claude-sonnet-4-6", "us", "batch", "output", "8.25"),
        ("anthropic.claude-sonnet-4-6", "global", "batch", "input", "1.5"),
        ("anthropic.claude-sonnet-4-6", "global", "batch", "output", "7.5"),
    }
