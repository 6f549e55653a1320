"""``rockbottom gateway key``: the keys of callers."""

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import show, tell
from rockbottom.cli.group import Listing
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Count, RoleArn, Tag
from rockbottom.files import alone

if TYPE_CHECKING:
    from rockbottom.gateway import GatewayKey, KeyTable


def table_of(file: Path) -> "KeyTable":
    """The key table that a configuration names. Raises BadConfiguration where it names none."""
    from rockbottom.gateway import KeyTable, key_secret

    path = _path_of(file)
    return KeyTable(path, key_secret(path, os.environ))


@contextmanager
def _changing(file: Path) -> Generator["KeyTable"]:
    """The same table, which nobody else changes during the block. Raises OSError where another process does."""
    from rockbottom.gateway import KeyTable, key_secret

    path = _path_of(file)
    master = key_secret(path, os.environ)
    with alone(path):
        yield KeyTable(path, master)


def _path_of(file: Path) -> Path:
    from rockbottom.gateway import BadConfiguration, read_configuration

    configuration = read_configuration(file, os.environ)
    path = configuration.path(configuration.keys)
    if path is None:
        raise BadConfiguration(f"{file} names no file of keys.", fix="add this line to it: keys: keys.json")
    return path


@click.group(cls=Listing, no_args_is_help=True)
def key() -> None:
    """Add, list, rotate and revoke the keys of callers."""


@key.command()
@click.argument("name")
@click.option("--tag", "tags", multiple=True, type=Tag(), help="A tag on its calls; repeat.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="ID",
    help="A model that it may call, or the beginning of its id; repeat.",
)
@click.option("--per-minute", type=Count(1), metavar="N", help="Most requests a minute.")
@click.option(
    "--marks",
    type=click.Choice(["keep", "complete", "replace"]),
    default="keep",
    show_default=True,
    help="What to do with the caller's own cachePoints.",
)
@click.option("--role", type=RoleArn(), metavar="ARN", help="IAM role to make its calls with.")
@click.option("--move-volatile", is_flag=True, help="Move what changes with every call behind the conversation.")
@click.option(
    "--strip",
    multiple=True,
    metavar="BEGINNING",
    help="Remove system texts that begin so, as x-anthropic-billing-header; repeat.",
)
@click.option("--batches", is_flag=True, help="Allow OpenAI's batches and files, which no budget counts.")
@click.option("--dry-run", is_flag=True, help="Only observe its calls.")
@json_flag
@click.pass_obj
def add(file: Path, name: str, tags: tuple[tuple[str, str], ...], as_json: bool, **settings: Any) -> None:
    """Add a key for NAME and print its secret, once."""
    from rockbottom.gateway import BadConfiguration, new_key

    with _changing(file) as table:
        if any(known.name == name for known in table.keys):
            raise BadConfiguration(f"a key {name!r} exists already.", fix=f"rockbottom gateway key rotate {name}")
        new = new_key(name, time.time(), tags=dict(tags), **settings)
        table.put(new)
    _show_secret(table, new, as_json)


@key.command(name="list")
@json_flag
@click.pass_obj
def list_keys(file: Path, as_json: bool) -> None:
    """List the keys; their secrets are not shown."""
    import msgspec

    table = table_of(file)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(table.keys), indent=1).decode())
        return
    for entry in table.keys:
        tags_text = (
            "revoked" if entry.revoked else ", ".join(f"{name}={value}" for name, value in entry.tags.items()) or "-"
        )
        show(f"{entry.id}  {entry.name}  {tags_text}")
    if not table.keys:
        tell("no keys; rockbottom gateway key add NAME makes one")


@key.command()
@click.argument("name")
@json_flag
@click.pass_obj
def rotate(file: Path, name: str, as_json: bool) -> None:
    """Give a key a new secret and print it; the previous secret works until the next rotation."""
    from rockbottom.gateway import rotated

    with _changing(file) as table:
        new = rotated(table.named(name))
        table.put(new)
    _show_secret(table, new, as_json)


@key.command()
@click.argument("name")
@click.pass_obj
def revoke(file: Path, name: str) -> None:
    """Revoke a key: its secrets are refused from now on."""
    from rockbottom.gateway import revoked

    with _changing(file) as table:
        table.put(revoked(table.named(name)))
    tell(f"{name} is revoked; a running gateway takes it over with SIGHUP")


def _show_secret(table: "KeyTable", shown: "GatewayKey", as_json: bool) -> None:
    secret = table.secret(shown)
    if as_json:
        document = {"id": shown.id, "name": shown.name, "secret": secret, "token": f"{shown.id}.{secret}"}
        click.echo(json.dumps(document))
        return
    click.echo(f"AWS_ACCESS_KEY_ID={shown.id}\nAWS_SECRET_ACCESS_KEY={secret}")
    tell(f"The same as a bearer token or x-api-key: {shown.id}.{secret}\nA running gateway takes it over with SIGHUP.")
