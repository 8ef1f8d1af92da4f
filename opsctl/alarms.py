"""When a check would have alarmed: what stood after each of its results, by the rules of live ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.outages import settle

if TYPE_CHECKING:
    from opsctl.outages import Rules
    from opsctl.records import Result, Standing


class Alarm(NamedTuple):
    """An outage that counted: when it began and ended (UTC epoch seconds); None where it goes on."""

    since: float
    until: float | None


class Watch(NamedTuple):
    """What stands for one check, and the alarms until then."""

    standing: Standing | None = None
    alarms: tuple[Alarm, ...] = ()

    def after(self, result: Result, rules: Rules) -> Watch:
        """With one more result. It alarms when what stands becomes bad, and not again until that is over."""
        before = self.standing
        standing = settle(
            before, result, fail_after=rules.fail_after, ok_after=rules.ok_after, lapse=rules.lapse
        )
        was, now = before is None or before.state.good, standing.state.good
        alarms = self.alarms
        if was and not now:
            alarms = (*alarms, Alarm(standing.since, None))
        elif now and not was and alarms:
            alarms = (*alarms[:-1], alarms[-1]._replace(until=result.at))
        return Watch(standing, alarms)
