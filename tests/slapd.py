"""OpenLDAP's slapd, a real server that begins TLS when it is asked to."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - a field of a NamedTuple
from typing import TYPE_CHECKING, NamedTuple

import pytest
from servers import HOST, free_port, listens, program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Certificates


class Slapd(NamedTuple):
    """A directory with nothing in it."""

    address: str
    log: Path


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Slapd]:
    server = program("slapd")
    folder = tmp_path_factory.mktemp("slapd")
    port, log, good = free_port(), folder / "log", certificates.good
    config = folder / "slapd.conf"
    config.write_text(
        f"pidfile {folder}/pid\nTLSCertificateFile {good.certificate}\nTLSCertificateKeyFile {good.key}\n"
    )
    argv = [server, "-f", str(config), "-h", f"ldap://{HOST}:{port}", "-d", "none"]
    with running(argv, log, lambda: listens(port)):
        yield Slapd(f"{HOST}:{port}", log)
