"""Templates of workspaces: what each asks for, and the files that one or several come to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from opsctl.composing import compose
from opsctl.errors import UsageError, WorkspaceInvalidError
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.places import Reading
from opsctl.prose import line, shorten, suggestion, ticked
from opsctl.reading import read
from opsctl.zones import unknown_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT_FILE = "opsctl.yaml"
_MANIFEST = "template.yaml"
_FOLDER = Path(__file__).with_name("templates")
_MARK = re.compile(r"<<([a-z][a-z0-9_]*)>>")
_KEY = re.compile(r"([a-z_]+):")
# In the middle of YAML these end a text, begin a comment, or fetch a secret.
_HARMFUL = re.compile(r"""["'\\`{}\[\],<>?]|\s#|:\s|:$|[^\S ]|^\s|\s$|^[*&!|%@#=]|^-\s""")

Variable = Annotated[str, Matching(r"[a-z][a-z0-9_]{0,39}", "lower-case letters, digits and `_`, at most 40")]


@dataclass(frozen=True, kw_only=True)
class Value:
    """What a template asks for."""

    ask: Annotated[str, NotEmpty(), Doc("What to give, for people.")]
    default: Annotated[str | None, Doc("The value where none is given.")] = None
    example: Annotated[str | None, Doc("What one looks like.")] = None
    kind: Annotated[Literal["text", "timezone"], Doc("What it has to be.")] = "text"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A template's `template.yaml`."""

    title: Annotated[str, NotEmpty(), Doc("What it is for, in a few words.")]
    text: Annotated[str, Doc("What it brings.")] = ""
    values: Annotated[Mapping[Variable, Value], Doc("What it asks for, by name.")] = field(
        default_factory=dict
    )


class Template(NamedTuple):
    """One template, its files yet unread."""

    name: str
    folder: Path
    manifest: Manifest


def names() -> tuple[str, ...]:
    """The templates there are, in the order of the alphabet."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob(f"*/{_MANIFEST}")))


def template_named(name: str) -> Template:
    """The template of this name; UsageError, with the nearest, where there is none."""
    if name not in names():
        hint = suggestion(name, names()) or f"; there are {ticked(names(), 'and')}"
        raise UsageError(f"no template is called `{line(shorten(name, 40))}`{hint}")
    folder = _FOLDER / name
    node, source, problems = compose((folder / _MANIFEST).read_bytes(), f"{name}/{_MANIFEST}")
    reading = Reading(source)
    manifest = read(Manifest, node, reading) if node else None
    if problems or not isinstance(manifest, Manifest):
        raise WorkspaceInvalidError([*problems, *reading.problems])
    return Template(name, folder, manifest)


def asked(templates: Sequence[Template]) -> dict[str, Value]:
    """The values that the templates ask for; a later template's words win."""
    return {name: value for one in templates for name, value in one.manifest.values.items()}


def read_given(texts: Sequence[str], values: Mapping[str, Value]) -> dict[str, str]:
    """What `--set NAME=TEXT` says, by name.

    Raises UsageError where a text is no such pair, names no value or one twice, or would break a file.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, is_, value = text.partition("=")
        if not is_:
            raise UsageError(f"--set `{line(shorten(text, 60))}` gives no value; write NAME=TEXT")
        if name not in values:
            hint = suggestion(name, values) or f"; the templates ask for {ticked(values, 'and') or 'none'}"
            raise UsageError(f"no value is called `{line(shorten(name, 40))}`{hint}")
        if name in found:
            raise UsageError(f"--set gives `{name}` twice; keep one")
        if why := refused(value, values[name].kind):
            raise UsageError(f"--set `{name}` {why}")
        found[name] = value
    return found


def refused(value: str, kind: str = "text") -> str:
    """Why a text cannot stand for a value of that kind, or nothing where it can."""
    if not value:
        return "is empty; leave it out to fill it in later"
    if value != line(value):
        return "holds characters that cannot be seen; leave them out"
    if harm := _HARMFUL.search(value):
        return f"holds `{harm[0]}`, which means something else in YAML; leave it out and edit the files"
    if kind == "timezone" and (unknown := unknown_zone(value)):
        return f"cannot be used: {unknown}"
    return ""


def filled(name: str, values: Mapping[str, Value], texts: Mapping[str, str]) -> dict[str, str]:
    """What stands for each mark: what was given, else the default, else a host that cannot exist."""
    return {
        **{key: texts.get(key) or value.default or placeholder(key) for key, value in values.items()},
        "name": name,
    }


def placeholder(name: str) -> str:
    """What stands for a value that nobody has given: `.invalid` resolves nowhere, so it is never green."""
    return f"unset-{name.replace('_', '-')}.invalid"


def files(templates: Sequence[Template]) -> dict[str, str]:
    """Every file that the templates come to, by its path in the workspace, not yet filled in.

    A file that several have is the later one's; of `opsctl.yaml` each top-level section is.
    """
    found: dict[str, str] = {}
    roots = []
    for template in templates:
        for path, text in _texts(template):
            if path == ROOT_FILE:
                roots.append(text)
            else:
                found[path] = text
    return {ROOT_FILE: merged(roots), **dict(sorted(found.items()))}


def used(texts: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, Value]:
    """The values whose marks stand in the files; what a later template has replaced asks for nothing."""
    marks = {name for text in texts.values() for name in _MARK.findall(text)}
    return {name: value for name, value in values.items() if name in marks}


def _texts(template: Template) -> Iterator[tuple[str, str]]:
    for path in sorted(template.folder.rglob("*")):
        inner = path.relative_to(template.folder)
        # Installers compile what looks like a module of the package.
        if path.is_file() and str(inner) != _MANIFEST and "__pycache__" not in inner.parts:
            yield inner.as_posix(), path.read_text("utf-8")


def fill(path: str, text: str, values: Mapping[str, str]) -> str:
    """The text with every `<<mark>>` replaced; the name of a workspace is quoted where it is YAML."""
    name = values["name"]
    shown = json.dumps(name, ensure_ascii=False) if path.endswith((".yaml", ".yml")) else name
    known = {**values, "name": shown}
    return _MARK.sub(lambda mark: known.get(mark[1]) or placeholder(mark[1]), text)


def merged(roots: Sequence[str]) -> str:
    """One root file of several: the sections in the order they first come, each as the last one says it.

    The text is kept with its comments; those right above a key belong to its section.
    """
    sections: dict[str, str] = {}
    for root in roots:
        for key, text in _sections(root).items():
            if key or "" not in sections:
                sections[key] = text
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in sections.values() if text)


def _sections(root: str) -> dict[str, str]:
    """The text of each top-level section by its key; what stands before them all has an empty one."""
    sections = {"": ""}
    key = ""
    above = ""
    for one in root.splitlines(keepends=True):
        if found := _KEY.match(one):
            key = found[1]
            sections[key] = above + one
            above = ""
        elif one.startswith("#"):
            above += one
        else:
            sections[key] += above + one
            above = ""
    sections[key] += above
    return sections
