"""What is saved without anybody doing anything: by models whose service caches by itself."""

from collections.abc import Iterable
from datetime import date

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.figures import counted

_NAMED = 3


def caching_by_themselves(catalog: Catalog, models: Iterable[str]) -> tuple[str, ...]:
    """The names of those models, by their ids as called, whose service sets a point of its own and bills it."""
    return tuple(sorted({name for model in models if (name := _name(catalog, model))}))


def _name(catalog: Catalog, called: str) -> str:
    try:
        model = catalog.model(called)
        return model.model.name if catalog.rules(model, date.max).implicit_point else ""
    except CatalogError:
        return ""


def saved_by_itself(names: tuple[str, ...]) -> str:
    """What to hold in mind of savings against no caching where such models are among those called."""
    more = f" and {counted(len(names) - _NAMED, 'more model')}" if len(names) > _NAMED else ""
    caches = "caches by itself" if len(names) == 1 else "cache by themselves"
    return (
        f"{', '.join(names[:_NAMED])}{more} {caches}: part of the saving against no caching comes without rockbottom. "
        "rockbottom replay on the ledger shows both bills"
    )
