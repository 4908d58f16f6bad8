"""The examples of values in charts/plinth/ci are installed, each with the secrets it needs, on a server with TLS.

Argo CD's and PgBouncer's are installed by Helm and straight at the server: what Argo CD makes of one is tried by
`make verbs`, and what a pooler makes of the app by tests/integration/test_pgbouncer.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.cluster.client import Namespace
from tests.e2e.databases import ExternalDatabase
from tests.e2e.releases import CHART, Release

HOST, PORT, PASSWORD = "database", "5432", "for-tests-only"
OWNER, APP = "plinth_owner", "plinth_app"
MAJOR = 18
ENCRYPTED = """
SELECT count(*) FILTER (WHERE ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
 WHERE usename LIKE 'plinth%' AND datname = '{database}'
"""
Login = Callable[[str, str], dict[str, str]]
"""The keys of a secret with which a role logs in to a database."""


def by_uri(role: str, database: str) -> dict[str, str]:
    return {"uri": f"postgresql://{role}:{PASSWORD}@{HOST}:{PORT}/{database}"}


def in_parts(role: str, database: str) -> dict[str, str]:
    return {"host": HOST, "port": PORT, "dbname": database, "user": role, "password": PASSWORD}


def as_rds(role: str, database: str) -> dict[str, str]:
    parts = in_parts(role, database)
    return {"username": parts.pop("user"), "engine": "postgres", **parts}


def as_cloudnativepg(role: str, database: str) -> dict[str, str]:
    return {**in_parts(role, database), **by_uri(role, database), "username": role}


SECRETS: dict[str, dict[str, tuple[Login, str]]] = {
    "minimal": {"plinth-app": (in_parts, OWNER)},
    "production": {"plinth-app": (by_uri, APP), "plinth-owner": (by_uri, OWNER)},
    "cloudnativepg": {"pg-app": (as_cloudnativepg, OWNER)},
    "rds": {"plinth-app": (as_rds, APP), "plinth-owner": (as_rds, OWNER)},
    "pgbouncer": {"plinth-pooler": (by_uri, APP), "plinth-owner": (by_uri, OWNER)},
    "argocd": {"plinth-app": (in_parts, APP), "plinth-owner": (by_uri, OWNER)},
}
AUTHORITIES = {
    "production": ("plinth-ca", "ca.crt"),
    "cloudnativepg": ("pg-ca", "ca.crt"),
    "rds": ("rds-ca", "global-bundle.pem"),
}
"""Secrets with the CA's certificate, and the key it has there."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(
    shared_namespace: Namespace, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> ExternalDatabase:
    issued, folder = authority.issue_cert(HOST), tmp_path_factory.mktemp("tls")
    certificate, key = folder / "tls.crt", folder / "tls.key"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    database = ExternalDatabase(shared_namespace)
    database.start(MAJOR, service=True, tls=(certificate, key))
    return database


@pytest.fixture(params=SECRETS)
def example(request: pytest.FixtureRequest, server: ExternalDatabase, authority: trustme.CA) -> Iterator[Release]:
    """A release by an example's values, on a database of its own. Only the image is another one."""
    name: str = request.param
    release = Release(server.namespace, f"plinth-{name}")
    server.sql(MAJOR, f'CREATE DATABASE "{release.name}" OWNER {OWNER}', "postgres")
    secrets = {secret: login(role, release.name) for secret, (login, role) in SECRETS[name].items()}
    if name in AUTHORITIES:
        secret, key = AUTHORITIES[name]
        secrets[secret] = {key: authority.cert_pem.bytes().decode()}
    for secret, keys in secrets.items():
        literals = (f"--from-literal={key}={value}" for key, value in keys.items())
        release.namespace.kubectl("create", "secret", "generic", secret, *literals)
    values = CHART / "ci" / f"{name}-values.yaml"
    release.install("image.digest=", flags=("--values", str(values), "--wait"))
    yield release
    release.namespace.helm("uninstall", release.name)
    release.namespace.kubectl("delete", "secret", *secrets)


def test_it_serves_over_tls(example: Release, server: ExternalDatabase) -> None:
    """It installs, passes its test, writes, and every one of its connections is encrypted."""
    example.namespace.helm("test", example.name)
    example.post("/projects", {"name": "first"})
    encrypted, all_of_them = server.sql(MAJOR, ENCRYPTED.format(database=example.name))[0].split("|")
    assert encrypted == all_of_them != "0"


def test_each_example_is_installed() -> None:
    """One that is added to the chart is missed here until its secrets are known."""
    assert {path.name for path in Path(CHART, "ci").iterdir()} == {f"{name}-values.yaml" for name in SECRETS}
