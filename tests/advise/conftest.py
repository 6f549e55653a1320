"""A model at round prices, and questions about it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from rockbottom.advise import EstimateQuestion, Tariff, WorkloadShape
from rockbottom.cache import behaviour_of
from rockbottom.catalog import load_catalog

ON = date(2026, 11, 21)


@pytest.fixture
def ask() -> Callable[..., EstimateQuestion]:
    """``ask(model, shape, gaps_s=..., writes=...)`` at the prices of one day."""
    catalog = load_catalog()
    behaviour = behaviour_of(catalog.switches)

    def question(
        model: str, shape: WorkloadShape, gaps_s: tuple[Decimal, ...] = (), writes: Decimal | None = None, on: date = ON
    ) -> EstimateQuestion:
        found = catalog.model(model)
        tariff = Tariff(found, on, catalog.price_book)
        return EstimateQuestion(shape, tariff, catalog.rules(found, on), behaviour, gaps_s, writes)

    return question
