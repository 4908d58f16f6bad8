"""What a run of the migrator decides to do."""

from dataclasses import replace

import pytest

from app.db import ids
from app.db.revision import KnownRevisions, SchemaState
from app.db.server import ServerFacts
from app.errors import CoreSchemaBehind, Diverged, Refused
from app.migrator.gated import GatedRevision, Precondition, Standing
from app.migrator.plan import check_server, needs_mending, plan_core, plan_gated
from app.migrator.role import RoleFacts
from app.migrator.situation import Situation

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
GATED = GatedRevision("uuidv7", 18, verify=ids.IS_NATIVE)
FLIPPED = replace(ON_18, gated_revisions=frozenset({"uuidv7"}), id_function="native", id_generation="v7")


def test_a_server_that_is_too_old_is_refused():
    """14 is refused by name."""
    with pytest.raises(Refused, match=r"PostgreSQL 14\.2, and 15 is the oldest"):
        check_server(replace(ON_17, version_num=140_002, version="14.2"))


def test_a_standby_is_refused():
    """Nothing can be changed on a server in recovery."""
    with pytest.raises(Refused, match="in recovery"):
        check_server(replace(ON_17, in_recovery=True))


def test_a_later_schema_is_left_alone():
    """An older image on a newer schema plans nothing, not even a mend or a grant."""
    later = replace(ON_17, core_revisions=frozenset({"0003"}), core_log=frozenset({"0001", "0002", "0003"}))
    plan = plan_core(Situation(later, RoleFacts(app_role="ungranted")), KNOWN, (), "v7")
    assert plan.state is SchemaState.AHEAD
    assert plan.nothing


def test_a_foreign_schema_is_refused():
    """Revisions that do not follow ours end the run, and are named."""
    foreign = replace(ON_17, core_revisions=frozenset({"beef"}), core_log=frozenset({"beef"}))
    with pytest.raises(Diverged, match="The database is at beef"):
        plan_core(Situation(foreign), KNOWN, (), "v4")


@pytest.mark.parametrize("state", ["ungranted", "missing"])
def test_rights_that_lack_are_due(state: str):
    """A schema that is current is still not done while the app's role lacks its rights."""
    plan = plan_core(Situation(ON_17, RoleFacts(app_role=state)), KNOWN, (), "v4")
    assert plan.due == ("the app's role lacks its rights",)


def test_a_gated_revision_is_refused_below_its_version():
    """On 17 the message names both versions and what to do."""
    with pytest.raises(Refused, match=r"needs PostgreSQL 18, and this server is 17\.10; upgrade the server first"):
        plan_gated(Situation(ON_17), GATED, KNOWN)


def test_a_gated_revision_waits_for_the_core():
    """Where the core schema is behind, it goes first."""
    with pytest.raises(CoreSchemaBehind, match="core schema is behind"):
        plan_gated(Situation(replace(ON_18, core_revisions=frozenset({"0001"}))), GATED, KNOWN)


def test_a_gated_revision_runs_on_a_schema_that_is_ahead():
    """After a rollback the older image still may run what is gated."""
    ahead = replace(ON_18, core_revisions=frozenset({"0003"}), core_log=frozenset({"0002", "0003"}))
    assert plan_gated(Situation(ahead), GATED, KNOWN).pending == ("uuidv7",)


def test_a_gated_revision_is_refused_without_its_precondition():
    """The sentence is the revision's own."""
    lacking = Standing(lacking=Precondition("false", "the moon is not full"))
    with pytest.raises(Refused, match="The gated revision uuidv7 cannot run: the moon is not full"):
        plan_gated(Situation(ON_18, gated=lacking), GATED, KNOWN)


def test_a_recorded_gated_revision_runs_again_where_its_work_is_gone():
    """Recorded and verified is nothing to do; recorded and not verified is done again."""
    assert plan_gated(Situation(FLIPPED), GATED, KNOWN).nothing
    assert plan_gated(Situation(FLIPPED, gated=Standing(verified=False)), GATED, KNOWN).again == "uuidv7"


def test_a_server_after_18_is_as_18():
    """PostgreSQL 19 runs what is gated for 18, and its id function is kept native the same."""
    on_19 = replace(ON_18, version_num=190_000, version="19.0")
    assert plan_gated(Situation(on_19), GATED, KNOWN).pending == ("uuidv7",)
    flipped = replace(on_19, gated_revisions=frozenset({"uuidv7"}), id_function="random")
    assert plan_core(Situation(flipped), KNOWN, (), "v4").mend == ids.mend("v4", uuidv7_recorded=True)
    check_server(on_19)


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
    """The id function is mended only when due, and to native only where the gated revision is recorded."""
    broken = replace(ON_17, id_function="native")
    assert plan_core(Situation(broken), KNOWN, (), "v4").mend == ids.mend("v4", uuidv7_recorded=False)
    assert plan_core(Situation(ON_18), KNOWN, (), "v4").mend is None
