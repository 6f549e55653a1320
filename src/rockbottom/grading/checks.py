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

from rockbottom.quantities import digits_of, is_list, is_object

Json = Any
RISKY = frozenset({"regex", "json_schema"})
_NUMBER = re.compile(r"(?:(?<![\w.,])[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
_FENCE = re.compile(r"^```[a-zA-Z0-9]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_WHICH = ("last", "first", "any")


class Check(msgspec.Struct, frozen=True):
    """One check of a turn's answer. ``wanted`` is what the workload file says after the kind's name."""

    kind: str
    wanted: Json


class CheckOutcome(msgspec.Struct, frozen=True):
    """What a check found: passed, failed, or None where it could not decide; ``why`` holds no text of the answer."""

    passed: bool | None
    why: str = ""


def normalised(text: str) -> str:
    """How ``contains`` and ``exact`` compare: Unicode NFC, case folded, runs of white space as one space, trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def checked(check: Check, text: str) -> CheckOutcome:
    """The outcome of one check on the text of an answer."""
    return _CHECKS[check.kind](check.wanted, text)


def fault_of(check: Check) -> str | None:
    """What is wrong with a check as it was written, before any answer is there; None: nothing.

    A schema needs the package jsonschema (the extra ``grade``); raises ModuleNotFoundError without it.
    """
    if check.kind not in _CHECKS:
        return f"unknown check '{check.kind}'; known are: {', '.join(KINDS)}"
    return _FAULTS[check.kind](check.wanted)


def _contains(expected: Json, text: str) -> CheckOutcome:
    texts, as_is = _texts(expected)
    have = text if as_is else normalised(text)
    missing = [phrase for phrase in texts if (phrase if as_is else normalised(phrase)) not in have]
    return CheckOutcome(not missing, f"{len(missing)} of {len(texts)} texts missing" if missing else "")


def _exact(expected: Json, text: str) -> CheckOutcome:
    texts, as_is = _texts(expected)
    have = text if as_is else normalised(text)
    same = any((phrase if as_is else normalised(phrase)) == have for phrase in texts)
    return CheckOutcome(same, "" if same else "not the expected text")


def _regex(expected: Json, text: str) -> CheckOutcome:
    matches = re.search(expected, text) is not None
    return CheckOutcome(matches, "" if matches else "no match")


def _numeric(expected: Json, text: str) -> CheckOutcome:
    value, slack, which = _target(expected)
    numbers = [_decimal(numeral) for numeral in _NUMBER.findall(text)]
    if not numbers:
        return CheckOutcome(False, "no number in the answer")
    chosen = {"last": numbers[-1:], "first": numbers[:1], "any": numbers}[which]
    near = any(abs(number - value) <= slack for number in chosen)
    return CheckOutcome(
        near, "" if near else f"the {which} number is not within {digits_of(slack)} of the expected one"
    )


def _json_schema(expected: Json, text: str) -> CheckOutcome:
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(_json_text(text))
    except (ValueError, RecursionError):
        return CheckOutcome(False, "not JSON")
    validator: Any = Draft202012Validator(expected)
    error = next(iter(validator.iter_errors(value)), None)
    if error is None:
        return CheckOutcome(True)
    place = "/".join(str(part) for part in error.absolute_schema_path)
    return CheckOutcome(False, f"breaks the schema at {place}")


def _json_text(text: str) -> str:
    """The answer itself, or the one fenced block in it."""
    blocks = _FENCE.findall(text)
    return blocks[0] if len(blocks) == 1 else text


def _texts(expected: Json) -> tuple[list[str], bool]:
    if is_object(expected):
        listed, as_is = expected["text"], bool(expected.get("as_is", False))
    else:
        listed, as_is = expected, False
    return [str(phrase) for phrase in listed] if is_list(listed) else [str(listed)], as_is


def _target(expected: Json) -> tuple[Decimal, Decimal, str]:
    if not is_object(expected):
        return _decimal(str(expected)), Decimal(0), "last"
    value = _decimal(str(expected["value"]))
    slack = Decimal(str(expected.get("tolerance", 0)))
    if "percent" in expected:
        slack = abs(value) * Decimal(str(expected["percent"])) / 100
    return value, slack, expected.get("which", "last")


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def _text_fault(expected: Json) -> str | None:
    if is_object(expected):
        if unknown := set(expected) - {"text", "as_is"}:
            return f"unknown field '{min(unknown)}'; known are: text, as_is"
        if "text" not in expected:
            return "the field 'text' is missing"
        if not isinstance(expected.get("as_is", False), bool):
            return "as_is is true or false"
    texts = expected["text"] if is_object(expected) else expected
    texts = texts if is_list(texts) else [texts]
    if not texts or not all(isinstance(phrase, (str, int)) and str(phrase).strip() for phrase in texts):
        return "expected a text, or a list of texts"
    return None


def _regex_fault(expected: Json) -> str | None:
    if not isinstance(expected, str):
        return "expected a regular expression, as text in quotes"
    try:
        re.compile(expected)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression of Python: {error}"
    return None


def _numeric_fault(expected: Json) -> str | None:
    known = {"value", "tolerance", "percent", "which"}
    if is_object(expected):
        if unknown := set(expected) - known:
            return f"unknown field '{min(unknown)}'; known are: value, tolerance, percent, which"
        if "value" not in expected:
            return "the field 'value' is missing"
        if {"tolerance", "percent"} <= set(expected):
            return "give either tolerance or percent"
        if expected.get("which", "last") not in _WHICH:
            return f"which is one of {', '.join(_WHICH)}"
    try:
        value, slack, _ = _target(expected)
    except (InvalidOperation, TypeError):
        return "expected a number, or {value, tolerance or percent, which}"
    return None if value.is_finite() and slack.is_finite() and slack >= 0 else "expected finite numbers from 0"


def _schema_fault(expected: Json) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not is_object(expected):
        return "expected a JSON schema"
    try:
        Draft202012Validator.check_schema(expected)
    except SchemaError as error:
        return f"not a JSON schema: {error.message}"
    return _reference_fault(expected)


def _reference_fault(value: Json) -> str | None:
    """A reference to another document would have to be fetched."""
    if is_object(value):
        target = value.get("$ref")
        if isinstance(target, str) and not target.startswith("#"):
            return f"$ref '{target}' points outside the schema; put the definition into $defs"
    parts = value.values() if is_object(value) else value if is_list(value) else ()
    return next((fault for part in parts if (fault := _reference_fault(part))), None)


_CHECKS: Mapping[str, Callable[[Json, str], CheckOutcome]] = {
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
