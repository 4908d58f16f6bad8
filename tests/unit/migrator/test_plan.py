"""What a run of the migrator decides to do."""

from dataclasses import replace

import pytest

from app.db import ids
from app.db.revision import KnownRevisions, SchemaState
from app.db.server import ServerFacts
from app.errors import CoreSchemaBehind, Diverged, MigrationUsageError, Refused
from app.migrator.plan import check_server, needs_mending, plan_core, plan_gated

KNOWN = KnownRevisions(heads=frozenset({"0002"}), all=frozenset({"0001", "0002"}))
ON_17 = ServerFacts(
    version_num=170_010,
    version="17.10",
    system_identifier="1",
    in_recovery=False,
    has_uuidv7=False,
    core_revisions=frozenset({"0002"}),
    gated_revisions=frozenset(),
    core_log=frozenset({"0001", "0002"}),
    id_function="random",
    id_generation="v4",
)
ON_18 = replace(ON_17, version_num=180_001, version="18.1", has_uuidv7=True)
FLIPPED = replace(ON_18, gated_revisions=frozenset({"uuidv7"}), id_function="native", id_generation="v7")


def test_a_transaction_pooler_is_refused():
    """Through a pooler the lock would be stranded; the message says what to use instead."""
    with pytest.raises(Refused, match="direct connection"):
        check_server(ON_17, "transaction")


def test_a_server_that_is_too_old_is_refused():
    """14 is refused by name."""
    with pytest.raises(Refused, match=r"PostgreSQL 14\.2, and 15 is the oldest"):
        check_server(replace(ON_17, version_num=140_002, version="14.2"), "none")


def test_a_standby_is_refused():
    """Nothing can be changed on a server in recovery."""
    with pytest.raises(Refused, match="in recovery"):
        check_server(replace(ON_17, in_recovery=True), "none")


def test_a_later_schema_is_left_alone():
    """An older image on a newer schema plans nothing, not even a mend."""
    later = replace(ON_17, core_revisions=frozenset({"0003"}), core_log=frozenset({"0001", "0002", "0003"}))
    plan = plan_core(later, KNOWN, "v4")
    assert (plan.state, plan.mend) == (SchemaState.AHEAD, None)


def test_a_foreign_schema_is_refused():
    """Revisions that do not follow ours end the run, and are named."""
    with pytest.raises(Diverged, match="The database is at beef"):
        plan_core(replace(ON_17, core_revisions=frozenset({"beef"}), core_log=frozenset({"beef"})), KNOWN, "v4")


def test_an_unknown_gated_revision_is_a_usage_error():
    """The message lists the names there are."""
    with pytest.raises(MigrationUsageError, match="There is no gated revision uuidv8; this image has: uuidv7"):
        plan_gated(ON_18, "uuidv8", {"uuidv7": 18}, KNOWN)


def test_a_gated_revision_is_refused_below_its_version():
    """On 17 the message names both versions and what to do."""
    with pytest.raises(Refused, match=r"needs PostgreSQL 18, and this server is 17\.10; upgrade the server first"):
        plan_gated(ON_17, "uuidv7", {"uuidv7": 18}, KNOWN)


def test_a_gated_revision_waits_for_the_core():
    """Where the core schema is behind, it goes first."""
    with pytest.raises(CoreSchemaBehind, match="core schema is behind"):
        plan_gated(replace(ON_18, core_revisions=frozenset({"0001"})), "uuidv7", {"uuidv7": 18}, KNOWN)


def test_a_gated_revision_runs_on_a_schema_that_is_ahead():
    """After a rollback the older image still may run what is gated."""
    ahead = replace(ON_18, core_revisions=frozenset({"0003"}), core_log=frozenset({"0002", "0003"}))
    assert plan_gated(ahead, "uuidv7", {"uuidv7": 18}, KNOWN).state is SchemaState.BEHIND


@pytest.mark.parametrize(
    ("facts", "below18", "mending"),
    [
        (ON_17, "v4", False),
        (ON_17, "v7", True),
        (replace(ON_17, id_function="emulated"), "v7", False),
        (replace(ON_17, id_function="native"), "v4", True),
        (ON_18, "v4", False),
        (ON_18, "v7", False),
        (FLIPPED, "v4", False),
        (replace(FLIPPED, id_function="random"), "v4", True),
        (replace(ON_17, id_function=None), "v4", False),
    ],
    ids=[
        "17 random", "17 other choice", "17 emulated", "17 native", "18 waits", "18 waits whatever the choice",
        "18 flipped", "18 flipped and restored", "no function yet",
    ],
)  # fmt: skip
def test_only_what_cannot_stay_is_mended(facts: ServerFacts, below18: str, mending: bool):
    """A plain migration never flips what waits for approval, and always heals what is broken."""
    assert needs_mending(facts, below18) is mending


def test_the_core_plan_mends_by_the_recorded_revision():
    """The statement that mends goes to native only where the gated revision is recorded."""
    assert plan_core(ON_18, KNOWN, "v4").mend == ids.mend("v4", uuidv7_recorded=False)
    assert plan_core(FLIPPED, KNOWN, "v4").mend == ids.mend("v4", uuidv7_recorded=True)
