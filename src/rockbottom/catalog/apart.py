"""Requests that no rule or price is known for: counted, named and set apart, so that the rest can be answered for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SetApart:
    """Requests to one model as it was given. ``tokens`` are those of their prompts and answers, as far as recorded.

    ``why`` says what is not known, ``fix`` what would make it known, where something would.
    """

    model: str
    requests: int
    tokens: int
    why: str
    fix: str | None = None


def apart_of(model: str, requests: int, tokens: int, error: Exception) -> SetApart:
    """Requests set apart because the catalogue raised this."""
    return SetApart(model, requests, tokens, str(error), getattr(error, "fix", None))


def summed_apart(parts: Iterable[SetApart]) -> tuple[SetApart, ...]:
    """One entry for each model, those with most requests first."""
    sums: dict[str, SetApart] = {}
    for part in parts:
        known = sums.get(part.model)
        sums[part.model] = part if known is None else replace(
            known, requests=known.requests + part.requests, tokens=known.tokens + part.tokens
        )  # fmt: skip
    return tuple(sorted(sums.values(), key=lambda part: (-part.requests, part.model)))
