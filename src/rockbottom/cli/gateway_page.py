"""The page of a gateway's ledger, which is that of ``rockbottom dash``, in a process of its own.

Calls do not wait for it: what it reads and judges is no work of the gateway's process. It ends with the gateway, also
with one that is killed, for its standard input is a pipe that the gateway holds.
"""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rockbottom.cli.console import tell

if TYPE_CHECKING:
    from rockbottom.gateway import Configuration

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
