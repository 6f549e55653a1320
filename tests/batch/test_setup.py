"""The bucket, the role and the least permissions; and which of them the doctor finds wrong."""

import json

import pytest

from rockbottom.batch import InvalidSettings
from rockbottom.batch.doctor import DoctorVerdict, checks, trust_fault
from rockbottom.batch.setup import SetUpSettings, apply, documents, model_arns, trust_policy, wanted_for
from rockbottom.catalog import load_catalog

ACCOUNT = "123456789012"
MODELS = load_catalog()
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


def wanted(model=f"us.{HAIKU}", **more):
    arns = model_arns(MODELS.model(model), ACCOUNT, "us-east-1")
    return SetUpSettings(ACCOUNT, "us-east-1", "set-up-bucket", "set-up-role", arns, **more)


def test_a_profile_needs_itself_and_every_model_behind_it():
    """In-Region: one ARN. A profile: its own and the models'. A global one: also the ARN without a Region."""
    arns = lambda model, *behind: model_arns(MODELS.model(model), ACCOUNT, "us-east-1", behind)  # noqa: E731
    profile = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile"
    assert arns("amazon.nova-lite-v1:0") == ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",)
    behind = tuple(f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in ("us-east-1", "us-west-2"))
    assert arns(f"us.{HAIKU}", *behind) == (f"{profile}/us.{HAIKU}", *behind)
    assert arns(f"global.{HAIKU}") == (
        f"{profile}/global.{HAIKU}",
        f"arn:aws:bedrock:*::foundation-model/{HAIKU}",
        f"arn:aws:bedrock:::foundation-model/{HAIKU}",
    )


def test_the_documents_allow_only_what_is_needed():
    """Trust for jobs of this account and Region; the bucket, the models and the key and nothing else by wildcard."""
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
    found = documents(wanted(kms_key=key))
    [trust] = found["trust"]["Statement"]
    assert trust["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    job = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/*"
    assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": job}
    files, models, keys = found["rolePermissions"]["Statement"]
    assert files["Resource"] == ["arn:aws:s3:::set-up-bucket", "arn:aws:s3:::set-up-bucket/*"]
    assert files["Condition"] == {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
    assert models["Action"] == ["bedrock:InvokeModel"]
    assert keys["Resource"] == [key]
    passing = next(one for one in found["callerPermissions"]["Statement"] if one["Action"] == "iam:PassRole")
    assert passing["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/set-up-role"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, "does not trust bedrock.amazonaws.com"),
        ({"Principal": {"Service": ["lambda.amazonaws.com", "bedrock.amazonaws.com"]}}, None),
        ({"Effect": "Deny"}, "does not trust"),
        ({"Action": "sts:TagSession"}, "does not trust"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}, "SourceAccount allows 999999999999"),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:eu-west-1:*"}}}, "eu-west-1"),
        ({"Condition": {}}, None),
    ],
)
def test_what_is_wrong_with_a_trust_policy(change, why):
    """The service, the action, the effect, and conditions on another account or Region."""
    document = trust_policy(wanted())
    document["Statement"][0].update(change)
    found = trust_fault(document, wanted())
    assert (found is None) if why is None else (why in found)


@pytest.fixture
def cloud(place):
    """Clients of the local endpoint; role and bucket as at the start: not there."""
    found = place.cloud()
    iam = found.client("iam")
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName=name)
        iam.delete_role(RoleName=role["RoleName"])
    return found


def verdicts(cloud, one):
    return {check.name: check for check in checks(cloud, one, MODELS.model(f"us.{HAIKU}"))}


def test_apply_makes_it_twice_and_the_doctor_finds_nothing_wrong(cloud):
    """The second time brings it up to date; trust, S3 and the models are good, the simulator is not there to ask."""
    one = wanted_for(cloud, MODELS.model(f"us.{HAIKU}"), "set-up-bucket", "set-up-role")
    assert len([arn for arn in one.models if ":foundation-model/" in arn]) > 1
    notes = []
    apply(cloud, one, notes.append)
    apply(cloud, one, notes.append)
    assert "bucket set-up-bucket made" in notes
    found = verdicts(cloud, one)
    good = {name for name, check in found.items() if check.verdict is DoctorVerdict.GOOD}
    assert good >= {"trust", "S3, for you", "S3, for the role", "model, for the role"}
    assert not [check for check in found.values() if check.verdict is DoctorVerdict.WRONG]


def test_the_doctor_names_what_is_missing(cloud):
    """No role; then a role that trusts another service and may do nothing; and a bucket that is not there."""
    one = wanted()
    assert "there is no role" in verdicts(cloud, one)["trust"].found
    trust = trust_policy(one)
    trust["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com"}
    cloud.client("iam").create_role(RoleName="set-up-role", AssumeRolePolicyDocument=json.dumps(trust))
    found = verdicts(cloud, SetUpSettings(ACCOUNT, "us-east-1", "never-made-bucket", "set-up-role", one.models))
    wrong = {name: check.found for name, check in found.items() if check.verdict is DoctorVerdict.WRONG}
    assert "does not trust bedrock" in wrong["trust"]
    assert "There is no bucket never-made-bucket" in wrong["S3, for you"]
    assert "s3:GetObject" in wrong["S3, for the role"]
    assert "bedrock:InvokeModel" in wrong["model, for the role"]
    assert "--apply" in found["trust"].fix


@pytest.mark.parametrize("key", ["xx", "alias/batch", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/batch", ""])
def test_a_policy_names_a_key_by_its_arn(key):
    """Nothing is printed or made for anything else; a name that no key has would be a policy that allows nothing."""
    with pytest.raises(InvalidSettings, match="not the ARN of a KMS key"):
        wanted(kms_key=key).checked()
    whole = f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab"
    assert wanted(kms_key=whole).checked().kms_key == whole
