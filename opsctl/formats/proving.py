"""What checks do about synthetic failures, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean
from opsctl.prose import count, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.proving import Proof


def write(proofs: Sequence[Proof], output: str) -> str:
    """What each check would still call up, what is worst last; `output` is text or json."""
    if output == "json":
        document = {"checks": [_data(one) for one in proofs]}
        return json_text(document)
    ordered = sorted(proofs, key=lambda one: len(one.blind))
    return "".join(f"{text}\n" for one in ordered for text in _lines(one)) + _sentence(proofs)


def _lines(proof: Proof) -> Iterator[str]:
    caught = proof.faults - len(proof.survivors)
    yield f"{'blind' if proof.blind else 'proven'}\t{proof.check}\tcatches {caught} of {proof.faults} faults"
    for one in proof.survivors:
        if one.excuse is not None:
            yield f"  excused {one.fault}: {line(one.text)}; {line(one.excuse)}"
    for name in proof.idle:
        yield f"  `expect_survivor: {line(name)}` is no survivor; take it away"
    for one in proof.blind:
        yield f"  still up on {one.fault}: {line(one.text)}; would be caught by: {line(one.cure)}"


def _sentence(proofs: Sequence[Proof]) -> str:
    blind = sum(len(one.blind) for one in proofs)
    faults = sum(one.faults for one in proofs)
    kept = sum(len(one.survivors) - len(one.blind) for one in proofs)
    excused = f", {kept} excused" if kept else ""
    return f"{count('check', len(proofs))}, {faults} faults: {count('survivor', blind)}{excused}\n"


def _data(proof: Proof) -> dict[str, object]:
    return {
        "check": proof.check,
        "faults": proof.faults,
        "survivors": [
            {name: clean(value) for name, value in one._asdict().items()} for one in proof.survivors
        ],
        "idle_excuses": list(proof.idle),
    }
