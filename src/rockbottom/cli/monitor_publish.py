"""``rockbottom monitor publish`` and ``serve``: what a ledger holds, to CloudWatch or to Prometheus."""

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.consenting import consent
from rockbottom.cli.console import progress, redraws, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.ledgers import own_folder
from rockbottom.cli.options import account_options, json_flag, ledger_folder_option
from rockbottom.cli.settings import ledger_folder
from rockbottom.cli.values import Count
from rockbottom.figures import counted, thousands
from rockbottom.quantities import Fault, reason_of

if TYPE_CHECKING:
    from rockbottom.sinks import Backlog, MinuteGatherer, Outlet, PlaceFile, RepublishAmount


@click.command()
@ledger_folder_option
@account_options("CloudWatch")
@click.option("--namespace", default="BedrockLLMOps", show_default=True, help="Namespace of the metrics.")
@click.option("--dimensions", "sets", multiple=True, metavar="A,B", help="A set of dimensions ('' is none); repeat.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; repeat.")
@click.option(
    "--most-series",
    type=Count(1),
    default=100,
    show_default=True,
    help="Most combinations of dimension values kept apart.",
)
@click.option("--emf", metavar="WHERE", help="Embedded metric format instead: stdout, a file, or tcp://host:port.")
@click.option("--simulated", is_flag=True, help="Also calls of a local endpoint.")
@click.option("--follow", is_flag=True, help="Send what is new once a minute, until ctrl-C.")
@click.option(
    "--state", type=click.Path(path_type=Path, dir_okay=False), help="File that remembers how far it has sent."
)
@click.option("--estimate", "estimate_only", is_flag=True, help="Say what it would send and cost; send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before publishing custom metrics, which are billed.")
@json_flag
@click.pass_context
def publish(
    ctx: click.Context, folder: Path | None, estimate_only: bool, yes: bool, as_json: bool, **options: Any
) -> None:
    """Send what a ledger holds to CloudWatch, from where the last run ended.

    For calls recorded while nothing was published, or for programs that only keep a ledger. CloudWatch takes the last
    two weeks. If it is killed, the next run continues; at most one batch of calls is sent twice.
    """
    from rockbottom.sinks import Backlog, PlaceFile

    sets, chosen = _dimensions_and_metrics(options)
    ledger = _folder(folder) if options["follow"] else own_folder(folder)
    if not ledger.is_dir():
        tell(f"{ledger} holds no ledger yet: calls are sent once a program records there")
    place = PlaceFile(options["state"] or _state_path(ledger, options))
    backlog = Backlog(ledger, place)
    amount = backlog.amount(sets, len(chosen), options["most_series"], simulated=options["simulated"])
    _announce(amount, options)
    if estimate_only:
        return _print(amount, None, as_json, options)
    if not options["emf"] and amount.metrics:
        consent(yes, "custom metrics are billed", "Publish them?")
    with place.locked():
        return _published(ctx, backlog, place, amount, as_json, options)


def _published(
    ctx: click.Context,
    backlog: "Backlog",
    place: "PlaceFile",
    amount: "RepublishAmount",
    as_json: bool,
    options: dict[str, Any],
) -> None:
    from rockbottom.sinks import Republisher, Undelivered

    # Whoever has published nothing and publishes nothing now has not agreed to pay for a heartbeat.
    outlet, gatherer = _outlet(options, beating=bool(amount.metrics) or place.path.exists())
    sender = Republisher(backlog, place, outlet, gatherer)
    sent = 0
    try:
        while True:
            try:
                for calls in sender.send_new():
                    sent += calls
                    _progress(sent, amount.calls)
            except Undelivered as error:  # what is held goes out with the next round
                if not options["follow"]:
                    raise
                tell(f"rockbottom: {error}; trying again in a minute")
            if not options["follow"]:
                break
            time.sleep(60)
    except Undelivered as error:
        so_far = counted(sent, "call")
        tell(f"rockbottom: {error}; sent so far: {so_far}; the next run continues there")
        if error.fix:
            tell(f"  {error.fix}")
        if as_json:
            _print(amount, sent, as_json, options)
        ctx.exit(Exit.USAGE if error.fault is Fault.CALLER else Exit.PARTIAL if sent else Exit.SERVICE)
    except KeyboardInterrupt:
        tell(f"\nsent so far: {counted(sent, 'call')}; the next run continues there")
        raise
    _warn_of_losses(backlog, outlet)
    return _print(amount, sent, as_json, options)


@click.command()
@ledger_folder_option
@click.option(
    "--port",
    type=Count(0, 65535),
    default=9477,
    show_default=True,
    help="Port to listen on; 0 is any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback by default.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="Host name by which it may be asked; repeat."
)
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="A tag that becomes a label; repeat.")
@click.option(
    "--most-series", type=Count(1), default=1000, show_default=True, help="Most combinations of labels kept apart."
)
def serve(
    folder: Path | None, port: int, host: str, hosts: tuple[str, ...], tags: tuple[str, ...], most_series: int
) -> None:
    """Serve the totals of a ledger, over all processes that record in it, to Prometheus.

    At http://127.0.0.1:9477/metrics; ctrl-C stops it. The figures say what you spend: anyone who reaches the address
    can read them.
    """
    from rockbottom.extras import needing
    from rockbottom.process import ended_by_signals

    with needing("rockbottom monitor serve", "prometheus", "watch"):
        from prometheus_client import CollectorRegistry

        from rockbottom.sinks import LedgerMetrics
        from rockbottom.sinks import serve as listen

    registry = CollectorRegistry()
    metrics = LedgerMetrics(_folder(folder), tags, most_series)
    if redraws():
        tell("reading the ledger")
    metrics.catch_up()
    registry.register(metrics)
    try:
        server, _ = listen(registry, port, host, hosts)
    except (OSError, UnicodeError) as error:
        why = reason_of(error)
        raise click.UsageError(f"{host}:{port} cannot be listened on: {why}; give --port or --host") from error
    where = f"[{host}]" if ":" in host else host
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()

    with ended_by_signals(stop):
        click.echo(f"http://{where}:{server.server_port}/metrics")
        if not host.startswith("127.") and host not in ("localhost", "::1"):
            tell(f"anyone who reaches {host} can read what you spend")
        stopped.wait()
    server.shutdown()
    server.server_close()
    metrics.close()


def _folder(folder: Path | None) -> Path:
    return folder if folder is not None else ledger_folder()


def _state_path(ledger: Path, options: dict[str, Any]) -> Path:
    target = options["emf"] or f"{options['namespace']} {options['region'] or ''} {options['profile'] or ''}"
    name = "".join(character if character.isalnum() else "-" for character in target).strip("-")
    return ledger / f"published-{name}.json"


def _dimensions_and_metrics(options: dict[str, Any]) -> tuple[Any, Any]:
    from rockbottom.sinks import checked_dimensions, checked_metrics

    sets = [[name.strip() for name in text.split(",") if name.strip()] for text in options["sets"]] or [["ModelId"]]
    return checked_dimensions(sets), checked_metrics(options["metrics"] or None)


def _outlet(options: dict[str, Any], *, beating: bool) -> "tuple[Outlet, MinuteGatherer]":
    from rockbottom.sinks import (
        HEARTBEAT_S,
        CloudWatchOutlet,
        EmfOutlet,
        Heart,
        MinuteGatherer,
        MinuteTable,
        connector,
        writer_of,
    )

    sets, chosen = _dimensions_and_metrics(options)
    heart = Heart(HEARTBEAT_S if beating else None, alone_at_the_end=True)
    gatherer = MinuteGatherer(MinuteTable(sets, chosen, options["most_series"]), simulated=options["simulated"])
    if options["emf"]:
        return EmfOutlet(writer_of(options["emf"]), options["namespace"], gatherer, heart), gatherer
    connect = connector(options["region"], options["profile"], options["endpoint_url"])
    return CloudWatchOutlet(connect, options["namespace"], gatherer, heart), gatherer


def _announce(amount: "RepublishAmount", options: dict[str, Any]) -> None:
    from rockbottom.cloudwatch import monthly_estimate
    from rockbottom.sinks import MINUTES_A_MONTH

    left = f" ({thousands(amount.left_out)} of a local endpoint are left out)" if amount.left_out else ""
    tell(f"{counted(amount.calls, 'call')} to publish{left}")
    if amount.metrics and not options["emf"]:
        estimate = monthly_estimate(amount.metrics, MINUTES_A_MONTH)
        tell(f"while such calls go on, CloudWatch charges {estimate}")


def _progress(sent: int, total: int) -> None:
    progress(f"  {thousands(sent)} of {thousands(max(sent, total))} calls", done=sent >= total)


def _warn_of_losses(backlog: "Backlog", outlet: "Outlet") -> None:
    if backlog.damaged:
        tell(f"{counted(backlog.damaged, 'damaged line')} of the ledger skipped")
    if outlet.lost:
        tell(f"{thousands(outlet.lost)} were not sent: they are more than two weeks old, or CloudWatch refused them")


def _print(amount: "RepublishAmount", sent: int | None, as_json: bool, options: dict[str, Any]) -> None:
    from rockbottom.cloudwatch import monthly_estimate
    from rockbottom.sinks import MINUTES_A_MONTH

    if as_json:
        usd = monthly_estimate(amount.metrics, MINUTES_A_MONTH).usd
        document = {
            "calls": amount.calls,
            "left_out": amount.left_out,
            "metrics": amount.metrics,
            "estimated_usd_per_month": str(usd),
            "sent": sent,
        }
        click.echo(json.dumps(document), err=options["emf"] == "stdout")
    elif sent is not None:
        click.echo(f"{counted(sent, 'call')} sent", err=options["emf"] == "stdout")  # stdout holds the documents then
