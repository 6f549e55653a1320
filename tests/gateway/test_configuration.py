"""A gateway's configuration: each error with its line and field, secrets from the environment."""

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
        ("listen: 127.0.0.1:1\n", "missing required field `upstream`"),
        (WHOLE.replace("body_mb: 8", "body_mb: -1"), "line 5: limits.body_mb: Expected `float` > 0"),
        (WHOLE.replace("period: day", "periods: day"), "line 7: budgets[0]:"),
        (WHOLE.replace("limits:", "limit:"), "unknown field `limit`"),
        (WHOLE.replace("127.0.0.1:9000", "0.0.0.0:9000"), "line 3: listen: other machines can reach 0.0.0.0"),
        (WHOLE.replace("127.0.0.1:9000", "9000x"), "line 3: listen: '9000x' is not an address and a port"),
        (WHOLE.replace("eu-central-1", "eu-central-1\n  runtime: ftp://x"), "line 3: upstream.runtime:"),
        (WHOLE.replace("eu-central-1", "${NOWHERE}"), "${NOWHERE} is not set"),
        (WHOLE + "admin: 0.0.0.0:4748\nledger: l\n", "line 8: admin: other machines can reach 0.0.0.0:4748"),
        (WHOLE + "admin: 127.0.0.1:4748\n", "line 8: admin: there is no ledger to show"),
        (WHOLE + "admin: 127.0.0.1\nledger: l\n", "line 8: admin: '127.0.0.1' is not an address and a port"),
        ("a: [", "is not YAML: line 1: expected"),
        ("", "missing required field `upstream`"),
        ("- 1\n", "Expected `object`"),
    ],
)  # fmt: skip
def test_an_error_names_line_and_field(tmp_path, text, message):
    """With what would work, where that is not plain."""
    with pytest.raises(BadConfiguration) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_values_come_from_the_environment(tmp_path):
    """Where ``${NAME}`` stands."""
    made = read(tmp_path, WHOLE.replace("eu-central-1", "${REGION}"), {"REGION": "us-west-2"})
    assert made.upstream.region == "us-west-2"
