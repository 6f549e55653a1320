"""``rockbottom probe``: measures, on the user's own account, how Bedrock really caches."""

import json
import secrets
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rockbottom.calling import hosts_of
from rockbottom.catalog import load_catalog
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import progress, show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.options import yes_to_spending
from rockbottom.cli.values import Region
from rockbottom.client import saved_facts_path
from rockbottom.figures import counted, thousands, usd
from rockbottom.probe import (
    ALL_QUESTIONS,
    Experiment,
    LocalService,
    ProbeAnswer,
    ProbedModel,
    ProbeEstimate,
    ProbeStopped,
    RealService,
    Service,
    estimate,
    findings_of,
    run,
    write_facts,
)
from rockbottom.process import bounded, local_client

_MONEY = ((Decimal("0.01"), 2), (Decimal(0), 4))  # cents from one cent on
_LOCAL_URL = "http://127.0.0.1:4747"
_NAMES = ("minimum_tokens", *ALL_QUESTIONS)


@click.command()
@click.option("--model", "model_id", required=True, metavar="ID", help="Model or inference profile id to ask about.")
@click.option(
    "--endpoint",
    default="aws",
    show_default=True,
    metavar="WHERE",
    help="aws, local (http://127.0.0.1:4747), or the URL of a local endpoint.",
)
@click.option("--region", type=Region(), help="AWS Region; by default the one that the AWS configuration names.")
@click.option("--only", multiple=True, type=click.Choice(_NAMES), help="Ask only this; repeat.")
@yes_to_spending
@click.option("--estimate", "estimate_only", is_flag=True, help="Say what it would cost, send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the findings; for AWS the user's data folder, for a local endpoint none.",
)
@click.pass_context
def command(
    ctx: click.Context,
    model_id: str,
    endpoint: str,
    region: str | None,
    only: tuple[str, ...],
    yes: bool,
    estimate_only: bool,
    as_json: bool,
    save: Path | None,
) -> None:
    """Measure how a model really caches: minimum, lookback, lifetimes, what is in the key.

    The price is estimated first and nothing is sent before you agree. Findings are saved with their date
    and used from then on instead of the catalogue's. On AWS it takes about seven minutes, most of them waiting; a GPT
    model takes thirty-five, because its entries live for thirty.
    """
    on = datetime.now(UTC).date()
    catalog = load_catalog()
    model = catalog.model(model_id)
    subject = ProbedModel(model_id, model, catalog.rules(model, on), secrets.token_hex(4))
    chosen = frozenset(only)
    price = estimate(subject, catalog, on, chosen)
    local = endpoint != "aws"
    _announce(price, endpoint, local)
    if estimate_only:
        return _print_estimate(price, as_json)
    consent(local or yes, "this spends money", "Send them?")
    service = _service(endpoint, region, local)
    findings, stopped = _measured(subject, service, chosen)
    path = save or (None if local else saved_facts_path())
    if path is not None and any(finding.answer is not None for finding in findings):
        where = None if local else service.region
        write_facts(path, subject, findings, on, "a local endpoint" if local else f"AWS {where or ''}".strip(), where)
        tell(f"saved to {path}")
    _print(findings, model_id, on, endpoint, as_json)
    if isinstance(stopped, KeyboardInterrupt):
        raise stopped
    if stopped is not None:
        tell(f"rockbottom: {stopped}")
        ctx.exit(Exit.PARTIAL if findings else Exit.SERVICE)
    return None


def _announce(price: ProbeEstimate, endpoint: str, local: bool) -> None:
    url = _LOCAL_URL if endpoint == "local" else endpoint
    where = f"the local endpoint at {url} (nothing is billed)" if local else "AWS"
    minutes = 0 if local else round(price.seconds / 60)
    took = f"{counted(minutes, 'minute')} of waiting" if minutes else "no waiting"
    tell(
        f"{counted(price.requests, 'request')} to {where}, {took}; at AWS's prices about "
        f"${usd(price.expected_usd, _MONEY)}, at worst ${usd(price.worst_usd, _MONEY)}"
    )


def _service(endpoint: str, region: str | None, local: bool) -> RealService:
    patience: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 120}
    if local:
        url = _LOCAL_URL if endpoint == "local" else endpoint
        return LocalService(local_client("bedrock-runtime", url, region or "us-east-1", **patience), url)
    import boto3 as typeless  # an extra; the message for its absence is the command line's
    from botocore.config import Config

    boto3: Any = typeless
    patient = Config(**patience)
    client: Any = bounded(boto3.client("bedrock-runtime", region_name=region, config=patient))
    return RealService(client, _waiting, hosts=hosts_of(client.meta.region_name))


def _waiting(left: float, why: str) -> None:
    progress(f"  waiting {thousands(left):>3} s {why}" if left > 5 else "")


def _measured(
    subject: ProbedModel, service: Service, chosen: frozenset[str]
) -> tuple[list[ProbeAnswer], ProbeStopped | KeyboardInterrupt | None]:
    findings: list[ProbeAnswer] = []

    def note(finding: ProbeAnswer) -> None:
        findings.append(finding)
        tell(f"  {finding.question}: {finding.answer or 'not measured'} ({finding.evidence})"[:160])

    first, rest = findings_of(subject, chosen)
    try:
        if first is not None:
            run([Experiment(first.__name__, first(subject))], service, note)
        run([Experiment(probe_of.__name__, probe_of(subject)) for probe_of in rest], service, note)
    except ProbeStopped as stopped:
        return findings, stopped
    except KeyboardInterrupt as stopped:
        if not findings:
            raise
        return findings, stopped
    return findings, None


def _print_estimate(price: ProbeEstimate, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {
                    "requests": price.requests,
                    "expected_usd": str(price.expected_usd),
                    "worst_usd": str(price.worst_usd),
                    "seconds": price.seconds,
                }
            )
        )


def _print(findings: list[ProbeAnswer], model_id: str, on: date, endpoint: str, as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [
            {"question": finding.question, "answer": finding.answer, "evidence": finding.evidence}
            for finding in findings
        ]
        click.echo(json.dumps({"model": model_id, "measured_on": str(on), "endpoint": endpoint, "findings": rows}))
        return
    for finding in findings:
        show(f"{finding.question:24} {finding.answer if finding.answer is not None else '-'}")
