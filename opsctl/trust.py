"""Whom a handshake trusts: the certificates of the machine or of a check, and the keys it shows itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Files(NamedTuple):
    """The paths of what a check names."""

    ca: str | None
    certificate: str | None
    key: str | None


class UnusableFileError(Exception):
    """A file of certificates or keys cannot be used; `str(error)` says which."""


@cache
def handshake_context(files: Files, *, host: bool, chain: bool) -> ssl.SSLContext:
    """The settings of a handshake. Kept, as reading the system's certificates takes longer than one."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.check_hostname = host
    if chain:
        trusted = files.ca or trusted_certificates()
        _use("ca", trusted, lambda: context.load_verify_locations(trusted))
        # Like curl: what the file holds is trusted, be it a root or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.verify_mode = ssl.CERT_NONE
        # Too weak a key must not keep us from reading the certificate that has it.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if files.certificate:
        own, key = files.certificate, files.key
        if key:
            _use("certificate", key, lambda: None)
        # Without a password OpenSSL would ask the terminal for one.
        _use("certificate", own, lambda: context.load_cert_chain(own, key, password=""))
    return context


def reason_of(error: ssl.SSLError) -> str:
    """Why TLS failed, in the same words whichever OpenSSL and Python tell it."""
    import ssl

    # Who goes away in the middle is told in different words by different versions of both.
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "the connection was closed"
    return (error.reason or str(error).partition(" (_ssl.c")[0]).lower().replace("_", " ")


def _use(field: str, path: str, load: Callable[[], None]) -> None:
    import ssl
    from pathlib import Path

    from opsctl.plain_files import NotPlainError, check_plain

    blamed = f"`{field}`" + (" or its key" if field == "certificate" else "")
    try:
        check_plain(Path(path))
        load()
    except NotPlainError as error:
        raise UnusableFileError(f"the file {path} {error}; name a regular one as {blamed}") from error
    except ssl.SSLError as error:
        words = f"the file {path} cannot be used: {reason_of(error)}; correct {blamed}"
        raise UnusableFileError(words) from error
    except OSError as error:
        words = f"the file {path} cannot be read: {error.strerror}; correct {blamed}"
        raise UnusableFileError(words) from error


@cache
def trusted_certificates() -> str:
    """The file of certificates that this machine trusts; certifi's where the system has none."""
    import os
    from pathlib import Path

    for path in (
        os.environ.get("SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ):
        if path and Path(path).is_file():
            return path
    import certifi

    return certifi.where()
