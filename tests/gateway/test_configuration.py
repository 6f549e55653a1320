"""A gateway's configuration: each error with its line and field, secrets from the environment."""

from decimal import Decimal

import pytest

from rockbottom.gateway import BadConfiguration, read_configuration

WHOLE = """\
upstream:
  region: eu-central-1
listen: 127.0.0.1:9000
limits:
  body_mb: 8
budgets:
  - {limit_usd: "50", period: day, per: [team], action: stop}
"""


def read(tmp_path, text, env=()):
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    return read_configuration(path, dict(env))


def test_a_whole_file_is_read(tmp_path):
    """The service's own address where none is given."""
    made = read(tmp_path, WHOLE)
    assert (made.host, made.port, made.limits.body_mb) == ("127.0.0.1", 9000, 8)
    assert made.upstream.url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert made.budget_rows()[0].per == ["team"]
    assert made.path("keys.json") == tmp_path / "keys.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listen: 127.0.0.1:1\n", "line 1: the field 'upstream' is missing."),
        (WHOLE.replace("limits:", "limit:"), "line 4: limit: unknown field; did you mean 'limits'?"),
        (WHOLE.replace("region:", "regions:"), "line 2: upstream.regions: unknown field; did you mean 'region'?"),
        (WHOLE + "folder: /tmp\n", "line 8: folder: unknown field; "),
        (WHOLE + "listen: 127.0.0.1:1\n", "line 8: listen: given twice."),
        (WHOLE + "tags: {a: b,\n  a: c}\n", "line 9: tags.a: given twice."),
        (WHOLE + "tags:\n  team: 7\n", "line 9: tags.team: expected text, found a whole number (7); put it in quotes."),
        (WHOLE + "metric_tags: team\n", "line 8: metric_tags: expected a list, found text (team)."),
        (WHOLE + "metric_tags:\n  - [team]\n", "line 9: metric_tags[0]: expected text, found a list."),
        (WHOLE + "dry_run: perhaps\n", "line 8: dry_run: expected true or false, found text (perhaps)."),
        (WHOLE + "ledger: [l]\n", "line 8: ledger: expected text, found a list."),
        (WHOLE + "tls: {certificate: a.pem}\n", "line 8: tls: the field 'key' is missing."),
        (WHOLE + "ship: {to: s3://b}\n", "line 8: ship: there is no ledger to ship."),
        (WHOLE.replace("body_mb: 8", "body_mb: -1"), "line 5: limits.body_mb: expected a number above 0, found -1."),
        (
            WHOLE.replace("body_mb: 8", "body_mb: .inf"),
            "line 5: limits.body_mb: expected a number above 0, found .inf.",
        ),
        (WHOLE.replace("body_mb: 8", "body_mb: big"), "line 5: limits.body_mb: expected a number, found text (big)."),
        (
            WHOLE.replace("limits:\n  body_mb: 8", "limits: 8"),
            "line 4: limits: expected a mapping, found a whole number",
        ),
        (
            WHOLE.replace("period: day", "periods: day"),
            "line 7: budgets[0].periods: unknown field; did you mean 'period'?",
        ),
        (
            WHOLE.replace("period: day", "period: days"),
            "line 7: budgets[0].period: expected one of hour, day, week, month, ",
        ),
        (WHOLE.replace("action: stop", "action: halt"), "line 7: budgets[0].action: expected one of "),
        (WHOLE.replace('"50"', '"-50"'), "line 7: budgets[0].limit_usd: limit_usd is '-50'."),
        (WHOLE.replace("127.0.0.1:9000", "0.0.0.0:9000"), "line 3: listen: other machines can reach 0.0.0.0"),
        (WHOLE.replace("127.0.0.1:9000", "9000x"), "line 3: listen: '9000x' is not an address and a port"),
        (WHOLE.replace("eu-central-1", "eu-central-1\n  runtime: ftp://x"), "line 3: upstream.runtime: "),
        (WHOLE.replace("central-1", "central-1\n  surfaces: both"), "line 3: upstream.surfaces: expected one of "),
        (WHOLE.replace("eu-central-1", "${NOWHERE}"), "line 2: upstream.region: ${NOWHERE} is not set"),
        (WHOLE + "admin: 0.0.0.0:4748\nledger: l\n", "line 8: admin: other machines can reach 0.0.0.0:4748"),
        (WHOLE + "admin: 127.0.0.1:4748\n", "line 8: admin: there is no ledger to show"),
        (WHOLE + "admin: 127.0.0.1\nledger: l\n", "line 8: admin: '127.0.0.1' is not an address and a port"),
        ("a: [", "line 1: not YAML: expected"),
        ("", "line 1: the file is empty"),
        ("- 1\n", "line 1: expected a mapping, found a list"),
    ],
)  # fmt: skip
def test_an_error_names_line_and_field(tmp_path, text, message):
    """With what would work, where that is not plain."""
    with pytest.raises(BadConfiguration) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "?." not in str(caught.value)


def test_values_come_from_the_environment(tmp_path):
    """Where ``${NAME}`` stands."""
    made = read(tmp_path, WHOLE.replace("eu-central-1", "${REGION}"), {"REGION": "us-west-2"})
    assert made.upstream.region == "us-west-2"


def test_a_number_comes_from_the_environment_too(tmp_path):
    """Text stays text there, however it reads; what is no number is named as what it is."""
    text = WHOLE.replace("body_mb: 8", "body_mb: ${MB}") + "tags:\n  team: ${TEAM}\n"
    made = read(tmp_path, text, {"MB": "2.5", "TEAM": "7"})
    assert (made.limits.body_mb, made.tags) == (2.5, {"team": "7"})
    with pytest.raises(BadConfiguration, match=r"line 5: limits.body_mb: expected a number, found text \(much\)"):
        read(tmp_path, text, {"MB": "much", "TEAM": "7"})


def test_amounts_are_read_to_the_last_digit_with_quotes_or_without(tmp_path):
    """A number of YAML is no float here."""
    made = read(tmp_path, WHOLE.replace('"50"', "50.10"))
    assert made.budget_rows()[0].limit_usd == Decimal("50.10")


def test_what_is_merged_gives_way_to_what_stands_beside_it(tmp_path):
    """Anchors and ``<<``, as in other files of YAML."""
    budgets = "budgets:\n  - &first {limit_usd: 5, period: day}\n  - {<<: *first, period: month}\n"
    made = read(tmp_path, WHOLE.partition("budgets")[0] + budgets)
    assert [(str(row.limit_usd), row.period.value) for row in made.budget_rows()] == [("5", "day"), ("5", "month")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("{certificate: none.pem, key: gateway.yaml}", "line 8: tls.certificate: none.pem cannot be read: No "),
        ("{certificate: gateway.yaml,\n key: none.pem}", "line 9: tls.key: none.pem cannot be read: No "),
        ("{certificate: gateway.yaml, key: gateway.yaml}", "line 8: tls: "),
    ],
)  # fmt: skip
def test_a_certificate_that_is_none_is_named_with_its_line(tmp_path, names, message):
    """Files that are missing, and files of something else."""
    configuration = read(tmp_path, f"{WHOLE}tls: {names}\n")
    with pytest.raises(BadConfiguration) as caught:
        configuration.tls_context()
    assert message in str(caught.value)
