"""Where jobs read and write: any S3 endpoint, or moto's, started in this process."""

import logging
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any

from rockbottom.extras import install_command
from rockbottom.local.failures import LocalError
from rockbottom.local.settings import EndpointSettings
from rockbottom.process import Visitors, guarded
from rockbottom.serving import CannotListen, LimitedHead, LimitedThreads

IN_PROCESS = "moto"
"""The value of ``EndpointSettings.s3`` that starts moto's S3 in this process."""

_Client = Any
_SILENT_SECONDS = 60
_STOPPING_SECONDS = 5


@contextmanager
def s3_served(settings: EndpointSettings) -> Generator[str | None]:
    """The URL of the S3 that jobs use: the one given, or one that is started for the length of the block.

    The one that is started answers those whom the endpoint answers. Raises CannotListen.
    """
    if settings.s3 != IN_PROCESS:
        yield settings.s3
        return
    server = _moto(settings)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    thread = threading.Thread(target=server.serve_forever, name="rockbottom-s3", daemon=True)
    thread.start()
    try:
        bound, port = server.server_address[:2]
        yield f"http://[{bound}]:{port}" if ":" in str(bound) else f"http://{bound}:{port}"
    finally:
        server.shutdown()
        thread.join(_STOPPING_SECONDS)
        server.server_close()


def _moto(settings: EndpointSettings) -> Any:
    try:
        from moto.moto_server import werkzeug_app
        from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
    except ImportError as error:
        raise LocalError(
            f"S3 in this process needs the package {error.name}, which is not installed; --s3 URL takes another S3",
            fix=install_command("local-s3"),
        ) from error
    moto: Any = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    application = guarded(moto, Visitors(settings.host, settings.hosts, settings.origins))
    base: Any = getattr(werkzeug_app, "MotoRequestHandler", WSGIRequestHandler)  # moto has one of its own of late
    handler = type("S3Handler", (LimitedHead, base), {"timeout": _SILENT_SECONDS})
    server: Any = type("S3Server", (LimitedThreads, ThreadedWSGIServer), {})
    try:
        return server(settings.host, settings.s3_port, application, handler)
    except (OSError, SystemExit) as error:  # werkzeug ends the program where a port is taken
        raise CannotListen(
            f"cannot listen on {settings.host}:{settings.s3_port} for S3", fix="choose another --s3-port"
        ) from error


class S3:
    """One S3 endpoint as jobs use it; every method blocks, so the endpoint calls it in a thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: _Client | None = None

    def client(self) -> _Client:
        """A client that signs with the environment's credentials, else with made-up ones, which moto takes."""
        if self._client is None:
            from botocore.config import Config
            from botocore.session import Session

            own = "AWS_ACCESS_KEY_ID" in os.environ
            made_up: Any = {} if own else {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            session: Any = Session()
            self._client = session.create_client(
                "s3",
                region_name="us-east-1",
                endpoint_url=self.url,
                **made_up,
                config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
            )
        return self._client

    def keys(self, bucket: str, prefix: str) -> list[tuple[str, int]]:
        """Objects with their sizes, the key itself or everything below a folder."""
        objects: list[tuple[str, int]] = []
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                key: str = entry["Key"]
                if key == prefix or prefix in ("", prefix.rstrip("/") + "/") or key.startswith(f"{prefix}/"):
                    objects.append((key, entry["Size"]))
        return objects

    def read(self, bucket: str, key: str, into: IO[bytes]) -> None:
        """The content of an object."""
        body = self.client().get_object(Bucket=bucket, Key=key)["Body"]
        for chunk in body.iter_chunks(1 << 20):
            into.write(chunk)

    def write(self, bucket: str, key: str, content: bytes | IO[bytes]) -> None:
        self.client().put_object(Bucket=bucket, Key=key, Body=content)


def bucket_and_key(uri: str) -> tuple[str, str]:
    """``s3://bucket/a/b`` in its two parts."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
