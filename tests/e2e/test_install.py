"""Installing: with the embedded database, on an external 18, and what a wrong setting is answered with."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.cluster.client import Namespace
from tests.cluster.console import ClusterError
from tests.e2e.databases import ExternalDatabase
from tests.e2e.releases import EXTERNAL, TIMEOUT, Release, condition

READY_SECONDS = 120


def test_default_values_install_and_pass_their_test(release: Release) -> None:
    """Without any value, and without --wait, the bundle becomes ready with its embedded 18, and `helm test` passes."""
    release.install(flags=())
    release.namespace.kubectl("rollout", "status", "deployment/plinth", f"--timeout={READY_SECONDS}s")
    release.namespace.kubectl("rollout", "status", "deployment/plinth-operator", f"--timeout={READY_SECONDS}s")
    release.namespace.helm("test", "plinth")
    assert UUID(release.post("/projects", {"name": "first"})["id"]).version == 7
    resource = release.wait_for_gated("Ready", "Applied", READY_SECONDS)
    assert resource["status"]["currentRevision"] == "uuidv7"


def test_an_admin_of_the_namespace_alone_can_install(release: Release, tmp_path: Path) -> None:
    """Without the operator and the CRD nothing is asked of the cluster, at an upgrade neither."""
    config = f"--kubeconfig={namespace_admin(release.namespace, tmp_path)}"
    assert release.namespace.kubectl("auth", "can-i", "create", "clusterroles", config, check=False).strip() == "no"
    flags = ("--wait", "--skip-crds", config)
    release.install("operator.enabled=false", flags=flags)
    release.upgrade(flags=flags)
    assert UUID(release.post("/projects", {"name": "first"})["id"]).version == 7


def namespace_admin(namespace: Namespace, folder: Path) -> Path:
    """The kubeconfig of a ServiceAccount with Kubernetes' own role `admin`, in this namespace alone."""
    namespace.kubectl("create", "serviceaccount", "installer")
    binding = ("--clusterrole=admin", f"--serviceaccount={namespace.name}:installer")
    namespace.kubectl("create", "rolebinding", "installer", *binding)
    config = json.loads(namespace.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))
    token = namespace.kubectl("create", "token", "installer").strip()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return file


def test_a_first_install_on_18_makes_v7_from_the_first_row(release: Release, database: ExternalDatabase) -> None:
    """On an external 18 ids are v7 at once, and the operator records the gated revision."""
    database.start(18, service=True)
    release.install(*EXTERNAL)
    assert UUID(release.post("/projects", {"name": "first"})["id"]).version == 7
    resource = release.wait_for_gated("Ready", "Applied", READY_SECONDS)
    assert condition(resource, "Migrated")["status"] == "True"
    assert database.sql(18, "SELECT version_num FROM alembic_version_gated") == ["uuidv7"]


def test_manual_approval_is_waited_for(release: Release, database: ExternalDatabase) -> None:
    """With approval Manual nothing runs before the annotation that the Event names; then it does."""
    database.start(18, service=True)
    release.install(*EXTERNAL, "gatedMigrations.uuidv7.approval=Manual")
    release.wait_for_gated("Ready", "ApprovalPending", READY_SECONDS)
    assert database.sql(18, "SELECT count(*) FROM alembic_version_gated") == ["0"]
    release.namespace.kubectl("annotate", "gatedmigration/plinth-uuidv7", "plinth.dev/approve=uuidv7")
    release.wait_for_gated("Ready", "Applied", READY_SECONDS)


def test_a_wrong_password_fails_the_install_in_a_sentence(release: Release, database: ExternalDatabase) -> None:
    """The hook Job's termination message says what was refused, and no pod of the app is made."""
    database.start(17, service=True)
    database.sql(17, "ALTER ROLE plinth_owner PASSWORD 'another'")
    with pytest.raises(ClusterError, match="failed"):
        release.install(*EXTERNAL, "settings.migrate_wait_seconds=2")
    assert "refuses this role or its password" in release.termination_message()["message"]
    assert release.namespace.kubectl_json("get", "deployments")["items"] == []


def test_a_missing_secret_fails_the_install_in_a_sentence(release: Release) -> None:
    """Without the secret that is named, the Job says that no database is configured."""
    with pytest.raises(ClusterError, match="failed"):
        release.install("database.existingSecret=absent")
    assert "No database is configured" in release.termination_message()["message"]


def test_a_failed_install_is_mended_by_an_upgrade(release: Release, database: ExternalDatabase) -> None:
    """After a first install that failed, the corrected one succeeds without deleting anything by hand."""
    with pytest.raises(ClusterError, match="failed"):
        release.install("database.existingSecret=absent")
    database.start(17, service=True)
    release.namespace.helm("upgrade", "--install", *release.arguments(*EXTERNAL), "--wait", TIMEOUT)
    assert len(release.ready_pods()) == 2


def test_an_unknown_value_is_refused(release: Release) -> None:
    """A misspelt value fails at once, by its name."""
    with pytest.raises(ClusterError, match="replicacount"):
        release.install("replicacount=3")
