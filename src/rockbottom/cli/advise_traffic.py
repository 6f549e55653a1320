"""``rockbottom advise SOURCE``: recorded traffic replayed, and advice on each of its models and on all of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.compiling import tell_of_compiling

if TYPE_CHECKING:
    from rockbottom.advise import AdviceResult, Tariff, TrafficAdvice, WayEvidence, Wishes
    from rockbottom.catalog import Catalog
    from rockbottom.replay import ReplayQuestion, ReplayTally

_KEEP_ALIVE = "keep_alive"


def is_source(name: str) -> bool:
    """Whether a name is that of recorded traffic: something that is there, or an S3 address."""
    from rockbottom.trace import is_s3

    return is_s3(name) or Path(name).exists()


def advised(
    source: str, name: str | None, only: Sequence[str], models: Sequence[str], profiles: Sequence[str], on: date,
    prices: Path | None, region: str | None, wishes: "Wishes", *, strict: bool, by: str = "",
) -> "TrafficAdvice":  # fmt: skip
    """The advice on the traffic in a source; ``models``: as if all of it had been sent to that one."""
    from msgspec.structs import replace as changed

    from rockbottom.advise import traffic_advice
    from rockbottom.cli.replay import answers_here, catalog_with, say_left_out
    from rockbottom.cli.replay_questions import profiles_of
    from rockbottom.replay import ReplayQuestion, document_of
    from rockbottom.trace import ReaderSettings

    if len(models) > 1:
        raise click.UsageError("--as-model takes one model; leave it out for advice on every model of the traffic")
    tell_of_compiling()
    catalog = catalog_with(prices)
    question = ReplayQuestion(
        (), on, model=next(iter(models), None), region=region, profiles=profiles_of(profiles), only=tuple(only),
        prompts=True, by=by,
    )  # fmt: skip
    reading, answers = answers_here(source, ReaderSettings(by=by), name, [question], catalog, more=(_KEEP_ALIVE,))
    ((asked_question, tally),) = answers
    say_left_out([tally], source, reading.damages.count, strict=strict)
    documents = list(_documents(asked_question, tally, catalog, wishes))
    requests = sum(model.requests for model in tally.models)
    advice = traffic_advice(source, requests, documents, tally.apart, reading.damages.simulated)
    whole = document_of(asked_question, tally)
    return changed(advice, by=whole.by, groups=whole.groups)


def _documents(
    question: "ReplayQuestion", tally: "ReplayTally", catalog: "Catalog", wishes: "Wishes"
) -> "list[AdviceResult]":
    """Each model by itself, over the span of all of them. Raises NothingToTell where there is none."""
    from msgspec.structs import replace as changed

    from rockbottom.advise import advise, of_replay
    from rockbottom.rendering import advice_document
    from rockbottom.replay import document_of

    span = document_of(question, tally).span_seconds
    documents: list[AdviceResult] = []
    for model in tally.models:
        alone = document_of(question, replace(tally, models=(model,), apart=()))
        evidence = of_replay(changed(alone, span_seconds=span))
        advice = advice_document(advise(evidence, _tariff(question, evidence, catalog), wishes))
        documents.append(advice if model.prompts is None else changed(advice, prompts=model.prompts.document()))
    return documents


def _tariff(question: "ReplayQuestion", evidence: "WayEvidence", catalog: "Catalog") -> "Tariff":
    from rockbottom.advise import Tariff

    model = question.model_id(evidence.model, catalog)
    return Tariff(model, question.on, catalog.price_book, question.region)
