"""What each figure means: its name and version, its formula, its data, and who defines it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.errors import UsageError
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Mapping

Unit = Literal["ratio", "seconds", "count"]


class Definition(NamedTuple):
    """What a figure means.

    `id` is its name and version: figures with the same id were computed in the same way, whenever that was.
    `formula` is written with the single letters that `letters` explains. `bounds` says what low and high are,
    `observed` what n counts, `data` what is read, `source` who defines it so. `better` says which way is
    good. A change between two periods can be claimed from `least` observations in each on.
    """

    id: str
    unit: Unit
    better: Literal["higher", "lower"]
    meaning: str
    formula: str
    letters: Mapping[str, str]
    bounds: str
    observed: str
    data: str
    source: str
    least: int = 0

    @property
    def name(self) -> str:
        """What people type: `availability` of `availability/1`."""
        return self.id.partition("/")[0]


# A change in the times of fewer incidents is noise (Davidovic, Incident Metrics in SRE, 2021).
FEW = 8
_CHECKS = "recorded check results"
_INCIDENTS = (
    "recorded incidents; one belongs to the period in which its impact began, or else it was declared"
)
_T = {
    "T": "the period",
    "M": "maintenance",
    "U": "unknown: no result spoke for it, or opsctl could not look",
    "D": "down; times that overlap count once",
}
_ALL_OR_NONE = "low as if all unknown time had been down, high as if it had all been up"
_STRETCHES = "times in which the state of a check did not change"
_MEDIAN = "the 95 % confidence interval of the median, from 6 times on"


def _time_to(what: str, meaning: str, source: str) -> Definition:
    return Definition(
        f"time-to-{what}/1",
        "seconds",
        "lower",
        f"{meaning} False alarms, merged incidents and those that are not over are left out.",
        "median of n",
        {"n": "the times, of the incidents that have both ends"},
        _MEDIAN,
        "incidents",
        _INCIDENTS,
        f"{source}; the median first, as few and skewed times make means mislead (Davidovic 2021)",
        FEW,
    )


def _latency(percent: str) -> Definition:
    return Definition(
        f"latency-p{percent}/1",
        "seconds",
        "lower",
        f"{percent} of 100 answers took at most this long; always a latency that was seen. The answers of all"
        " checks of a service are put together, never their percentiles.",
        "x[ceil(q * n)]",
        {"q": "the share", "n": "the answers, x[1] the fastest"},
        "the 95 % confidence interval by rank, as if the answers did not depend on each other",
        "answers",
        f"{_CHECKS}; the hourly roll-up (within 0.4 %) where there are many or they are no longer kept",
        "nearest rank (Hyndman and Fan 1996, definition 1)",
    )


_ALL = (
    Definition(
        "availability/1",
        "ratio",
        "higher",
        "The share of the known time in which it was up. A service is down while one of its checks is, up"
        " while all are, and unknown otherwise. Degraded counts as up.",
        "(T - M - U - D) / (T - M - U)",
        _T,
        f"{_ALL_OR_NONE}: (T - M - U - D) / (T - M) and (T - M - D) / (T - M)",
        _STRETCHES,
        _CHECKS,
        "uptime / (uptime + downtime): Site Reliability Engineering (2016), chapter 3",
    ),
    Definition(
        "error-budget/1",
        "ratio",
        "lower",
        "The part of the allowed downtime that was used; above 100 % the objective is missed.",
        "D / ((1 - O) * (T - M - U))",
        {**_T, "O": "the objective for availability"},
        "low as if all unknown time had been up, high as if it had all been down",
        _STRETCHES,
        f"{_CHECKS}, and the `objectives` of the service",
        "bad / allowed: The Site Reliability Workbook (2018), chapter 2",
    ),
    *(_latency(percent) for percent in ("50", "95", "99")),
    Definition(
        "time-between-failures/1",
        "seconds",
        "higher",
        "The time that it was known to be up, for each failure that began in the period (MTBF). Without a"
        " failure there is no figure, only a lower bound.",
        "(T - M - U - D) / F",
        {**_T, "F": "the failures that began in the period"},
        "the 95 % confidence interval if failures come at random; without one, low is a third of the time up",
        "failures",
        _CHECKS,
        "(period - downtime) / failures; exact Poisson interval (Garwood 1936), rule of three",
        FEW,
    ),
    Definition(
        "incident-frequency/1",
        "count",
        "lower",
        "The incidents that began in the period. An incident counts for each of its services, so services do"
        " not add up. False alarms and merged incidents are left out.",
        "n",
        {"n": "the incidents"},
        "the 95 % confidence interval if incidents come at random",
        "incidents",
        _INCIDENTS,
        "exact Poisson interval (Garwood 1936)",
    ),
    _time_to("detect", "From the start of the impact to its detection (MTTD).", "detected - impact start"),
    _time_to(
        "acknowledge",
        "From detection to the first acknowledgement (MTTA); without one, it is left out.",
        "acknowledged - detected",
    ),
    _time_to(
        "mitigate", "From the start of the impact to its mitigation (MTTM).", "mitigated - impact start"
    ),
    _time_to(
        "recover",
        "From the start of the impact to its end: MTTR where the R is recovery.",
        "impact end - impact start",
    ),
    _time_to("resolve", "From the declaration of the incident to its resolution.", "resolved - declared"),
    Definition(
        "alert-actionability/1",
        "ratio",
        "higher",
        "Of the incidents that checks opened, the share on which people had to act: acknowledged, and not"
        " closed as a false alarm.",
        "A / (N - U)",
        {
            "A": "acknowledged, and no false alarm",
            "N": "opened by checks",
            "U": "not reviewed: active and not acknowledged yet",
        },
        "low as if nobody had to act on those that are not reviewed, high as if on all",
        "incidents that were reviewed",
        _INCIDENTS,
        "actionable / reviewed, as in on-call reviews",
        FEW,
    ),
)
DEFINITIONS: Mapping[str, Definition] = {one.name: one for one in _ALL}
# What people call them elsewhere; MTTR has four meanings, so the answer says which one it is.
ALIASES: Mapping[str, str] = {
    "mttd": "time-to-detect",
    "mtta": "time-to-acknowledge",
    "mttm": "time-to-mitigate",
    "mttr": "time-to-recover",
    "mtbf": "time-between-failures",
}


def definition_of(name: str) -> Definition:
    """The definition that a name or id (`availability/1`) means.

    `latency-p90` and the like exist for every percentage. Raises UsageError for other names, and for a
    version that is not the one that this opsctl computes.
    """
    said, slash, _ = name.lower().partition("/")
    found = DEFINITIONS.get(ALIASES.get(said, said)) or _percentile(said)
    if found is None:
        known = [*DEFINITIONS, *ALIASES]
        hint = suggestion(said, known) or f"; they are {ticked(DEFINITIONS)}"
        raise UsageError(f"no metric is called `{line(shorten(name, 40))}`{hint}")
    if slash and found.id != name.lower():
        raise UsageError(f"this opsctl computes `{found.id}`, not `{line(shorten(name, 40))}`")
    return found


def percentile_name(q: float) -> str:
    """`latency-p95` of 0.95, `latency-p99.9` of 0.999."""
    return f"latency-p{float(f'{100 * q:.9f}'):g}"


def quantile(definition: Definition) -> float | None:
    """0.95 of `latency-p95`; None where it is no percentile."""
    prefix, _, percent = definition.name.partition("-p")
    return float(percent) / 100 if prefix == "latency" and percent else None


def _percentile(said: str) -> Definition | None:
    prefix, _, percent = said.partition("-p")
    if prefix != "latency" or not percent.replace(".", "", 1).isdecimal() or not 0 < float(percent) <= 100:
        return None
    return _latency(f"{float(percent):g}")
