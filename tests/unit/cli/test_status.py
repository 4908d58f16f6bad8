"""The report of `plinth status`, without a server."""

import click

from app.cli.status import describe, table
from app.db.keys import TableKeys, estimated_density
from app.db.revision import KnownRevisions
from app.db.server import ServerFacts

KNOWN = KnownRevisions(heads=frozenset({"0002"}), all=frozenset({"0001", "0002"}))
FACTS = ServerFacts(
    version_num=180006,
    version="18.6",
    system_identifier="1",
    in_recovery=False,
    has_uuidv7=True,
    core_revisions=frozenset({"0002"}),
    gated_revisions=frozenset(),
    core_log=frozenset({"0001", "0002"}),
    id_function="native",
    id_generation="v7",
)
MIXED = TableKeys("public.tasks", 1_200_000, 0.62, 0.38, sampled=True, index_bytes=96 << 20, density=0.567)
UNSEEN = TableKeys("public.projects", problem="this role may not read all of the table")


def lines(*keys: TableKeys) -> list[str]:
    return [click.unstyle(line) for line in table(describe(FACTS, KNOWN, KNOWN, keys, mending=False))]


def test_a_table_is_one_line():
    """Rows, shares, index and density, and what is no count but a sample."""
    heading, row, sampled = lines(MIXED)[-4:-1]
    assert heading.split() == ["ids", "in", "rows", "v4", "v7", "primary", "key", "density"]
    assert row.split() == ["public.tasks", "~1,200,000", "62%", "38%", "96.0", "MiB", "57%"]
    assert sampled == "~ rows: from a sample of the table, as the shares are."


def test_both_kinds_in_one_index_are_worth_a_word():
    """Where v7 ids came late the report says where to read on; else it does not."""
    assert "docs/ids.md" in lines(MIXED)[-1]
    assert "docs/ids.md" not in lines(TableKeys("public.tasks", 10, 1.0, 0.0, index_bytes=16384))[-1]


def test_what_could_not_be_seen_is_said():
    """No number is made up."""
    seen, why = lines(UNSEEN)[-1].split(maxsplit=1)
    assert (seen, why.split()[:5]) == ("public.projects", ["-"] * 5)
    assert why.endswith("this role may not read all of the table")


def test_an_estimate_says_so():
    """Of the density, where pgstattuple may not be used."""
    estimated = TableKeys("public.tasks", 10, 1.0, 0.0, index_bytes=16384, density=0.5, density_estimated=True)
    assert lines(estimated)[-2].endswith(" ~50%")
    assert lines(estimated)[-1].startswith("~ density: estimated")


def test_no_tables_no_lines():
    """An empty database's report ends with what new ids are."""
    assert lines()[-1] == "new ids      v7 (native)"


def test_density_from_entries_and_pages():
    """291 entries of 28 bytes fill a page; the first page of an index holds none."""
    assert estimated_density(291, 2 * 8192) == 291 * 28 / 8152
    assert estimated_density(10**6, 8192) is None
    assert estimated_density(None, 10**6) is None
