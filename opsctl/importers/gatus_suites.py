"""Gatus' suites as checks of type `flow`, only where all of a suite can be said by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import Note, name_of
from opsctl.importers.gatus_conditions import Context, expectation
from opsctl.importers.gatus_http import CONTEXT, HTTP_CLIENT, INSECURE, http_of, mapping
from opsctl.outcome import Kind
from opsctl.units import parse, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EVERY, _TIMEOUT, _OF_A_STEP = "10m", "5m", "10s"
_SUITE = {"enabled", "name", "group", "interval", "timeout", "context", "endpoints"}
# What a step may say besides, and is lost without any harm to the others.
_BESIDE = {"alerts", "ui", "extra-labels", "group", "interval", "maintenance-windows"}
_STEP = {
    "name", "url", "method", "headers", "body", "graphql", "client",
    "conditions", "store", "always-run", "enabled",
}  # fmt: skip
_BODY = re.compile(r"\[BODY\]((?:\.[\w-]+|\[[0-9]+\])+)", re.ASCII)
_MADE_UP = re.compile(r"\{\{|\[ENDPOINT_(?:NAME|GROUP|URL)\]|\[RANDOM_STRING_[0-9]+\]")
_STORED = "where it is not in the answer, the step passes there all the same; here that is a failure"
_ALWAYS = "it is done there after a failure too, and a flow ends at the first wrong answer"
_OFF = "it is switched off, and done there nevertheless"
_WHOLE = "a `flow` cannot say all of it; write one of what it can"


class _UnsaidError(ValueError):
    """It cannot be said by a flow; `key` is where, and the words are why."""

    def __init__(self, key: str, words: str) -> None:
        super().__init__(words)
        self.key = key


def flow_of(suite: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any] | None:
    """The check that a suite becomes, with notes on all of it; None where it cannot become one."""
    if suite.get("enabled") is False:
        notes.append(Note(where, "it is switched off there", lost=True))
        return None
    said = suite.get("endpoints")
    steps = [mapping(one) for one in said] if isinstance(said, list) else []
    reader = _Reader(mapping(suite.get("context")), [_used(one) for one in steps])
    try:
        if unknown := sorted(set(map(str, suite)) - _SUITE):
            raise _UnsaidError(f".{unknown[0]}", "opsctl has nothing like it")
        requests = [reader.request(one, f"{where}.endpoints[{at}]", at) for at, one in enumerate(steps)]
        most = min(_seconds(suite.get("timeout") or _TIMEOUT, ".timeout"), reader.seconds)
    except _UnsaidError as error:
        at = f"{where}{error.key}"
        notes += [Note(at, str(error), lost=True), Note(where, _WHOLE, lost=True)]
        return None
    if not requests:
        notes.append(Note(where, "it has no endpoints", lost=True))
        return None
    notes += reader.notes
    return {
        "flow": requests,
        "timeout": show(Kind.DURATION, most),
        "every": str(suite.get("interval") or _EVERY),
    }


class _Reader:
    """What is known while the steps of a suite are read, one after another."""

    def __init__(self, context: Mapping[str, Any], used: Sequence[set[str]]) -> None:
        self._context, self._used = context, used
        self._found: dict[str, str] = {}
        self._names: dict[str, None] = {}
        self.notes: list[Note] = []
        self.seconds = 0.0

    def request(self, step: dict[str, Any], where: str, at: int) -> dict[str, Any]:
        """The request of a flow; _UnsaidError where it cannot be one."""
        place = f".endpoints[{at}]"
        _refuse(step, place)
        client, given = mapping(step.get("client")), self._given(step, place)
        # A step that ends in time there must not take what others leave of the whole.
        most = client.get("timeout") or _OF_A_STEP
        made = http_of(given, client, where, self.notes)
        request = {"name": name_of(str(step.get("name") or ""), self._names), **_mapped(made)}
        self._names[request["name"]] = None
        request = self._filled(request, place)
        self.notes += self._beside(step, client, where)
        request["expect"] = [
            *self._expected(given, where, place),
            f"latency < {most}",
        ]
        self.seconds += _seconds(most, f"{place}.client.timeout")
        if captures := self._captured(step, where, place, at):
            request["capture"] = captures
        return request

    def _given(self, step: dict[str, Any], place: str) -> dict[str, Any]:
        """The step with the values that are known from the first."""

        def given(found: re.Match[str]) -> str:
            return found[0] if found[1] in self._found else self._constant(found[1], place)

        headers = {name: CONTEXT.sub(given, str(value)) for name, value in _pairs(step, "headers")}
        said = step.get("conditions")
        conditions = [CONTEXT.sub(given, str(one)) for one in (said if isinstance(said, list) else [])]
        texts = {key: CONTEXT.sub(given, str(step[key])) for key in ("url", "body") if step.get(key)}
        return {**step, **texts, "headers": headers or None, "conditions": conditions}

    def _constant(self, path: str, place: str) -> str:
        value: Any = self._context
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int) or (isinstance(value, str) and _itself(value)):
            return str(value)
        if isinstance(value, float) and 1e-4 <= abs(value) < 1e15:
            return str(value).removesuffix(".0")
        raise _UnsaidError(place, f"nothing before it gives `[CONTEXT].{path}` a value that can be said")

    def _filled(self, request: dict[str, Any], place: str) -> dict[str, Any]:
        """The request with the values that steps before it find."""

        def filled(text: str) -> str:
            return CONTEXT.sub(lambda found: f"{{{{ {self._found[found[1]]} }}}}", text)

        whole = request | {key: filled(request[key]) for key in ("url", "body") if key in request}
        if not re.match(r"https?://|\{\{", whole["url"]):
            raise _UnsaidError(place, "a flow asks by HTTP only")
        headers = {name: filled(value) for name, value in mapping(request.get("headers")).items()}
        return whole | ({"headers": headers} if headers else {})

    def _expected(self, step: dict[str, Any], where: str, place: str) -> list[str]:
        expect: list[str] = []
        for number, text in enumerate(step["conditions"]):
            if CONTEXT.search(text):
                words = f"`{text}`: a flow compares with no value that it has found"
                raise _UnsaidError(f"{place}.conditions[{number}]", words)
            context = Context("http", tls=step["url"].startswith("https://"))
            written, note = expectation(text, context, f"{where}.conditions[{number}]")
            if not written:
                raise _UnsaidError(f"{place}.conditions[{number}]", note.text)
            expect.append(written)
            self.notes.append(note)
        if not expect:
            raise _UnsaidError(f"{place}.conditions", "it expects nothing")
        return expect

    def _captured(self, step: dict[str, Any], where: str, place: str, at: int) -> dict[str, dict[str, str]]:
        captures: dict[str, dict[str, str]] = {}
        later = set[str]().union(*self._used[at + 1 :])
        for key, said in _pairs(step, "store"):
            found = _BODY.fullmatch(str(said).strip())
            if not any(_leads_through(path, key) for path in later):
                self.notes.append(Note(f"{where}.store.{key}", "no step after it uses it", lost=True))
            elif not found or key not in later or "." in key:
                raise _UnsaidError(f"{place}.store.{key}", f"`{said}` is nothing that a flow can take")
            else:
                name = self._found.get(key) or _variable(key, set(self._found.values()))
                self._found[key], captures[name] = name, {"json": found[1].removeprefix(".")}
                words = f"became `capture: {name}`"
                self.notes.append(Note(f"{where}.store.{key}", words, open=_STORED))
        return captures

    @staticmethod
    def _beside(step: dict[str, Any], client: dict[str, Any], where: str) -> list[Note]:
        if client.get("insecure"):
            insecure = [Note(f"{where}.client.insecure", "became `verify: false`", open=INSECURE)]
        else:
            insecure = []
        words = "a flow has nothing like it"
        return [*insecure, *(Note(f"{where}.{key}", words, lost=True) for key in sorted(set(step) & _BESIDE))]


def _refuse(step: dict[str, Any], place: str) -> None:
    """_UnsaidError for what a step says that no request of a flow does."""
    if not isinstance(step.get("url"), str):
        raise _UnsaidError(place, "it has no `url`")
    if step.get("always-run"):
        raise _UnsaidError(f"{place}.always-run", _ALWAYS)
    if step.get("enabled") is False:
        raise _UnsaidError(f"{place}.enabled", _OFF)
    client = mapping(step.get("client"))
    unknown = sorted(set(map(str, step)) - _STEP - _BESIDE)
    unknown += [f"client.{key}" for key in sorted(set(map(str, client)) - HTTP_CLIENT)]
    if unknown:
        raise _UnsaidError(f"{place}.{unknown[0]}", "a flow has nothing like it")
    for text in _texts(step):
        if found := _MADE_UP.search(text):
            raise _UnsaidError(place, f"a text with `{found[0]}` cannot be said in a flow")


def _texts(step: dict[str, Any]) -> list[str]:
    return [
        str(step.get("url")),
        str(step.get("body")),
        *(str(value) for _, value in _pairs(step, "headers")),
    ]


def _used(step: dict[str, Any]) -> set[str]:
    """The paths of what a step takes from the context, be it to ask or to judge."""
    said = step.get("conditions")
    texts = [*_texts(step), *(str(one) for one in (said if isinstance(said, list) else []))]
    return {found for text in texts for found in CONTEXT.findall(text)}


def _leads_through(path: str, key: str) -> bool:
    """Whether what is stored by the key changes what the path leads to: it may hold it, or be in it."""
    return f"{path}.".startswith(f"{key}.") or key.startswith(f"{path}.")


def _itself(text: str) -> bool:
    """Whether a text of the context is sent as it stands there."""
    return not (_MADE_UP.search(text) or CONTEXT.search(text))


def _pairs(step: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in mapping(step.get(key)).items()]


def _mapped(made: Any) -> dict[str, Any]:
    return made if isinstance(made, dict) else {"url": made}


def _variable(key: str, taken: set[str]) -> str:
    """A name that opsctl allows for what is captured, and none that is `taken`."""
    plain = re.sub(r"[^a-z0-9_]", "_", key.lower())[:50]
    name = plain if re.match("[a-z]", plain) else f"v_{plain}"
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _seconds(text: Any, place: str) -> float:
    try:
        return parse(Kind.DURATION, str(text))
    except ValueError as error:
        raise _UnsaidError(place, str(error)) from error
