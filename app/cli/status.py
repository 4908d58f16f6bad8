"""`plinth status`."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import click

from app.db.revision import KnownRevisions, SchemaState, core_state
from app.db.server import OLDEST_MAJOR, ServerFacts
from app.settings import load_settings

_EXIT_CODES = {SchemaState.CURRENT: 0, SchemaState.AHEAD: 0, SchemaState.BEHIND: 10, SchemaState.DIVERGED: 7}


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(as_json: bool) -> None:
    """Say what the server is, how its schema stands to this release, and what new ids are.

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
    report = describe(facts, known_revisions("core"), known_revisions("gated"), mending=mending)
    click.echo(json.dumps(report) if as_json else "\n".join(table(report)))
    state = core_state(facts, known_revisions("core"))
    raise SystemExit(_EXIT_CODES[state] or (10 if mending else 0))


def describe(
    facts: ServerFacts, core: KnownRevisions, gated: KnownRevisions, *, mending: bool
) -> dict[str, dict[str, Any]]:
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
    }


def table(report: dict[str, dict[str, Any]]) -> Iterable[str]:
    """The report for people: one line a fact."""
    server, core, ids = report["server"], report["core"], report["ids"]
    rows = [
        ("server", f"PostgreSQL {server['version']}" + (", in recovery" if server["inRecovery"] else "")),
        (
            "core schema",
            f"{core['state']} ({', '.join(core['revisions']) or 'empty'}; this release: {', '.join(core['heads'])})",
        ),
        *((f"gated {name}", "applied" if done else "not applied") for name, done in report["gated"].items()),
        ("new ids", f"{ids['generation'] or 'cannot be made'} ({ids['function'] or 'no function of ours'})"),
    ]
    if ids["needsMending"]:
        rows.append(("", "the id function does not fit this server; `plinth migrate` mends it"))
    width = max(len(name) for name, _ in rows)
    return (f"{name:<{width}}  {value}" for name, value in rows)
