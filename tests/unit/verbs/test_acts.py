"""What a run does, as far as it can be seen without a cluster."""

from typing import Any

from tests.e2e import images
from tests.verbs.acts import ACTS, ALONE
from tests.verbs.cells import BY_THEMSELVES, OWN, Client, Verb
from tests.verbs.databases import GIVEN, Embedded, Own
from tests.verbs.helm import BINARIES, FLAGS, before
from tests.verbs.versions import revision_in
from tests.verbs.world import LONG_FULL_NAME, LONG_NAME


def test_every_row_has_its_act() -> None:
    """A row that begins by itself is done alone, every other one to a release that is there."""
    assert set(ALONE) == BY_THEMSELVES
    assert set(OWN) <= set(ACTS) | set(ALONE)


def test_either_helm_has_its_words() -> None:
    """Helm 4 has another name for `--atomic`."""
    assert set(BINARIES) == set(FLAGS) == set(Client)
    assert "--atomic" in FLAGS[Client.HELM3][Verb.INSTALL_ATOMIC]
    assert "--rollback-on-failure" in FLAGS[Client.HELM4][Verb.INSTALL_ATOMIC]


def test_helm_is_rolled_back_to_what_was_before() -> None:
    """To what was replaced; after a failure, to what was not."""
    assert before(_history("superseded", "superseded", "deployed")) == 2
    assert before(_history("superseded", "deployed", "failed", "failed")) == 2
    assert before(_history("deployed", "pending-upgrade")) == 1


def _history(*statuses: str) -> list[dict[str, Any]]:
    return [{"revision": number, "status": status} for number, status in enumerate(statuses, 1)]


def test_revisions_are_read_from_their_scripts() -> None:
    """The held one comes after the next one, whatever that is."""
    held = next((images.HERE / "held").glob("*.py")).read_text()
    assert f'down_revision = "{revision_in(images.HERE / "next")}"' in held


def test_a_database_of_its_own_is_named_in_values() -> None:
    """By secrets that Kubernetes takes; the embedded one only where its passwords cannot be looked up."""
    own = Own(None, 17, "run_1f")  # type: ignore[arg-type]  # nothing is asked of the server
    assert own.values[0] == "database.existingSecret=run-1f-app"
    assert Embedded(None, "plinth").values == ()  # type: ignore[arg-type]
    assert all(value.startswith("postgresql.auth.") for value in GIVEN)


def test_long_names_are_as_long_as_can_be() -> None:
    """Helm takes 53 characters, the chart 40."""
    assert (len(LONG_NAME), len(LONG_FULL_NAME)) == (53, 40)
