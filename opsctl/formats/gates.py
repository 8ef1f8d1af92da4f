"""A gate's decision: what passed, and last what blocks, each with the one action that unblocks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.formats import github
from opsctl.formats.json_text import json_text
from opsctl.formats.markdown import escape
from opsctl.formats.summary import clean, moment, zoned
from opsctl.gating import summary
from opsctl.outcome import Verdict
from opsctl.prose import count, line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.gatekeeping import Decision, Replayed, Worth
    from opsctl.gating import Judged

_SIGNS = {
    Verdict.PASS: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?", Verdict.PENDING: "…",
    Verdict.WAIVED: "~", Verdict.NOT_APPLICABLE: "-",
}  # fmt: skip
_ASCII = {**_SIGNS, Verdict.PASS: "+", Verdict.FAIL: "x", Verdict.PENDING: "."}
_COLOURS = {
    Verdict.PASS: "32", Verdict.WARN: "33", Verdict.FAIL: "1;31", Verdict.UNKNOWN: "35",
    Verdict.PENDING: "36", Verdict.WAIVED: "33",
}  # fmt: skip
_RANK = (
    Verdict.NOT_APPLICABLE, Verdict.PASS, Verdict.WARN, Verdict.WAIVED, Verdict.PENDING, Verdict.UNKNOWN,
    Verdict.FAIL,
)  # fmt: skip


def write(decision: Decision, output: str, timezone: str, out: Output) -> str:
    """The decision; `output` is text, json, junit, github or markdown."""
    if output == "json":
        return json_text(gate_data(decision))
    if output == "junit":
        return _junit(decision)
    if output == "markdown":
        return "".join(f"{one}\n" for one in _markdown(decision, timezone))
    if output == "github":
        _step_summary(decision, timezone, out)
        return "".join(f"{one}\n" for one in _annotations(decision, timezone))
    return "".join(f"{one}\n" for one in _text(decision, timezone, out))


def gate_data(decision: Decision) -> dict[str, Any]:
    """Everything of a decision, ready for JSON."""
    found, target = decision.evaluation, decision.target
    return {
        "gate": decision.gate.subject if decision.gate else None,
        "checklist": found.checklist,
        "subject": clean(target.subject),
        "commit": target.commit,
        "environment": clean(target.environment),
        "as_of": moment(decision.as_of),
        "verdict": str(found.verdict),
        "passed": not found.verdict.open or decision.override is not None,
        "override": clean(decision.override),
        "summary": summary(found),
        "reason": found.reason or None,
        "definition_changed": list(decision.changed),
        "since": decision.last.subject if decision.last else None,
        "items": [item_data(one) for one in found.items],
        "blocking": [one.id for one in found.blocking],
    }


def item_data(one: Judged) -> dict[str, Any]:
    """Everything of an item, ready for JSON."""
    data = {name: clean(value) for name, value in one._asdict().items() if name not in {"facts", "until"}}
    return {
        **data,
        "verdict": str(one.verdict),
        "blocks": one.blocks,
        "until": None if one.until is None else moment(one.until),
        "facts": clean(dict(one.facts)),
    }


def write_explanation(decision: Decision, output: str, timezone: str) -> str:
    """The smallest set of actions that opens the gate; `output` is text or json."""
    found = decision.evaluation
    if output == "json":
        actions = [
            {"item": one.id, "action": clean(one.action) or None, "who": clean(one.who) or None,
             "until": None if one.until is None else moment(one.until), "why": clean(one.message)}
            for one in found.blocking
        ]  # fmt: skip
        document = {"verdict": str(found.verdict), "actions": actions}
        return json_text({**document, "reason": found.reason or None})
    if not found.blocking:
        return f"{found.reason or 'it is open; nothing is to be done'}\n"
    lines = [f"{count('action', len(found.blocking))} to open {found.checklist}:"]
    for number, one in enumerate(found.blocking, 1):
        lines.append(f"{number}. {line(one.action) or 'mend it'}{_by(one, timezone)}")
        lines.append(f"   {one.id}: {line(one.message)}")
    return "".join(f"{text}\n" for text in lines)


def write_replay(replayed: Sequence[Replayed], output: str) -> str:
    """What today's checklist makes of recorded decisions; `output` is text or json."""
    passed = [one for one in replayed if one.gate.verdict in {"pass", "warn"}]
    blocked = [one for one in replayed if one not in passed]
    harder = [one for one in passed if one.now.verdict.open]
    softer = [one for one in blocked if not one.now.verdict.open]
    if output == "json":
        rows = [
            {"gate": one.gate.subject, "subject": clean(one.gate.subject_ref), "then": one.gate.verdict,
             "now": str(one.now.verdict), "blocking": [each.id for each in one.now.blocking]}
            for one in replayed
        ]  # fmt: skip
        then = {"passed": len(passed), "blocked": len(blocked)}
        document = {"would_block": len(harder), "would_pass": len(softer), **then}
        return json_text({**document, "decisions": rows})
    lines = [
        f"{one.gate.subject}\t{line(one.gate.subject_ref)}\t{one.gate.verdict}\t{one.now.verdict}\t"
        f"{', '.join(each.id for each in one.now.blocking)}".rstrip("\t")
        for one in (*harder, *softer)
    ]
    lines.append(
        f"would have blocked {len(harder)} of {len(passed)} that passed, "
        f"and let pass {len(softer)} of {len(blocked)} that were blocked"
        if replayed
        else "no decision is recorded"
    )
    return "".join(f"{text}\n" for text in lines)


def write_worth(found: Sequence[Worth], output: str) -> str:
    """What each item was good for; `output` is text or json."""
    if output == "json":
        rows = [{**one._asdict(), "let_through": list(one.let_through)} for one in found]
        return json_text({"items": rows})
    width = max((len(one.item) for one in found), default=4)
    lines = [f"{'item':<{width}}  judged  failed  blocked  waived  n/a  let through"]
    lines += [
        f"{one.item:<{width}}  {one.judged:>6}  {one.failed:>6}  {one.blocked:>7}  {one.waived:>6}  "
        f"{one.not_applicable:>3}  {', '.join(one.let_through) or '-'}"
        for one in found
    ]
    lines = lines if found else ["no decision is recorded"]
    return "".join(f"{text}\n" for text in lines)


def _text(decision: Decision, timezone: str, out: Output) -> Iterator[str]:
    found = decision.evaluation
    for one in sorted(found.items, key=lambda one: _RANK.index(one.verdict)):
        yield _row(one, out)
    for one in found.blocking:
        yield ""
        yield _painted(f"{_sign(one, out)} {one.id}: {line(one.text)}", one.verdict, out)
        yield f"    {line(one.message)}"
        yield f"    do: {line(one.action) or 'mend it'}{_by(one, timezone)}"
    yield ""
    if decision.changed:
        since = decision.last.subject if decision.last else ""
        yield f"the checklist was changed since {since}: {'; '.join(decision.changed)}"
    if decision.override is not None and found.verdict.open:
        yield _painted(f"OVERRIDDEN: {line(decision.override)}", Verdict.FAIL, out)
    yield _painted(_sentence(decision), found.verdict, out)


def _row(one: Judged, out: Output) -> str:
    notes = "" if one.required else " (optional)"
    notes += " (shadow: never counts)" if one.shadow else ""
    if out.width is None:
        return f"{one.verdict}\t{one.id}\t{line(one.message)}{notes}"
    lead = f"{_sign(one, out)} {one.verdict:<8}  {one.id:<16}  "
    shown = shorten(line(one.message) + notes, max(20, out.width - len(lead)))
    return _painted(f"{_sign(one, out)} {one.verdict:<8}", one.verdict, out) + f"  {one.id:<16}  {shown}"


def _sentence(decision: Decision) -> str:
    found, target = decision.evaluation, decision.target
    name = f" ({decision.gate.subject})" if decision.gate else ""
    where = f" in {line(target.environment)}" if target.environment else ""
    return f"{found.checklist} for {line(target.subject)}{where}: {found.verdict}; {summary(found)}{name}"


def _by(one: Judged, timezone: str) -> str:
    who = f" ({line(one.who)})" if one.who else ""
    return who + (f", until {zoned(one.until, timezone)}" if one.until is not None else "")


def _sign(one: Judged, out: Output) -> str:
    return (_ASCII if out.ascii else _SIGNS)[one.verdict]


def _painted(text: str, verdict: Verdict, out: Output) -> str:
    code = _COLOURS.get(verdict)
    return f"\x1b[{code}m{text}\x1b[0m" if out.colour and code else text


def _markdown(decision: Decision, timezone: str) -> Iterator[str]:
    found = decision.evaluation
    yield f"### {escape(_sentence(decision))}"
    yield ""
    if decision.override is not None and found.verdict.open:
        yield f"**Overridden**: {escape(decision.override)}"
        yield ""
    yield "| verdict | item | found | to do |"
    yield "| --- | --- | --- | --- |"
    for one in sorted(found.items, key=lambda one: -_RANK.index(one.verdict)):
        todo = escape(f"{one.action}{_by(one, timezone)}") if one.blocks else ""
        yield f"| {one.verdict} | {escape(one.id)} | {escape(shorten(one.message, 300))} | {todo} |"
    if decision.changed:
        yield ""
        yield f"The checklist was changed since the last that passed: {escape('; '.join(decision.changed))}"


def _annotations(decision: Decision, timezone: str) -> Iterator[str]:
    found = decision.evaluation
    for one in found.blocking[: github.MOST_ANNOTATIONS]:
        words = f"{one.message}\ndo: {one.action or 'mend it'}{_by(one, timezone)}"
        title = f"{found.checklist}: {one.id} is {one.verdict}"
        yield f"::error title={github.property_(line(title))}::{github.data(words)}"
    if found.reason:
        yield f"::error title={found.checklist}::{github.data(found.reason)}"
    if decision.override is not None and found.verdict.open:
        yield f"::warning title=overridden::{github.data(decision.override)}"
    yield _sentence(decision)


def _step_summary(decision: Decision, timezone: str, out: Output) -> None:
    target = out.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        github.append(Path(target), "".join(f"{one}\n" for one in _markdown(decision, timezone)))


def _junit(decision: Decision) -> str:
    from xml.sax.saxutils import escape as xml
    from xml.sax.saxutils import quoteattr

    found = decision.evaluation
    failures = sum(one.blocks for one in found.items) + bool(found.reason)
    suite = quoteattr(found.checklist)
    cases = [
        f'<testsuite name={suite} tests="{len(found.items) + bool(found.reason)}" failures="{failures}">'
    ]
    for one in found.items:
        body = ""
        if one.blocks:
            body = f"<failure message={quoteattr(line(one.message))}>{xml(line(one.action))}</failure>"
        elif one.verdict in {Verdict.WAIVED, Verdict.NOT_APPLICABLE} or one.verdict.open:
            body = f"<skipped message={quoteattr(line(one.message))}/>"
        cases.append(f"  <testcase classname={suite} name={quoteattr(one.id)}>{body}</testcase>")
    if found.reason:
        message = quoteattr(line(found.reason))
        cases.append(f'  <testcase classname={suite} name="gate"><failure message={message}/></testcase>')
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *cases, "</testsuite></testsuites>", ""]
    )
