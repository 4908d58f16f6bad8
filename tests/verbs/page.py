"""docs/verbs.md, written from docs/verbs.json: `python -m tests.verbs.page` writes it alone."""

from collections.abc import Iterator
from pathlib import Path

from tests.verbs.cells import OWN, RESTRICTED, TITLES, Cell, Client, Database, Mode, Verb, possible
from tests.verbs.cover import cover, met, wanted
from tests.verbs.results import ROOT, Result, Results

FILE = ROOT / "docs" / "verbs.md"
HEAD = """\
# The chart under every verb

Each cell was run on a real cluster, by `make verbs`, which writes this page; [verbs.json](verbs.json) has the same for
programs. After every act it is asked whether the client says `deployed`, the pods are ready and run the image they
should, the API answers and has all data under its ids, the schema has its revision, no Job is left at work, and one
command shows what the migration did.

"""
COLUMNS = [(database, mode) for database in Database for mode in Mode]
SHORT = {Client.HELM3: "3", Client.HELM4: "4"}


def page(results: Results) -> str:
    return HEAD + covered(results) + matrix(results) + reasons() + listing(results)


def covered(results: Results) -> str:
    """How much of the matrix was run, in words."""
    ran, failed = set(results.cells), [cell for cell, one in results.cells.items() if not one.passed]
    pairs, of = len(met(ran)), len(wanted())
    days = sorted({one.when for one in results.cells.values()})
    trees = sorted({f"{one.version} ({one.commit})" for one in results.cells.values()})
    when = "not yet" if not days else days[0] if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    some = f"{len(ran)} of {len(list(possible()))} cells were run, {when}, with {', '.join(trees) or 'no version'}; "
    lost = f"{len(failed)} failed. " if failed else "none failed. "
    return (
        some + lost + f"They meet {pairs} of {of} pairs: of each verb with each database, mode and Helm, and of "
        f"those with one another. The shortest way to meet them all is {len(cover())} runs, which `make verbs` makes; "
        f"`make verbs ALL=1` makes the rest.\n\n"
    )


def matrix(results: Results) -> str:
    """Rows by columns; a cell shows each Helm that was run: its version, ✓ or ✗, and seconds."""
    first = "| | " + " | ".join(f"{database} {mode}" for database, mode in COLUMNS) + " |\n"
    rows = (f"| {TITLES[verb]} | {' | '.join(_columns(verb, results))} |\n" for verb in Verb)
    return first + "| --- |" + " --- |" * len(COLUMNS) + "\n" + "".join(rows) + "\n"


def _columns(verb: Verb, results: Results) -> Iterator[str]:
    for database, mode in COLUMNS:
        cells = [Cell(verb, database, mode, client) for client in Client]
        if cells[0].why_not:
            yield "-"
        else:
            found = ((cell, results.cells[cell]) for cell in cells if cell in results.cells)
            yield "<br>".join(f"{SHORT[cell.client]} {_mark(one)} {one.seconds:.0f} s" for cell, one in found)


def reasons() -> str:
    """Why some cells make no sense."""
    lines = (
        f"- {TITLES[verb]}: only in mode {' and '.join(f'`{mode}`' for mode in modes)}. {reason}"
        for verb, (modes, reason) in RESTRICTED.items()
    )
    return (
        "`3 ✓ 41 s`: Helm 3, passed, in 41 seconds. In mode `argocd` Helm only renders, and Argo CD's order is "
        "followed. Flux waits by Helm's own library, as the rows with `--wait` do. Empty: not run. "
        "-: makes no sense:\n\n" + "\n".join(lines) + "\n\n"
        f"A run begins with one of the installs; {len(list(Verb)) - len(OWN)} rows are proved on the way to others.\n\n"
    )


def listing(results: Results) -> str:
    """Each cell, and when it ran."""
    columns = (
        "| cell | | seconds | of the whole run | day | version | in the run of |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return (
        "## Which cell ran when\n\n"
        + columns
        + "".join(_line(cell, results.cells[cell]) for cell in possible() if cell in results.cells)
    )


def _line(cell: Cell, one: Result) -> str:
    within = "" if one.run == str(cell) else f"`{one.run}`"
    whole = f"{one.run_seconds:.1f}" if one.run_seconds else ""
    result = f"{_mark(one)} | {one.seconds:.1f} | {whole} | {one.when} | {one.version} ({one.commit})"
    return f"| `{cell}` | {result} | {within} |\n"


def _mark(one: Result) -> str:
    return "✓" if one.passed else "✗"


def write(results: Results, file: Path = FILE) -> None:
    file.write_text(page(results))


if __name__ == "__main__":
    write(Results())
