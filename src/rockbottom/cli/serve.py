"""``rockbottom serve``: the local Bedrock endpoint in the foreground."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from rockbottom.cli.console import tell
from rockbottom.cli.values import Account, Count, Folder, Region, Url
from rockbottom.files import make_folder
from rockbottom.local import DEFAULT_ACCOUNT, IN_PROCESS, ClockKind, EndpointSettings, Running
from rockbottom.local import serve as serve_forever


@click.command()
@click.option(
    "--port",
    type=Count(0, 65535),
    default=4747,
    show_default=True,
    help="Port to listen on; 0 is any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback by default.")
@click.option(
    "--clock",
    type=click.Choice(["real", "manual"]),
    default="real",
    show_default=True,
    help="A manual clock moves only through the control API.",
)
@click.option(
    "--log-dir",
    type=Folder(),
    help="Folder for model invocation logs, in the layout of S3.",
)
@click.option("--upstream", type=Url(), help="OpenAI-compatible server that writes the answers (.../v1).")
@click.option("--upstream-model", metavar="NAME", help="Model to ask the upstream for; the Bedrock id otherwise.")
@click.option("--seed", type=Count(min=0), default=0, show_default=True, help="Seed of everything that looks random.")
@click.option(
    "--region",
    type=Region(),
    default="us-east-1",
    show_default=True,
    help="Region of callers whose signature names none.",
)
@click.option("--account", type=Account(), default=DEFAULT_ACCOUNT, show_default=True, help="Account of callers.")
@click.option("--max-entries", type=Count(1), default=200_000, show_default=True, help="Most cache entries kept.")
@click.option("--s3", metavar="URL", help="S3 that batch jobs read and write; 'moto' starts one in this process.")
@click.option("--tls", is_flag=True, help="Speak TLS, with a certificate made at the start; its bundle is printed.")
@click.option("--s3-port", type=Count(0, 65535), default=0, show_default=True, help="Port of that S3; 0: any.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="Host name by which it may be called; repeat."
)
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="Origin of a web page that may call it; repeat."
)
@click.option(
    "--control-token",
    metavar="TOKEN",
    envvar="ROCKBOTTOM_CONTROL_TOKEN",
    help="Secret that the control API asks for (ROCKBOTTOM_CONTROL_TOKEN).",
)
@click.option(
    "--data-retention",
    type=click.Choice(["inherit", "none", "default", "aws_review", "provider_data_share"]),
    default="inherit",
    show_default=True,
    help="What accounts let the service retain; Claude Fable and Mythos are refused below aws_review.",
)
@click.option("--env", is_flag=True, help="Print what each client needs in its environment, and serve nothing.")
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=SIDE",
    help="Follow one side where sources conflict (rockbottom models --switches lists them).",
)
def serve(env: bool, clock: str, switches: tuple[str, ...], **options: Any) -> None:
    """Serve a local Bedrock endpoint that AWS SDKs talk to by endpoint URL."""
    if env:
        scheme = "https" if options["tls"] else "http"
        url = f"{scheme}://{options['host']}:{options['port']}"
        click.echo("\n".join(_environment(url, options["region"], _s3_url(options))))
        return
    sides = _sides(switches)
    if options["log_dir"] is not None:
        _make(options["log_dir"])
    serve_forever(EndpointSettings(clock=ClockKind(clock), switches=sides, **options), _announce)


def _sides(switches: Iterable[str]) -> dict[str, str]:
    """The sides of switches by name. Raises BadParameter for one that is not NAME=SIDE."""
    for switch in switches:
        if "=" not in switch:
            raise click.BadParameter(f"{switch!r} is not NAME=SIDE", param_hint="--switch")
    return dict(switch.split("=", 1) for switch in switches)


def _make(log_dir: Path) -> None:
    """The folder of the logs, made now: a failure would otherwise show when the first record is written."""
    try:
        make_folder(log_dir)
    except OSError as error:
        raise click.BadParameter(
            f"no folder can be made at {log_dir.absolute()}: {error.strerror}; give --log-dir a folder where you "
            "may write",
            param_hint="--log-dir",
        ) from error


def _s3_url(options: Mapping[str, Any]) -> str | None:
    """Where the S3 of batch jobs will answer; None where there is none, or its port is not known before it starts."""
    if options["s3"] != IN_PROCESS:
        return options["s3"]
    return f"http://{options['host']}:{options['s3_port']}" if options["s3_port"] else None


def _environment(url: str, region: str, s3_url: str | None) -> Iterator[str]:
    """Lines for a shell, a comment before those of each client."""
    for client, variables in _CLIENTS.items():
        yield f"# {client}"
        yield from (f"export {name}={value.format(url=url, region=region)}" for name, value in variables.items())
        if client == _AWS and s3_url:
            yield f"export AWS_ENDPOINT_URL_S3={s3_url}"
    for client, setting in _SETTINGS.items():
        yield f"# {client}: no variable, but a setting"
        yield f"#   {setting.replace('{url}', url)}"
    if url.startswith("https"):
        yield "# Trust in its certificate: BUNDLE is the path that is printed at the start"
        yield from (f"export {name}=BUNDLE" for name in _TRUST)


_AWS = "AWS SDKs and the AWS CLI; any credentials do (AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any)"
_CLIENTS: Mapping[str, Mapping[str, str]] = {
    _AWS: {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "{url}",
        "AWS_ENDPOINT_URL_BEDROCK": "{url}",
        "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME": "{url}",  # Rerank
        "AWS_DEFAULT_REGION": "{region}",
    },
    "LiteLLM": {"AWS_BEDROCK_RUNTIME_ENDPOINT": "{url}"},
    "OpenAI(), and what is built on it": {"OPENAI_BASE_URL": "{url}/openai/v1", "OPENAI_API_KEY": "any"},
    "BedrockOpenAI()": {
        "AWS_BEDROCK_BASE_URL": "{url}/openai/v1",
        "AWS_BEARER_TOKEN_BEDROCK": "any",
        "AWS_REGION": "{region}",
    },
    "Anthropic()": {"ANTHROPIC_BASE_URL": "{url}/anthropic", "ANTHROPIC_API_KEY": "any"},
    "AnthropicBedrock(), AnthropicBedrockMantle(), Claude Code": {
        "ANTHROPIC_BEDROCK_BASE_URL": "{url}",
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": "{url}/anthropic",
        "CLAUDE_CODE_USE_MANTLE": "1",
        "CLAUDE_CODE_SKIP_MANTLE_AUTH": "1",
    },
}


_SETTINGS: Mapping[str, str] = {
    "AI SDK": "createAmazonBedrock({ baseURL: '{url}' }), createBedrockMantle({ baseURL: '{url}/openai/v1' })",
    "Codex": '[model_providers.local] with base_url = "{url}/openai/v1", wire_api = "responses" (config.toml)',
    "opencode": '"provider": {"amazon-bedrock": {"options": {"endpoint": "{url}"}}} in opencode.json',
    "AWS SDK for JavaScript": "new BedrockRuntimeClient({ endpoint: '{url}' })",
}
_TRUST = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def _announce(running: Running) -> None:
    click.echo(running.url)
    s3 = f" AWS_ENDPOINT_URL_S3={running.s3_url}" if running.s3_url else ""
    tell(
        f"A local Bedrock endpoint answers at {running.url} (runtime and control plane); ctrl-C stops it.\n"
        "Point an SDK at it, with any credentials and a Region:\n"
        f"  export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={running.url} AWS_ENDPOINT_URL_BEDROCK={running.url}{s3}\n"
        "  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1  # if none are set\n"
        f"  boto3.client('bedrock-runtime', endpoint_url='{running.url}')\n"
        f"What other clients need (LiteLLM, Claude Code, Anthropic, OpenAI, AI SDK, opencode): rockbottom serve --env\n"
        f"Control API: {running.url}/_rockbottom/health"
        + (f"\nTrust its certificate: export AWS_CA_BUNDLE={running.ca_bundle}" if running.ca_bundle else "")
        + (f" NODE_EXTRA_CA_CERTS={running.ca_bundle}" if running.ca_bundle else "")
        + (f"\nS3 of batch jobs: {running.s3_url}" if running.s3_url else "")
    )
