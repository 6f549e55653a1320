"""``rockbottom gateway``: a Bedrock-shaped proxy that plans; what it needs of IAM."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.commands import ListedCommand
from rockbottom.cli.console import show, tell
from rockbottom.cli.group import LazyGroup

if TYPE_CHECKING:
    from rockbottom.gateway import Configuration, RunningGateway


ENTRIES: dict[str, ListedCommand] = {
    "key": ListedCommand("rockbottom.cli.gateway_keys:key", "Add, list, rotate and revoke the keys of callers."),
    "policy": ListedCommand("rockbottom.cli.gateway:policy", "Print the smallest IAM policy that the gateway needs."),
}
"""Commands of the group by name, in the order in which they are listed."""

DEFAULT_FILE = Path("gateway.yaml")


@click.group(cls=LazyGroup, entries=ENTRIES, invoke_without_command=True)
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    envvar="ROCKBOTTOM_GATEWAY",
    help="The configuration, in YAML.",
)
@click.option("--check", is_flag=True, help="Only check the configuration, and its certificate and keys.")
@click.pass_context
def command(context: click.Context, file: Path, check: bool) -> None:
    """Serve a Bedrock-shaped proxy that plans caching for callers in any language.

    On SIGTERM or ctrl-C it finishes the calls under way and ends; on SIGHUP it reads configuration and keys again.
    """
    context.obj = file
    if context.invoked_subcommand is not None:
        return
    from rockbottom.gateway import read_configuration, serve_gateway

    configuration = read_configuration(file, os.environ)
    if check:
        from rockbottom.cli.gateway_keys import table_of

        configuration.tls_context()
        if configuration.keys is not None:
            table_of(file)
        show(f"{file}: {configuration.listen} to {configuration.upstream.url}")
        return
    with admin_page(configuration):
        serve_gateway(file, os.environ, _announce)


@click.command()
@click.pass_obj
def policy(file: Path) -> None:
    """Print the smallest IAM policy that the gateway needs, its keys' roles and its ledger's place included."""
    from rockbottom.cli.gateway_keys import table_of
    from rockbottom.gateway import least_policy, read_configuration

    configuration = read_configuration(file, os.environ) if file.exists() else None
    ship = configuration.ship.to if configuration and configuration.ship else ""
    roles = [key.role for key in table_of(file).keys if key.role] if configuration and configuration.keys else []
    click.echo(json.dumps(least_policy(roles, ship=ship), indent=2))


def _announce(running: "RunningGateway") -> None:
    configuration = running.gateway.configuration
    click.echo(running.url)
    url = running.url
    for everywhere in ("0.0.0.0", "[::]"):  # no address that a caller could ask
        url = url.replace(f"//{everywhere}:", "//HOST:")
    access = "CLAUDE_CODE_SKIP_BEDROCK_AUTH=1" if configuration.keys is None else "AWS_BEARER_TOKEN_BEDROCK=KEY"
    tell(
        f"Calls to {url} are planned and go to {configuration.upstream.url}; ctrl-C drains and stops it.\n"
        f"  boto3.client('bedrock-runtime', endpoint_url='{url}')\n"
        f"  Claude Code: CLAUDE_CODE_USE_BEDROCK=1 {access} ANTHROPIC_BEDROCK_BASE_URL={url}\n"
        f"Health: {url}/health, readiness: {url}/ready"
    )


_END_S = 5.0


@contextmanager
def admin_page(configuration: "Configuration") -> Generator[None]:
    """The page at ``admin`` of a configuration, for the length of the block; nothing where it names none."""
    ledger = configuration.path(configuration.ledger)
    if configuration.admin is None or ledger is None:
        yield
        return
    host, _, port = configuration.admin.rpartition(":")
    where = ("--ledger", str(ledger), "--host", host.strip("[]"), "--port", port)
    command = (sys.executable, "-m", "rockbottom", "dash", *where, "--until-input-ends")
    page = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=_tell_where, args=(page,), daemon=True).start()
    try:
        yield
    finally:
        if page.stdin is not None:
            page.stdin.close()
        try:
            page.wait(_END_S)
        except subprocess.TimeoutExpired:
            page.kill()


def _tell_where(page: "subprocess.Popen[bytes]") -> None:
    """Say where the page is once it listens, or that it does not; calls are served either way."""
    url = page.stdout.readline().decode().strip() if page.stdout is not None else ""
    tell(
        f"Admin page: {url}"
        if url
        else "rockbottom: the admin page did not start (the reason is above); calls are served all the same."
    )
