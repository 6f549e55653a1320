"""Checks of an answer that have one right result: contains, exact, numeric, regex, json_schema.

A check never guesses: an answer that it cannot decide is undecided, and counted as such by whoever asked. Why it failed
is said without the answer's text. ``RISKY`` kinds may take time without bound on some answers (a regular expression
that backtracks, a schema that holds one), so a caller runs those where it can stop them.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from rockbottom.quantities import is_list, is_object

Json = Any
RISKY = frozenset({"regex", "json_schema"})
_NUMBER = re.compile(r"(?:(?<![\w.,])[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
_FENCE = re.compile(r"^```[a-zA-Z0-9]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_WHICH = ("last", "first", "any")


class Check(msgspec.Struct, frozen=True):
    """One check of a turn's answer. ``wanted`` is what the workload file says after the kind's name."""

    kind: str
    wanted: Json


class Outcome(msgspec.Struct, frozen=True):
    """What a check found: passed, failed, or None where it could not decide; ``why`` holds no text of the answer."""

    passed: bool | None
    why: str = ""


def normalised(text: str) -> str:
    """How ``contains`` and ``exact`` compare: Unicode NFC, case folded, runs of white space as one space, trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def checked(check: Check, text: str) -> Outcome:
    """The outcome of one check on the text of an answer."""
    return _CHECKS[check.kind](check.wanted, text)


def fault_of(check: Check) -> str | None:
    """What is wrong with a check as it was written, before any answer is there; None: nothing.

    A schema needs the package jsonschema (the extra ``grade``); raises ModuleNotFoundError without it.
    """
    if check.kind not in _CHECKS:
        return f"unknown check '{check.kind}'; known are: {', '.join(KINDS)}"
    return _FAULTS[check.kind](check.wanted)


def _contains(wanted: Json, text: str) -> Outcome:
    texts, as_is = _texts(wanted)
    have = text if as_is else normalised(text)
    missing = [one for one in texts if (one if as_is else normalised(one)) not in have]
    return Outcome(not missing, f"{len(missing)} of {len(texts)} texts missing" if missing else "")


def _exact(wanted: Json, text: str) -> Outcome:
    texts, as_is = _texts(wanted)
    have = text if as_is else normalised(text)
    same = any((one if as_is else normalised(one)) == have for one in texts)
    return Outcome(same, "" if same else "not the text wanted")


def _regex(wanted: Json, text: str) -> Outcome:
    found = re.search(wanted, text) is not None
    return Outcome(found, "" if found else "no match")


def _numeric(wanted: Json, text: str) -> Outcome:
    value, slack, which = _target(wanted)
    numbers = [_decimal(one) for one in _NUMBER.findall(text)]
    if not numbers:
        return Outcome(False, "no number in the answer")
    chosen = {"last": numbers[-1:], "first": numbers[:1], "any": numbers}[which]
    near = any(abs(number - value) <= slack for number in chosen)
    return Outcome(near, "" if near else f"the {which} number is not within {slack:f} of what is wanted")


def _json_schema(wanted: Json, text: str) -> Outcome:
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(_json_text(text))
    except (ValueError, RecursionError):
        return Outcome(False, "not JSON")
    validator: Any = Draft202012Validator(wanted)
    error = next(iter(validator.iter_errors(value)), None)
    if error is None:
        return Outcome(True)
    place = "/".join(str(part) for part in error.absolute_schema_path)
    return Outcome(False, f"breaks the schema at {place}")


def _json_text(text: str) -> str:
    """The answer itself, or the one fenced block in it."""
    blocks = _FENCE.findall(text)
    return blocks[0] if len(blocks) == 1 else text


def _texts(wanted: Json) -> tuple[list[str], bool]:
    if is_object(wanted):
        given, as_is = wanted["text"], bool(wanted.get("as_is", False))
    else:
        given, as_is = wanted, False
    return [str(one) for one in given] if is_list(given) else [str(given)], as_is


def _target(wanted: Json) -> tuple[Decimal, Decimal, str]:
    if not is_object(wanted):
        return _decimal(str(wanted)), Decimal(0), "last"
    value = _decimal(str(wanted["value"]))
    slack = Decimal(str(wanted.get("tolerance", 0)))
    if "percent" in wanted:
        slack = abs(value) * Decimal(str(wanted["percent"])) / 100
    return value, slack, wanted.get("which", "last")


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def _text_fault(wanted: Json) -> str | None:
    if is_object(wanted):
        if unknown := set(wanted) - {"text", "as_is"}:
            return f"unknown field '{min(unknown)}'; known are: text, as_is"
        if "text" not in wanted:
            return "the field 'text' is missing"
        if not isinstance(wanted.get("as_is", False), bool):
            return "as_is is true or false"
    texts = wanted["text"] if is_object(wanted) else wanted
    texts = texts if is_list(texts) else [texts]
    if not texts or not all(isinstance(one, (str, int)) and str(one).strip() for one in texts):
        return "expected a text, or a list of texts"
    return None


def _regex_fault(wanted: Json) -> str | None:
    if not isinstance(wanted, str):
        return "expected a regular expression, as text in quotes"
    try:
        re.compile(wanted)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression of Python: {error}"
    return None


def _numeric_fault(wanted: Json) -> str | None:
    known = {"value", "tolerance", "percent", "which"}
    if is_object(wanted):
        if unknown := set(wanted) - known:
            return f"unknown field '{min(unknown)}'; known are: value, tolerance, percent, which"
        if "value" not in wanted:
            return "the field 'value' is missing"
        if {"tolerance", "percent"} <= set(wanted):
            return "give either tolerance or percent"
        if wanted.get("which", "last") not in _WHICH:
            return f"which is one of {', '.join(_WHICH)}"
    try:
        value, slack, _ = _target(wanted)
    except (InvalidOperation, TypeError):
        return "expected a number, or {value, tolerance or percent, which}"
    return None if value.is_finite() and slack.is_finite() and slack >= 0 else "expected finite numbers from 0"


def _schema_fault(wanted: Json) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not is_object(wanted):
        return "expected a JSON schema"
    try:
        Draft202012Validator.check_schema(wanted)
    except SchemaError as error:
        return f"not a JSON schema: {error.message}"
    return _reference_fault(wanted)


def _reference_fault(value: Json) -> str | None:
    """A reference to another document would have to be fetched."""
    if is_object(value):
        target = value.get("$ref")
        if isinstance(target, str) and not target.startswith("#"):
            return f"$ref '{target}' points outside the schema; put the definition into $defs"
    parts = value.values() if is_object(value) else value if is_list(value) else ()
    return next((fault for part in parts if (fault := _reference_fault(part))), None)


_CHECKS: Mapping[str, Callable[[Json, str], Outcome]] = {
    "contains": _contains,
    "exact": _exact,
    "numeric": _numeric,
    "regex": _regex,
    "json_schema": _json_schema,
}
_FAULTS: Mapping[str, Callable[[Json], str | None]] = {
    "contains": _text_fault,
    "exact": _text_fault,
    "numeric": _numeric_fault,
    "regex": _regex_fault,
    "json_schema": _schema_fault,
}
KINDS = tuple(_CHECKS)
