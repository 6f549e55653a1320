"""``rockbottom mcp``: read-only tools for a coding agent, over the Model Context Protocol on stdin and stdout.

A tool is a command of this program in a process of its own: it says what the command says, its output never meets the
protocol's, it ends when its time is up, and what is wrong with one call takes no other with it.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from rockbottom.figures import duration, thousands

if TYPE_CHECKING:
    import asyncio

    import anyio
    from mcp.server.mcpserver import MCPServer

_TIME_S = 3600.0
_PROGRESS_S = 2.0
"""How often an agent that asked for progress is told of it: many give up on a tool that is silent for a minute."""
_AT_ONCE = 2
_MOST_CHARACTERS = 30_000
"""What one answer may hold: some 8,000 tokens of the agent's context."""
_WIDTH = "100"
_INSTRUCTIONS = (
    "What prompts on Amazon Bedrock cost, and why. Start with explain or replay on a folder of invocation logs or on a "
    "ledger; plan shows where cachePoints of one request belong; prices gives dated prices. Every tool only reads "
    "files on this machine: nothing is sent to AWS. Figures say where they come from; keep that in what you repeat."
)

Body = dict[str, Any] | list[dict[str, Any]]
Logs = Annotated[str, "A file or folder on this machine: invocation logs, or a ledger that rockbottom recorded."]


@click.command("mcp")
def command() -> None:
    """Serve explain, replay, prices, plan and ledger summary as read-only tools to a coding agent.

    The agent starts it and speaks the Model Context Protocol on stdin and stdout. Tools read files on this machine and
    send nothing. An answer holds at most 30,000 characters. A call reports its progress, ends when the agent cancels
    it, and takes at most an hour.

    \b
    claude mcp add rockbottom -- rockbottom mcp
    """
    served = server()
    if sys.stdin.isatty():
        click.echo("a coding agent starts this: claude mcp add rockbottom -- rockbottom mcp (Ctrl-C ends it)", err=True)
    try:
        served.run("stdio")
    except BaseExceptionGroup as group:
        if group.split(_gone())[1] is None:  # the agent ended before its answer came
            raise BrokenPipeError from group
        raise


def _gone() -> tuple[type[Exception], ...]:
    """What is raised where nobody reads any more."""
    import anyio

    return BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError


def server() -> "MCPServer[Any]":
    """The server with its tools. Raises ModuleNotFoundError without the package mcp."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    from rockbottom import __version__

    tools = {tool.__name__: tool for tool in (explain, replay, prices, plan, ledger_summary)}

    class Exact(MCPServer[Any]):
        """Refuses arguments that a tool does not have, which the library would leave out in silence."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            if name == "ledger_summary" and "ledger" in arguments and "path" not in arguments:  # its name once
                arguments = {"path": arguments["ledger"], **{k: v for k, v in arguments.items() if k != "ledger"}}
            if name in tools:
                _check(name, tools[name], arguments)
            _asking.set(context)
            return await super().call_tool(name, arguments, context)

    server = Exact("rockbottom", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in tools.values():
        server.tool(annotations=reads, structured_output=False)(tool)
    return server


def _check(name: str, tool: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raises ToolError for an argument that the tool does not have, and for one that it needs."""
    known = signature(tool).parameters
    takes = f"{name} takes {', '.join(known)}"
    unknown = [argument for argument in arguments if argument not in known]
    if unknown:
        raise _refused(f"{name} has no argument {unknown[0]}; {takes}")
    missing = [each.name for each in known.values() if each.default is each.empty and each.name not in arguments]
    if missing:
        raise _refused(f"{name} needs the argument {missing[0]}; {takes}")


async def explain(path: Logs, by: str | None = None) -> str:
    """Explain every prompt-cache miss in recorded Bedrock traffic: its cause, what it cost, what would mend it.

    by: tell requests apart by model, region, account, identity, or a key of their metadata.
    """
    return await _output_of("explain", *_option("--by", by), *_there(path))


async def replay(path: Logs, as_model: str | None = None, by: str | None = None) -> str:
    """Say what recorded Bedrock traffic cost, what it would have cost under every way of caching, and what to do.

    as_model: price every request as if sent to this model (an id, ARN or short name). by: as in explain.
    """
    return await _output_of("replay", *_option("--as-model", as_model), *_option("--by", by), *_there(path))


async def prices(model: str, region: str | None = None, on: str | None = None) -> str:
    """Show the prices of a Bedrock model per million tokens, by Region and service tier, with the day they hold for.

    model: an id, an ARN or a short name (sonnet-5-5). on: a day as 2026-11-29; today by default.
    """
    return await _output_of("prices", "show", *_option("--region", region), *_option("--on", on), "--", model)


async def plan(path: str | None = None, request: Body | str | None = None, model: str | None = None) -> str:
    """Show where the cachePoints of a Bedrock request belong, with which TTL, what that saves, and on which evidence.

    path: a JSON file with the arguments of converse() or invoke_model(), a body of Messages, Chat Completions or
    Responses with its model, or a list of them in the order of sending.
    request: the same itself instead. model: the model id, where the request names none.
    """
    if (path is None) == (request is None):
        raise _refused("give either path or request")
    if request is not None:
        text = request if isinstance(request, str) else json.dumps(request)
        return await _output_of("plan", *_option("--model", model), "-", text=text)
    return await _output_of("plan", *_option("--model", model), *_there(path or ""))


async def ledger_summary(
    path: str | None = None, by: str = "model", month: str | None = None, side: str = "aws"
) -> str:
    """Sum what recorded calls cost by model, team or any other tag: calls, tokens, dollars, hit rate, saving.

    path: the folder of the ledger; the user's own by default. by: a tag (team, tenant ...), or model, operation, scope,
    region, tier, source, endpoint. month: only this one (2026-11, UTC). side: aws, or local for simulated calls.
    """
    from rockbottom.cli.settings import ledger_folder

    folder = Path(_there(path)[1]) if path else ledger_folder()
    if next(folder.rglob("calls-*.ndjson"), None) is None:
        raise _refused(f"{folder} holds no ledger")
    seen = _mirrored(folder)
    options = (*_option("--by", by), *_option("--month", month), *_option("--side", side))
    text = await _output_of("ledger", "summary", *options, "--", str(seen))
    return text.replace(str(seen), str(folder))


def _option(name: str, value: str | None) -> list[str]:
    """An option in one word, so that a value is never taken for another option."""
    return [] if value is None else [f"{name}={value}"]


def _there(path: str) -> list[str]:
    """A path of this machine as an argument. Raises ToolError."""
    absolute_path = Path(path).expanduser().absolute()
    if not path.strip():
        raise _refused("the path is empty: name a file or a folder")
    if not absolute_path.exists():
        raise _refused(f"there is no {absolute_path}")
    return ["--", str(absolute_path)]


_mirrors: dict[Path, tempfile.TemporaryDirectory[str]] = {}
"""What was asked about, by its folder: kept as long as the server runs, so that sums are made once."""


def _mirrored(folder: Path) -> Path:
    """A ledger, or a folder that holds some, as it is now: sums are made beside the copy, never in the folder itself.

    Volumes are links, so that nothing large is copied.
    """
    scratch = _mirrors.get(folder)
    if scratch is None:
        scratch = _mirrors[folder] = tempfile.TemporaryDirectory(prefix="rockbottom-mcp-", ignore_cleanup_errors=True)
    copy = Path(scratch.name) / "ledger"
    volumes = {copy / volume.relative_to(folder): volume for volume in sorted(folder.rglob("calls-*.ndjson"))}
    for link in copy.rglob("calls-*.ndjson"):
        if link not in volumes:  # the oldest volume of a ledger that is full was removed
            link.unlink(missing_ok=True)
    for link, volume in volumes.items():
        if not link.parent.is_dir():
            _copy_sums(volume.parent, link.parent)
        with suppress(FileExistsError):
            link.symlink_to(volume.absolute())
    return copy


def _copy_sums(ledger: Path, beside: Path) -> None:
    beside.mkdir(parents=True, exist_ok=True)
    for entry in ledger.iterdir():
        if entry.is_file() and not entry.match("calls-*.ndjson"):
            shutil.copy2(entry, beside / entry.name)
        elif entry.is_dir() and not any(entry.rglob("calls-*.ndjson")):
            shutil.copytree(entry, beside / entry.name, dirs_exist_ok=True)


async def _output_of(*arguments: str, text: str | None = None) -> str:
    """What a command prints. Raises ToolError with its own message where it fails or takes too long."""
    import anyio

    output, messages, status = b"", b"", None
    async with _telling(arguments[0]), _turns(), _running(arguments) as process:
        with anyio.move_on_after(_TIME_S):
            output, messages = await process.communicate((text or "").encode())
            status = process.returncode
    if status is None:
        raise _refused(f"this took more than {duration(_TIME_S)}; ask about fewer files")
    notices = messages.decode(errors="replace").strip()
    if status not in (0, 1):  # 1: a verdict, which is in the text
        raise _refused(notices or f"rockbottom {arguments[0]} ended with {status}")
    return _bounded("\n\n".join(filter(None, [output.decode(errors="replace").rstrip(), notices])))


@asynccontextmanager
async def _running(arguments: Sequence[str]) -> "AsyncGenerator[asyncio.subprocess.Process]":
    """A command that runs as long as the block lasts, and no longer, however the block ends."""
    import asyncio
    from asyncio.subprocess import PIPE

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rockbottom", *arguments,
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, "NO_COLOR": "1", "COLUMNS": _WIDTH},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()


_asking: ContextVar[Any] = ContextVar("_asking", default=None)
"""The call that is being answered, as the library knows it."""


@asynccontextmanager
async def _telling(action: str) -> AsyncGenerator[None]:
    """Tell whoever called how long it has taken so far, as long as the block lasts."""
    import anyio

    async def tell() -> None:
        started = time.monotonic()
        while True:
            await anyio.sleep(_PROGRESS_S)
            seconds = int(time.monotonic() - started)
            await context.report_progress(seconds, message=f"{action}: {duration(seconds)} so far")

    context = _asking.get()
    async with anyio.create_task_group() as group:
        if context is not None:
            group.start_soon(tell)
        yield
        group.cancel_scope.cancel()


def _refused(message: str) -> Exception:
    """An error whose message reaches the agent; of any other it is told nothing."""
    from mcp.server.mcpserver.exceptions import ToolError

    return ToolError(message)


@cache
def _turns() -> "anyio.CapacityLimiter":
    """At most two commands run at a time, whatever the agent asks at once."""
    import anyio

    return anyio.CapacityLimiter(_AT_ONCE)


def _bounded(text: str, most: int = _MOST_CHARACTERS) -> str:
    """The beginning of a long text, up to the end of a line, and how much was left out."""
    if len(text) <= most:
        return text
    beginning = text[:most].rpartition("\n")[0] or text[:most]
    return (
        f"{beginning}\n... {thousands(text[len(beginning) :].count(chr(10)))} more lines; ask about fewer "
        "files, or with by"
    )
