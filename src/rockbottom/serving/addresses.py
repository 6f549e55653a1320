"""Sockets that servers listen on."""

import socket

from rockbottom.quantities import RockbottomError, reason_of


class CannotListen(RockbottomError):
    """The address of a server is taken, unknown, or open to other machines."""


def bound(host: str, port: int, *, fix: str) -> socket.socket:
    """A socket bound to an address, not listening yet; port 0: any free one. Raises CannotListen with this ``fix``."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {reason_of(error)}", fix=fix) from error
    return listener
