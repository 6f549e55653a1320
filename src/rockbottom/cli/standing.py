"""Lines on standard error on how long what is shown will hold: models that end, prices that are old."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rockbottom.cli.console import tell, width

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, ModelId

OLD_DAYS = 60
"""From how many days on a price is said to be old."""


def tell_endings(catalog: "Catalog", names: Iterable[str], on: date, region: str | None = None) -> None:
    """Say which of these models end, what follows them and what that costs, once each."""
    from rockbottom.catalog import ending

    for model_id in _models(catalog, names):
        notice = ending(catalog, model_id, on, region=region)
        if notice is not None:
            tell_note(notice)


def tell_age(catalog: "Catalog", names: Iterable[str], on: date, today: date, region: str | None = None) -> None:
    """Say that prices of these models were read longer ago than ``OLD_DAYS``: one line, the oldest of them."""
    from rockbottom.catalog import checked_on

    days = {
        model_id.model.name: checked_on(catalog.price_book, model_id, on, region)
        for model_id in _models(catalog, names)
    }
    known = [(day, name) for name, day in days.items() if day is not None]
    if not known:
        return
    oldest, name = min(known)
    age = (today - oldest).days
    if age > OLD_DAYS:
        tell_note(f"prices of {name} were read {age} days ago, on {oldest}; rockbottom prices pull")


def tell_note(text: str) -> None:
    """Print a note as a paragraph."""
    from rockbottom.figures import paragraph

    tell(paragraph(text, width(), "note: ", "  "))


def tell_unsent_temperature(names: Sequence[str]) -> None:
    """Say which models are asked without the workload's temperature, because they would refuse it."""
    if names:
        takes = "takes" if len(names) == 1 else "take"
        tell_note(f"{' and '.join(names)} {takes} no temperature, so that of the workload is not sent there")


def _models(catalog: "Catalog", names: Iterable[str]) -> "list[ModelId]":
    from rockbottom.catalog import CatalogError

    models: dict[str, ModelId] = {}
    for name in names:
        try:
            model_id = catalog.model(name)
        except CatalogError:
            continue  # said by who needs the model
        models.setdefault(model_id.model.id, model_id)
    return list(models.values())
