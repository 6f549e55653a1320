"""What is measured: the model under test, and what the questions about it share."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from rockbottom.catalog import RUNTIME, CacheRules, ModelId, Scope, surface_of
from rockbottom.probe.steps import ProbeAnswer, ProbeReply
from rockbottom.probe.texts import POINT_5M, converse, prose, responses, text
from rockbottom.quantities import Ttl


@dataclass(frozen=True, slots=True)
class Chain:
    """What a deep and a shallow entry read in the end; ``error`` where it did not come to that."""

    deep: int = 0
    shallow: int = 0
    error: ProbeReply | None = None


@dataclass(slots=True)
class ProbedModel:
    """The model under test, and what questions share. ``words`` make a prefix above the minimum (``minimum`` narrows it
    down); ``run`` makes every text new."""

    model_id: str
    model: ModelId
    rules: CacheRules
    run: str
    words: int = 0
    base: str = ""  # the text that quick questions share, once it is written
    base_tokens: int = 0
    across: ProbeReply | None = None
    idle: str = ""  # another that was written, and that no quick question reads
    chain: "Chain | None" = None
    chain_begun: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.words = self.words or max(1200, int(self.rules.minimum_tokens * 1.3))

    def fresh(self, words: int | None = None) -> str:
        """A text that was never sent."""
        return prose(words or self.words, f"{self.run}-{next(self._numbers)}")

    @property
    def claude(self) -> bool:
        """Whether it is one of Anthropic's."""
        return self.model.model.vendor == "anthropic"

    @property
    def on_responses(self) -> bool:
        """Whether its caching is to be seen on Responses and not on Converse."""
        rules = self.rules
        seen = "responses" in rules.points_on or (rules.best_effort and not rules.explicit)
        return seen and "responses" in surface_of(self.model.model).mantle | surface_of(self.model.model).runtime

    @property
    def elsewhere(self) -> str:
        """The id of a profile's model on bedrock-mantle; empty where it is not served there, or is asked by that id."""
        surface, bare = surface_of(self.model.model), self.model.model.id
        profile = self.model.scope is not Scope.IN_REGION and "responses" in surface.apis(RUNTIME)
        return bare if profile and "responses" in surface.mantle else ""

    @property
    def two_ttls(self) -> bool:
        """Whether both lifetimes are on offer."""
        return Ttl.ONE_HOUR in self.rules.ttls


def marked(subject: ProbedModel, system: str) -> dict[str, object]:
    """A request whose only long text comes first, a point behind it: of five minutes, or of thirty on Responses."""
    if subject.on_responses:
        return responses(subject.model_id, subject.run, [(system, ".")])
    return converse(subject.model_id, [text(system), POINT_5M], [text(".")])


def unmeasured(question: str, reply: ProbeReply, is_switch: bool = True) -> ProbeAnswer:
    """What is said of a question that has no answer."""
    why = f"{reply.error}: {reply.message}" if reply.error else "the first request wrote nothing"
    return ProbeAnswer(question, None, why, is_switch)
