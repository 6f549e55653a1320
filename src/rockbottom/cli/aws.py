"""Clients of an account, for the commands that look at one or change it."""

import os
from typing import Any

import click

from rockbottom.process import bounded

PROFILES = "aws configure list-profiles"
"""What helps where a profile is not found."""


def no_region() -> click.UsageError:
    """Neither the command nor the account's configuration names a Region."""
    return click.UsageError(
        "no AWS Region is set: give --region us-east-1, or set AWS_REGION, or region in rockbottom.toml"
    )


def region_of(session: Any) -> str | None:
    """The Region of a boto3 session; where it has none, what AWS_REGION says, which boto3 alone of the SDKs leaves."""
    return session.region_name or os.environ.get("AWS_REGION") or None


def clients_of(options: dict[str, Any], *services: str) -> tuple[list[Any], str]:
    """Clients of these services and their Region, by the options --profile, --region and --endpoint-url.

    Raises AccountUnavailable where boto3 refuses them.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    from rockbottom.cloudwatch import AccountUnavailable

    try:
        session: Any = boto3.Session(profile_name=options["profile"], region_name=options["region"])
        region = region_of(session)
        if not region:
            raise no_region()
        clients = [bounded(session.client(name, region, endpoint_url=options["endpoint_url"])) for name in services]
    except BotoCoreError as error:
        raise AccountUnavailable(f"AWS: {error}", fix=PROFILES) from error
    return clients, region
