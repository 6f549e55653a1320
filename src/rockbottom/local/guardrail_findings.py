"""What a guardrail finds in a text: what blocks it, what is masked, what is only told.

What is found is scripted: a word of ``wordsConfig``, an example of a denied topic, a match of a regular expression, and
an entity of ``piiEntitiesConfig`` that a pattern tells (``data/guardrails.toml``). Which action counts on which side,
and what it does, was measured by a public suite of 113 checks in us-east-1 (August 2026): ``ANONYMIZE`` masks on the
input only where ``inputAction`` says so, ``NONE`` is told and changes nothing, a policy that is not enabled on a side
is not evaluated there, and where anything blocks nothing is masked, nor told as masked. An entity is replaced with its
type, a regular expression with its name: ``{EMAIL}``, ``{TicketId}``. Converse stops with ``guardrail_intervened``
where the answer was masked, and as the model did where the input alone was (strands-agents 1.62.0, tests_integ).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from rockbottom.files import packaged
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
Side = Literal["input", "output"]
_BLOCKED, _MASKED, _TOLD = "BLOCKED", "ANONYMIZED", "NONE"
_ACTIONS = {"BLOCK": _BLOCKED, "ANONYMIZE": _MASKED, "NONE": _TOLD}
_MEMBERS = {  # of the assessment of a policy, all of which it has
    "wordPolicy": ("customWords", "managedWordLists"),
    "topicPolicy": ("topics",),
    "sensitiveInformationPolicy": ("piiEntities", "regexes"),
}
_SENSITIVE = "sensitiveInformationPolicy"


@dataclass(frozen=True, slots=True)
class GuardrailFindings:
    """``told`` are the policies of an assessment, ``masks`` what stands in the place of what must not be read."""

    told: Json
    blocked: bool
    masks: Mapping[str, str]


def findings_in(config: Mapping[str, Any], text: str, side: Side) -> GuardrailFindings:
    """What the configuration of a guardrail finds in a text of the input or of the output."""
    rows = list(_rows_told(config, text, side))
    blocked = any(row["action"] == _BLOCKED for _, _, row, _ in rows)
    assessment: Json = {}
    masks: dict[str, str] = {}
    for policy, member, row, tag in rows:
        if row["action"] == _MASKED:
            if blocked:
                continue
            masks[row["match"]] = tag
        assessment.setdefault(policy, {name: [] for name in _MEMBERS[policy]})[member].append(row)
    return GuardrailFindings(assessment, blocked, masks)


def without_masked(value: Any, masks: Mapping[str, str]) -> Any:
    """A JSON value with every text in it masked."""
    if isinstance(value, str):
        for match in sorted(masks, key=len, reverse=True):
            value = value.replace(match, masks[match])
        return value
    if is_object(value):
        return {name: without_masked(member, masks) for name, member in value.items()}
    if is_list(value):
        return [without_masked(item, masks) for item in value]
    return value


def is_enabled(row: Mapping[str, Any], side: Side) -> bool:
    """Whether a row of a policy is evaluated on a side; where it is not, it costs nothing either."""
    return row.get(f"{side}Enabled") is not False


def rows_of(config: Mapping[str, Any], policy: str, member: str) -> list[Json]:
    """The rows of one list of a policy."""
    section: Json = config.get(policy) or {}
    return section.get(member) or []


def check_patterns(config: Mapping[str, Any]) -> None:
    """Raise re.error, whose ``pattern`` is the one, for a regular expression that is none."""
    for row in rows_of(config, "sensitiveInformationPolicyConfig", "regexesConfig"):
        re.compile(row["pattern"])


_Told = tuple[str, str, Json, str]  # policy, list in it, row, and what stands in the place of its match


def _rows_told(config: Mapping[str, Any], text: str, side: Side) -> Iterator[_Told]:
    lower = text.lower()
    for word in _acting(rows_of(config, "wordPolicyConfig", "wordsConfig"), side):
        if word["text"].lower() in lower:
            yield "wordPolicy", "customWords", _row(word, side, match=word["text"]), ""
    for topic in _acting(rows_of(config, "topicPolicyConfig", "topicsConfig"), side):
        if any(example.lower() in lower for example in topic.get("examples", ())):
            yield "topicPolicy", "topics", _row(topic, side, name=topic["name"], type="DENY"), ""
    patterns = _entities()
    for entity in _acting(rows_of(config, "sensitiveInformationPolicyConfig", "piiEntitiesConfig"), side):
        for match in _matches(patterns.get(entity["type"]), text):
            yield _SENSITIVE, "piiEntities", _row(entity, side, match=match, type=entity["type"]), _tag(entity["type"])
    for regex in _acting(rows_of(config, "sensitiveInformationPolicyConfig", "regexesConfig"), side):
        for match in _matches(regex["pattern"], text):
            row = _row(regex, side, name=regex["name"], match=match, regex=regex["pattern"])
            yield _SENSITIVE, "regexes", row, _tag(regex["name"])


def _acting(rows: Iterable[Json], side: Side) -> Iterator[Json]:
    """The rows that look at a side at all."""
    for row in rows:
        masks_output_alone = side == "input" and row.get("action") == "ANONYMIZE" and "inputAction" not in row
        if is_enabled(row, side) and not masks_output_alone:
            yield row


def _row(row: Json, side: Side, **match: str) -> Json:
    action = row.get(f"{side}Action") or row.get("action") or "BLOCK"
    return {**match, "action": _ACTIONS[action], "detected": True}


def _tag(name: str) -> str:
    return "{" + name + "}"


def _matches(pattern: str | None, text: str) -> list[str]:
    """Each text that a pattern matches, once, in order."""
    if pattern is None:
        return []
    return list(dict.fromkeys(match[0] for match in _compiled(pattern).finditer(text) if match[0]))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _entities() -> Mapping[str, str]:
    return packaged("local", "guardrails")["entities"]
