"""The start of a program: the classes that make Bedrock clients are watched for, and what they make is attached.

Until one of their modules is imported nothing is done; until a Bedrock client is made nothing of the planner is
imported. A failure in here is one warning, and the program goes on without rockbottom.
"""

import os

from rockbottom.programs.environment import RUN, SITE, with_site_first
from rockbottom.programs.imports import when_imported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rockbottom.client import Report

MAKERS = {
    "botocore.session": ("Session",),  # of boto3, aiobotocore and aioboto3 too
    "anthropic.lib.bedrock._client": ("AnthropicBedrock", "AsyncAnthropicBedrock"),
    "anthropic.lib.bedrock._mantle": ("AnthropicBedrockMantle", "AsyncAnthropicBedrockMantle"),
    "anthropic._client": ("Anthropic", "AsyncAnthropic"),  # these four where their base_url is Bedrock's
    "openai._client": ("OpenAI", "AsyncOpenAI"),
    "litellm.llms.custom_httpx.http_handler": ("HTTPHandler", "AsyncHTTPHandler"),
}
"""Modules, and the classes in them whose instances are attached or make clients that are."""

_KNOWN_AS = {"Session": "boto3, botocore, aiobotocore", "HTTPHandler": "LiteLLM"}

SIGNERS = {"litellm.llms.bedrock.base_aws_llm": ("BaseAWSLLM", "get_credentials")}
"""Modules, and the class and method in them that give credentials to sign with."""

_BEGUN: "list[bool]" = []
_WARNED: "set[str]" = set()
_MARK = "_rockbottom_watched"


def begin(also_made: bool = False) -> None:
    """Attach, from now on, every Bedrock client that this program makes; ``also_made``: and those that are there.

    A second time it does nothing.
    """
    if _BEGUN:
        return
    _BEGUN.append(True)
    for name in MAKERS:
        when_imported(name, _watch)
    for name in SIGNERS:
        when_imported(name, _watch_signing)
    if also_made:
        _safely("looking for clients", _attach_made)
    if os.environ.get(RUN):
        _stay_first()


def reached() -> str:
    """What is attached, by the names that its users know."""
    names = ", ".join(_KNOWN_AS.get(first, first) for first, *_ in MAKERS.values())
    return f"{names} (Anthropic and OpenAI where their base_url is Bedrock's)"


def report() -> "Report":
    """What all attached clients of this program used so far. Raises NotAttached where there is none yet."""
    from rockbottom.programs.clients import everyone

    return everyone().report()


def _watch(module: "Any") -> None:
    _safely("watching for clients", _watch_classes, module)


def _watch_classes(module: "Any") -> None:
    for name in MAKERS[module.__name__]:
        maker = getattr(module, name, None)
        if maker is not None and not hasattr(maker.__init__, _MARK):
            maker.__init__ = _watched(maker.__init__)


def _watch_signing(module: "Any") -> None:
    _safely("watching for keys", _watch_signer, module)


def _watch_signer(module: "Any") -> None:
    from functools import wraps

    class_name, method = SIGNERS[module.__name__]
    signer = getattr(module, class_name)
    gives = getattr(signer, method)

    @wraps(gives)
    def gives_watched(*args: "Any", **more: "Any") -> "Any":
        credentials = gives(*args, **more)
        _safely("remembering a key", _remember, credentials)
        return credentials

    if not hasattr(gives, _MARK):
        setattr(gives_watched, _MARK, True)
        setattr(signer, method, gives_watched)


def _remember(credentials: "Any") -> None:
    from rockbottom.client import remember_key

    remember_key(credentials)


def _attach_made() -> None:
    """Attach what was made before; a session so that the clients that it makes from now on are attached."""
    import gc
    import sys

    modules = [sys.modules[name] for name in MAKERS if name in sys.modules]
    makers = tuple(getattr(module, name) for module in modules for name in MAKERS[module.__name__])
    for instance in gc.get_objects():
        if issubclass(type(instance), makers):
            _safely("attaching a client", _attach, instance)


def _watched(begins: "Any") -> "Any":
    from functools import wraps

    @wraps(begins)
    def begins_watched(self: "Any", *args: "Any", **more: "Any") -> None:
        begins(self, *args, **more)
        _safely("attaching a client", _attach, self)

    setattr(begins_watched, _MARK, True)
    return begins_watched


def _attach(client: "Any") -> None:
    from rockbottom.programs.clients import attach_made

    attach_made(client, _safely)


def _safely(doing: str, act: "Callable[..., object]", *args: "Any") -> None:
    """Do it; a failure is one warning, and the program goes on without."""
    try:
        act(*args)
    except Exception as error:
        if doing not in _WARNED:
            _WARNED.add(doing)
            import logging

            logging.getLogger("rockbottom.client").warning(
                "rockbottom: %s failed (%s: %s); the program continues without rockbottom there",
                doing, type(error).__name__, error,
            )  # fmt: skip


def _stay_first() -> None:
    """Keep our sitecustomize first in what this process turns into.

    An instrumentor that starts the program anew (opentelemetry-instrument) puts its own sitecustomize before ours, and
    Python imports one only; ours imports the next one, so both work where ours is first.
    """

    def in_order(execute: "Any") -> "Any":
        def executed(path: "Any", arguments: "Any", *env: "Any") -> None:
            for environ in env or (os.environ,):
                _safely("passing on PYTHONPATH", _put_first, environ)
            execute(path, arguments, *env)

        return executed

    os.execv, os.execve = in_order(os.execv), in_order(os.execve)


def _put_first(environ: "Any") -> None:
    python_path = environ.get("PYTHONPATH", "")
    if SITE in python_path.split(os.pathsep):
        environ["PYTHONPATH"] = with_site_first(python_path)
