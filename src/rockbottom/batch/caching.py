"""What the same records would use on demand with caching: one cachePoint each, after the longest shared prefix.

The records are taken to be sent one after another, ``seconds_between`` apart. Of many records, blocks of neighbours
spread evenly over the whole are looked at and the rest is taken to be like them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rockbottom.batch.bodies import output_limit
from rockbottom.batch.errors import Problem
from rockbottom.cache import Behaviour, Entry, EntryKey, Namespace, outcome, refusal
from rockbottom.catalog import CacheRules, Model
from rockbottom.dialects import BodyReader
from rockbottom.prompt import Api, CachePoint, MalformedBody, Prompt, prefix_hashes, seeds_of
from rockbottom.quantities import Usage

SAMPLE = 20_000
_BLOCK = 1_000
_SWEEP = 4_096
_KEPT = 100  # records that could not be counted, kept to be shown
_NOWHERE = Namespace("", "", "")


@dataclass(frozen=True, slots=True)
class Sampled:
    """Token counts of some records: without caching, and with it.

    ``most_output`` is None where one sets no limit. ``unread`` are records looked at that could not be counted, the
    first of them as problems, and ``unread_total`` is how many.
    """

    looked_at: int
    of: int
    plain: tuple[Usage, ...]
    cached: tuple[Usage, ...]
    most_output: int | None
    unread: tuple[Problem, ...] = ()
    unread_total: int = 0

    @property
    def factor(self) -> float:
        """By how much the sample is smaller than the whole."""
        return self.of / self.looked_at if self.looked_at else 0.0


def sample_numbers(total: int) -> range | list[int]:
    """Which of ``total`` records to look at."""
    if total <= SAMPLE:
        return range(total)
    blocks = SAMPLE // _BLOCK
    return [block * total // blocks + number for block in range(blocks) for number in range(_BLOCK)]


def sampled(
    records: Iterable[Mapping[str, Any]],
    total: int,
    reader: BodyReader,
    model: Model,
    api: Api,
    rules: CacheRules,
    behaviour: Behaviour,
    seconds_between: float = 1.0,
) -> Sampled:
    """Read the sample and count it both ways. Records that cannot be read are set apart."""
    numbers = set(sample_numbers(total))
    prompts: list[Prompt] = []
    most: int | None = 0
    unread: list[Problem] = []
    unread_total = 0
    for number, record in enumerate(records):
        if number not in numbers:
            continue
        body = record["modelInput"]
        try:
            prompts.append(reader.read(body, api, model))
        except MalformedBody as error:
            unread_total += 1
            if len(unread) < _KEPT:
                unread.append(Problem(number + 1, record["recordId"], "modelInput", str(error)))
            continue
        limit = output_limit(body)
        most = None if most is None or limit is None else most + limit
    with_points = _pointed(prompts, rules, behaviour)
    plain = tuple(Usage(prompt.tokens + _residual(prompt, rules)) for prompt in prompts)
    cached = tuple(_run(with_points, rules, behaviour, seconds_between))
    return Sampled(len(prompts), total, plain, cached, most, tuple(unread), unread_total)


def _residual(prompt: Prompt, rules: CacheRules) -> int:
    return rules.residual_tokens_with_tools if prompt.has_tools else rules.residual_tokens


def _pointed(prompts: Sequence[Prompt], rules: CacheRules, behaviour: Behaviour) -> list[Prompt]:
    """Each prompt with a point after the longest prefix that another one has too, where that is legal."""
    scope = behaviour.thinking_scope
    hashes = [prefix_hashes(prompt.segments, seeds_of((), prompt.parameters, scope)) for prompt in prompts]
    seen = Counter(digest for row in hashes for digest in row[1:])
    return [_with_point(prompt, row, seen, rules, behaviour) for prompt, row in zip(prompts, hashes, strict=True)]


def _with_point(
    prompt: Prompt, hashes: Sequence[bytes], seen: Counter[Any], rules: CacheRules, behaviour: Behaviour
) -> Prompt:
    if not rules.explicit:
        return prompt
    for depth in range(len(prompt.segments), 0, -1):
        if prompt.depths[depth] < rules.minimum_tokens:
            break
        if seen[hashes[depth]] < 2:
            continue
        segment = prompt.segments[depth - 1]
        point = CachePoint(depth, None, segment.section, segment.kind, segment.message, segment.index + 1)
        pointed = replace(prompt, points=(point,))
        if refusal(pointed, rules, behaviour) is None:
            return pointed
    return prompt


def _run(prompts: Sequence[Prompt], rules: CacheRules, behaviour: Behaviour, gap: float) -> Iterable[Usage]:
    entries: dict[EntryKey, Entry] = {}
    for number, prompt in enumerate(prompts):
        now = number * gap
        result = outcome(entries, prompt, now, rules, behaviour, _NOWHERE)
        entries.update(result.changes)
        if number % _SWEEP == _SWEEP - 1:
            entries = {key: entry for key, entry in entries.items() if entry.expires_at > now}
        yield result.usage()
