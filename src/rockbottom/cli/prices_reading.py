"""AWS's price list read over the network: the public offer files, or GetProducts with credentials."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urljoin

from rockbottom.process import Wait, awaited, bounded, content_of_reply, host_of, opened
from rockbottom.quantities import AwsAnswer, Fault, RockbottomError, Undecodable, decoded, is_object

BULK_URL = "https://pricing.us-east-1.amazonaws.com"
"""Where AWS publishes its offer files."""

_TIMEOUT_S = 60.0
_MOST_BYTES = 1 << 28  # an offer file of one service, all Regions


class PriceListUnavailable(RockbottomError):
    """AWS's price list could not be read: no credentials, no permission, or no connection."""

    fault = Fault.SERVICE


def bulk_documents(base_url: str, regions: Sequence[str]) -> Iterator[object]:
    """The offer files of every service of Bedrock, one for each Region (of ``regions``, where any are named).

    Raises PriceListUnavailable.
    """
    from rockbottom.catalog import EVERY_SERVICE

    index = _json(base_url, "/offers/v1.0/aws/index.json")
    offers = _member(index, "offers")
    named = [code for code in offers if code.startswith("AmazonBedrock")] or list(EVERY_SERVICE)
    for code in named:
        of_offer = _member(offers, code).get("currentRegionIndexUrl")
        index = _json(base_url, str(of_offer or f"/offers/v1.0/aws/{code}/current/region_index.json"))
        for region, place in _member(index, "regions").items():
            if not regions or region in regions:
                yield _json(base_url, str(AwsAnswer(_object(place))["currentVersionUrl"]))


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; empty where there is none."""
    return _object(document.get(name, {}))


def _object(value: object) -> Mapping[str, Any]:
    if not is_object(value):
        raise PriceListUnavailable("What answers is no price list of AWS's.", fix="check --base-url")
    return value


def products_of_api(client: Any, services: Sequence[str], regions: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The products of these services by GetProducts, of every Region where none is named.

    Raises PriceListUnavailable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield from _products(client, services, regions)
    except (BotoCoreError, ClientError) as error:
        raise PriceListUnavailable(
            f"The AWS Price List API could not be read: {error}",
            fix="it needs credentials (--profile NAME, or the environment) that may call pricing:GetProducts",
        ) from error


def pricing_client(profile: str | None) -> Any:
    """A client of the Price List API, which is served from us-east-1 whatever Region is asked about."""
    import_module("boto3")  # missing: said before anything else is
    import boto3

    session: Any = boto3.Session(profile_name=profile)
    return bounded(session.client("pricing", region_name="us-east-1"))


def _products(client: Any, services: Sequence[str], regions: Sequence[str]) -> Iterator[dict[str, Any]]:
    for service in services:
        for region in regions or (None,):
            filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}] if region else []
            pages = client.get_paginator("get_products").paginate(
                ServiceCode=service, FormatVersion="aws_v1", Filters=filters
            )
            for page in pages:
                for product in page.get("PriceList", ()):
                    yield decoded(product)


def _json(base_url: str, path: str) -> Mapping[str, Any]:
    from urllib.error import URLError

    url = urljoin(base_url.rstrip("/") + "/", path)
    try:
        with awaited(Wait("the offer file", host_of(url))), opened(url, _TIMEOUT_S) as reply:
            document = decoded(content_of_reply(reply, _MOST_BYTES))
    except (URLError, OSError, ValueError, Undecodable) as error:
        raise PriceListUnavailable(
            f"{url} could not be read: {error}",
            fix="--offline FILE reads an offer file that was downloaded, --base-url names another place",
        ) from error
    if not is_object(document):
        raise PriceListUnavailable(f"{url} is not an offer file of the price list.")
    return document
