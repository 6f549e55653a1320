"""When models end, what follows them, and what that costs.

Dates: AWS's model cards of 2026-10-08, its lifecycle table as quoted in June 2026, litellm's deprecation dates.
"""

from datetime import date

import pytest

from rockbottom.catalog import Phase, ending, lifecycles, load_catalog
from rockbottom.quantities import Usage

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("model", "on", "phase"),
    [
        ("nova-premier", date(2026, 3, 12), Phase.ACTIVE),
        ("nova-premier", date(2026, 3, 13), Phase.LEGACY),
        ("nova-premier", date(2026, 9, 13), Phase.LEGACY),
        ("nova-premier", date(2026, 9, 14), Phase.ENDED),
        ("sonnet-4", date(2026, 10, 14), Phase.ENDED),
        ("sonnet-4-5", TODAY, Phase.LEGACY),
        ("haiku-4-5", TODAY, Phase.ACTIVE),
        ("kimi-k3", TODAY, Phase.ACTIVE),
    ],
)
def test_a_model_is_active_then_legacy_then_gone(model: str, on: date, phase: Phase) -> None:
    """Each begins on the day that the source names."""
    catalog = load_catalog()
    assert lifecycles(catalog)[catalog.model(model).model.id].phase(on) is phase


def test_an_end_is_said_with_the_successor_and_what_the_same_tokens_cost_there() -> None:
    """Sonnet 5.5 by us. costs 2.20 and 11.00: 2 million in and 100,000 out are 4.40 + 1.10 = 5.50 dollars."""
    catalog = load_catalog()
    said = ending(catalog, catalog.model("us.sonnet-4-5"), TODAY, usage=Usage(2_000_000, 100_000))
    assert said == (
        "Claude Sonnet 4.5 ends 2027-04-08; successor: Claude Sonnet 5.5; the same tokens there would cost $5.50"
    )


def test_what_goes_on_is_not_spoken_of() -> None:
    """Neither a model without dates nor one that is active."""
    catalog = load_catalog()
    for given in ("us.sonnet-5-5", "nova-pro", "global.fable-5-2"):
        assert ending(catalog, catalog.model(given), TODAY) is None


def test_sources_that_disagree_are_both_said() -> None:
    """litellm ends Haiku 4.5 on 2026-10-15; its card and the listing of later days say active."""
    catalog = load_catalog()
    said = ending(catalog, catalog.model("us.haiku-4-5"), TODAY)
    assert said is not None
    assert said.startswith("Claude Haiku 4.5 may end: litellm-1.110.2 says 2026-10-15, and the card of 2026-10-08")
    assert "a million tokens there cost $0.11 in and $0.55 out" in said


def test_extended_access_is_said_while_it_lasts() -> None:
    """Claude 3 Haiku was in it from 2026-06-10 to 2026-09-10, the first day without it."""
    catalog = load_catalog()
    model = catalog.model("claude-3-haiku")
    assert "in extended access" in str(ending(catalog, model, date(2026, 6, 10)))
    assert "in extended access" not in str(ending(catalog, model, date(2026, 6, 9)))
    assert str(ending(catalog, model, date(2026, 9, 10))).startswith("Claude 3 Haiku ended 2026-09-10")


def test_every_lifecycle_is_of_a_model_and_keeps_its_order() -> None:
    """Launch, legacy, extended access, end; a successor is a model of the catalogue."""
    catalog = load_catalog()
    for known in lifecycles(catalog).values():
        assert known.model in catalog.models
        assert known.successor is None or known.successor in catalog.models
        days = [known.launched_on, known.legacy_from, known.extended_access_from, known.ends_on]
        there = [day for day in days if day is not None]
        assert there == sorted(there), known.model
