"""`plinth status`."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from app.cli.terminal import Painted, aligned, show
from app.db.keys import TableKeys
from app.db.revision import KnownRevisions, SchemaState, core_state
from app.db.server import OLDEST_MAJOR, ServerFacts
from app.settings import Settings, load_settings

_EXIT_CODES = {SchemaState.CURRENT: 0, SchemaState.AHEAD: 0, SchemaState.BEHIND: 10, SchemaState.DIVERGED: 7}
_COLOURS = {SchemaState.CURRENT: "green", SchemaState.DIVERGED: "red"}
"""Of what is well, and of what is not; the others, which want a look, are yellow."""


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(as_json: bool) -> None:
    """Say what the server is, how its schema stands to this release, what new ids are, and what ids the tables hold.

    Exits 0 current or ahead; 2 usage or setting; 3 database not reachable; 7 diverged; 10 behind, or the id function
    needs mending.
    """
    from app.db.revision import known_revisions
    from app.db.server import observe
    from app.migrator.plan import needs_mending
    from app.migrator.waiting import wait

    settings = load_settings()
    facts = asyncio.run(wait(settings, settings.database_connect_timeout, observe))
    mending = needs_mending(facts, settings.ids_below18)
    keys = asyncio.run(_keys(settings))
    report = describe(facts, known_revisions("core"), known_revisions("gated"), keys, mending=mending)
    if as_json:
        click.echo(json.dumps(report))
    else:
        show(list(table(report)), sys.stdout)
    state = core_state(facts, known_revisions("core"))
    raise SystemExit(_EXIT_CODES[state] or (10 if mending else 0))


async def _keys(settings: Settings) -> list[TableKeys]:
    """What the tables hold, asked on a connection of its own."""
    from app.db.address import address
    from app.db.connections import look
    from app.db.faults import classify
    from app.db.keys import look_at_keys
    from app.errors import DatabaseNotReachable

    try:
        return await look(settings, look_at_keys, application_name="plinth-status")
    except Exception as error:
        if (fault := classify(error)) is None:
            raise
        raise DatabaseNotReachable(f"The database at {address(settings)} was lost meanwhile ({fault}).") from error


def describe(
    facts: ServerFacts, core: KnownRevisions, gated: KnownRevisions, keys: Sequence[TableKeys], *, mending: bool
) -> dict[str, Any]:
    """The report, as the JSON document it is printed as."""
    return {
        "server": {
            "version": facts.version,
            "versionNum": facts.version_num,
            "systemIdentifier": facts.system_identifier,
            "inRecovery": facts.in_recovery,
            "supported": facts.major >= OLDEST_MAJOR,
        },
        "core": {
            "state": core_state(facts, core).value,
            "revisions": sorted(facts.core_revisions),
            "heads": sorted(core.heads),
        },
        "gated": {name: name in facts.gated_revisions for name in sorted(gated.all | facts.gated_revisions)},
        "ids": {"generation": facts.id_generation, "function": facts.id_function, "needsMending": mending},
        "tables": [_described(table) for table in keys],
    }


def _described(keys: TableKeys) -> dict[str, Any]:
    """One table; shares and density are 0 to 1, and null is what could not be seen."""
    return {
        "table": keys.table,
        "rows": keys.rows,
        "v4": _rounded(keys.v4),
        "v7": _rounded(keys.v7),
        "sampled": keys.sampled,
        "indexBytes": keys.index_bytes,
        "density": _rounded(keys.density),
        "densityEstimated": keys.density_estimated,
        "problem": keys.problem,
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def table(report: dict[str, Any]) -> Iterator[str]:
    """The report for people: one line a fact, then one a table."""
    yield from aligned([(Painted(name, dim=True), fact) for name, fact in _facts(report)])
    if report["tables"]:
        yield ""
        yield from _tables(report["tables"])


def _facts(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    server, core, ids = report["server"], report["core"], report["ids"]
    yield "server", f"PostgreSQL {server['version']}" + (", in recovery" if server["inRecovery"] else "")
    state = f"{core['state']} ({', '.join(core['revisions']) or 'empty'}; this release: {', '.join(core['heads'])})"
    yield "core schema", Painted(state, fg=_COLOURS.get(SchemaState(core["state"]), "yellow"))
    for name, done in report["gated"].items():
        yield f"gated {name}", Painted("applied", fg="green") if done else "not applied"
    made = f"{ids['generation'] or 'cannot be made'} ({ids['function'] or 'no function of ours'})"
    yield "new ids", made if ids["generation"] else Painted(made, fg="red")
    if ids["needsMending"]:
        yield "", Painted("the id function does not fit this server; `plinth migrate` mends it", fg="yellow")


_HEADINGS = ("ids in", "rows", "v4", "v7", "primary key", "density", "")
_MIXED = 0.05
"""From this share of the rarer kind on, both kinds in one index are worth a word."""


def _tables(tables: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from aligned([[Painted(one, bold=True) for one in _HEADINGS], *(_cells(one) for one in tables)])
    if any(one["sampled"] for one in tables):
        yield "~ rows: from a sample of the table, as the shares are."
    if any(_density_estimated(one) for one in tables):
        yield "~ density: estimated, as pgstattuple is not installed, or this role may not use it."
    if any(min(one["v4"] or 0, one["v7"] or 0) >= _MIXED for one in tables):
        yield "v7 ids among v4 ids: such an index grows faster than with one kind; docs/ids.md says what to do."


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["table"],
        "-" if one["rows"] is None else f"{'~' if one['sampled'] or one['problem'] else ''}{one['rows']:,}",
        _percent(one["v4"]),
        _percent(one["v7"]),
        "-" if one["indexBytes"] is None else f"{one['indexBytes'] / 2**20:,.1f} MiB",
        ("~" if _density_estimated(one) else "") + _percent(one["density"]),
        Painted(one["problem"] or "", fg="yellow"),
    )


def _density_estimated(one: dict[str, Any]) -> bool:
    return one["density"] is not None and bool(one["densityEstimated"])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
