"""Measured facts, kept in the user's data folder and laid over the catalogue."""

import json
import logging
import os
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.client.probing.questions import Subject
from rockbottom.client.probing.steps import Finding

_log = logging.getLogger("rockbottom.client")

ENVIRONMENT = "ROCKBOTTOM_FACTS"
"""Names another file for measured facts; empty: none are used."""


def saved_facts_path() -> Path | None:
    """Where measured facts are kept: $ROCKBOTTOM_FACTS, else the platform's folder for a user's data."""
    given = os.environ.get(ENVIRONMENT)
    if given is not None:
        return Path(given) if given else None
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return folder / "rockbottom" / "measured.toml"


def with_saved_facts(catalog: Catalog, region: str | None = None) -> Catalog:
    """The catalogue with what was measured on this user's account; a file that cannot be read is said and left.

    With a ``region``, facts of other Regions are left out.
    """
    try:
        path = saved_facts_path()
        if path is None or not path.is_file():
            return catalog
        return catalog.overlaid(path, region)
    except (CatalogError, OSError, RuntimeError) as error:
        _log.warning("rockbottom: measured facts are left out: %s", error)
        return catalog


def write_facts(
    path: Path, subject: Subject, findings: Iterable[Finding], on: date, place: str, region: str | None = None
) -> None:
    """Append what was found about one model to a file of measured facts; the newest table of a model wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    draft = path.with_suffix(".new")
    draft.write_text(known + _table(subject, list(findings), on, place, region), encoding="utf-8")
    draft.replace(path)


_HEAD = "# Measured by `rockbottom probe`. A later table of the same model wins over an earlier one.\n"


def _table(subject: Subject, findings: list[Finding], on: date, place: str, region: str | None) -> str:
    rules = [one for one in findings if not one.is_switch and one.answer is not None]
    switches = [one for one in findings if one.is_switch and one.answer is not None]
    lines = ["", "[[measured]]", f"model = {json.dumps(subject.model.model.id)}"]
    lines += [f"asked_as = {json.dumps(subject.model_id)}", f"place = {json.dumps(place)}", f"measured_on = {on}"]
    lines += [f"region = {json.dumps(region)}"] if region else []
    lines += [f"{one.question} = {one.answer}  # {one.evidence}" for one in rules]
    if switches:
        lines.append("[measured.switches]")
        lines += [f"{one.question} = {json.dumps(one.answer)}  # {_one_line(one.evidence)}" for one in switches]
    return "\n".join(lines) + "\n"


def _one_line(value: str) -> str:
    return " ".join(value.split())[:160]
