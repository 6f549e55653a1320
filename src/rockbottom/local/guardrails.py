"""Guardrails that the endpoint knows: made through the control plane, applied to the text of a call, told in a trace.

What a guardrail finds is scripted: a word of ``wordsConfig``, an example of a denied topic or a match of a regular
expression blocks the text it stands in; content filters, PII entities and grounding count their units and find nothing.
Units are those of the price list: up to 1,000 characters each, for every policy, input and output apart
(https://aws.amazon.com/bedrock/pricing/). Where a block of the input stands in ``guardContent`` only such blocks are
evaluated (AWS, "Use the Converse API with guardrails").
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rockbottom.dialects import GUARDRAIL_ACTION, GUARDRAIL_TRACE
from rockbottom.local.callers import Caller
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.jobs import instant
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
UNIT_CHARACTERS = 1000
INTERVENED = "guardrail_intervened"
_MOST = 1000
_POLICIES = {
    "topicPolicyConfig": "topicPolicyUnits",
    "contentPolicyConfig": "contentPolicyUnits",
    "wordPolicyConfig": "wordPolicyUnits",
    "contextualGroundingPolicyConfig": "contextualGroundingPolicyUnits",
}
_REQUIRED = (
    "topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
    "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a guardrail made of a text: its assessment as a trace has it, and whether it blocks."""

    assessment: Json
    blocked: bool

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

    def assess(self, guarded: str, total: int) -> Assessed:
        """What it makes of a text, out of so many characters of which the rest is not evaluated."""
        units = -(-len(guarded) // UNIT_CHARACTERS)
        usage: Json = dict.fromkeys(_REQUIRED, 0)
        usage.update({_POLICIES[name]: units for name in _POLICIES if self.config.get(name)})
        sensitive: Json = self.config.get("sensitiveInformationPolicyConfig") or {}
        usage["sensitiveInformationPolicyUnits"] = units if sensitive.get("piiEntitiesConfig") else 0
        usage["sensitiveInformationPolicyFreeUnits"] = units if sensitive.get("regexesConfig") else 0
        assessment: Json = {
            "invocationMetrics": {
                "guardrailProcessingLatency": 1,
                "usage": usage,
                "guardrailCoverage": {"textCharacters": {"guarded": len(guarded), "total": total}},
            }
        }
        interventions = dict(self._interventions(guarded))
        return Assessed({**assessment, **interventions}, bool(interventions))

    def _interventions(self, text: str) -> Iterator[tuple[str, Json]]:
        lower = text.lower()
        words = [word["text"] for word in _list(self.config, "wordPolicyConfig", "wordsConfig")]
        hits = [word for word in words if word.lower() in lower]
        if hits:
            matches = [{"match": word, "action": "BLOCKED", "detected": True} for word in hits]
            yield "wordPolicy", {"customWords": matches, "managedWordLists": []}
        topics = _list(self.config, "topicPolicyConfig", "topicsConfig")
        denied = [topic for topic in topics if any(text.lower() in lower for text in topic.get("examples", ()))]
        if denied:
            rows = [{"name": topic["name"], "type": "DENY", "action": "BLOCKED", "detected": True} for topic in denied]
            yield "topicPolicy", {"topics": rows}
        patterns = _list(self.config, "sensitiveInformationPolicyConfig", "regexesConfig")
        matched = [(pattern, hit) for pattern in patterns if (hit := re.search(pattern["pattern"], text))]
        if matched:
            regexes = [
                {
                    "name": pattern["name"],
                    "match": hit[0],
                    "regex": pattern["pattern"],
                    "action": "BLOCKED",
                    "detected": True,
                }
                for pattern, hit in matched
            ]
            yield "sensitiveInformationPolicy", {"piiEntities": [], "regexes": regexes}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail on one call: what it made of the input, and whether the caller sees its trace."""

    guardrail: Guardrail
    version: str
    input: Assessed
    traced: bool

    @property
    def blocked_text(self) -> str:
        """What is answered in the place of the model."""
        return str(self.guardrail.config["blockedInputMessaging"])

    def output(self, text: str) -> Assessed:
        """What it makes of the answer."""
        return self.guardrail.assess(text, len(text))

    def trace(self, output: Assessed | None) -> Json:
        """The ``guardrail`` member of a trace; without an output where the input was blocked."""
        assessments: Json = {"inputAssessment": {self.guardrail.identity: self.input.assessment}}
        if output is not None:
            assessments["outputAssessments"] = {self.guardrail.identity: [output.assessment]}
        return assessments

    def native(self, output: Assessed | None) -> Json:
        """What a native reply tells beside its own members (AWS, "Test your guardrail")."""
        blocked = self.input.blocked or (output is not None and output.blocked)
        action = {GUARDRAIL_ACTION: "INTERVENED" if blocked else "NONE"}
        if not self.traced:
            return action
        assessments: Json = {"input": {self.guardrail.identity: self.input.assessment}}
        if output is not None:
            assessments["outputs"] = [{self.guardrail.identity: output.assessment}]
        if blocked:
            assessments["actionReason"] = "Guardrail blocked."
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
        for pattern in _list(body, "sensitiveInformationPolicyConfig", "regexesConfig"):
            try:
                re.compile(pattern["pattern"])
            except re.error as error:
                raise invalid(f"Invalid regex pattern {pattern['pattern']!r}: {error}") from error
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
        text, total = guarded_text(body, str(config.get("tagSuffix") or ""))
        traced = config.get("trace") in ("enabled", "enabled_full")
        return Guarded(guardrail, version, guardrail.assess(text, total), traced)

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


def guarded_text(body: Mapping[str, Any], tag_suffix: str = "") -> tuple[str, int]:
    """The text of a Converse body that a guardrail evaluates, and how many characters its messages have.

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
    return "".join(tagged or plain), total


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


def _list(config: Mapping[str, Any], policy: str, member: str) -> list[Json]:
    section: Json = config.get(policy) or {}
    rows: list[Json] = section.get(member) or []
    return rows
