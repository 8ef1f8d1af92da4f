"""A check's request as a `curl` command that people can paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.checks.http import HttpCheck

_VERSIONS = {"1.1": "--http1.1", "2": "--http2", "3": "--http3-only"}


def curl_line(check: HttpCheck) -> str:
    """The same request as a `curl` command; secrets stand in it as shell references, never as values."""
    words = ["curl", "-sS", "-i", "-m", "10"]
    if check.method == "HEAD":
        words.append("-I")
    elif check.method != "GET" and not check.form:
        words += ["-X", check.method]
    if check.redirects:
        words += ["-L", "--max-redirs", str(check.redirects)]
    if check.version != "any":
        known = check.version == "2" and check.url.text.startswith("http:")
        words.append("--http2-prior-knowledge" if known else _VERSIONS[check.version])
    if check.basic:
        words += ["-u", _shell(f"{check.basic.username}:{check.basic.password}")]
    if check.bearer:
        words += ["-H", _shell(f"Authorization: Bearer {check.bearer}")]
    for name, value in check.headers.items():
        words += ["-H", _shell(f"{name}: {value}")]
    words += [*_content(check), *_way(check)]
    if not check.verify:
        words.append("-k")
    return " ".join([*words, _shell(check.url.text)])


def _content(check: HttpCheck) -> list[str]:
    """What is sent."""
    if check.body is not None:
        return ["--data-binary", _shell(check.body.text)]
    if check.body_file:
        return ["--data-binary", _shell(f"@{check.body_file}")]
    fields = (f"{name}={value}" for name, value in check.form.items())
    return [word for field in fields for word in ("--data-urlencode", _shell(field))]


def _way(check: HttpCheck) -> list[str]:
    """How it gets there."""
    words = [
        ("-x", check.proxy.text if check.proxy else None),
        ("--unix-socket", check.unix_socket),
        ("--cacert", check.ca),
        ("--cert", check.certificate),
        ("--key", check.key),
    ]
    return [word for option, text in words if text for word in (option, _shell(text))]


def _shell(text: str) -> str:
    import re
    import shlex

    quoted = shlex.quote(text)
    quoted = re.sub(r"\$\{env:([A-Za-z_]\w*)\}", r"""'"${\1}"'""", quoted)
    return re.sub(r"\$\{file:([^}']+)\}", r"""'"$(cat \1)"'""", quoted)
