"""Results drawn: text for a terminal, JSON, CSV and self-contained HTML pages, each from a typed result.

A module is imported when one of its functions is asked for, so that a command loads what it prints with and no more.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockbottom.rendering.advice import advice_text
    from rockbottom.rendering.backtests import backtest_text
    from rockbottom.rendering.batches import (
        batch_estimate_text,
        checks_text,
        jobs_text,
        leftover_estimate_text,
        leftover_text,
        outcome_text,
        runs_text,
    )
    from rockbottom.rendering.checks import (
        conversation_lines,
        effect_lines,
        github_annotation,
        github_summary,
        verdict_text,
        verdicts_text,
    )
    from rockbottom.rendering.comma import csv_of
    from rockbottom.rendering.curves import curve_page
    from rockbottom.rendering.encoding import json_text
    from rockbottom.rendering.estimates import estimate_csv, estimate_text, presets_text
    from rockbottom.rendering.explanations import explanation_text, over_the_month_text, pair_text
    from rockbottom.rendering.models import models_text
    from rockbottom.rendering.monitoring import alarm_cost_text, alarm_steps_text, budgets_text
    from rockbottom.rendering.page import page_of
    from rockbottom.rendering.reconciliations import reconciliation_text
    from rockbottom.rendering.replay_pages import replay_page
    from rockbottom.rendering.replays import replay_csv, replay_text, replays_text
    from rockbottom.rendering.terminal import text_of

__all__ = [
    "advice_text",
    "alarm_cost_text",
    "alarm_steps_text",
    "backtest_text",
    "batch_estimate_text",
    "budgets_text",
    "checks_text",
    "conversation_lines",
    "csv_of",
    "curve_page",
    "effect_lines",
    "estimate_csv",
    "estimate_text",
    "explanation_text",
    "github_annotation",
    "github_summary",
    "jobs_text",
    "json_text",
    "leftover_estimate_text",
    "leftover_text",
    "models_text",
    "outcome_text",
    "over_the_month_text",
    "page_of",
    "pair_text",
    "presets_text",
    "reconciliation_text",
    "replay_csv",
    "replay_page",
    "replay_text",
    "replays_text",
    "runs_text",
    "text_of",
    "verdict_text",
    "verdicts_text",
]

_HOMES = {
    "models_text": "models",
    "budgets_text": "monitoring",
    "alarm_cost_text": "monitoring",
    "alarm_steps_text": "monitoring",
    "advice_text": "advice",
    "backtest_text": "backtests",
    "batch_estimate_text": "batches",
    "checks_text": "batches",
    "conversation_lines": "checks",
    "csv_of": "comma",
    "curve_page": "curves",
    "effect_lines": "checks",
    "estimate_csv": "estimates",
    "estimate_text": "estimates",
    "explanation_text": "explanations",
    "github_annotation": "checks",
    "github_summary": "checks",
    "jobs_text": "batches",
    "json_text": "encoding",
    "leftover_estimate_text": "batches",
    "leftover_text": "batches",
    "outcome_text": "batches",
    "over_the_month_text": "explanations",
    "page_of": "page",
    "pair_text": "explanations",
    "presets_text": "estimates",
    "reconciliation_text": "reconciliations",
    "replay_csv": "replays",
    "replay_page": "replay_pages",
    "replay_text": "replays",
    "replays_text": "replays",
    "runs_text": "batches",
    "text_of": "terminal",
    "verdict_text": "checks",
    "verdicts_text": "checks",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
