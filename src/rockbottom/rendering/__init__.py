"""Results drawn: text for a terminal, JSON, CSV and self-contained HTML pages, each from a typed result.

A module is imported when one of its functions is asked for, so that a command loads what it prints with and no more.
"""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.rendering.advice import advice_text, traffic_advice_text
    from rockbottom.rendering.answers import answer_text
    from rockbottom.rendering.apart import alone_text, apart_text, not_all_text
    from rockbottom.rendering.backtests import backtest_text
    from rockbottom.rendering.batches import (
        batch_estimate_text,
        checks_text,
        jobs_text,
        leftover_estimate_text,
        leftover_text,
        outcome_text,
        runs_text,
        teardown_text,
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
    from rockbottom.rendering.distilling import (
        distillation_document,
        distillation_text,
        pairs_document,
        pairs_text,
        training_text,
    )
    from rockbottom.rendering.encoding import json_text
    from rockbottom.rendering.estimate_pages import curve_page
    from rockbottom.rendering.estimates import estimate_csv, estimate_text, presets_text, replay_besides_text
    from rockbottom.rendering.explanation_pages import explanation_page
    from rockbottom.rendering.explanations import explanation_text, over_the_month_text, pair_text
    from rockbottom.rendering.invocation_logging import (
        logging_cost_text,
        logging_readers_text,
        logging_steps_text,
    )
    from rockbottom.rendering.ledgers import ledger_contents_text, ledger_summary_csv, ledger_summary_text
    from rockbottom.rendering.levers import advice_document
    from rockbottom.rendering.models import (
        ListedModel,
        models_document,
        models_text,
        switches_document,
        switches_text,
    )
    from rockbottom.rendering.monitoring import alarm_cost_text, alarm_steps_text, budgets_text
    from rockbottom.rendering.page import page_of
    from rockbottom.rendering.price_updates import updates_document, updates_text
    from rockbottom.rendering.prices import comparison_document, comparison_text, prices_document, prices_text
    from rockbottom.rendering.profiles import OwnProfile, profiles_document, profiles_text
    from rockbottom.rendering.reconciliation_pages import reconciliation_page
    from rockbottom.rendering.reconciliations import reconciliation_text
    from rockbottom.rendering.replay_pages import replay_page
    from rockbottom.rendering.replays import followed_text, replay_csv, replay_text, replays_text
    from rockbottom.rendering.routing import routing_document, routing_text
    from rockbottom.rendering.spending import pass_line, run_costs, votes_cost
    from rockbottom.rendering.terminal import text_of
    from rockbottom.rendering.traces import (
        damage_text,
        facts_text,
        imported_text,
        passed_over_text,
    )

__all__ = [
    "ListedModel",
    "OwnProfile",
    "advice_document",
    "advice_text",
    "alarm_cost_text",
    "alarm_steps_text",
    "alone_text",
    "answer_text",
    "apart_text",
    "backtest_text",
    "batch_estimate_text",
    "budgets_text",
    "checks_text",
    "comparison_document",
    "comparison_text",
    "conversation_lines",
    "csv_of",
    "curve_page",
    "damage_text",
    "distillation_document",
    "distillation_text",
    "effect_lines",
    "estimate_csv",
    "estimate_text",
    "explanation_page",
    "explanation_text",
    "facts_text",
    "followed_text",
    "github_annotation",
    "github_summary",
    "imported_text",
    "jobs_text",
    "json_text",
    "ledger_contents_text",
    "ledger_summary_csv",
    "ledger_summary_text",
    "leftover_estimate_text",
    "leftover_text",
    "logging_cost_text",
    "logging_readers_text",
    "logging_steps_text",
    "models_document",
    "models_text",
    "not_all_text",
    "outcome_text",
    "over_the_month_text",
    "page_of",
    "pair_text",
    "pairs_document",
    "pairs_text",
    "pass_line",
    "passed_over_text",
    "presets_text",
    "prices_document",
    "prices_text",
    "profiles_document",
    "profiles_text",
    "reconciliation_page",
    "reconciliation_text",
    "replay_besides_text",
    "replay_csv",
    "replay_page",
    "replay_text",
    "replays_text",
    "routing_document",
    "routing_text",
    "run_costs",
    "runs_text",
    "switches_document",
    "switches_text",
    "teardown_text",
    "text_of",
    "traffic_advice_text",
    "training_text",
    "updates_document",
    "updates_text",
    "verdict_text",
    "verdicts_text",
    "votes_cost",
]

_HOMES = {
    "apart": "apart_text not_all_text alone_text",
    "traces": "damage_text facts_text imported_text passed_over_text",
    "models": "ListedModel models_document models_text switches_document switches_text",
    "profiles": "OwnProfile profiles_document profiles_text",
    "levers": "advice_document",
    "advice": "advice_text traffic_advice_text",
    "answers": "answer_text",
    "monitoring": "alarm_cost_text alarm_steps_text budgets_text",
    "invocation_logging": "logging_cost_text logging_readers_text logging_steps_text",
    "backtests": "backtest_text",
    "batches": (
        "batch_estimate_text checks_text jobs_text leftover_estimate_text leftover_text outcome_text "
        "runs_text teardown_text"
    ),
    "prices": "comparison_document comparison_text prices_document prices_text",
    "checks": "conversation_lines effect_lines github_annotation github_summary verdict_text verdicts_text",
    "comma": "csv_of",
    "estimate_pages": "curve_page",
    "estimates": "estimate_csv estimate_text presets_text replay_besides_text",
    "explanation_pages": "explanation_page",
    "explanations": "explanation_text over_the_month_text pair_text",
    "encoding": "json_text",
    "ledgers": "ledger_contents_text ledger_summary_csv ledger_summary_text",
    "page": "page_of",
    "spending": "pass_line run_costs votes_cost",
    "reconciliation_pages": "reconciliation_page",
    "reconciliations": "reconciliation_text",
    "replays": "replay_csv followed_text replay_text replays_text",
    "replay_pages": "replay_page",
    "routing": "routing_document routing_text",
    "distilling": "distillation_document distillation_text pairs_document pairs_text training_text",
    "terminal": "text_of",
    "price_updates": "updates_document updates_text",
}

__getattr__ = late(__name__, _HOMES)
