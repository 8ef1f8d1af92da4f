"""The score: what is not proven never raises it, however it is written down."""

from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.scoring import GROUPS, STATES, Claim, Kind, Proof, Score, grouped, matches, score, select

NAMES = st.sampled_from(["api", "db", "web"])
CLAIMS = st.builds(
    Claim,
    kind=st.sampled_from(get_args(Kind)),
    name=st.builds("{}/{}".format, NAMES, NAMES),
    owner=st.none() | NAMES,
    services=st.lists(NAMES, max_size=2, unique=True).map(tuple),
    tags=st.lists(NAMES, max_size=2, unique=True).map(tuple),
    proof=st.sampled_from(STATES).map(lambda state: Proof(state, "")),
    tier=st.none() | st.just("critical"),
)
MANY = st.lists(CLAIMS, max_size=12)


def share(claims):
    found = score(claims)
    return Fraction(found.proven, found.total) if found.total else Fraction(0)


@given(MANY, CLAIMS)
def test_only_what_is_proven_raises_the_score(claims, more):
    before, after = share(claims), share([*claims, more])
    assert after >= before if more.state == "proven" else after <= before


@given(MANY, st.data())
def test_an_excuse_for_what_is_not_proven_changes_nothing(claims, data):
    excused = [
        one._replace(proof=Proof("excused", ""))
        if one.state != "proven" and data.draw(st.booleans())
        else one
        for one in claims
    ]
    assert share(excused) == share(claims)


@given(MANY.flatmap(lambda claims: st.tuples(st.just(claims), st.permutations(claims))))
def test_the_order_does_not_matter(both):
    claims, shuffled = both
    assert score(claims) == score(shuffled)
    for by in GROUPS:
        assert list(grouped(claims, by).items()) == list(grouped(shuffled, by).items())


@given(MANY)
def test_a_score_counts_every_claim_once(claims):
    found = score(claims)
    assert sum(found.states.values()) == found.total == len(claims)
    assert found.proven == found.states.get("proven", 0)
    for by in ("owner", "kind"):
        groups = grouped(claims, by)
        assert sum(one.total for one in groups.values()) == found.total
        assert sum(one.proven for one in groups.values()) == found.proven
    for by in ("service", "tag"):
        assert sum(one.total for one in grouped(claims, by).values()) >= found.total


@given(MANY, st.floats(0, 100))
def test_nothing_is_reached_by_claiming_nothing(claims, least):
    assert not score([]).reaches(0)
    assert score([]).share is None
    if claims:
        assert score(claims).reaches(0)
        assert score(claims).reaches(least) is (Fraction(least) <= 100 * share(claims))
        assert score(claims).reaches(100) is all(one.state == "proven" for one in claims)


@given(
    MANY,
    st.lists(
        st.sampled_from(["api", "d*", "tag:web", "owner:db", "kind:check", "tier:critical", "all", "x"])
    ),
)
def test_a_selection_is_all_that_any_selector_means(claims, selectors):
    chosen, unmatched = select(claims, selectors)
    if selectors:
        assert chosen == [one for one in claims if any(matches(one, each) for each in selectors)]
        assert unmatched == [each for each in selectors if not any(matches(one, each) for one in claims)]
    else:
        assert (chosen, unmatched) == (claims, [])


CLAIM = Claim("item", "go/there", "ops", ("api",), ("prod", "edge"), Proof("never", ""), "high")


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("all", True), ("*", True), ("api", True), ("a*", True), ("go", True), ("go/*", True), ("go/there", True),
        ("there", False), ("ap", False), ("tag:prod", True), ("tag:e*", True), ("tag:go", False),
        ("owner:ops", True), ("owner:", False), ("kind:item", True), ("kind:check", False), ("tier:high", True),
        ("state:never", False),
    ],
)  # fmt: skip
def test_selectors(selector, meant):
    assert matches(CLAIM, selector) is meant


def test_groups_are_the_best_first_and_claims_without_one_are_one():
    proven = CLAIM._replace(proof=Proof("proven", ""), tags=("edge",))
    bare = CLAIM._replace(tags=())
    assert grouped([CLAIM, proven, bare], "tag") == {
        "edge": Score(1, 2, {"proven": 1, "never": 1}),
        "": Score(0, 1, {"never": 1}),
        "prod": Score(0, 1, {"never": 1}),
    }
    assert list(grouped([CLAIM, proven, bare], "tag")) == ["edge", "", "prod"]
