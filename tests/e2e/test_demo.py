"""What docs/adopt.md has one type: `make up` with values of one's own, the database taken away, `make upgrade`."""

from pathlib import Path
from uuid import UUID

import pytest

from k8s.demo import bundle as demo, up, upgrade
from tests.cluster.client import Namespace
from tests.cluster.console import ClusterError


def test_a_bundle_of_ones_own_is_moved_to_18(
    namespace: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that was written is there after the database was taken away, and after it became 18; new ids are v7.

    Helm waits at the install, and its upgrade has a hook on the embedded database that serves.
    """
    monkeypatch.setattr(demo, "NAMESPACE", namespace.name)
    use(tmp_path / "values.yaml", monkeypatch)
    up.run()
    bundle = demo.existing()
    assert (bundle.full_name, bundle.major()) == ("invoices", "17")
    written = [bundle.new_id(), after_a_restart(bundle)]
    assert {UUID(one).version for one in written} == {4}
    upgrade.run()
    assert stored(bundle) >= {*written}
    assert UUID(bundle.new_id()).version == 7
    said = capsys.readouterr().out
    parts = ("Invoices is up", "Before", "The move", "MigrationSucceeded", "After")
    assert [part for part in parts if part in said] == [*parts]


def use(values: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's values; with the examples, so that there is something to write."""
    values.write_text("fullnameOverride: invoices\nimage: {repository: registry.example/invoices}\n")
    for where in (demo, up):
        monkeypatch.setattr(where, "VALUES", values)
        monkeypatch.setattr(where, "ROOT", values.parent)


def after_a_restart(bundle: demo.Bundle) -> str:
    """The first new id once the database's pod was deleted; no pod of the app is started anew for it."""
    before = bundle.kubectl("get", "pods", "--selector=app.kubernetes.io/component=app", "--output=name")
    bundle.kubectl("delete", "pod/invoices-postgresql-0")

    def answered() -> str | None:
        try:
            return bundle.new_id()
        except ClusterError:
            return None

    made = bundle.cluster.wait_for("the API to answer again", answered, 60)
    assert bundle.kubectl("get", "pods", "--selector=app.kubernetes.io/component=app", "--output=name") == before
    return made


def stored(bundle: demo.Bundle) -> set[str]:
    return set(bundle.psql("SELECT id FROM projects").split())
