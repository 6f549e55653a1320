"""Guardrails that the endpoint knows: made through the control plane, applied to the text of a call, told in a trace.

What a guardrail finds is scripted (``guardrail_findings``); content filters and grounding count their units and find
nothing.
Units are those of the price list: up to 1,000 characters each, for every policy, input and output apart
(https://aws.amazon.com/bedrock/pricing/). Where a block of the input stands in ``guardContent`` only such blocks are
evaluated (AWS, "Use the Converse API with guardrails").
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from rockbottom.catalog import limit
from rockbottom.dialects import GUARDRAIL_ACTION, GUARDRAIL_TRACE
from rockbottom.local.callers import Caller
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.guardrail_findings import Side, check_patterns, findings_in, is_enabled, rows_of
from rockbottom.local.jobs import instant
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
INTERVENED = "guardrail_intervened"
_MOST = 1000
_POLICIES = {
    "topicPolicyUnits": ("topicPolicyConfig", ("topicsConfig",)),
    "contentPolicyUnits": ("contentPolicyConfig", ("filtersConfig",)),
    "wordPolicyUnits": ("wordPolicyConfig", ("wordsConfig", "managedWordListsConfig")),
    "contextualGroundingPolicyUnits": ("contextualGroundingPolicyConfig", ("filtersConfig",)),
    "sensitiveInformationPolicyUnits": ("sensitiveInformationPolicyConfig", ("piiEntitiesConfig",)),
    "sensitiveInformationPolicyFreeUnits": ("sensitiveInformationPolicyConfig", ("regexesConfig",)),
}
# Counters that a recorded assessment has besides (pydantic-ai's cassettes); none of them is played.
_ZEROS = ("automatedReasoningPolicies", "automatedReasoningPolicyUnits", "contentPolicyImageUnits")
_NOTHING, _MASKED, _BLOCKED = "No action.", "Guardrail masked.", "Guardrail blocked."


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a guardrail made of a text: its assessment as a trace has it, whether it blocks, and what it masks."""

    assessment: Json
    blocked: bool
    masks: Mapping[str, str]

    @property
    def reason(self) -> str:
        """The ``actionReason``: the three texts were measured (see ``guardrail_findings``)."""
        return _BLOCKED if self.blocked else _MASKED if self.masks else _NOTHING

    @property
    def intervened(self) -> bool:
        """Whether the text is not passed on as it is."""
        return self.blocked or bool(self.masks)

    @property
    def usage(self) -> Json:
        """Text units by policy."""
        return self.assessment["invocationMetrics"]["usage"]


@dataclass(slots=True)
class Guardrail:
    """One guardrail: what it was made with, its account and Region, and how many numbered versions it has."""

    identity: str
    arn: str
    config: Json
    created_at: float
    versions: int = 0

    def has(self, version: str) -> bool:
        """Whether it has a version: DRAFT, or a number."""
        return version == "DRAFT" or (version.isdecimal() and 1 <= int(version) <= self.versions)

    def assess(self, texts: Sequence[str], total: int, side: Side, version: str) -> Assessed:
        """What a version makes of texts of one side, out of so many characters of which the rest is not evaluated."""
        guarded = sum(map(len, texts))
        units = -(-guarded // limit("text_unit_characters"))
        usage: Json = {name: units if self._looks(*policy, side) else 0 for name, policy in _POLICIES.items()}
        usage.update(dict.fromkeys(_ZEROS, 0))
        findings = findings_in(self.config, "\n".join(texts), side)
        assessment: Json = {
            **findings.told,
            "invocationMetrics": {
                "guardrailProcessingLatency": 1,
                "usage": usage,
                "guardrailCoverage": {"textCharacters": {"guarded": guarded, "total": total}},
            },
            "appliedGuardrailDetails": {
                "guardrailId": self.identity,
                "guardrailVersion": version,
                "guardrailArn": self.arn,
                "guardrailOrigin": ["REQUEST"],
                "guardrailOwnership": "SELF",
            },
        }
        return Assessed(assessment, findings.blocked, findings.masks)

    def _looks(self, policy: str, members: Sequence[str], side: Side) -> bool:
        """Whether a policy is evaluated on a side: that costs, whatever it finds."""
        return any(is_enabled(row, side) for member in members for row in rows_of(self.config, policy, member))


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail on one call: what it made of the input, and whether the caller sees its trace.

    ``at_once``: a stream is sent before it is evaluated, and then nothing in it is masked (AWS, "Configure streaming
    response behavior to filter content").
    """

    guardrail: Guardrail
    version: str
    input: Assessed
    traced: bool
    at_once: bool = False

    @property
    def blocked_text(self) -> str:
        """What is answered in the place of the model."""
        return str(self.guardrail.config["blockedInputMessaging"])

    def output(self, texts: Sequence[str], *, stream: bool) -> Assessed:
        """What it makes of the answer."""
        assessed = self.guardrail.assess(texts, sum(map(len, texts)), "output", self.version)
        return replace(assessed, masks={}) if stream and self.at_once else assessed

    def trace(self, output: Assessed | None, texts: Sequence[str]) -> Json:
        """The ``guardrail`` member of a trace; without an output where the input was blocked.

        ``texts``: what the model said, which is told where it is not what the caller reads.
        """
        assessments: Json = {
            "modelOutput": list(texts) if output is not None and output.intervened else [],
            "inputAssessment": {self.guardrail.identity: self.input.assessment},
            "actionReason": self._reason(output),
        }
        if output is not None:
            assessments["outputAssessments"] = {self.guardrail.identity: [output.assessment]}
        return assessments

    def _reason(self, output: Assessed | None) -> str:
        reasons = {assessed.reason for assessed in (self.input, output) if assessed is not None}
        return next(reason for reason in (_BLOCKED, _MASKED, _NOTHING) if reason in reasons)

    def native(self, output: Assessed | None) -> Json:
        """What a native reply tells beside its own members (AWS, "Test your guardrail")."""
        reason = self._reason(output)
        action = {GUARDRAIL_ACTION: "NONE" if reason == _NOTHING else "INTERVENED"}
        if not self.traced:
            return action
        assessments: Json = {"input": {self.guardrail.identity: self.input.assessment}}
        if output is not None:
            assessments["outputs"] = [{self.guardrail.identity: output.assessment}]
        if reason != _NOTHING:
            assessments["actionReason"] = reason
        return {**action, GUARDRAIL_TRACE: {"guardrail": assessments}}


@dataclass(slots=True)
class Guardrails:
    made: dict[str, Guardrail] = field(default_factory=dict[str, Guardrail])

    def clear(self) -> None:
        """Forget every guardrail."""
        self.made.clear()

    def create(self, body: Json, caller: Caller, now: float) -> Guardrail:
        """A new one, its draft. Raises ServiceFailure where a name is taken or a pattern is none."""
        if any(other.config["name"] == body["name"] for other in self.made.values()):
            raise ServiceFailure("ConflictException", f"Another guardrail is named {body['name']}.")
        if len(self.made) >= _MOST:
            raise ServiceFailure("ServiceQuotaExceededException", f"There are {_MOST} guardrails already.")
        try:
            check_patterns(body)
        except re.error as error:
            raise invalid(f"Invalid regex pattern {error.pattern!r}: {error}") from error
        digest = hashlib.blake2b(f"{len(self.made)}\0{body['name']}\0{now}".encode(), digest_size=6).hexdigest()
        arn = f"arn:aws:bedrock:{caller.region}:{caller.account}:guardrail/{digest}"
        guardrail = Guardrail(digest, arn, body, now)
        self.made[digest] = guardrail
        return guardrail

    def find(self, identifier: str) -> Guardrail:
        """One by id or ARN. Raises ServiceFailure."""
        guardrail = self.made.get(identifier.rpartition("/")[2])
        if guardrail is None:
            raise ServiceFailure("ResourceNotFoundException", f"The guardrail {identifier} was not found.")
        return guardrail

    def on(self, body: Mapping[str, Any]) -> Guarded | None:
        """The guardrail that a Converse body names, applied to its input; None where none is named.

        The input is the text of its messages, or what stands between tags with ``tagSuffix`` there. Raises
        ServiceFailure for one, or a version, that does not exist.
        """
        config = body.get("guardrailConfig")
        if not is_object(config):
            return None
        identifier, version = str(config.get("guardrailIdentifier")), str(config.get("guardrailVersion"))
        guardrail = self.made.get(identifier.rpartition("/")[2])
        if guardrail is None or not guardrail.has(version):
            raise invalid("The guardrail identifier or version provided in the request does not exist.")
        texts, total = guarded_texts(body, str(config.get("tagSuffix") or ""))
        traced = config.get("trace") in ("enabled", "enabled_full")
        at_once = str(config.get("streamProcessingMode") or "").lower().startswith("async")
        return Guarded(guardrail, version, guardrail.assess(texts, total, "input", version), traced, at_once)

    def described(self, guardrail: Guardrail) -> Json:
        """What Get and List tell of one."""
        version = str(guardrail.versions) if guardrail.versions else "DRAFT"
        return {
            "id": guardrail.identity, "arn": guardrail.arn, "guardrailId": guardrail.identity,
            "guardrailArn": guardrail.arn, "name": guardrail.config["name"], "status": "READY", "version": version,
            "createdAt": instant(guardrail.created_at), "updatedAt": instant(guardrail.created_at),
            "blockedInputMessaging": guardrail.config["blockedInputMessaging"],
            "blockedOutputsMessaging": guardrail.config["blockedOutputsMessaging"],
        }  # fmt: skip


def guarded_texts(body: Mapping[str, Any], tag_suffix: str = "") -> tuple[list[str], int]:
    """The texts of a Converse body that a guardrail evaluates, and how many characters its messages have.

    ``tag_suffix``: parts of a text between tags that end in it are evaluated alone, where there are any.
    """
    tagged: list[str] = []
    plain: list[str] = []
    for block in _blocks(body):
        guard = block.get("guardContent")
        text = guard.get("text") if is_object(guard) else None
        if is_object(text):
            tagged.append(str(text.get("text", "")))
        elif isinstance(block.get("text"), str):
            plain.append(block["text"])
            tagged.extend(_tagged(tag_suffix).findall(block["text"]) if tag_suffix else ())
    total = sum(map(len, plain)) + (0 if tag_suffix else sum(map(len, tagged)))
    return tagged or plain, total


@lru_cache(maxsize=256)
def _tagged(suffix: str) -> re.Pattern[str]:
    """What stands between ``<amazon-bedrock-guardrails-guardContent_SUFFIX>`` and its end (AWS, "Tags for inputs")."""
    tag = f"amazon-bedrock-guardrails-guardContent_{re.escape(suffix)}"
    return re.compile(f"<{tag}>(.*?)</{tag}>", re.DOTALL)


def _blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    system = body.get("system")
    yield from (block for block in (system if is_list(system) else ()) if is_object(block) and "guardContent" in block)
    messages = body.get("messages")
    for message in messages if is_list(messages) else ():
        content = message.get("content") if is_object(message) else None
        yield from (block for block in (content if is_list(content) else ()) if is_object(block))
