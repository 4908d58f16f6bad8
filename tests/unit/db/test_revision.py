"""How a schema stands to the code: behind, current, ahead or diverged."""

import pytest

from app.db.revision import KnownRevisions, SchemaState, known_revisions, schema_state

KNOWN = KnownRevisions(heads=frozenset({"0002"}), all=frozenset({"0001", "0002"}))


@pytest.mark.parametrize(
    ("recorded", "logged", "state"),
    [
        (set(), set(), SchemaState.BEHIND),
        ({"0001"}, {"0001"}, SchemaState.BEHIND),
        ({"0002"}, {"0001", "0002"}, SchemaState.CURRENT),
        ({"0003"}, {"0001", "0002", "0003"}, SchemaState.AHEAD),
        ({"0003"}, {"0001", "0003"}, SchemaState.DIVERGED),
        ({"ffff"}, set(), SchemaState.DIVERGED),
    ],
)
def test_the_log_tells_ahead_from_diverged(recorded: set[str], logged: set[str], state: SchemaState):
    """An unknown revision is ahead where this release's own was applied before it, else diverged."""
    assert schema_state(recorded, logged, KNOWN) is state


def test_the_core_lineage_has_one_head():
    """The plain `alembic upgrade head` works: there is one line of core revisions."""
    assert len(known_revisions("core").heads) == 1


def test_gated_revisions_are_bases_of_their_own():
    """Gated revisions come in any order: each is a head, and nothing but a head."""
    known = known_revisions("gated")
    assert known.heads == known.all == {"uuidv7"}
