"""Secrets: `${env:NAME}` and `${file:PATH}` in texts, fetched when used and masked everywhere."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from opsctl.outcome import Value

MASK = "***"
_CUT = "…"
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_SOURCES = ("env", "file")
# A shorter value would mask ordinary words and figures all over the output.
_SHORTEST = 4
_LARGEST_FILE = 64 * 1024
_LINE_BREAK = re.compile(r"\r\n?")


class SecretMissingError(Exception):
    """A secret cannot be fetched; `str(error)` says which and what to do."""


class Template(NamedTuple):
    """A text that may hold references to secrets, exactly as it is written in the YAML."""

    text: str

    def __str__(self) -> str:
        return self.text

    def references(self) -> Iterator[tuple[str, str]]:
        """The (source, name) pairs in the text; ValueError where one is malformed."""
        for found in _REFERENCE.finditer(self.text):
            source, colon, name = found[1].partition(":")
            if not colon or source not in _SOURCES or not name:
                raise ValueError(
                    f"`{found[0]}` is not a reference; write `${{env:NAME}}` or `${{file:PATH}}`"
                )
            yield source, name


class Secrets:
    """Fetches secrets on demand, remembers them for this process, and masks what it has fetched."""

    def __init__(self, environ: Mapping[str, str], root: Path) -> None:
        self._environ = environ
        self._root = root
        self._values: dict[tuple[str, str], str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._forms: Sequence[str] = ()

    def resolve(self, template: Template) -> str:
        """The text with every reference replaced; SecretMissingError where one cannot be had."""
        if "${" not in template.text:
            return template.text
        return _REFERENCE.sub(lambda found: self._fetch(*found[1].split(":", 1)), template.text)

    def missing(self, template: Template) -> Iterator[tuple[str, str]]:
        """Each reference of the text that cannot be fetched now, as it is written, and why."""
        for source, name in template.references():
            try:
                self._fetch(source, name)
            except SecretMissingError as error:
                yield f"${{{source}:{name}}}", str(error)

    def hide(self, value: str) -> None:
        """Mask a secret that came another way, as one that a person typed."""
        if value:
            self._values["typed", value] = value
            self._pattern = None

    @property
    def fetched(self) -> bool:
        """Whether there is any secret to mask."""
        return bool(self._values)

    def mask(self, text: str) -> str:
        """The text with every fetched secret, plain or encoded, replaced by `***`."""
        if not self._values:
            return text
        masked = (self._pattern or self._compile()).sub(MASK, text)
        if _CUT not in masked:
            return masked
        # What is too long to be shown may have been cut in the middle of a secret.
        *cut, rest = masked.split(_CUT)
        return _CUT.join([*(_without_start(piece, self._forms) for piece in cut), rest])

    def _fetch(self, source: str, name: str) -> str:
        known = self._values.get((source, name))
        if known is not None:
            return known
        value = self._from_environment(name) if source == "env" else self._from_file(name)
        self._values[source, name] = value
        self._pattern = None
        return value

    def _from_environment(self, name: str) -> str:
        value = self._environ.get(name)
        if not value:
            raise SecretMissingError(f"the environment variable {name} is not set; set it and run again")
        return value

    def _from_file(self, name: str) -> str:
        from opsctl.plain_files import NotPlainError, start_of

        try:
            data = start_of(self._root / name, _LARGEST_FILE + 1)
            # Of what is larger, the last letter may be cut.
            text = "" if len(data) > _LARGEST_FILE else _LINE_BREAK.sub("\n", data.decode()).rstrip("\n")
        except NotPlainError as error:
            way = "put the secret in a variable, as `${env:NAME}`, or in a regular file"
            raise SecretMissingError(f"the secret file {name} {error}; {way}") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise SecretMissingError(f"the secret file {name} cannot be read: {reason}") from error
        if not text:
            raise SecretMissingError(f"the secret file {name} is empty or larger than 64 KiB")
        return text

    def _compile(self) -> re.Pattern[str]:
        forms = {form for value in self._values.values() for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)
        # Nothing to mask is a pattern that never matches, not one that matches everywhere.
        joined = "|".join(map(re.escape, self._forms)) or r"(?!)"
        self._pattern = re.compile(joined)
        return self._pattern


def mask_all(values: Mapping[str, Value], mask: Callable[[str], str]) -> dict[str, Value]:
    """The values with every text in them masked, names too."""
    return {mask(name): _mask_value(value, mask) for name, value in values.items()}


def _mask_value(value: Value, mask: Callable[[str], str]) -> Value:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_mask_value(member, mask) for member in value]
    return mask_all(value, mask) if isinstance(value, dict) else value


def _without_start(text: str, forms: Sequence[str]) -> str:
    """The text, masked from where it ends with the beginning of one of the forms."""
    for form in forms:
        at = text.find(form[:_SHORTEST], max(0, len(text) - len(form)))
        while at >= 0:
            if form.startswith(text[at:]):
                return text[:at] + MASK
            at = text.find(form[:_SHORTEST], at + 1)
    return text


def _forms(value: str) -> Iterator[str]:
    """The value as it may turn up in a URL, in JSON, in a header or line by line."""
    for form in (value, *value.splitlines()):
        if len(form) >= _SHORTEST:
            yield form
            yield quote(form, safe="")
            yield json.dumps(form)[1:-1]
            yield base64.b64encode(form.encode()).decode().rstrip("=")
            yield from _inner_base64(form.encode())


def _inner_base64(value: bytes) -> Iterator[str]:
    """The value as it looks behind a user's name in basic authentication: what no neighbour has a part in."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value).decode()
        inner = whole[(0, 2, 3)[before] : len(whole) - (0, 3, 2)[(before + len(value)) % 3]]
        if len(inner) >= _SHORTEST:
            yield inner
