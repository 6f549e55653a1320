"""The dashboard: our metrics, and AWS's own of the same calls beside them. Pure.

AWS/Bedrock counts what every caller of the account sends and names a model as the caller did (``us.`` and the like in
front); ours counts what went through rockbottom and names the model of the catalogue. Where the lines of one widget
differ, calls went another way: `rockbottom reconcile` says which.
"""

import json
from collections.abc import Sequence
from typing import Any

from rockbottom.alarms.placing import MODEL_DIMENSION
from rockbottom.alarms.settings import AlarmSettings
from rockbottom.cloudwatch import (
    MANTLE_CALLS,
    MANTLE_DIMENSIONS,
    MANTLE_ERRORS,
    MANTLE_NATIVE,
    MANTLE_TOKENS,
    NATIVE,
    NATIVE_TOKENS,
)
from rockbottom.figures import colour

Json = dict[str, Any]


def dashboard_name(settings: AlarmSettings) -> str:
    """The name of the stack's dashboard."""
    plain = "".join(character if character.isalnum() or character in "-_" else "-" for character in settings.namespace)
    return plain if settings.stack == "default" else f"{plain}-{settings.stack}"


def mark(stack: str) -> str:
    """The words by which a dashboard is known as made here."""
    return f"Made by rockbottom for the stack {stack}."


def is_ours(body: str, stack: str) -> bool:
    """Whether the body of a dashboard carries the mark of the stack."""
    return mark(stack) in body


def dashboard(settings: AlarmSettings, region: str, alarm_arns: Sequence[str] = ()) -> Json:
    """The body of the dashboard. ``region`` and the ARNs may be placeholders of a template language."""
    rows = [
        _header(settings, alarm_arns), _first(settings, region), _money(settings, region), _trouble(settings, region),
        _mantle(region),
    ]  # fmt: skip
    widgets: list[Json] = []
    top = 0
    for row in rows:
        left = 0
        for widget in row:
            widgets.append({**widget, "x": left, "y": top})
            left += widget["width"]
        top += max(widget["height"] for widget in row)
    return {"widgets": widgets}


def body_text(body: Json) -> str:
    """The dashboard's JSON as PutDashboard takes it."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True)


def metrics_of(body: Json) -> int:
    """How many metrics the dashboard shows; CloudWatch's free tier counts them."""
    rows = [row for widget in body["widgets"] for row in widget["properties"].get("metrics", ())]
    return len([row for row in rows if isinstance(row[0], str)])


def _header(settings: AlarmSettings, alarm_arns: Sequence[str]) -> list[Json]:
    text = (
        f"## What prompts cost, and what caching saves\n{mark(settings.stack)} Ours: `{settings.namespace}`, calls "
        f"through rockbottom. AWS: `{NATIVE}` and `{MANTLE_NATIVE}`, every call of the account."
    )
    widgets: list[Json] = [{"type": "text", "width": 12, "height": 3, "properties": {"markdown": text}}]
    if alarm_arns:
        properties = {"title": "Alarms", "alarms": list(alarm_arns)}
        widgets.append({"type": "alarm", "width": 12, "height": 3, "properties": properties})
    return widgets


def _first(settings: AlarmSettings, region: str) -> list[Json]:
    ours = [_ours(settings, "CacheHitRate", model, "Average", label=f"{model} ours") for model in settings.models]
    native: list[Any] = []
    for index, model in enumerate(settings.native_models):
        ids = {kind: f"{kind}{index}" for kind in ("input", "read", "write")}
        native += [
            [NATIVE, NATIVE_TOKENS[kind], MODEL_DIMENSION, model, {"id": ids[kind], "stat": "Sum", "visible": False}]
            for kind in ids
        ]
        expression = "100 * {read} / ({input} + {read} + {write})".format(**ids)
        native.append([{"expression": expression, "id": f"rate{index}", "label": f"{model} AWS"}])
    lines = [
        {"label": "LowCacheHitRate", "value": float(alarm.threshold)}
        for alarm in settings.alarms
        if alarm.name == "LowCacheHitRate" and alarm.threshold is not None
    ]
    rate = _graph("Cache hit rate, %", region, [*ours, *native], {"min": 0, "max": 100})
    if lines:
        rate["properties"]["annotations"] = {"horizontal": lines}
    kinds = (
        ("CacheHitTokens", "read", colour("read")),
        ("CacheWriteTokens", "written", colour("write")),
        ("UncachedInputTokens", "uncached", colour("uncached")),
        ("OutputTokens", "output", colour("output")),
    )
    tokens = [
        _ours(settings, metric, model, "Sum", label=f"{says} {model}", color=color)
        for metric, says, color in kinds
        for model in settings.models
    ]
    stacked = _graph("Tokens by kind, ours", region, tokens, {"min": 0})
    stacked["properties"]["stacked"] = True
    return [rate, stacked]


def _money(settings: AlarmSettings, region: str) -> list[Json]:
    spent = [_ours(settings, "Cost", model, "Sum", label=f"{model} cost") for model in settings.models]
    saved = [_ours(settings, "Saving", model, "Sum", label=f"{model} saved") for model in settings.models]
    each = [_ours(settings, "CostPerRequest", model, "Average") for model in settings.models]
    hourly = _graph("US dollars an hour, and saved against no caching", region, [*spent, *saved])
    hourly["properties"]["period"] = 3600
    return [hourly, _graph("US dollars a request", region, each, {"min": 0})]


def _trouble(settings: AlarmSettings, region: str) -> list[Json]:
    waste = [_ours(settings, "WriteWaste", model, "Sum", label=f"{model} never read") for model in settings.models]
    silent = [
        _ours(settings, "PointsWithoutCaching", model, "Sum", label=f"{model} silent") for model in settings.models
    ]
    calls = [
        [NATIVE, metric, MODEL_DIMENSION, model, {"stat": "Sum", "label": f"{model} {metric}"}]
        for model in settings.native_models
        for metric in ("Invocations", "InvocationThrottles", "InvocationClientErrors")
    ]
    first = [_ours(settings, "TimeToFirstToken", model, "p90", label=f"{model} ours p90") for model in settings.models]
    first += [
        [NATIVE, "TimeToFirstToken", MODEL_DIMENSION, model, {"stat": "p90", "label": f"{model} AWS p90"}]
        for model in settings.native_models
    ]
    return [
        _graph("Never read (tokens); points that cached nothing (calls)", region, [*waste, *silent], width=8),
        _graph("Time to first token, ms", region, first, {"min": 0}, width=8),
        _graph("Calls as AWS counts them", region, calls, {"min": 0}, width=8),
    ]


def _mantle(region: str) -> list[Json]:
    """What AWS counts of bedrock-mantle by project, whichever there are; nothing where it is not called."""
    calls = [_searched(metric, index) for index, metric in enumerate((MANTLE_CALLS, MANTLE_ERRORS))]
    tokens = [_searched(metric, index + len(calls)) for index, metric in enumerate(MANTLE_TOKENS.values())]
    return [
        _graph("bedrock-mantle by project: calls, and those refused", region, calls, {"min": 0}),
        _graph("bedrock-mantle by project: tokens (no metric counts cached ones)", region, tokens, {"min": 0}),
    ]


def _searched(metric: str, number: int) -> list[Any]:
    schema = ",".join((MANTLE_NATIVE, *MANTLE_DIMENSIONS))
    expression = f"SEARCH('{{{schema}}} MetricName=\"{metric}\"', 'Sum', 300)"
    return [{"expression": expression, "id": f"mantle{number}", "label": f"{metric} "}]


def _ours(settings: AlarmSettings, metric: str, model: str, stat: str, label: str = "", color: str = "") -> list[Any]:
    shown: Json = {"stat": stat, "label": label or model}
    return [settings.namespace, metric, MODEL_DIMENSION, model, {**shown, **({"color": color} if color else {})}]


def _graph(title: str, region: str, metrics: list[Any], left: Json | None = None, width: int = 12) -> Json:
    properties: Json = {
        "title": title,
        "view": "timeSeries",
        "region": region,
        "period": 300,
        "metrics": metrics,
        **({"yAxis": {"left": left}} if left else {}),
    }
    return {"type": "metric", "width": width, "height": 6, "properties": properties}
