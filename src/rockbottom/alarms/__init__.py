"""CloudWatch alarms and a dashboard as code: definitions, backtests over recorded calls, changes to an account."""

from rockbottom.alarms.account import AlarmClients, AlarmPlan, apply, plan, removal
from rockbottom.alarms.backtest import LEAST_DAYS, BacktestSettings, CallHistory, Detection, Stretch, Tried, tried
from rockbottom.alarms.cloudformation import template
from rockbottom.alarms.definitions import Alarm
from rockbottom.alarms.histories import calls_of_trace, priced
from rockbottom.alarms.placing import PlacedAlarm, monthly_usd, placed, undecided
from rockbottom.alarms.policies import POLICIES
from rockbottom.alarms.results import backtest_of, proposals_text, unpriced_of
from rockbottom.alarms.settings import AlarmSettings, InvalidAlarmSettings, read_wanted
from rockbottom.alarms.terraform import configuration

__all__ = [
    "LEAST_DAYS",
    "POLICIES",
    "Alarm",
    "AlarmClients",
    "AlarmPlan",
    "AlarmSettings",
    "BacktestSettings",
    "CallHistory",
    "Detection",
    "InvalidAlarmSettings",
    "PlacedAlarm",
    "Stretch",
    "Tried",
    "apply",
    "backtest_of",
    "calls_of_trace",
    "configuration",
    "monthly_usd",
    "placed",
    "plan",
    "priced",
    "proposals_text",
    "read_wanted",
    "removal",
    "template",
    "tried",
    "undecided",
    "unpriced_of",
]
