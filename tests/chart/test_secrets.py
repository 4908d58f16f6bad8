"""How the database's address reaches the processes: as files, named like the settings."""

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, TWO_ROLES, Object, container, environment

FILES = {"uri": "URL", "host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}


def volume(pod: Object, name: str) -> Object:
    return next(one for one in pod["volumes"] if one["name"] == name)


def test_the_secret_is_mounted_as_the_files_the_settings_read(render: Render) -> None:
    """Each key CloudNativePG writes becomes a file named like its setting; what is missing is the app's to explain."""
    pod = render(EXTERNAL).pods()["plinth"]
    secret = volume(pod, "database")["secret"]
    assert (secret["secretName"], secret["optional"]) == ("app-role", True)
    assert {item["key"]: item["path"] for item in secret["items"]} == {
        key: f"PLINTH_DATABASE_{name}" for key, name in FILES.items()
    }
    assert {"name": "database", "mountPath": "/run/secrets/plinth", "readOnly": True} in container(pod)["volumeMounts"]


def test_keys_can_be_renamed(render: Render) -> None:
    """database.secretKeys names the keys of a secret with a layout of its own, for all who read it."""
    objects = render(TWO_ROLES, {"database": {"existingSecret": "app-role", "secretKeys": {"uri": "DATABASE_URL"}}})
    items = volume(objects.pods()["plinth"], "database")["secret"]["items"]
    assert {"key": "DATABASE_URL", "path": "PLINTH_DATABASE_URL"} in items
    assert objects.one("GatedMigration")["spec"]["databaseSecretRef"]["keys"]["uri"] == "DATABASE_URL"


def test_the_migrator_reads_the_owners_secret_and_whom_to_grant(render: Render) -> None:
    """With two roles the migrator logs in as the owner, and learns the app's role, not its password."""
    sources = volume(render(TWO_ROLES).pods()["plinth-migrate"], "database")["projected"]["sources"]
    owner, app = (one["secret"] for one in sources)
    assert owner["name"] == "owner-role"
    assert {item["path"] for item in owner["items"]} == {f"PLINTH_DATABASE_{name}" for name in FILES.values()}
    assert app == {
        "name": "app-role",
        "optional": True,
        "items": [{"key": "user", "path": "PLINTH_DATABASE_APP_ROLE"}],
    }


def test_one_role_is_granted_nothing(render: Render) -> None:
    """With one secret the migrator is told of no other role."""
    (source,) = volume(render(EXTERNAL).pods()["plinth-migrate"], "database")["projected"]["sources"]
    assert source["secret"]["name"] == "app-role"


def test_the_apps_role_can_be_named(render: Render) -> None:
    """migrations.appRole names the role where the app's secret has a URI alone."""
    pod = render(TWO_ROLES, {"migrations": {"existingSecret": "owner-role", "appRole": "app"}}).pods()["plinth-migrate"]
    assert environment(pod)["PLINTH_DATABASE_APP_ROLE"] == "app"


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ((EMBEDDED,), "disable"),
        ((EXTERNAL,), "require"),
        ((EXTERNAL, {"database": {"tls": {"caSecret": "ca"}}}), "verify-full"),
        ((EXTERNAL, {"database": {"tls": {"caSecret": "ca", "mode": "verify-ca"}}}), "verify-ca"),
        ((EXTERNAL, {"database": {"tls": {"mode": "disable"}}}), "disable"),
    ],
)
def test_tls_is_as_strict_as_can_be(render: Render, values: tuple[Object, ...], mode: str) -> None:
    """The mode is what is asked for, else verify-full with a CA and require without; the embedded database has none."""
    for name, pod in render(*values).pods().items():
        if name in ("plinth", "plinth-migrate"):
            assert environment(pod)["PLINTH_DATABASE_TLS_MODE"] == mode


def test_the_ca_is_mounted_for_all_who_connect(render: Render) -> None:
    """The API and the migrator read the CA from a file; the operator's Jobs get its name."""
    objects = render(EXTERNAL, {"database": {"tls": {"caSecret": "ca", "caKey": "root.pem"}}})
    for name in ("plinth", "plinth-migrate"):
        pod = objects.pods()[name]
        assert volume(pod, "database-ca")["secret"]["items"] == [{"key": "root.pem", "path": "ca.crt"}]
        assert environment(pod)["PLINTH_DATABASE_TLS_CA"] == "/run/secrets/plinth-ca/ca.crt"
    assert objects.one("GatedMigration")["spec"]["databaseSecretRef"]["ca"] == {"name": "ca", "key": "root.pem"}


def test_the_pooler_is_the_apps_alone(render: Render) -> None:
    """Behind a transaction pooler the API is told so; the migrator connects directly."""
    pods = render(TWO_ROLES, {"database": {"pooler": "transaction"}}).pods()
    assert environment(pods["plinth"])["PLINTH_DATABASE_POOLER"] == "transaction"
    assert "PLINTH_DATABASE_POOLER" not in environment(pods["plinth-migrate"])
