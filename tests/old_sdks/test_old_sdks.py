"""A client of an older boto3: no call fails that passes without us, and what can be planned is planned.

Each environment holds one boto3 as programs pin it; the local endpoint runs here, the calls there.
"""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from rockbottom.local import ClockKind, running

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
NEWEST = "newest"

# What the service model of each knows (catalog/data/botocore.toml): cachePoint, and its ttl.
KNOWS = {
    "1.34.131": (False, False),
    "1.35.70": (False, False),
    "1.40.0": (True, False),
    "1.42.1": (True, False),
    NEWEST: (True, True),
}


@pytest.fixture(scope="module", params=KNOWS)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def found(version):
    python = Path(sys.executable) if version == NEWEST else REPO / f".venv-boto3-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"boto3 {version} is not installed here: make old-sdks runs this")
    with running(clock=ClockKind.REAL) as endpoint:
        done = subprocess.run(
            [python, HERE / "calls.py", endpoint.url],
            env={**os.environ, "PYTHONPATH": str(REPO / "src"), "ROCKBOTTOM_FACTS": ""},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_the_boto3_that_it_is_meant_to_be(found, version):
    assert version in (NEWEST, found["botocore"])


@pytest.mark.parametrize("calls", ["own planner", "session"])
def test_calls_are_planned_where_cache_points_are_known_and_counted_in_any_case(found, version, calls):
    points, _ = KNOWS[version]
    assert (found[calls]["points"] > 0) is points
    assert found[calls]["ttl"] == 0
    assert (found[calls]["calls"], found[calls]["unpriced"]) == (3, 0)
    assert Decimal(found[calls]["cost"]) > 0


def test_a_plan_of_an_hour_loses_its_ttl_where_none_is_known(found, version):
    points, ttl = KNOWS[version]
    assert found["hours"]["points"] == (3 if points else 0)
    assert found["hours"]["ttl"] == (3 if ttl else 0)
    assert found["hours"]["calls"] == 3


def test_native_bodies_are_planned_whatever_boto3_knows_of_converse(found):
    assert found["native"]["points"] > 0
    assert found["native"]["calls"] == 3


def test_what_plain_boto3_refuses_is_refused_in_the_same_words(found):
    for name, (plain, attached) in found["refused"].items():
        assert plain.startswith("ParamValidationError"), name
        assert attached == plain, name


def test_one_notice_says_what_is_not_known_and_which_version_would(found, version):
    points, ttl = KNOWS[version]
    about = [line for line in found["notices"] if "does not know" in line]
    if ttl:
        assert about == []
        return
    assert len(about) == 1
    assert ("boto3>=1.42.31" if points else "boto3>=1.37.24") in about[0]
