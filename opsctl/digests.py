"""Digests of definitions: the same for the same meaning, however it is laid out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.composing import Node


def plain(node: Node) -> Any:
    """A YAML node as plain data; scalars stay the texts that were written."""
    if node.id == "mapping":
        return {key.value: plain(value) for key, value in node.value}
    if node.id == "sequence":
        return [plain(value) for value in node.value]
    return node.value


def digest(data: Any) -> str:
    """SHA-256 of the data as JSON with sorted keys, in hexadecimal."""
    from hashlib import sha256

    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
