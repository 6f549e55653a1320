"""Where profiles go, which is the cheapest allowed, and what policies must allow."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from rockbottom.catalog import Scope, load_catalog
from rockbottom.catalog.profile_policies import iam_statements, scp_regions
from rockbottom.catalog.profiles import NoProfileAllowed, allowed, cheapest, geographies, priced, profiles_of
from rockbottom.quantities import Unit

ON = date(2026, 11, 21)


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def _priced(catalog, name, region=None):
    model = catalog.model(name).model
    return model, priced(profiles_of(catalog, model, region), catalog.price_book, ON, region)


def test_every_profile_of_the_catalogue_has_a_geography(catalog):
    """No model lists a scope that profiles.toml does not explain."""
    known = geographies(catalog)
    assert {scope for model in catalog.models.values() for scope in model.profiles} <= set(known)


@pytest.mark.parametrize(
    ("residency", "wanted", "price"),
    [("us", "us.", "3.3"), ("eu", "eu.", "3.3"), ("jp", "jp.", "3.3"), ("au", "au.", "3.3"), ("none", "global.", "3")],
)
def test_the_cheapest_that_is_allowed(catalog, residency, wanted, price):
    """Sonnet 4.6: 3.30 in a geography, 3.00 anywhere."""
    model, found = _priced(catalog, "sonnet-4-6")
    one = cheapest(found, residency, model)
    assert one.profile.id == wanted + model.id
    assert one.usd_per_mtok[Unit.INPUT] == D(price)


def test_asia_is_no_country(catalog):
    """An apac. profile keeps no residency that can be asked for."""
    _, found = _priced(catalog, "sonnet-4-6")
    assert "apac" not in {one.profile.scope.value for one in allowed(found, "jp") + allowed(found, "au")}


def test_of_two_prices_that_are_equal_the_narrower_place_wins(catalog):
    """Nova Pro costs the same in its Region and in the geography: the bare id is named first."""
    model, found = _priced(catalog, "nova-pro", "us-east-1")
    assert cheapest(found, "us", model).profile.id == model.id


def test_a_geography_near_the_caller_comes_before_one_elsewhere(catalog):
    """Nova 2 Pro Preview has no global profile; all three cost 1.375, and from Ireland eu. is named."""
    model, found = _priced(catalog, "nova-2-pro-preview", "eu-west-1")
    assert cheapest(found, "none", model).profile.scope is Scope.EU
    assert next(one for one in found if one.profile.scope is Scope.US).profile.elsewhere


def test_a_residency_that_excludes_every_profile_says_what_there_is(catalog):
    """Nova Pro has no jp. profile."""
    model, found = _priced(catalog, "nova-pro")
    with pytest.raises(NoProfileAllowed, match=r"us\.amazon\.nova-pro") as caught:
        cheapest(found, "jp", model)
    assert "eu, us" in caught.value.fix


def test_policies_of_a_global_profile(catalog):
    """The source Region and the word unspecified; the third statement names a model without Region and account."""
    model, found = _priced(catalog, "sonnet-4-6")
    one = cheapest(found, "none", model).profile
    assert scp_regions(one, "eu-west-1") == ("eu-west-1", "unspecified")
    statements = iam_statements(one, "eu-west-1", "111122223333")
    assert [len(statement["Resource"]) for statement in statements] == [1, 1, 1]
    assert statements[2]["Resource"] == ["arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-6"]
    assert statements[2]["Condition"]["StringEquals"]["aws:RequestedRegion"] == "unspecified"


def test_policies_of_a_geography_need_every_destination(catalog):
    """Unknown Regions are not guessed; known ones are all named, the source Region first."""
    model, found = _priced(catalog, "sonnet-4-6")
    one = next(row.profile for row in found if row.profile.scope is Scope.US)
    assert scp_regions(one, "us-east-1") is None
    told = replace(one, regions=("us-east-1", "us-east-2", "us-west-2"))
    assert scp_regions(told, "us-east-1") == ("us-east-1", "us-east-2", "us-west-2")
    resources = iam_statements(told, "us-east-1", "111122223333")[1]["Resource"]
    assert resources[2] == f"arn:aws:bedrock:us-west-2::foundation-model/{model.id}"
