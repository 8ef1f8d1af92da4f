"""What watching asks of the store, and that a fault in it takes nothing away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from watching.shop import SHOP, WELL, Shop

from opsctl.errors import StoreError
from opsctl.ledger.incident import ACTIVE
from opsctl.outcome import State
from opsctl.records import Result
from opsctl.store import watched
from opsctl.store.latest import standings
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.watching import watch

pytestmark = pytest.mark.usefixtures("no_power_cut")


def test_a_fault_leaves_the_results_and_nothing_of_the_incidents(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    with open_store(shop.path, write=True) as store:
        store.db.execute("""UPDATE incidents SET document = '{"state":"open","number":1}'""")
    faults = []

    def follow(*seen):
        with pytest.raises(StoreError) as raised:
            watch(seen[0], shop.workspace, shop.world, *seen[1:])
        faults.append(str(raised.value))

    found = Result("mail/queue", shop.now + 60, State.UP, None, "", None, 1, (), {}, {})
    with open_store(shop.path, write=True) as store:
        before = store.db.execute("SELECT count(*) FROM events").fetchone()
        record(store, Run(shop.now, shop.now, "h", "all"), [found], shop.rules, lambda _: 0, follow)
        assert store.db.execute("SELECT count(*) FROM events").fetchone() == before
        assert standings(store)["mail/queue"].state is State.UP
    assert "the incidents do not show what this run found" in faults[0]
    assert "run `opsctl db verify`" in faults[0]


def test_a_fault_in_the_middle_takes_all_of_it_back(shop):
    for _ in range(2):
        shop.run(mail_queue="d")
    with open_store(shop.path, write=True) as store:
        store.db.execute(
            "CREATE TRIGGER no BEFORE INSERT ON events WHEN NEW.kind = 'incident.observed'"
            " BEGIN SELECT RAISE(ABORT, 'not today'); END"
        )
        with pytest.raises(StoreError, match="not today"), store.writing() as db:
            stands = {"mail/queue": standings(store)["mail/queue"]._replace(streak=3)}
            db.execute("UPDATE spans SET results = 3")
            try:
                watch(db, shop.workspace, shop.world, stands, stands)
            finally:
                left = [
                    db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table in ("events", "incidents", "numbers")
                ]
    assert left == [0, 0, 0]


def asked(path, workspace, world, before, after):
    """The statements that watching runs."""
    statements = []
    with open_store(path, write=True) as store:
        store.db.set_trace_callback(statements.append)
        with store.writing() as db:
            statements.clear()
            watch(db, workspace, world, before, after)
        store.db.set_trace_callback(None)
    return [one for one in statements if one.lstrip().startswith(("SELECT", "INSERT", "UPDATE"))]


def test_where_nothing_opens_and_none_is_active_the_store_is_asked_once_and_only_for_a_change(tmp_path):
    shop = Shop(tmp_path, SHOP.replace("incidents: {open_after", "# {open_after"))
    shop.saw(WELL)
    with open_store(shop.path, write=False) as store:
        stands = standings(store)
    down = {**stands, "api/health": stands["api/health"]._replace(state=State.DOWN)}
    assert asked(shop.path, shop.workspace, shop.world, stands, stands) == []
    assert len(asked(shop.path, shop.workspace, shop.world, stands, down)) == 1


def test_the_question_for_active_incidents_uses_an_index(shop):
    shop.saw(WELL)
    with open_store(shop.path, write=False) as store:
        plan = store.db.execute(f"EXPLAIN QUERY PLAN {watched._ACTIVE}").fetchall()
    assert any("USING INDEX incidents_by_state" in row[3] for row in plan)
    assert tuple(watched._ACTIVE.split("(")[-1].rstrip(")").replace("'", "").split(", ")) == ACTIVE


def test_a_check_loads_no_ledger_where_nothing_opens_and_none_is_active(opsctl):
    opsctl.write(
        "opsctl.yaml", "version: 1\nname: X\nservices: {a: {checks: {root: {file: /}, no: {file: /no}}}}\n"
    )
    script = (
        "import sys; from opsctl.cli import main; main(['check', '-q']); "
        "print(sorted(m for m in sys.modules if 'ledger' in m or m.endswith(('attributing', 'troubles'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=opsctl.path, env=opsctl.environment(PYTHONPATH=str(ROOT)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


ROOT = Path(__file__).parents[1]
