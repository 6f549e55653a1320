"""A certificate of the endpoint's own, made at each start and thrown away at the end.

An authority that nobody else has signs one certificate for the addresses of the listener; its key is never written.
The bundle holds the authority and those that botocore trusts, so that a program that is given the bundle
(``AWS_CA_BUNDLE``) reaches AWS as before.
"""

import ipaddress
import shutil
import ssl
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from rockbottom.extras import needing
from rockbottom.files import private
from rockbottom.serving import context_of

_DAYS = 7


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a listener speaks TLS with, and the file by which others trust it."""

    context: ssl.SSLContext
    bundle: Path


@contextmanager
def certified(hosts: Iterable[str]) -> Generator[Certificate]:
    """A certificate for these names and addresses; its files are gone with the block. Raises MissingExtra."""
    with needing("TLS"):
        authority, chain, key = _new_certificates(dict.fromkeys(["localhost", "127.0.0.1", "::1", *hosts]))
    folder = Path(tempfile.mkdtemp(prefix="rockbottom-tls-"))
    try:
        pair = folder / "pair.pem"
        with open(pair, "wb", opener=private) as file:
            file.write(key + chain)
        context = context_of(pair)
        pair.unlink()
        bundle = folder / "ca-bundle.pem"
        bundle.write_bytes(authority + (resources.files("botocore") / "cacert.pem").read_bytes())
        yield Certificate(context, bundle)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_certificates(hosts: Iterable[str]) -> tuple[bytes, bytes, bytes]:
    """The authority's certificate, that of the hosts, and the key of the latter, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def builder(subject: Any, issuer: Any, key: Any) -> Any:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = name("rockbottom local endpoint")
    authority = (
        builder(root, root, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(x509, key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    certificate = (
        builder(name("localhost"), root, key)
        .add_extension(x509.SubjectAlternativeName([_alternative(x509, host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(x509, digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return (
        authority.public_bytes(pem),
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    )


def _usage(x509: Any, **allowed: bool) -> Any:
    """What a key may be used for: x509 wants each of its nine uses named."""
    kinds = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    kinds += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{kind: allowed.get(kind, False) for kind in kinds})


def _alternative(x509: Any, host: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(f"*{host}" if host.startswith(".") else host)
