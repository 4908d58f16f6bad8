"""docs/faults.md, made from what the code decides: ``python -m tests.faults_table`` writes it."""

from pathlib import Path
from typing import NamedTuple, get_args

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
ANEW = ", once the checker connects anew"
MET = ", where the checker meets it too"


class Met(NamedTuple):
    """What the checker's own look sees of a fault, and when it sees that; of every other it knows nothing."""

    look: Observation
    when: str


LOOKS: dict[Fault, Met] = {
    fault: Met(Missed(fault), ANEW) for fault, treatment in TREATMENTS.items() if not treatment.connected
} | {
    Fault.TIMEOUT: Met(Missed(Fault.TIMEOUT), MET),
    Fault.CONNECTION_LOST: Met(Missed(Fault.CONNECTION_LOST), MET),
    Fault.READ_ONLY: Met(Seen(SchemaState.CURRENT, in_recovery=True), ", on a standby"),
    Fault.SCHEMA_BEHIND: Met(Seen(SchemaState.BEHIND), ", where the schema's revision is behind"),
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
    look, when = LOOKS[fault]
    unready = [mode for mode in get_args(Mode) if not _ready(mode, look)]
    return f"unready in mode {' and '.join(f'`{mode}`' for mode in unready)}{when}"


def _ready(mode: Mode, look: Observation) -> bool:
    standing = Standing().after(GOOD, 0).after(look, 1).after(look, 2)
    return readiness(mode, standing, Process(), patience=10).ok


def with_table(page: str) -> str:
    """The page with the table of today in the place of the one it has."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
