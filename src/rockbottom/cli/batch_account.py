"""``rockbottom batch setup``, ``doctor`` and ``teardown``: what batch needs in an account, what is wrong, what goes."""

import json
from typing import Any

import click

from rockbottom.cli.batch_opening import cloud_of, settings_of
from rockbottom.cli.batch_options import where
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Account


@click.command()
@click.option("--model", required=True, metavar="ID", help="Model or inference profile.")
@click.option("--bucket", required=True, help="S3 bucket for input and output.")
@click.option("--role", default="rockbottom-batch", show_default=True, help="Name of the role.")
@click.option("--kms-key", metavar="ARN", help="Key that encrypts input and output.")
@click.option("--account", type=Account(), metavar="ID", help="Account to write the documents for; yours by default.")
@click.option("--apply", "make", is_flag=True, help="Create or update them instead of only printing them.")
@where
def setup(
    model: str, bucket: str, role: str, kms_key: str | None, account: str | None, make: bool, **options: Any
) -> None:
    """Print, or create with --apply, the bucket, the role and the least permissions that batch needs."""
    from rockbottom.batch import SetUpSettings, apply, documents, model_arns, wanted_for
    from rockbottom.catalog import load_catalog

    cloud, model_id = cloud_of(options), load_catalog().model(model)
    if account and not make:
        resources = SetUpSettings(
            account, cloud.region, bucket, role, model_arns(model_id, account, cloud.region), kms_key=kms_key
        )
    else:
        resources = wanted_for(cloud, model_id, bucket, role, kms_key)
    resources.checked()
    if not make:
        shown = {"bucket": bucket, "role": resources.role_arn, **documents(resources)}
        click.echo(json.dumps(shown, indent=2))
        tell("Nothing was created; --apply does it.")
        return
    apply(cloud, resources, tell)
    click.echo(resources.role_arn)


@click.command()
@click.option("--run", "name", help="A run whose settings to look at.")
@click.option("--model", metavar="ID", help="Model or inference profile.")
@click.option("--bucket", help="S3 bucket.")
@click.option("--role", help="Name or ARN of the role.")
@click.option("--prefix", help="Folder in the bucket; that of the run, or rockbottom.")
@json_flag
@where
@click.pass_context
def doctor(
    ctx: click.Context, name: str | None, model: str | None, bucket: str | None, role: str | None,
    prefix: str | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Say which of trust, S3, PassRole, model access or Region policy is wrong.

    The role's policies are compared with the places in the bucket that the run, or the prefix, reads and writes.
    """
    from rockbottom.batch import DoctorVerdict, checks, wanted_for
    from rockbottom.catalog import load_catalog
    from rockbottom.rendering import checks_text, json_text

    of_openai = False
    if name is not None:
        settings = settings_of(name, options["runs"])
        of_openai = settings.of_openai
        model, bucket, role = model or settings.model, bucket or settings.bucket, role or settings.role_arn
        prefix = prefix or settings.folder
        options["region"] = options["region"] or settings.region
    if not (model and bucket and role):
        raise click.UsageError("give --run NAME, or --model, --bucket and --role")
    cloud, model_id = cloud_of(options, of_openai=of_openai), load_catalog().model(model)
    folder = (prefix or "rockbottom").strip("/")
    resources = wanted_for(cloud, model_id, bucket, role.rpartition("/")[2], folder=folder, of_openai=of_openai)
    results = checks(cloud, resources, model_id)
    if as_json:
        click.echo(json_text(results))
    else:
        show(checks_text(results))
    if any(result.verdict is DoctorVerdict.WRONG for result in results):
        ctx.exit(Exit.VERDICT)


@click.command()
@click.option("--role", default="rockbottom-batch", show_default=True, help="Name of the role.")
@click.option("--bucket", help="Remove this bucket too.")
@click.option("--delete-objects", "with_objects", is_flag=True, help="Also delete the objects in the bucket.")
@click.option("--yes", is_flag=True, help="Do not ask before removing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; removes only with --yes.")
@where
def teardown(role: str, bucket: str | None, with_objects: bool, yes: bool, as_json: bool, **options: Any) -> None:
    """Remove the role that setup made, and with --bucket the bucket; asks first."""
    from rockbottom.batch import parts_of, remove
    from rockbottom.rendering import json_text, teardown_text

    cloud = cloud_of(options)
    parts = parts_of(cloud, role, bucket, with_objects=with_objects)
    click.echo(json_text(parts), nl=False) if as_json else show(teardown_text(parts))
    if all(part.stays for part in parts):
        tell("There is nothing to remove.")
        return
    consent(yes, "this removes what is listed from your account", "Remove it?", ask=not as_json)
    remove(cloud, role, parts, tell)
