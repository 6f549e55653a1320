"""The first home of sinks and budgets: programs that import them from ``rockbottom.monitor`` keep working."""

from rockbottom.faces import late

_FACES = {
    "budgets": "Budget BudgetExceeded Budgets",
    "sinks": "CannotPublish CloudWatch EmbeddedMetrics OpenTelemetry Prometheus Publisher Stats",
}

__getattr__ = late("rockbottom", _FACES)
