"""Where a user's own facts are kept on this machine, and the prices among them."""

import os
import sys
from functools import cache
from pathlib import Path

from rockbottom.catalog.authored import packaged_catalog
from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import CatalogError
from rockbottom.catalog.price_book import PriceBook

PRICES_ENVIRONMENT = "ROCKBOTTOM_PRICES"
"""Names another file for the prices that ``rockbottom prices pull`` stores; empty: none are used."""


def user_data_folder() -> Path:
    """The platform's folder for a user's data, ours in it; it need not exist. Raises RuntimeError without a home."""
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return folder / "rockbottom"


def saved_prices_path() -> Path | None:
    """Where pulled prices are kept: $ROCKBOTTOM_PRICES, else the user's folder for data."""
    setting = os.environ.get(PRICES_ENVIRONMENT)
    if setting is not None:
        return Path(setting) if setting else None
    try:
        return user_data_folder() / "prices.csv"
    except RuntimeError:  # no home: a container
        return None


def load_catalog() -> Catalog:
    """The packaged catalogue, with the prices laid over it that were pulled on this machine; read once per process.

    A file of prices that cannot be read is said in the log and left.
    """
    return _with_prices(saved_prices_path())


@cache
def _with_prices(path: Path | None) -> Catalog:
    catalog = packaged_catalog()
    if path is None or not os.path.isfile(path):  # nor where the folder above it may not be looked into
        return catalog
    try:
        return catalog.with_prices(PriceBook.read(path))
    except (CatalogError, OSError) as error:
        import logging  # only when there is something to say

        logging.getLogger("rockbottom.catalog").warning("rockbottom: pulled prices are left out: %s", error)
        return catalog
