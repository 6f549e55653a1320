"""Every spelling of a model id ends at the right model, scope and Region, or at a helpful error."""

import difflib
from typing import Any

import pytest

from rockbottom.catalog import Scope, UnknownModel, UnresolvedProfile, load_catalog, scope_of_model_arns

SONNET = "anthropic.claude-sonnet-4-6"
ACCOUNT = "123456789012"

CASES = [
    ("amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", Scope.IN_REGION, None),
    ("amazon.nova-pro-v1", "amazon.nova-pro-v1:0", Scope.IN_REGION, None),
    ("Amazon.Nova-Pro-v1:0", "amazon.nova-pro-v1:0", Scope.IN_REGION, None),
    ("nova-pro", "amazon.nova-pro-v1:0", Scope.IN_REGION, None),
    ("sonnet-4-6", SONNET, Scope.IN_REGION, None),
    ("Claude Sonnet 4.6", SONNET, Scope.IN_REGION, None),
    ("us.sonnet-4-6", SONNET, Scope.US, None),
    ("us.anthropic.claude-sonnet-4-6", SONNET, Scope.US, None),
    ("eu.anthropic.claude-sonnet-4-6", SONNET, Scope.EU, None),
    ("jp.anthropic.claude-sonnet-4-6", SONNET, Scope.JP, None),
    ("us-gov.anthropic.claude-sonnet-5", "anthropic.claude-sonnet-5", Scope.US_GOV, None),
    ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0", Scope.GLOBAL, None),
    ("in.moonshotai.kimi-k3", "moonshotai.kimi-k3", Scope.IN, None),
    ("sonnet-5", "anthropic.claude-sonnet-5", Scope.IN_REGION, None),
    ("gpt-oss-20b", "openai.gpt-oss-20b-1:0", Scope.IN_REGION, None),
    (
        "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0",
        "amazon.nova-lite-v1:0",
        Scope.IN_REGION,
        "us-west-2",
    ),
    (f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{SONNET}", SONNET, Scope.US, "us-east-1"),
    (
        f"arn:aws-us-gov:bedrock:us-gov-west-1:{ACCOUNT}:inference-profile/us-gov.{SONNET}",
        SONNET,
        Scope.US_GOV,
        "us-gov-west-1",
    ),
]


@pytest.mark.parametrize(("given", "model", "scope", "region"), CASES)
def test_spellings_of_a_model(given: str, model: str, scope: Scope, region: str | None) -> None:
    """Ids, profile ids, ARNs and short names all lead to the model, and keep what the caller wrote."""
    found = load_catalog().model(given)
    assert (found.given, found.model.id, found.scope, found.region) == (given, model, scope, region)


def test_an_application_profile_is_looked_up_and_keeps_its_arn() -> None:
    """The look-up's answer gives model and scope; the ARN gives the Region."""
    arn = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/abc123"
    found = load_catalog().model(arn, resolve={arn: f"eu.{SONNET}"}.__getitem__)
    assert (found.model.id, found.scope, found.region) == (SONNET, Scope.EU, "eu-west-1")
    assert found.application_profile == arn


def test_an_application_profile_without_a_look_up_is_an_error_that_says_what_is_needed() -> None:
    """The ARN alone does not say the model."""
    arn = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/abc123"
    with pytest.raises(UnresolvedProfile, match="does not say which model") as raised:
        load_catalog().model(arn)
    assert raised.value.fix is not None
    assert "GetInferenceProfile" in raised.value.fix


def test_an_application_profile_of_an_application_profile_does_not_loop() -> None:
    """A look-up that answers with another application profile is refused."""
    arn = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/abc123"
    with pytest.raises(UnresolvedProfile, match="another one"):
        load_catalog().model(arn, resolve=lambda asked: asked)


def test_an_unknown_model_names_the_nearest() -> None:
    """A slip of the keyboard is answered with the id that was meant."""
    with pytest.raises(UnknownModel, match=r"nearest known are .*anthropic\.claude-sonnet-4-6") as raised:
        load_catalog().model("us.anthropic.claude-sonet-4-6")
    assert SONNET in raised.value.nearest


def test_an_arn_of_something_else_says_what_it_is() -> None:
    """Provisioned throughput has no price per token, so its ARN is refused by name."""
    with pytest.raises(UnknownModel, match="provisioned-model"):
        load_catalog().model(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/xyz")


@pytest.mark.parametrize("given", ["", "us.", "arn:aws:s3:::bucket", "claude", "."])
def test_nonsense_is_an_unknown_model(given: str) -> None:
    """Whatever is given, the answer is a model or UnknownModel."""
    with pytest.raises(UnknownModel):
        load_catalog().model(given)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (["us-east-1"], Scope.IN_REGION),
        (["us-east-1", "us-west-2"], Scope.US),
        (["eu-west-1", "eu-central-1"], Scope.EU),
        (["us-gov-west-1", "us-gov-east-1"], Scope.US_GOV),
        (["us-east-1", ""], Scope.GLOBAL),
        (["ap-northeast-1", "ap-northeast-3"], None),
    ],
)
def test_the_regions_of_a_profile_tell_its_scope(regions: list[str], expected: Scope | None) -> None:
    """As far as the Regions of its model ARNs tell; Asia has several geographies that overlap."""
    arns = [f"arn:aws:bedrock:{region}::foundation-model/{SONNET}" for region in regions]
    assert scope_of_model_arns(arns) is expected


def test_a_dated_alias_of_bedrock_mantle_is_its_model():
    """ "dated aliases exist (`openai.gpt-5.5-2026-04-23`)": sample-per-model-bedrock, 2026-08-22."""
    catalog = load_catalog()
    assert catalog.model("openai.gpt-5.5-2026-04-23").model.id == "openai.gpt-5.5"
    assert catalog.model("us.openai.gpt-5.6-sol-2026-06-01").scope is Scope.US
    with pytest.raises(UnknownModel):
        catalog.model("openai.gpt-9-2026-04-23")


@pytest.mark.parametrize(
    ("given", "id", "sent_as"),
    [
        ("us.haiku-4-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("nova-pro", "amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        (
            " arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
            "amazon.nova-pro-v1:0",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
        ),
    ],
)
def test_a_request_names_the_id_or_the_arn(given, id, sent_as):
    """Whatever short name a person gave; an ARN goes as it is."""
    found = load_catalog().model(given)
    assert (found.id, found.sent_as) == (id, sent_as)


def test_what_looks_like_an_unknown_id_is_looked_for_once(monkeypatch) -> None:
    """A program may send an id that the catalogue does not know with every call: comparing it with all takes 20 ms."""
    asked: list[str] = []
    closest = difflib.get_close_matches

    def counted(word: str, *arguments: Any, **options: Any) -> list[str]:
        asked.append(word)
        return closest(word, *arguments, **options)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    catalog = load_catalog()
    for _ in range(3):
        with pytest.raises(UnknownModel, match=r"nearest known are .*anthropic\.claude-sonnet-4-6"):
            catalog.model("us.anthropic.claude-sonnet-4-66")
    assert len(asked) == 1
    with pytest.raises(UnknownModel):
        catalog.model("sonnet " * 1_000_000)
    assert len(asked) == 1
