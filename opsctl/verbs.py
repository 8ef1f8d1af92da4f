"""Whether an action says what is to be done: it begins with a verb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_WORDS = """
add adjust adopt agree alert align allow analyse analyze announce answer apply archive ask assign attach
audit automate back backfill backport balance ban bind block book bring buffer build bump buy cache
calculate call cap capture change check choose clarify clean clear close collect combine compare
compress configure connect contact convert copy correct count cover create cut deactivate decide declare
decommission decouple decrease default define delay delete deliver deny deploy deprecate describe design
detach detect determine disable discuss display distribute document double downgrade drain draw drill
drop duplicate emit enable encrypt end enforce enlarge enrich escalate establish estimate evaluate
exclude execute expand expire explain export expose extend extract fail fetch filter find finish fix
flag flush follow force format forward freeze gate generate get give grant group guard handle harden
hide hold host identify implement import include increase index inform initialise initialize inject
inline insert inspect install instrument integrate introduce inventory isolate iterate join keep label
launch learn let limit link list load lock log lower maintain make map mark mask match measure merge
migrate mirror mock modify monitor mount move mute name narrow normalise normalize note notify offer
onboard open optimise optimize order organise organize override own pack page paginate parallelise
parallelize partition pass patch pause pin place plan poll port post prepare present preserve prevent
print prioritise prioritize probe process procure promote propagate protect prove provide provision
prune publish pull purge push put queue quote raise randomise rate reach read rebalance rebuild
recalculate reclaim recommend reconcile record recover redesign redirect reduce refactor refresh refuse
register reject release reload relocate remove rename render renew reorder repair repeat replace
replicate report request require rerun reschedule reserve reset resize resolve restart restore restrict
restructure retest retire retry return reuse revert review revise revoke rewrite roll rotate route run
sample sanitise sanitize scale scan schedule scope script seal search secure see segment select send
separate serve set set-up setup shard share shed shield shift ship shorten show shrink shut sign silence
simplify simulate size skip snapshot sort specify split spread stage standardise standardize start stop
store stream strengthen stress stress-test strip subscribe support suppress surface suspend swap switch
sync synchronise synchronize tag take teach tell terminate test throttle tighten time tolerate trace
track trade train transfer translate trigger trim truncate try tune turn unify unlock unpin update
upgrade upload use validate verify version view visit wait walk warm warn watch widen wire withdraw wrap
write
"""
VERBS = frozenset(_WORDS.split())


def starts_with_verb(words: str, more: Collection[str] = ()) -> bool:
    """Whether an action says what is to be done: its first word is a verb of the list, or of `more`."""
    first = re.match(r"[\w-]+", words.lstrip("*_~[( ").lower())
    if first is None:
        return False
    said = first[0]
    return said in VERBS or said in more or said.removeprefix("re-").removeprefix("re") in VERBS
