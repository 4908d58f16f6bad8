"""What each verb does, and what holds afterwards."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import yaml

from tests.e2e.releases import CHART
from tests.verbs import checks, interruptions
from tests.verbs.cells import Cell, Verb
from tests.verbs.clients import Client
from tests.verbs.failures import fail_to_upgrade
from tests.verbs.world import LONG_FULL_NAME, Subject, World, define

DEFINITION = "customresourcedefinition/gatedmigrations.plinth.dev"
COLUMNS = "/spec/versions/0/additionalPrinterColumns"

Act = Callable[[World, Subject[Client]], None]


def script(world: World) -> Iterator[tuple[Cell, Callable[[], None]]]:
    """The cells of a run in their order, and what to do for each."""
    cell, begin = world.cell, world.cell.beginning
    if begin is None:
        yield cell, partial(ALONE[cell.verb], world)
        return
    subject = world.long_named() if cell.verb is Verb.LONG_NAMES else world.subject()
    yield cell.of(begin), partial(install, world, subject, begin)
    for one in cell.proves[1:]:
        yield one, partial(ACTS[one.verb], world, subject)


def install(world: World, subject: Subject[Client], verb: Verb) -> None:
    subject.client.install(world.versions.this, verb)
    checks.serves(subject, world.versions.this.revision, world.versions.this.image)
    checks.is_at_rest(subject.release)


def upgrade_same(world: World, subject: Subject[Client]) -> None:
    """No pod is replaced."""
    before = {pod["metadata"]["uid"] for pod in subject.release.pods()}
    subject.client.upgrade(world.versions.this)
    checks.serves(subject, world.versions.this.revision, world.versions.this.image)
    assert {pod["metadata"]["uid"] for pod in subject.release.pods()} == before


def upgrade_revision(world: World, subject: Subject[Client]) -> None:
    subject.client.upgrade(world.versions.next)
    checks.serves(subject, world.versions.next.revision, world.versions.next.image)


def upgrade_failing(world: World, subject: Subject[Client]) -> None:
    fail_to_upgrade(world, subject)
    upgrade_revision(world, subject)


def rollback(world: World, subject: Subject[Client]) -> None:
    """The earlier image serves on the later schema, and says that it knows."""
    upgrade_revision(world, subject)
    subject.client.rollback()
    checks.serves(subject, world.versions.next.revision, world.versions.this.image)
    assert "ahead" in subject.release.readyz()


def rollback_failed(world: World, subject: Subject[Client]) -> None:
    fail_to_upgrade(world, subject)
    subject.client.rollback()
    checks.serves(subject, world.versions.this.revision, world.versions.this.image)


def from_release(world: World) -> None:
    """The published chart's data is there, and the definition is this chart's, of which something was missing."""
    subject, earlier = world.subject(), world.versions.earlier
    define(world.namespace, world.namespace.helm("show", "crds", str(earlier.chart)))
    subject.client.install(earlier, Verb.INSTALL_WAIT)
    checks.serves(subject, checks.has_revision(subject), earlier.image)
    world.namespace.kubectl("patch", DEFINITION, "--type=json", f'--patch=[{{"op": "remove", "path": "{COLUMNS}/0"}}]')
    subject.client.upgrade(world.versions.this)
    checks.serves(subject, world.versions.this.revision, world.versions.this.image)
    (version,) = world.namespace.kubectl_json("get", DEFINITION)["spec"]["versions"]
    assert version["additionalPrinterColumns"] == _columns(CHART / "crds" / "gatedmigrations.yaml")


def _columns(definition: Path) -> object:
    return yaml.safe_load(definition.read_text())["spec"]["versions"][0]["additionalPrinterColumns"]


def uninstall(world: World, subject: Subject[Client]) -> None:
    subject.client.uninstall()
    checks.nothing_is_left(subject.release)


def reinstall(world: World, subject: Subject[Client]) -> None:
    """Leftover hook Jobs are in nobody's way, and the data is there."""
    install(world, subject, world.cell.beginning or Verb.INSTALL)


def two_releases(world: World, subject: Subject[Client]) -> None:
    """Each is upgraded, and one goes, without the other's noticing."""
    second = world.subject("second")
    install(world, second, Verb.INSTALL_WAIT)
    upgrade_revision(world, subject)
    checks.serves(second, world.versions.this.revision, world.versions.this.image)
    uninstall(world, subject)
    checks.serves(second, world.versions.this.revision, world.versions.this.image)


def long_names(world: World, subject: Subject[Client]) -> None:
    """Every object is named by the override, and the next revision comes as to any other."""
    ours = f"--selector=app.kubernetes.io/instance={subject.release.name}"
    names = world.namespace.kubectl_json("get", checks.OURS, ours)["items"]
    assert {one["metadata"]["name"][: len(LONG_FULL_NAME)] for one in names} == {LONG_FULL_NAME}, json.dumps(names)
    upgrade_revision(world, subject)


def template_apply(world: World) -> None:
    """Both the first time and for the next revision."""
    subject = world.applied(server_side=False)
    for version in (world.versions.this, world.versions.next):
        subject.client.upgrade(version)
        checks.serves(subject, version.revision, version.image)


def server_side(world: World) -> None:
    """The second time there is no difference, and no object is written anew."""
    subject, version = world.applied(server_side=True), world.versions.this
    subject.client.upgrade(version)
    checks.serves(subject, version.revision, version.image)
    before = subject.client.generations(version)
    assert subject.client.differences(version) == ""
    subject.client.upgrade(version)
    assert subject.client.generations(version) == before
    checks.serves(subject, version.revision, version.image)


ACTS: dict[Verb, Act] = {
    Verb.UPGRADE_SAME: upgrade_same,
    Verb.UPGRADE_REVISION: upgrade_revision,
    Verb.UPGRADE_FAILING: upgrade_failing,
    Verb.CLIENT_KILLED: interruptions.client_killed,
    Verb.KUBELET_STOPPED: interruptions.kubelet_stopped,
    Verb.POD_DELETED: interruptions.pod_deleted,
    Verb.ROLLBACK: rollback,
    Verb.ROLLBACK_FAILED: rollback_failed,
    Verb.UNINSTALL: uninstall,
    Verb.REINSTALL: reinstall,
    Verb.TWO_RELEASES: two_releases,
    Verb.LONG_NAMES: long_names,
}
"""Verbs of a release that is there."""
ALONE: dict[Verb, Callable[[World], None]] = {
    Verb.FROM_RELEASE: from_release,
    Verb.TEMPLATE_APPLY: template_apply,
    Verb.SERVER_SIDE: server_side,
}
"""Verbs that begin with nothing."""
