"""Dovecot, a real server of IMAP and POP3, for whoever wants one."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from servers import HOST, free_port, listens, program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certificates import Certificates


class Dovecot(NamedTuple):
    """User `app` has the password `secret` and two messages; STARTTLS is offered, and by TLS the same is to be had."""

    imap: str
    pop3: str
    imaps: str
    pop3s: str
    log: Path


_MAIL = "From: a@shop.test\nTo: app@shop.test\nSubject: {number}\n\nHello.\n"


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    server = program("dovecot")
    # Not in pytest's folders, which only their owner can enter, and not with its long paths to sockets.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-dovecot-"))
    try:
        ports = dict(zip(("imap", "pop3", "imaps", "pop3s"), iter(free_port, None), strict=False))
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        new = folder / "mail" / "new"
        new.mkdir(parents=True)
        for number in range(2):
            (new / f"{number}.mail").write_text(_MAIL.format(number=number))
        (folder / "users").write_text("app:{PLAIN}secret\n")
        (folder / "dovecot.conf").write_text(_config(folder, ports, account, certificates))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        argv = [server, "-F", "-c", str(folder / "dovecot.conf")]
        log = folder / "log"
        with running(argv, log, lambda: all(map(listens, ports.values()))):
            yield Dovecot(**{name: f"{HOST}:{port}" for name, port in ports.items()}, log=log)
    finally:
        shutil.rmtree(folder)


def _config(
    folder: Path, ports: dict[str, int], account: pwd.struct_passwd, certificates: Certificates
) -> str:
    name, good = account.pw_name, certificates.good
    listeners = "\n".join(
        f"""service {protocol}-login {{
  chroot =
  process_min_avail = 1
  inet_listener {protocol} {{
    port = {ports[protocol]}
  }}
  inet_listener {protocol}s {{
    port = {ports[f"{protocol}s"]}
    ssl = yes
  }}
}}"""
        for protocol in ("imap", "pop3")
    )
    return f"""
protocols = imap pop3
listen = {HOST}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
default_internal_user = {name}
default_login_user = {name}
default_internal_group = {_group(account)}
ssl = required
ssl_cert = <{good.certificate}
ssl_key = <{good.key}
ssl_dh =
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
first_valid_uid = 0
first_valid_gid = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={folder}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{listeners}
"""


def _group(account: pwd.struct_passwd) -> str:
    import grp

    return grp.getgrgid(account.pw_gid).gr_name
