"""docs/faults.md, made from what the code decides: ``python -m tests.faults_table`` writes it."""

from pathlib import Path
from typing import get_args

from app.db.faults import Fault
from app.db.revision import SchemaState
from app.db.treatments import TREATMENTS, Drop, Treatment
from app.health.verdicts import Missed, Mode, Observation, Process, Seen, Standing, readiness

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
BEGIN, END = "<!-- table -->\n", "<!-- /table -->\n"
HEADER = (
    "| fault | when | the client sees | the kubelet sees | log | the pool drops |\n"
    "| --- | --- | --- | --- | --- | --- |\n"
)
GOOD = Seen(SchemaState.CURRENT)
# What the checker's own look meets too, and how; of everything else it knows nothing.
LOOKS: dict[Fault, Observation] = {
    fault: Missed(fault) for fault, treatment in TREATMENTS.items() if not treatment.connected
} | {
    Fault.READ_ONLY: Seen(SchemaState.CURRENT, in_recovery=True),
    Fault.CONNECTION_LOST: Missed(Fault.CONNECTION_LOST),
    Fault.SCHEMA_BEHIND: Seen(SchemaState.BEHIND),
}
del LOOKS[Fault.POOL_EXHAUSTED]  # the look has a connection of its own


def table() -> str:
    return HEADER + "".join(_row(fault, treatment) for fault, treatment in TREATMENTS.items())


def _row(fault: Fault, treatment: Treatment) -> str:
    drops = "" if treatment.drop is Drop.NOTHING else treatment.drop.value
    log = "" if treatment.level == "debug" else treatment.level
    cells = (f"`{fault.value}`", treatment.when, _client(fault, treatment), _kubelet(fault), log, drops)
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


def _client(fault: Fault, treatment: Treatment) -> str:
    if fault is Fault.STALE_PLAN:
        return "nothing"
    wait = ", `Retry-After`" if treatment.error.retry_after else ""
    return f"{treatment.error.status} `{treatment.error.slug}`{wait}"


def _kubelet(fault: Fault) -> str:
    """What becomes of readiness in a process that worked before, when two looks in a row meet the fault."""
    if fault not in LOOKS:
        return "nothing"
    unready = [mode for mode in get_args(Mode) if not _ready(mode, LOOKS[fault])]
    return f"unready in mode {' and '.join(f'`{mode}`' for mode in unready)}"


def _ready(mode: Mode, look: Observation) -> bool:
    standing = Standing().after(GOOD, 0).after(look, 1).after(look, 2)
    return readiness(mode, standing, Process(), patience=10).ok


def with_table(page: str) -> str:
    """The page with the table of today in the place of the one it has."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
