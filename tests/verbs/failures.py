"""An upgrade whose revision fails."""

from tests.verbs import checks
from tests.verbs.cells import Mode
from tests.verbs.clients import Client
from tests.verbs.world import Subject, World

HOOK_SECONDS = 60
"""A hook that fails ends the upgrade by itself."""
JOB_SECONDS = 25
"""Without hooks the upgrade waits for pods that cannot become ready; this is enough to see that."""


def fail_to_upgrade(world: World, subject: Subject[Client]) -> None:
    """It is refused, its reason can be read, and what was there goes on serving."""
    before = {pod["metadata"]["uid"] for pod in subject.release.ready_pods()}
    patience = JOB_SECONDS if world.cell.mode is Mode.JOB else HOOK_SECONDS
    with checks.refused():
        subject.client.upgrade(world.versions.failing, patience)
    assert subject.client.settled() == "failed", subject.client.settled()
    checks.failed_with_its_reason(subject, "RevisionFailed")
    assert {pod["metadata"]["uid"] for pod in subject.release.ready_pods()} == before
    assert checks.has_revision(subject) == world.versions.this.revision
    checks.keeps_its_data(subject)
