"""What setup made is found again and removed, after a look; what others made or use stays."""

import json

import pytest

from rockbottom.batch import apply, parts_of, remove, wanted_for
from rockbottom.batch.errors import InvalidSettings
from rockbottom.catalog import load_catalog
from rockbottom.cli import main

MODEL = load_catalog().model("us.anthropic.claude-haiku-4-5-20251001-v1:0")
ROLE, MADE_BUCKET = "goes-away", "goes-away-bucket"


@pytest.fixture
def made(place):
    """A cloud in which setup was applied; whatever is left of it is gone afterwards."""
    cloud = place.cloud()
    apply(cloud, wanted_for(cloud, MODEL, MADE_BUCKET, ROLE), lambda text: None)
    yield cloud
    iam = cloud.client("iam")
    for name in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    remove(cloud, ROLE, parts_of(cloud, ROLE, MADE_BUCKET, with_objects=True), lambda text: None)


def stays(parts):
    return {part.kind: part.stays for part in parts}


def test_all_that_setup_made_goes(made):
    """Permissions, role and bucket, in an order in which each may go; the second time nothing is there."""
    parts = parts_of(made, ROLE, MADE_BUCKET, with_objects=False)
    assert stays(parts) == {"policy": "", "role": "", "bucket": ""}
    remove(made, ROLE, parts, lambda text: None)
    assert parts_of(made, ROLE, MADE_BUCKET, with_objects=False) == []


def test_a_bucket_with_something_in_it_goes_only_when_that_goes_too(made):
    """Two objects and what they weigh are said; without the option the bucket stays, unnamed it is not looked at."""
    for key in ("a/1", "b/2"):
        made.client("s3").put_object(Bucket=MADE_BUCKET, Key=key, Body=b"x" * 10)
    kept = parts_of(made, ROLE, MADE_BUCKET, with_objects=False)
    assert stays(kept)["bucket"] == "it is not empty"
    assert kept[-1].about.startswith("2 objects")
    assert "bucket" not in stays(parts_of(made, ROLE, None, with_objects=False))
    parts = parts_of(made, ROLE, MADE_BUCKET, with_objects=True)
    remove(made, ROLE, parts, lambda text: None)
    assert parts_of(made, ROLE, MADE_BUCKET, with_objects=True) == []


def test_a_role_with_permissions_of_others_stays(made):
    """Only what setup put on it goes."""
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made.client("iam").put_role_policy(RoleName=ROLE, PolicyName="mine", PolicyDocument=policy)
    assert stays(parts_of(made, ROLE, None, with_objects=False)) == {
        "policy": "",
        "role": "it has other policies too: mine",
    }


def test_a_role_that_setup_did_not_make_stays(made):
    """It has another description."""
    made.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument="{}", Description="by hand")
    assert stays(parts_of(made, "other", None, with_objects=False)) == {
        "role": "rockbottom batch setup did not make it"
    }


def test_nothing_goes_while_a_job_of_the_role_has_not_ended(made, place, kit):
    """The job is named."""
    place.control("PUT", "jobs/pace", {"scheduled": 1e6})
    with pytest.raises(Exception, match="have not ended"):
        place.run(kit.pairs(100), role_arn=f"arn:aws:iam::123456789012:role/{ROLE}", bucket=MADE_BUCKET, within_s=0)
    with pytest.raises(InvalidSettings, match="have not ended: a-run"):
        parts_of(made, ROLE, None, with_objects=False)


def test_the_command_shows_first_and_asks(made, place, capsys, monkeypatch):
    """A minus before what goes; exit 2 without a yes; with one it is gone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", place.served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.served.s3_url)
    words = ["batch", "teardown", "--role", ROLE, "--bucket", MADE_BUCKET, "--region", "us-east-1"]
    assert main(words) == 2
    told = capsys.readouterr()
    assert "- role goes-away (arn:aws:iam::123456789012:role/goes-away)" in told.out
    assert "--yes" in told.err
    assert main([*words, "--yes"]) == 0
    assert "bucket goes-away-bucket removed" in capsys.readouterr().err
    assert main(words) == 0
