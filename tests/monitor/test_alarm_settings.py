"""Alarms as data: the packaged ones, and the user's file on top."""

from decimal import Decimal

import pytest

from rockbottom.alarms.definitions import InvalidAlarm, packaged_alarms
from rockbottom.alarms.settings import InvalidAlarmSettings, read_wanted
from rockbottom.cli import main
from rockbottom.cloudwatch import fees, limits


def _file(tmp_path, text, name="alarms.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def _by_name(wanted):
    return {alarm.name: alarm for alarm in wanted.alarms}


def test_low_cache_hit_rate_is_what_teams_already_run():
    """Average of CacheHitRate over 300 s, 3 periods, below 70."""
    alarm = packaged_alarms()["LowCacheHitRate"]
    assert (alarm.measure.metric, alarm.measure.statistic) == ("CacheHitRate", "Average")
    assert (alarm.period_s, alarm.periods, alarm.datapoints) == (300, 3, 3)
    assert (alarm.comparison, alarm.threshold) == ("LessThanThreshold", Decimal(70))


def test_what_depends_on_the_spend_has_no_threshold():
    """Unknown is not a default."""
    undecided = {name for name, alarm in packaged_alarms().items() if alarm.threshold is None}
    assert undecided == {"CostPerRequest", "SpendRate"}


def test_every_packaged_alarm_says_why_missing_data_is_treated_so():
    """And where it comes from, and what it means."""
    for alarm in packaged_alarms().values():
        assert alarm.why_missing
        assert alarm.source
        assert bool(alarm.why_least_calls) == bool(alarm.least_calls)
        assert alarm.says


def test_fees_and_limits_have_a_source_and_a_day():
    """Facts are data."""
    assert fees().source.url.startswith("https://aws.amazon.com/")
    assert limits().source.checked_on.year >= 2026


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    """TOML: a threshold, one alarm off, one of the user's own."""
    path = _file(
        tmp_path,
        """
        stack = "production"
        models = ["amazon.nova-pro-v1:0"]
        [alarms.LowCacheHitRate]
        threshold = 82.5
        [alarms.SilentZero]
        off = true
        [alarms.SlowFirstToken]
        says = "Readers wait."
        metrics = { wait = "TimeToFirstToken:Average" }
        per = "model"
        period_s = 60
        periods = 5
        datapoints = 3
        comparison = "GreaterThanThreshold"
        threshold = 2000
        missing = "ignore"
        """,
    )
    wanted = read_wanted(path)
    alarms = _by_name(wanted)
    assert (wanted.stack, wanted.models) == ("production", ("amazon.nova-pro-v1:0",))
    assert alarms["LowCacheHitRate"].threshold == Decimal("82.5")
    assert alarms["LowCacheHitRate"].periods == 3
    assert "SilentZero" not in alarms
    assert alarms["SlowFirstToken"].rule.range == 7
    assert alarms["WriteWaste"] == packaged_alarms()["WriteWaste"]


def test_yaml_says_the_same(tmp_path):
    """The suffix decides."""
    path = _file(tmp_path, "alarms:\n  LowCacheHitRate:\n    threshold: 82.5\n    periods: 2\n", "alarms.yaml")
    alarm = _by_name(read_wanted(path))["LowCacheHitRate"]
    assert (alarm.threshold, alarm.periods, alarm.datapoints) == (Decimal("82.5"), 2, 2)


def test_a_threshold_can_be_given_in_passing():
    """As --threshold does."""
    wanted = read_wanted(None).with_thresholds(["SpendRate=5", "LowCacheHitRate=60"])
    assert _by_name(wanted)["SpendRate"].threshold == Decimal(5)
    assert _by_name(wanted)["LowCacheHitRate"].threshold == Decimal(60)


@pytest.mark.parametrize("pair", ["Nothing=5", "SpendRate", "SpendRate="])
def test_a_threshold_for_nothing_is_refused(pair):
    """The message names what there is."""
    with pytest.raises(InvalidAlarmSettings) as raised:
        read_wanted(None).with_thresholds([pair])
    assert "SpendRate" in raised.value.fix


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("period_s = 45", "period of 45 s"),
        ("period_s = 3600\nperiods = 200", "looks back 720000 s"),
        ("datapoints = 4", "4 of 3 data points"),
        ('comparison = "Below"', "'Below'"),
        ('missing = "zero"', "'zero'"),
        ('per = "tenant"', "'tenant'"),
        ('metrics = { a = "CacheHitRate" }', "'CacheHitRate'"),
        ("threshold = nan", "NaN"),
        ('threshold = "much"', "'much'"),
        ("treshold = 3", "'treshold'"),
        ("periods = true", "periods = True"),
        ('thresholds = { a = "much" }', "'much'"),
        ('per = "all"\nthresholds = { a = 3 }', "thresholds for single models"),
        ("least_calls = -1", "least_calls = -1"),
    ],
)
def test_an_impossible_alarm_is_refused_with_what_would_work(tmp_path, row, says):
    """Before anything is sent."""
    with pytest.raises(InvalidAlarm) as raised:
        read_wanted(_file(tmp_path, f"[alarms.LowCacheHitRate]\n{row}\n"))
    assert says in str(raised.value)
    assert raised.value.fix


@pytest.mark.parametrize(
    "text",
    ["stack = 'a b'", "topic = 'arn:x'\ncreate = 'y'", "models = 'nova'", "alarm = {}", "[alarms\n", "alarms = 3"],
)
def test_an_impossible_file_is_refused_with_what_would_work(tmp_path, text):
    """Names, lists, tables, syntax."""
    with pytest.raises(InvalidAlarmSettings) as raised:
        read_wanted(_file(tmp_path, text))
    assert raised.value.fix
    assert "alarms.toml" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("alarms.toml", "stack = 'x'\nalarm = {}\n", "line 2: unknown key 'alarm'"),
        ("alarms.toml", "\nmodels = 'nova'\n", "line 2: models cannot be 'nova'"),
        ("alarms.toml", "dashboard = 'no'\n", "line 1: dashboard cannot be 'no'"),
        (
            "alarms.toml",
            "[alarms.A]\noff = true\n[alarms.LowCacheHitRate]\nperiods = 3\ntreshold = 3\n",
            "line 5: The alarm Low",
        ),
        ("alarms.toml", "[alarms]\nLowCacheHitRate.threshold = 'much'\n", "line 2: The alarm Low"),
        ("alarms.toml", "[alarms]\nA = 3\n", "line 2: alarms holds one table"),
        ("alarms.toml", "topic = 'arn:x'\ncreate = 'y'\n", "line 2: topic and create"),
        ("alarms.yaml", "stack: x\nalarm: {}\n", "line 2: unknown key 'alarm'"),
        ("alarms.yaml", "stack: x\nstack: y\n", "line 2: stack: given twice"),
        (
            "alarms.yaml",
            "alarms:\n  LowCacheHitRate:\n    periods: 2\n    threshold: much\n",
            "line 4: The alarm Low",
        ),
        ("alarms.yaml", "- 1\n", "line 1: expected a mapping, found a list"),
        ("alarms.yaml", "alarms: [", "line 1: not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, name, text, place):
    """Of the setting, or of its alarm, in both kinds of file."""
    with pytest.raises((InvalidAlarmSettings, InvalidAlarm)) as raised:
        read_wanted(_file(tmp_path, text, name))
    assert f"{name}, {place}" in str(raised.value)


def test_broken_yaml_is_one_message(tmp_path):
    """Not a parser's traceback."""
    with pytest.raises(InvalidAlarmSettings):
        read_wanted(_file(tmp_path, "alarms: [", "alarms.yml"))


def test_a_topic_is_an_arn(capsys):
    """A name alone would be refused by CloudWatch, after everything else was made."""
    assert main(["monitor", "cloudformation", "--topic", "on-call"]) == 2
    assert "--topic takes the ARN of an SNS topic; not 'on-call'" in capsys.readouterr().err
