"""Facts that ``rockbottom probe`` measured on this user's account: where they are kept, and laid over the catalogue."""

import logging
import os
from pathlib import Path

from rockbottom.catalog import Catalog, CatalogError, load_catalog, packaged_catalog, user_data_folder
from rockbottom.process import within

_READ_S = 3  # how long a disk that does not answer is waited for
_log = logging.getLogger("rockbottom.client")

ENVIRONMENT = "ROCKBOTTOM_FACTS"
"""Names another file for measured facts; empty: none are used."""


def saved_facts_path() -> Path | None:
    """Where measured facts are kept: $ROCKBOTTOM_FACTS, else the platform's folder for a user's data."""
    setting = os.environ.get(ENVIRONMENT)
    if setting is not None:
        return Path(setting) if setting else None
    return user_data_folder() / "measured.toml"


def facts_for(region: str | None) -> Catalog:
    """The catalogue with this user's prices and measured facts; as it was packaged where their disk does not answer."""
    try:
        return within(_READ_S, "facts", lambda: with_saved_facts(load_catalog(), region))
    except TimeoutError as error:
        _log.warning("rockbottom: pulled prices and measured facts are left out: %s", error)
        return packaged_catalog()


def with_saved_facts(catalog: Catalog, region: str | None = None) -> Catalog:
    """The catalogue with what was measured on this user's account; a file that cannot be read is said and left.

    With a ``region``, facts of other Regions are left out.
    """
    try:
        path = saved_facts_path()
        if path is None or not os.path.isfile(path):  # nor where the folder above it may not be looked into
            return catalog
        return catalog.overlaid(path, region)
    except (CatalogError, OSError, RuntimeError) as error:
        _log.warning("rockbottom: measured facts are left out: %s", error)
        return catalog
