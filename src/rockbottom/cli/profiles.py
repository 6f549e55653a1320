"""``rockbottom profiles``: inference profiles with their Regions, prices and residency; and application profiles."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.aws import no_region, region_of
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import colour, show, tell, width
from rockbottom.cli.group import Listing
from rockbottom.cli.options import account_options, json_flag
from rockbottom.cli.standing import tell_endings
from rockbottom.cli.values import Day, Tag, prices_option
from rockbottom.process import bounded, leads_here
from rockbottom.quantities import Fault, RockbottomError

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog, Model, PricedProfile, Profile
    from rockbottom.rendering import OwnProfile

_RESIDENCIES = ("us", "eu", "jp", "au", "none")


class ProfilesUnavailable(RockbottomError):
    """The service did not answer a question about profiles, or refused to make one."""

    fault = Fault.SERVICE


@click.group(cls=Listing)
def command() -> None:
    """Show inference profiles, pick the cheapest allowed, and create your own with cost tags."""


_service_options = account_options("Bedrock, such as a local one")


@command.command("list")
@click.argument("model", required=False)
@click.option(
    "--residency", type=click.Choice(_RESIDENCIES), help="Only profiles that keep data there, cheapest first."
)
@click.option("--ask", is_flag=True, help="Ask the service for Regions and for your own profiles.")
@click.option("--on", type=Day(), help="The day whose prices to use; today by default.")
@prices_option
@json_flag
@_service_options
def list_profiles(
    model: str | None, residency: str | None, ask: bool, on: date | None, prices: Path | None, as_json: bool,
    region: str | None, profile: str | None, endpoint_url: str | None,
) -> None:  # fmt: skip
    """List the profiles of MODEL, or of every model, with what they cost and where they go.

    With MODEL and --residency the first line is the one to use; what service control policies must allow follows.
    Destination Regions that no source states are unknown; --ask (or --endpoint-url) asks the service for them.
    """
    from rockbottom.catalog import PriceBook, allowed, cheapest, load_catalog, priced
    from rockbottom.rendering import json_text, profiles_document, profiles_text

    catalog = load_catalog()
    book = catalog.price_book.overlay(PriceBook.read(prices)) if prices else catalog.price_book
    day = on or date.today()
    models = [catalog.model(model).model] if model else list(catalog.models.values())
    service = _Service(region, profile, endpoint_url) if ask or endpoint_url else None
    regions_by_id = service.system() if service else {}
    rows: list[PricedProfile] = []
    for known_model in models:
        profiles = priced(_known(catalog, known_model, region, regions_by_id), book, day, region)
        if model and residency:
            cheapest(profiles, residency, known_model)  # raises NoProfileAllowed
        rows += allowed(profiles, residency) if residency else profiles
    own = service.applications(models if model else None) if service else []
    if as_json:
        cheapest_first = bool(model and residency)
        click.echo(json_text(profiles_document(rows, own, day, region, cheapest_first=cheapest_first)))
        return
    tell_endings(catalog, [model] if model else [], day, region)
    lines = profiles_text(
        rows, own, day, region, one_model=bool(model), residency=residency, width=width(), colour=colour()
    )
    show(lines)


@command.command("create")
@click.argument("name")
@click.argument("model")
@click.option("--tag", "tags", multiple=True, type=Tag(), required=True, help="A cost tag; repeat.")
@click.option("--description", help="What it is for.")
@click.option("--yes", is_flag=True, help="Do not ask before creating.")
@json_flag
@_service_options
def create(
    name: str, model: str, tags: tuple[tuple[str, str], ...], description: str | None, yes: bool, as_json: bool,
    region: str | None, profile: str | None, endpoint_url: str | None,
) -> None:  # fmt: skip
    """Create the application inference profile NAME for MODEL with cost tags.

    MODEL is a bare model id (stays in the Region) or a system profile such as us.sonnet-4-6. Creating costs nothing;
    requests through it are billed as those of MODEL. Tags reach Cost Explorer up to a day later, not retroactively.
    """
    from rockbottom.catalog import load_catalog

    catalog = load_catalog()
    model_id = catalog.model(model)
    pairs = [{"key": key, "value": value} for key, value in tags]
    service = _Service(region, profile, endpoint_url)
    tell_endings(catalog, [model], date.today(), service.region)
    tagged = ", ".join(f"{pair['key']}={pair['value']}" for pair in pairs)
    tell(f"This creates the profile {name} for {model_id.id} in {service.region}, tagged {tagged}.")
    consent(yes, "this changes your account", "Create it?")
    arn = service.create(name, model_id, pairs, description)
    click.echo(json.dumps({"inferenceProfileArn": arn, "copied_from": model_id.id}) if as_json else arn)


@command.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@_service_options
def delete(name: str, yes: bool, region: str | None, profile: str | None, endpoint_url: str | None) -> None:
    """Delete the application inference profile NAME (its name or ARN); asks first.

    Requests that still name it fail from then on; what they cost before stays in the bill under its tags.
    """
    service = _Service(region, profile, endpoint_url)
    own = service.applications(None)
    matching = [profile for profile in own if name in (profile.name, profile.arn, profile.arn.rpartition("/")[2])]
    if len(matching) != 1:
        there = ", ".join(f"{profile.name} ({profile.arn})" for profile in matching or own) or "none"
        count = f"{len(matching)} application profiles in {service.region} are called {name}"
        raise click.UsageError(f"{count}; there is {there}")
    [own_profile] = matching
    tags = ", ".join(f"{tag['key']}={tag['value']}" for tag in service.tags(own_profile.arn)) or "no tags"
    tell(f"- profile {own_profile.name} for {own_profile.model} ({tags})\n  {own_profile.arn}")
    consent(yes, "this changes your account", "Delete it?")
    service.delete(own_profile.arn)
    click.echo(own_profile.arn)


class _Service:
    """What the service lists, makes and deletes of profiles, with errors said in one message."""

    def __init__(self, region: str | None, profile: str | None, endpoint_url: str | None) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            local = keys if leads_here(endpoint_url) and not profile else {}
            session: Any = boto3.Session(profile_name=profile, region_name=region, **local)
            self.region: str = region_of(session) or ""
            if not self.region:
                raise no_region()
            self._client: Any = bounded(session.client("bedrock", self.region, endpoint_url=endpoint_url))
        except BotoCoreError as error:
            raise ProfilesUnavailable(str(error), fix="aws configure list-profiles") from error

    def system(self) -> dict[str, tuple[str, ...]]:
        """Destination Regions by profile id; the empty name of a global profile's ARN is left out."""
        return {row["inferenceProfileId"]: _regions(row) for row in self._listed("SYSTEM_DEFINED")}

    def applications(self, models: "Sequence[Model] | None") -> "list[OwnProfile]":
        """Application profiles, of these models or of all."""
        from rockbottom.rendering import OwnProfile

        ids = None if models is None else {model.id for model in models}
        profiles = [
            OwnProfile(row["inferenceProfileName"], row["inferenceProfileArn"], _bare_model(row), _regions(row))
            for row in self._listed("APPLICATION")
        ]
        return [profile for profile in profiles if ids is None or profile.model in ids]

    def create(self, name: str, model_id: Any, tags: list[dict[str, str]], description: str | None) -> str:
        """The ARN of a new application profile."""
        from rockbottom.catalog import Scope

        if model_id.scope is Scope.IN_REGION:
            source = f"arn:aws:bedrock:{self.region}::foundation-model/{model_id.model.id}"
        else:
            source = self._call("get_inference_profile", inferenceProfileIdentifier=model_id.id)["inferenceProfileArn"]
        more = {"description": description} if description else {}
        reply = self._call(
            "create_inference_profile", inferenceProfileName=name, modelSource={"copyFrom": source}, tags=tags, **more
        )
        return reply["inferenceProfileArn"]

    def tags(self, arn: str) -> list[dict[str, str]]:
        return self._call("list_tags_for_resource", resourceARN=arn)["tags"]

    def delete(self, arn: str) -> None:
        self._call("delete_inference_profile", inferenceProfileIdentifier=arn)

    def _listed(self, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            more = {"nextToken": token} if token else {}
            reply = self._call("list_inference_profiles", typeEquals=kind, maxResults=100, **more)
            rows += reply["inferenceProfileSummaries"]
            token = reply.get("nextToken")
            if not token:
                return rows

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        from rockbottom.quantities import AwsAnswer

        try:
            return AwsAnswer(getattr(self._client, operation)(**arguments))
        except (BotoCoreError, ClientError) as error:
            action = "".join(part.capitalize() for part in operation.split("_"))
            raise ProfilesUnavailable(
                f"{action} in {self.region}: {error}",
                fix=f"it needs credentials (--profile NAME, or the environment) that may call bedrock:{action}",
            ) from error


def _regions(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for entry in row["models"] if (place := entry["modelArn"].split(":")[3])))


def _bare_model(row: dict[str, Any]) -> str:
    return row["models"][0]["modelArn"].rpartition("/")[2]


def _known(
    catalog: "Catalog", model: "Model", region: str | None, regions_by_id: dict[str, tuple[str, ...]]
) -> "Iterator[Profile]":
    """The catalogue's profiles, with the Regions that the service named."""
    from rockbottom.catalog import profiles_of

    for profile in profiles_of(catalog, model, region):
        regions = regions_by_id.get(profile.id)
        yield replace(profile, regions=regions, listed=True) if regions else profile
