"""``rockbottom watch``: the ledger in a terminal, live, once, or as JSON."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import colour, progress, redraws, show, width
from rockbottom.cli.options import options
from rockbottom.cli.settings import ledger_folder
from rockbottom.cli.values import Decimals, Folder
from rockbottom.figures import share
from rockbottom.watch import NAMES

if TYPE_CHECKING:
    from rockbottom.watch import View, WatchPeriod

SIDES = ("auto", "aws", "local")
_ONE_READ_S = 0.5
_DAY_S = 86_400

ledger_option = click.option(
    "--ledger",
    "folder",
    type=Folder(),
    help="Folder of the ledger; ROCKBOTTOM_LEDGER or your own by default.",
)
logs_options = options(
    click.option(
        "--logs", "logs", metavar="SOURCE",
        help="Follow invocation logs instead: a folder, an s3:// prefix, or log-group:NAME.",
    ),
    click.option("--quota", "quotas", multiple=True, metavar="MODEL=TOKENS", help="Your tokens a minute; repeat."),
    click.option(
        "--profile", "profiles", multiple=True, metavar="ARN=ID",
        help="With --logs: the model behind an application profile; repeat.",
    ),
)  # fmt: skip
period_option = click.option(
    "--period", type=click.Choice(NAMES), default="1h", show_default=True, help="How far back."
)
side_option = click.option(
    "--side",
    type=click.Choice(SIDES),
    default="auto",
    show_default=True,
    help="Calls to AWS, or to the local endpoint (simulated); auto: AWS where it has any.",
)


@click.command()
@ledger_option
@logs_options
@period_option
@side_option
@click.option("--once", is_flag=True, help="Print one frame and end.")
@click.option("--json", "as_json", is_flag=True, help="Print the snapshot as JSON; with --follow one line each.")
@click.option("--follow", is_flag=True, help="With --json: print a line whenever something changes.")
@click.option("--every", type=Decimals(0.1, 3600), default=2.0, show_default=True, help="Seconds between two looks.")
def command(
    folder: Path | None, logs: str | None, quotas: tuple[str, ...], profiles: tuple[str, ...], period: str, side: str,
    once: bool, as_json: bool, follow: bool, every: float,
) -> None:  # fmt: skip
    """Watch a ledger of calls: hit rate, spend, saving, worst prefixes, latest misses with their causes.

    With --logs it shows the same for an account whose programs you do not change: who spends what, and how near each
    model's busiest minute came to its quota. It reads the logs of the last 24 hours, or of a longer --period.

    Keys: 1 to 5 choose the period, e changes between AWS and the local endpoint, t shows all tags, p pauses, q quits.
    """
    from rockbottom.watch import period_named

    if follow and not as_json:
        raise click.UsageError("--follow goes with --json; without it the live view follows anyway")
    chosen = period_named(period)
    view = (
        view_of(folder, quotas, profiles)
        if logs is None
        else view_of_logs(logs, quotas, profiles, folder, chosen.seconds)
    )
    try:
        if as_json and follow:
            _stream(view, chosen, side, every)
        elif as_json or once or not redraws(sys.stdout):
            _print_one(view, chosen, side, as_json)
        else:
            from rockbottom.watch import Live

            Live(view, chosen, side, every).run()
    finally:
        view.close()


def view_of(folder: Path | None, quotas: Sequence[str] = (), profiles: Sequence[str] = ()) -> "View":
    """A view of the ledger in a folder, or in the one that the environment names. Raises NeedsDuckDB, UsageError."""
    from rockbottom.catalog import load_catalog
    from rockbottom.tables import check_installed
    from rockbottom.watch import View

    if quotas or profiles:
        raise click.UsageError("--quota and --profile go with --logs")
    check_installed()
    return View(folder or ledger_folder(), load_catalog(), time.time, time.monotonic)


def view_of_logs(
    source: str, quotas: Sequence[str], profiles: Sequence[str], folder: Path | None, seconds: float
) -> "View":
    """A view of the invocation logs at a source, of the last day or of more ``seconds``. Raises NeedsDuckDB."""
    from rockbottom.catalog import load_catalog
    from rockbottom.cli.replay_questions import profiles_of
    from rockbottom.tables import check_installed
    from rockbottom.watch import log_view

    if folder is not None:
        raise click.UsageError("give --ledger or --logs, not both")
    check_installed()
    quota_by_model: dict[str, int] = {}
    for pair in quotas:
        model, equals, tokens = pair.rpartition("=")
        if not (equals and model and tokens.replace("_", "").replace(",", "").isdecimal()):
            raise click.UsageError(f"--quota takes MODEL=TOKENS, as in --quota sonnet-4-6=5000000; not {pair!r}")
        quota_by_model[model] = int(tokens.replace("_", "").replace(",", ""))
    since = time.time() - max(seconds, _DAY_S)
    return log_view(source, load_catalog(), since, os.urandom(32), quota_by_model, dict(profiles_of(profiles)))


def read_all(view: "View") -> None:
    """Take in all that is recorded; says how far it is where that takes long. Raises NoLedger."""
    from rockbottom.ledger import NoLedger

    if not view.folder.is_dir():
        raise NoLedger(
            f"There is no ledger in {view.folder}.",
            fix="record one with rockbottom.attach(client, ledger=True), or name another with --ledger",
        )
    showed_progress = False
    while not view.follow(_ONE_READ_S):
        showed_progress = True
        progress(f"reading the ledger: {share(view.share_read())}")
    if showed_progress:
        progress("")


def _print_one(view: "View", period: "WatchPeriod", side: str, as_json: bool) -> None:
    read_all(view)
    shot = view.snapshot(period, side)
    if as_json:
        click.echo(_json(shot.to_dict(), indent=2))
        return
    from rockbottom.watch import Screen, frame_of

    show(frame_of(shot, Screen(width(), None, colour())))


def _stream(view: "View", period: "WatchPeriod", side: str, every: float) -> None:
    last = None
    with contextlib.suppress(KeyboardInterrupt):  # ctrl-C: the way to end it
        while True:
            behind = not view.follow(_ONE_READ_S)
            snapshot = view.snapshot(period, side).to_dict()
            changed = {name: value for name, value in snapshot.items() if name != "at"}
            if changed != last:
                click.echo(_json(snapshot))
                sys.stdout.flush()
                last = changed
            time.sleep(0 if behind else every)


def _json(document: object, indent: int | None = None) -> str:
    import json

    return json.dumps(document, indent=indent, ensure_ascii=False)
