"""``rockbottom dash``: the ledger as a page on this machine."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import tell
from rockbottom.cli.values import Count
from rockbottom.cli.watch import ledger_option, logs_options, view_of, view_of_logs

if TYPE_CHECKING:
    from rockbottom.watch import Dash, View


@click.command()
@ledger_option
@logs_options
@click.option(
    "--port",
    type=Count(0, 65535),
    default=4748,
    show_default=True,
    help="Port to listen on; 0 is any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option("--expose", is_flag=True, help="Allow a --host that other machines can reach; there is no password.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="Host name by which the page may be opened; repeat."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--until-input-ends", "attended", is_flag=True, hidden=True)  # of whoever started it in a process
def command(
    folder: Path | None, logs: str | None, quotas: tuple[str, ...], profiles: tuple[str, ...], port: int, host: str,
    expose: bool, hosts: tuple[str, ...], opens: bool, attended: bool,
) -> None:  # fmt: skip
    """Show a ledger of calls on a local web page that updates itself; ctrl-C stops it.

    The page has figures and digests only: no text of any prompt is recorded or shown.
    """
    from rockbottom.process import ended_by_signals
    from rockbottom.watch import Dash

    view = view_of(folder, quotas, profiles) if logs is None else view_of_logs(logs, quotas, profiles, folder, 0.0)
    dash = Dash(view, host, port, expose=expose, hosts=hosts)

    def stop(*_: object) -> None:
        threading.Thread(target=dash.stop, daemon=True).start()  # it waits for the loop that the signal interrupted

    with ended_by_signals(stop):  # before anything says that ctrl-C stops it
        click.echo(dash.url)
        _tell(view, logs, host, attended=attended)
        if attended:
            threading.Thread(target=_stopped_by_silence, args=(dash,), daemon=True).start()
        if opens:
            click.launch(dash.url)
        dash.serve()
    view.close()


def _tell(view: "View", logs: str | None, host: str, *, attended: bool) -> None:
    from rockbottom.process import is_loopback

    source = f"The ledger in {view.folder}" if logs is None else f"The logs at {logs}"
    if not attended:
        tell(f"{source}, as a page; ctrl-C stops it.")
        if logs is None and not view.folder.is_dir():
            tell(f"nothing is recorded in {view.folder} yet: rockbottom.attach(client, ledger=True) records calls")
    if not is_loopback(host):
        tell("rockbottom: other machines can read this page: what is spent, on which models, with which tags.")


def _stopped_by_silence(dash: "Dash") -> None:
    """Stop it when standard input is at its end: whoever held the other end is gone."""
    sys.stdin.buffer.read()
    dash.stop()
