"""A conversation that a fleet serves while a deploy rolls over it: each turn by whichever version answers."""

from datetime import UTC, datetime

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import load_catalog
from rockbottom.diagnose import LoggedRequest
from rockbottom.dialects import BodyReader
from rockbottom.prompt import Api

MODEL = "us.anthropic.claude-sonnet-4-6"
START = 1_790_000_000.0
POINT = {"cachePoint": {"type": "default"}}


def conversation(
    turns: int,
    versions: int,
    *,
    switch_at: int = 0,
    first_version: int = 0,
    answers: str = "Answer",
    start: float = 0.0,
) -> tuple[list[LoggedRequest], int]:
    """Its records with the counters of the rules, and the tokens that one version throughout would have read.

    ``switch_at``: from that turn on the second version, instead of both in turn.
    """
    catalog = load_catalog()
    model, behaviour, reader = catalog.model(MODEL), behaviour_of(catalog.switches), BodyReader.of(catalog)
    rules, space = (
        catalog.rules(model, datetime.fromtimestamp(START, UTC).date()),
        Namespace("1", "us-east-1", model.model.id),
    )
    mixed, alone = PrefixCache(), PrefixCache()
    records, missed, messages = [], 0, []
    for turn in range(turns):
        version = (turn >= switch_at) if switch_at else turn % versions
        messages = [*messages, {"role": "user", "content": [{"text": f"Question {turn}: " + "what of it? " * 120}]}]
        at = START + start + 20 * turn
        bodies = [body(first_version + number, messages) for number in (version, 0)]
        prompts = [reader.read(one, Api.CONVERSE, model.model) for one in bodies]
        mixed, result = step(mixed, prompts[0], at, rules, behaviour, space, at)
        alone, one_version = step(alone, prompts[1], at, rules, behaviour, space, at)
        usage = result.usage(50)
        missed += max(one_version.usage().cache_read - usage.cache_read, 0)
        records.append(
            LoggedRequest(
                at, MODEL, Api.CONVERSE, bodies[0], usage, "us-east-1", "us-east-1", "1", f"{start}{turn}", 0.5
            )
        )
        messages = [*messages, {"role": "assistant", "content": [{"text": f"{answers} {turn}: " + "so it is. " * 120}]}]
    return records, missed


def body(version: int, messages: list) -> dict:
    rules = " ".join(f"Rule {number} of release {version}: be polite about matter {number}." for number in range(300))
    *earlier, last = messages
    marked = {**last, "content": [*last["content"], POINT]}
    return {"system": [{"text": rules}, POINT], "messages": [*earlier, marked]}
