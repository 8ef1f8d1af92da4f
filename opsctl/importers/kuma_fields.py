"""What a monitor of Uptime Kuma says in its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.connecting import parse_address
from opsctl.importers import Note, literal, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

INSECURE = "any certificate passes there, and here too: take `verify: false` away where you can"


def name(one: Mapping[str, Any]) -> str:
    """What it is called, or whom it asks."""
    return str(one.get("name") or one.get("hostname") or one.get("url") or "unnamed")


def number(value: Any) -> int | None:
    """A whole number, or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(one: Mapping[str, Any], key: str) -> str:
    """What it says there; ValueError where that is nothing."""
    value = one.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"it has no `{key}`")
    return literal(value.strip())


def address(one: Mapping[str, Any], port: int | None = None) -> str:
    """Its host and port; ValueError where it has none."""
    return joined(text(one, "hostname"), one.get("port") or port)


def joined(host: str, port: Any) -> str:
    """A host and a port as one; ValueError where they are none."""
    whole = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    parse_address(whole)
    return whole


def secret(one: Mapping[str, Any], what: str, where: str, notes: list[Note]) -> str:
    """The variable for a secret, which is this monitor's own, and a note that says so."""
    plain = variable(f"{one['own']} {what}")
    notes.append(Note(where, f"put it in the variable {plain}; it does not belong in a file"))
    return f"${{env:{plain}}}"
