"""Findings written down as measured facts (``client.saved_facts`` reads them)."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from rockbottom.files import alone, content_of, replacing
from rockbottom.probe.steps import ProbeAnswer
from rockbottom.probe.subject import ProbedModel


def write_facts(
    path: Path, subject: ProbedModel, findings: Iterable[ProbeAnswer], on: date, place: str, region: str | None = None
) -> None:
    """Append what was found about one model to a file of measured facts; the newest table of a model wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path), replacing(path, shared=True) as beside:
        known = content_of(path).decode() if path.exists() else _HEAD
        facts = known + _table(subject, list(findings), on, place, region)
        beside.write_text(facts, encoding="utf-8", newline="\n")  # what is known has its own


_HEAD = "# Measured by `rockbottom probe`. A later table of the same model wins over an earlier one.\n"


def _table(subject: ProbedModel, findings: list[ProbeAnswer], on: date, place: str, region: str | None) -> str:
    rules = [finding for finding in findings if not finding.is_switch and finding.answer is not None]
    switches = [finding for finding in findings if finding.is_switch and finding.answer is not None]
    lines = ["", "[[measured]]", f"model = {json.dumps(subject.model.model.id)}"]
    lines += [f"asked_as = {json.dumps(subject.model_id)}", f"place = {json.dumps(place)}", f"measured_on = {on}"]
    lines += [f"region = {json.dumps(region)}"] if region else []
    lines += [f"{finding.question} = {finding.answer}  # {finding.evidence}" for finding in rules]
    if switches:
        lines.append("[measured.switches]")
        lines += [
            f"{finding.question} = {json.dumps(finding.answer)}  # {_one_line(finding.evidence)}"
            for finding in switches
        ]
    return "\n".join(lines) + "\n"


def _one_line(value: str) -> str:
    return " ".join(value.split())[:160]
