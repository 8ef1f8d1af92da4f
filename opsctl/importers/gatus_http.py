"""What an endpoint of Gatus sends by HTTP."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import SECRET, Note, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

HTTP_CLIENT = {"timeout", "insecure", "ignore-redirect", "proxy-url", "tls"}
INSECURE = "any certificate passes there, and here too: take `verify: false` away where you can"
CONTEXT = re.compile(r"\[CONTEXT\]\.([\w.-]+)", re.ASCII)
"""Where a value stands that a step of a suite found."""
_REDIRECTS = 10


def http_of(endpoint: dict[str, Any], client: dict[str, Any], where: str, notes: list[Note]) -> Any:
    """The request as a check's `http`."""
    made: dict[str, Any] = {"url": variables(endpoint["url"])}
    if str(endpoint.get("method") or "GET") != "GET":
        made["method"] = str(endpoint["method"])
    if isinstance(endpoint.get("headers"), dict):
        made["headers"] = {
            str(name): _header(str(name), str(value), endpoint, where, notes)
            for name, value in endpoint["headers"].items()
        }
    if endpoint.get("graphql") and endpoint.get("body"):
        made["body"] = variables(json.dumps({"query": str(endpoint["body"])}, ensure_ascii=False))
        made.setdefault("headers", {}).setdefault("Content-Type", "application/json")
    elif endpoint.get("body"):
        made["body"] = variables(str(endpoint["body"]))
    made |= verify(client)
    if not client.get("ignore-redirect"):
        made["redirects"] = _REDIRECTS
    if client.get("proxy-url"):
        made["proxy"] = variables(str(client["proxy-url"]))
    tls = mapping(client.get("tls"))
    made |= {ours: str(tls[name]) for name, ours in _files() if tls.get(name)}
    return made if len(made) > 1 else made["url"]


def _header(name: str, value: str, endpoint: dict[str, Any], where: str, notes: list[Note]) -> str:
    """A header; where it may be a secret that stands in the file, a variable."""
    if "$" in value or not SECRET.search(name) or CONTEXT.search(value):
        return variables(value)
    own = variable(f"{endpoint.get('group') or ''} {endpoint.get('name') or ''} {name}")
    words = f"put it in the variable {own}; it does not belong in a file"
    notes.append(Note(f"{where}.headers.{name}", words))
    return f"${{env:{own}}}"


def verify(client: dict[str, Any]) -> dict[str, Any]:
    """That any certificate will do, where it does."""
    return {"verify": False} if client.get("insecure") else {}


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, and else an empty one."""
    return value if isinstance(value, dict) else {}


def _files() -> Iterator[tuple[str, str]]:
    yield "certificate-file", "certificate"
    yield "private-key-file", "key"


def variables(text: str) -> str:
    """A text with its variables as opsctl writes them."""
    return re.sub(r"\$\{?([A-Z][A-Z0-9_]*)\}?", r"${env:\1}", text)
