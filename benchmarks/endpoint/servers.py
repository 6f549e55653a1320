"""The servers measured, each a process of its own on a free port of 127.0.0.1."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.placement.environments import CannotInstall, Peer, clean_environment, python_of

_ROOT = Path(__file__).resolve().parents[2]
_MINISTACK = Peer("ministack", "", ("ministack==1.5.33",), (), ("ministack==1.5.33",), ())


class NotThere(Exception):
    """A server cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    name: str
    port: int
    pid: int

    def memory_mib(self) -> float | None:
        """Resident memory now; None where /proc does not tell."""
        try:
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        except OSError:
            return None
        return int(found[1]) / 1024 if found else None


@contextmanager
def rockbottom() -> Iterator[Server]:
    """The endpoint as its command starts it."""
    environment = {**clean_environment(), "PYTHONPATH": str(_ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "rockbottom", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as program:
        try:
            assert program.stdout is not None
            port = re.search(r":(\d+)$", program.stdout.readline().strip())
            if port is None:
                raise NotThere("the endpoint did not start")
            yield Server("rockbottom", int(port[1]), program.pid)
        finally:
            program.terminate()


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server, from the environment that this runs in."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise NotThere("moto[server] is not installed here (make bench installs it)")
    port = _free_port()
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    with _started("moto", [sys.executable, "-c", code], port, clean_environment()) as server:
        yield server


@contextmanager
def ministack(cache: Path) -> Iterator[Server]:
    """MiniStack, from a virtual environment of its own that is made once."""
    try:
        python = python_of(_MINISTACK, cache)
    except CannotInstall as error:
        raise NotThere(f"it could not be installed: {error}") from error
    port = _free_port()
    environment = {**clean_environment(), "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"}
    with _started("MiniStack", [str(python.parent / "ministack")], port, environment) as server:
        yield server


@contextmanager
def _started(name: str, command: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=os.path.expanduser("~")
    ) as program:
        try:
            yield Server(name, port, program.pid)
        finally:
            program.terminate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
