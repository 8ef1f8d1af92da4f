"""Sign-offs in files for another store: JSON lines, signed with SSH keys where asked, and verified there."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.commanding import Command, carry_out
from opsctl.errors import RefusedError, UsageError
from opsctl.gating import checklist_named
from opsctl.ledger.events import canonical
from opsctl.prose import line, shorten
from opsctl.store.attested import signoffs
from opsctl.store.opening import open_store
from opsctl.strict_json import RepeatedKeyError, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.signoff import Signoff
    from opsctl.store.ledger import Ledger

_NAMESPACE = "opsctl"
_TIMEOUT = 30.0
# What a word is made of; its number and where it came from belong to the store that it is in.
_FIELDS = (
    "checklist", "item", "outcome", "who", "role", "at", "digest", "subject_ref", "commit", "environment",
    "evidence", "reason",
)  # fmt: skip
_REQUIRED = ("checklist", "item", "outcome", "who", "at", "digest", "subject_ref")


class _Line(NamedTuple):
    """A line of a file: where it stands, the sign-off as it was signed, and its signature if it has one."""

    place: str
    said: str
    signature: str | None


def export_signoffs(
    workspace: Workspace, environ: Mapping[str, str], checklist: str, key: Path | None
) -> str:
    """The words on a checklist that were not taken back, one JSON line each, signed with `key` where given.

    Raises UsageError where the key cannot be used.
    """
    checklist_named(workspace, checklist)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        known = [one for one in signoffs(db, checklist) if one.revoked is None and one.imported is None]
    lines = []
    for one in known:
        said = canonical({name: getattr(one, name) for name in _FIELDS})
        signature = _signed(said, key, environ) if key else None
        lines.append(json.dumps({"opsctl": "signoff/1", "said": said, "signature": signature}))
    return "".join(f"{text}\n" for text in lines)


def import_signoffs(
    ledger: Ledger, workspace: Workspace, environ: Mapping[str, str], file: Path
) -> tuple[list[Signoff], int]:
    """Take words in: those that are new, and how many were known. All of them count, or none is kept.

    With `signers:` in the workspace each needs a signature of who gave it. Raises UsageError for what is no
    such file, RefusedError for a signature that is missing or does not fit.
    """
    said = _lines(file)
    if not said:
        raise UsageError(f"{line(str(file))} holds no sign-off; write one with `opsctl checklist export`")
    kept, known = [], 0
    for one in said:
        _verify(workspace, environ, one)
        body = json.loads(one.said)
        if _is_known(ledger, body):
            known += 1
            continue
        subject = ledger.name("SGN")
        at = float(body.pop("at"))
        ledger.append("signoff.given", subject, {**body, "imported": line(file.name)}, at)
        kept.append(ledger.get(subject))
    return kept, known


def _lines(file: Path) -> list[_Line]:
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{line(str(file))} is not UTF-8") from error
    except OSError as error:
        raise UsageError(f"{line(str(file))} cannot be read: {error.strerror}") from error
    return [_read(f"{file.name}:{number}", text) for number, text in enumerate(texts, 1) if text.strip()]


def _read(place: str, text: str) -> _Line:
    try:
        found = read_json(text, None)
        said = found["said"]
        body = read_json(said, None, finite=True)
        missing = [name for name in _REQUIRED if body[name] is None]
        strange = [name for name in body if name not in _FIELDS]
    except (ValueError, RecursionError, RepeatedKeyError, KeyError, TypeError) as error:
        why = "a field is missing" if isinstance(error, KeyError | TypeError) else "not JSON to be believed"
        way = "write the file with `opsctl checklist export`"
        raise UsageError(f"{line(place)}: this is no sign-off ({why}); {way}") from error
    fits = body["outcome"] in {"signed", "n/a"} and type(body["at"]) in {int, float}
    if found.get("opsctl") != "signoff/1" or missing or strange or not fits:
        raise UsageError(f"{line(place)}: this is no sign-off of a version that is known")
    return _Line(place, said, found.get("signature"))


def _is_known(ledger: Ledger, body: Mapping[str, Any]) -> bool:
    return any(
        (one.who, one.at, one.digest, one.subject_ref)
        == (body["who"], body["at"], body["digest"], body["subject_ref"])
        for one in signoffs(ledger.db, str(body["checklist"]), str(body["item"]))
    )


def _signed(said: str, key: Path, environ: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "said")
        data.write_text(said, encoding="utf-8")
        argv = ["sign", "-f", str(key.expanduser().absolute()), "-n", _NAMESPACE, "-q", str(data)]
        _keygen(argv, Path(name), environ, None, f"`{line(str(key))}` cannot sign")
        return Path(name, "said.sig").read_text(encoding="ascii")


def _verify(workspace: Workspace, environ: Mapping[str, str], one: _Line) -> None:
    if workspace.signers is None:
        return
    allowed = workspace.root / workspace.signers
    who = str(json.loads(one.said)["who"])
    if not one.signature:
        raise RefusedError(
            f"{line(one.place)}: the word of {line(who)} is not signed; export it with `--key`"
        )
    if who.startswith("-") or any(char.isspace() for char in who):
        raise RefusedError(f"{line(one.place)}: `{line(shorten(who, 40))}` is no name that can be verified")
    with tempfile.TemporaryDirectory() as name:
        kept = Path(name, "said.sig")
        kept.write_text(one.signature, encoding="utf-8")
        argv = ["verify", "-f", str(allowed), "-I", who, "-n", _NAMESPACE, "-s", str(kept)]
        words = f"{line(one.place)}: the signature of {line(who)} is none that {workspace.signers} allows"
        _keygen(argv, Path(name), environ, one.said, words)


def _keygen(argv: list[str], folder: Path, environ: Mapping[str, str], stdin: str | None, words: str) -> None:
    try:
        ran = carry_out(
            Command(["ssh-keygen", "-Y", *argv], folder, {}, stdin), environ=environ, timeout=_TIMEOUT
        )
    except OSError as error:
        raise UsageError(f"ssh-keygen cannot be run: {error.strerror}; install OpenSSH") from error
    if ran.exit_code != 0:
        said = line(shorten((ran.stderr.text or ran.stdout.text).strip(), 120))
        raise RefusedError(f"{words} ({said})" if said else words)
