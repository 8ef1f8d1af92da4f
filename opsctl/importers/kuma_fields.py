"""What a monitor of Uptime Kuma says in its fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.connecting import parse_address
from opsctl.importers import Note, literal

if TYPE_CHECKING:
    from collections.abc import Mapping


def name(one: Mapping[str, Any]) -> str:
    return str(one.get("name") or one.get("hostname") or one.get("url") or "unnamed")


def number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(one: Mapping[str, Any], key: str) -> str:
    value = one.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"it has no `{key}`")
    return literal(value.strip())


def address(one: Mapping[str, Any], port: int | None = None) -> str:
    host = text(one, "hostname")
    number = one.get("port") or port
    address = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    parse_address(address)
    return address




def secret(where: str, variable: str, notes: list[Note]) -> str:
    """The variable in which a secret is to be put, and a note that says so."""
    plain = re.sub(r"[^A-Z0-9]+", "_", variable.upper()).strip("_") or "SECRET"
    notes.append(Note(where, f"put it in the variable {plain}; it does not belong in a file"))
    return f"${{env:{plain}}}"
