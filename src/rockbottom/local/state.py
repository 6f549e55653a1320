"""Everything one endpoint knows and remembers."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import urandom
from random import Random
from typing import Any

import msgspec

from rockbottom.catalog import Catalog, load_catalog
from rockbottom.dialects import BodyReader
from rockbottom.files import from_here
from rockbottom.local.answers import Answerer, Script
from rockbottom.local.clock import Clock, ClockKind
from rockbottom.local.customizing import Customizations
from rockbottom.local.failures import invalid
from rockbottom.local.faults import Faults, Quotas
from rockbottom.local.guardrails import Guardrails
from rockbottom.local.invocation_log import InvocationLog
from rockbottom.local.jobs import Jobs
from rockbottom.local.latency import Latency
from rockbottom.local.memory import Memory
from rockbottom.local.profiles import KnownProfiles, Router
from rockbottom.local.projects import Projects
from rockbottom.local.retention import Retention
from rockbottom.local.routes import check_operations
from rockbottom.local.settings import EndpointSettings
from rockbottom.local.sides import Sides, sides_of
from rockbottom.local.surface_files import UploadedFiles
from rockbottom.local.surface_store import StoredResponses
from rockbottom.quantities import is_list, is_object

Json = dict[str, Any]
_REQUESTS_KEPT = 1000
_SCRIPTS_KEPT = 100_000


class _ScriptRow(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    text: str | None = None
    content: tuple[Json, ...] | None = None
    output_tokens: int | None = None
    stop_reason: str | None = None
    model: str | None = None
    operations: tuple[str, ...] = ()


def random_identities() -> Callable[[], str]:
    """Gives texts like those of random UUIDs, none twice; seeded by the system, so that no two endpoints give one."""
    draw = Random(int.from_bytes(urandom(32))).getrandbits

    def identity() -> str:
        digits = f"{draw(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    return identity


@dataclass(slots=True)
class EndpointState:
    """What the operations share; all of it is touched by one event loop only."""

    settings: EndpointSettings
    catalog: Catalog
    clock: Clock
    reader: BodyReader
    memory: Memory
    faults: Faults
    quotas: Quotas
    latency: Latency
    router: Router
    profiles: KnownProfiles
    log: InvocationLog | None
    sides: Sides
    switches: dict[str, str]
    jobs: Jobs = field(default_factory=Jobs)
    batches: dict[str, Any] = field(default_factory=dict[str, Any])  # of surface_batches
    guardrails: Guardrails = field(default_factory=Guardrails)
    retention: Retention = field(default_factory=Retention)
    projects: Projects = field(default_factory=Projects)
    responses: StoredResponses = field(default_factory=StoredResponses)
    files: UploadedFiles = field(default_factory=UploadedFiles)
    customizations: Customizations = field(default_factory=Customizations)
    s3_url: str | None = None
    answerer: Answerer = field(default_factory=Answerer)
    scripts: deque[Script] = field(default_factory=deque[Script])
    requests: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=_REQUESTS_KEPT))
    served: int = 0
    identities: Callable[[], object] = field(default_factory=random_identities)

    def model_behind(self, arn: str) -> str:
        """What an application profile or a deployment stands for. Raises ServiceFailure where there is none."""
        named = self.customizations if ":custom-model-deployment/" in arn else self.profiles
        return named.model_behind(arn)

    def new_request_id(self) -> str:
        """An identifier in the shape of AWS's that was never given before, by no other endpoint either."""
        return str(self.identities())

    def choose(self, chosen: Mapping[str, str]) -> None:
        """Set switches of the semantics by name. Raises ServiceFailure for an unknown name or side."""
        merged = {**self.switches, **chosen}
        self.sides = sides_of(self.catalog, merged)
        self.switches = merged
        if "cache_hop_rate" in chosen:
            moves = {"policy": "moving", "probability": self.sides.hop_rate}
            self.router.change(moves if self.sides.hop_rate else {"policy": "pinned"})

    def reset(self) -> None:
        """Back to the state of the start, created profiles included; the clock is left alone."""
        self.memory.clear()
        self.faults.clear()
        self.guardrails.clear()
        self.retention = Retention(self.settings.data_retention)
        self.projects.clear()
        self.customizations.clear()
        self.quotas.set_limits([])
        self.latency.mode = "off"
        self.latency.paces.clear()
        self.router.change({"policy": "pinned"})
        self.profiles.created.clear()
        self.jobs.clear()
        self.batches.clear()
        self.files.kept.clear()
        self.responses.clear()
        self.scripts.clear()
        self.requests.clear()
        self.switches = {}
        self.choose(dict(self.settings.switches))

    def next_script(self, operation: str, model: str) -> Script | None:
        """The first scripted reply that waits for a call of this kind, taken out of the queue."""
        for place, script in enumerate(self.scripts):
            if script.takes(operation, model):
                del self.scripts[place]
                return script
        return None

    def add_scripts(self, raw: Any) -> int:
        """Queue replies from JSON; how many wait now. Raises ServiceFailure for what is none."""
        rows: Sequence[Any] = raw if is_list(raw) else [raw]
        scripts = [script_from(row) for row in rows]
        if len(self.scripts) + len(scripts) > _SCRIPTS_KEPT:
            raise invalid(f"at most {_SCRIPTS_KEPT} scripted replies can wait")
        self.scripts.extend(scripts)
        return len(self.scripts)


def script_from(raw: Any) -> Script:
    """A scripted reply from JSON. Raises ServiceFailure for what is none."""
    try:
        row = msgspec.convert(raw, _ScriptRow)
    except msgspec.ValidationError as error:
        raise invalid(f"not a scripted reply: {error}") from error
    if row.output_tokens is not None and not 0 <= row.output_tokens <= 10_000_000:
        raise invalid("outputTokens of a scripted reply is 0 to 10,000,000")
    if row.content is not None and not all(_is_block(block) for block in row.content):
        raise invalid("the content of a scripted reply is a list of text, toolUse and reasoningContent blocks")
    check_operations(row.operations)
    return Script(row.text, row.content, row.output_tokens, row.stop_reason, row.model, row.operations)


def _is_block(block: Json) -> bool:
    if isinstance(block.get("text"), str):
        return True
    use = block.get("toolUse")
    if is_object(use):
        return isinstance(use.get("name"), str) and isinstance(use.get("toolUseId"), str) and "input" in use
    reasoning = block.get("reasoningContent")
    text = reasoning.get("reasoningText") if is_object(reasoning) else None
    return is_object(text) and isinstance(text.get("text"), str)


def state_of(settings: EndpointSettings) -> EndpointState:
    """A fresh state. Raises RockbottomError for a switch that does not exist."""
    catalog = load_catalog()
    clock = Clock(settings.clock)
    if settings.clock is ClockKind.MANUAL or settings.start_at is not None:
        clock.set_to(settings.start_at if settings.start_at is not None else time.time())
    state = EndpointState(
        settings,
        catalog,
        clock,
        BodyReader(catalog.token_weights, whole=settings.whole_texts),
        Memory(settings.max_entries),
        Faults(settings.seed),
        Quotas(),
        Latency(),
        Router(settings.seed),
        KnownProfiles(catalog, settings.seed),
        InvocationLog(from_here(settings.log_dir)) if settings.log_dir else None,
        sides_of(catalog, settings.switches),
        dict(settings.switches),
    )
    state.reset()
    return state
