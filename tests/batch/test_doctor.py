"""What the doctor finds about PassRole, model access and Regions: botocore's clients, answers as AWS gives them."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from rockbottom.batch import Cloud
from rockbottom.batch.doctor import DoctorVerdict, checks
from rockbottom.batch.permissions import file_needs, missing
from rockbottom.batch.setup import SetUpSettings, model_arns, role_policy, trust_policy
from rockbottom.catalog import load_catalog

ACCOUNT = "123456789012"
MODELS = load_catalog()
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
BEHIND = tuple(f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in ("us-east-1", "us-west-2"))
USABLE = {
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
    "agreementAvailability": {"status": "AVAILABLE"},
}


class Account:
    """An AWS account whose answers are written down; everything that is not set is in order."""

    def __init__(self, model: str = f"us.{HAIKU}", behind: tuple[str, ...] = BEHIND):
        self.model = MODELS.model(model)
        arns = model_arns(self.model, ACCOUNT, "us-east-1", behind)
        self.wanted = SetUpSettings(ACCOUNT, "us-east-1", "a-bucket", "a-role", arns)
        self.caller = USER
        self.pass_role: Any = "allowed"
        self.access: Any = USABLE
        self.denied: tuple[str, ...] = ()
        self.seen: list[str] = []

    def found(self) -> dict[str, Any]:
        """Every check by name."""
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        clients = {name: boto3.client(name, **keys) for name in ("iam", "sts", "s3", "bedrock")}
        stubs = {name: Stubber(client) for name, client in clients.items()}
        self._answer(stubs)
        for stub in stubs.values():
            stub.activate()
        cloud = Cloud("us-east-1", sleep=lambda seconds: None, _clients=clients)
        return {check.name: check for check in checks(cloud, self.wanted, self.model)}

    def _answer(self, stubs: dict[str, Stubber]) -> None:
        iam = stubs["iam"]
        role = {
            "Path": "/", "RoleName": "a-role", "RoleId": "AROAEXAMPLEEXAMPLE00", "Arn": self.wanted.role_arn,
            "CreateDate": 0, "AssumeRolePolicyDocument": json.dumps(trust_policy(self.wanted)),
        }  # fmt: skip
        iam.add_response("get_role", {"Role": role})
        stubs["s3"].add_response("head_bucket", {"BucketRegion": "us-east-1"})
        self._policies(iam)
        stubs["sts"].add_response("get_caller_identity", {"Arn": self.caller, "Account": ACCOUNT})
        if self.pass_role is not None:
            self._simulated(iam, self.pass_role, self._principal(), "iam:PassRole")
        if isinstance(self.access, str):
            stubs["bedrock"].add_client_error("get_foundation_model_availability", self.access)
        else:
            stubs["bedrock"].add_response("get_foundation_model_availability", {"modelId": HAIKU, **self.access})
        self._policies(iam)
        for region in sorted(
            {arn.split(":")[3] for arn in self.wanted.models if ":foundation-model/" in arn} - {"", "*"}
        ):
            self._simulated(
                iam, "explicitDeny" if region in self.denied else "allowed", self.wanted.role_arn, "bedrock:InvokeModel"
            )

    def _principal(self) -> str:
        if ":assumed-role/" in self.caller:
            return f"arn:aws:iam::{ACCOUNT}:role/{self.caller.split('/')[1]}"
        return self.caller

    def _policies(self, iam: Stubber) -> None:
        iam.add_response("list_role_policies", {"PolicyNames": ["batch"]})
        document = json.dumps(role_policy(self.wanted))
        policy = {"RoleName": "a-role", "PolicyName": "batch", "PolicyDocument": document}
        iam.add_response("get_role_policy", policy)
        iam.add_response("list_attached_role_policies", {"AttachedPolicies": []})

    def _simulated(self, iam: Stubber, decision: str, principal: str, action: str) -> None:
        if decision == "AccessDenied":
            iam.add_client_error("simulate_principal_policy", decision, f"{USER} is not authorized")
            return
        row: dict[str, Any] = {"EvalActionName": action, "EvalDecision": decision}
        if action == "bedrock:InvokeModel":
            row["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": decision == "allowed"}
        asked = {
            "PolicySourceArn": principal, "ActionNames": [action], "ResourceArns": ANY, "ContextEntries": ANY,
        }  # fmt: skip
        iam.add_response("simulate_principal_policy", {"EvaluationResults": [row]}, asked)


def test_an_account_in_order_has_nothing_wrong():
    """All is good but what only the organization's management account can see."""
    found = Account().found()
    assert [name for name, check in found.items() if check.verdict is not DoctorVerdict.GOOD] == ["Region policy"]
    assert found["Region policy"].verdict is DoctorVerdict.UNKNOWN
    assert "us-east-1, us-west-2" in found["Region policy"].found


@pytest.mark.parametrize("decision", ["implicitDeny", "explicitDeny"])
def test_a_caller_that_may_not_pass_the_role_is_told_what_to_allow(decision: str):
    """As CreateModelInvocationJob fails: not authorized to perform iam:PassRole on the role."""
    account = Account()
    account.pass_role = decision
    check = account.found()["PassRole"]
    assert check.verdict is DoctorVerdict.WRONG
    assert check.found == f"{USER} may not pass {account.wanted.role_arn} to Bedrock"
    assert f"allow iam:PassRole on {account.wanted.role_arn}" in check.fix


def test_a_session_of_a_role_is_asked_about_as_the_role():
    """The simulator takes no session: the ARN of sts is turned into that of iam."""
    account = Account()
    account.caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/run-42"
    check = account.found()["PassRole"]
    assert (check.verdict, check.found) == (
        DoctorVerdict.GOOD,
        f"arn:aws:iam::{ACCOUNT}:role/ci may pass the role to Bedrock",
    )


def test_the_root_of_an_account_has_no_policies_to_ask_about():
    """Said, not guessed."""
    account = Account()
    account.caller, account.pass_role = f"arn:aws:iam::{ACCOUNT}:root", None
    check = account.found()["PassRole"]
    assert check.verdict is DoctorVerdict.UNKNOWN
    assert "not a role or user" in check.found


def test_a_caller_that_may_not_simulate_learns_that_it_is_not_known():
    """Without iam:SimulatePrincipalPolicy nothing is claimed, and the other checks are still made."""
    account = Account()
    account.pass_role = "AccessDenied"
    found = account.found()
    assert found["PassRole"].verdict is DoctorVerdict.UNKNOWN
    assert "not authorized" in found["PassRole"].found
    assert found["model access"].verdict is DoctorVerdict.GOOD


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "not authorized for the model"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "not entitled to the model"),
        ({"regionAvailability": "NOT_AVAILABLE"}, "not offered in us-east-1"),
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "agreement was not accepted"),
        ({"agreementAvailability": {"status": "ERROR"}}, "agreement was not accepted"),
    ],
)
def test_each_reason_for_which_a_model_may_not_be_used_is_named(told: dict[str, Any], said: str):
    """Authorization, entitlement, Region and agreement, as GetFoundationModelAvailability reports them."""
    account = Account()
    account.access = {**USABLE, **told}
    check = account.found()["model access"]
    assert check.verdict is DoctorVerdict.WRONG
    assert said in check.found


def test_a_pending_agreement_is_not_an_accepted_one():
    """Its status is named."""
    account = Account()
    account.access = {**USABLE, "agreementAvailability": {"status": "PENDING"}}
    assert "(PENDING)" in account.found()["model access"].found


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_where_the_access_cannot_be_read_it_is_not_known(code: str):
    """No permission for it, or an endpoint that does not know the operation."""
    account = Account()
    account.access = code
    assert account.found()["model access"].verdict is DoctorVerdict.UNKNOWN


def test_a_region_that_the_organization_denies_is_named():
    """Only that one of the profile's Regions, with all that must be allowed."""
    account = Account()
    account.denied = ("us-west-2",)
    check = account.found()["Region policy"]
    assert check.verdict is DoctorVerdict.WRONG
    assert check.found.startswith("the organization denies us-west-2;")
    assert "us-east-1, us-west-2" in check.found


def test_a_global_profile_also_comes_from_the_region_unspecified():
    """A policy on Regions must allow it by that name."""
    check = Account(f"global.{HAIKU}").found()["Region policy"]
    assert "'unspecified'" in check.found


def test_a_model_in_its_own_region_needs_no_other():
    """There is nothing to deny."""
    check = Account("amazon.nova-lite-v1:0", ()).found()["Region policy"]
    assert (check.verdict, check.found) == (DoctorVerdict.GOOD, "the job stays in us-east-1")


def _statement(effect: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statements", "lacking"),
    [
        ([_statement("Allow", "arn:aws:s3:::a-bucket*")], []),
        ([_statement("Allow", "arn:aws:s3:::a-bucket/rockbottom/*"), _statement("Allow", "arn:aws:s3:::a-bucket")],
         ["GetObject", "PutObject"]),
        ([_statement("Allow", "arn:aws:s3:::a-bucket*"), _statement("Deny", "arn:aws:s3:::a-bucket/night/run/out/*")],
         ["PutObject"]),
        ([_statement("Allow", "*", Condition={"StringEquals": {"aws:ResourceAccount": "999999999999"}})],
         ["GetObject", "PutObject", "ListBucket"]),
        ([_statement("Allow", "*", Condition={"StringLike": {"s3:prefix": "other/*"}})], ["ListBucket"]),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], []),
        ([_statement("Allow", "*"),
          _statement("Deny", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})], []),
    ],
)  # fmt: skip
def test_the_policy_is_held_against_the_places_of_the_job(statements: list[dict[str, Any]], lacking: list[str]):
    """The job reads night/run/in/ and writes night/run/out/: what is allowed elsewhere in the bucket is no help."""
    at = "s3://a-bucket/night/run"
    wanted = SetUpSettings(ACCOUNT, "us-east-1", "a-bucket", "a-role", (), input_at=f"{at}/in/", output_at=f"{at}/out/")
    found = missing(statements, file_needs(wanted))
    assert [text.partition(" ")[0].removeprefix("s3:") for text in found] == lacking


def test_input_and_output_in_two_buckets_are_two_places():
    """Each bucket is asked for what is done with it: one file read by name, results written to the other."""
    wanted = SetUpSettings(
        ACCOUNT, "us-east-1", "in-b", "a-role", (), input_at="s3://in-b/a.jsonl", output_at="s3://out-b/results/"
    )
    assert [str(need) for need in file_needs(wanted)] == [
        "s3:GetObject on arn:aws:s3:::in-b/a.jsonl",
        "s3:PutObject on arn:aws:s3:::out-b/results/abcdefghijkl/manifest.json.out",
        "s3:ListBucket on arn:aws:s3:::in-b",
        "s3:ListBucket on arn:aws:s3:::out-b",
    ]
