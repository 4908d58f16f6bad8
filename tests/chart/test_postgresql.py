"""The embedded evaluation database."""

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, PASSWORDS, Object, Refused, container

CLOUDNATIVEPG = {
    *("username", "user", "password", "dbname", "host", "port", "pgpass"),
    *("uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri"),
}


def secret(objects: list[Object], role: str) -> Object:
    return next(one for one in objects if one["metadata"]["name"] == f"plinth-postgresql-{role}")


def contents(one: Object) -> dict[str, str]:
    """What a secret holds, written as the cluster keeps it: applied again it changes nothing."""
    assert "stringData" not in one
    return {key: b64decode(value, validate=True).decode() for key, value in one["data"].items()}


@pytest.mark.parametrize("role", ["owner", "app"])
def test_the_secrets_have_cloudnativepgs_keys(render: Render, role: str) -> None:
    """Each role's secret can be swapped for one CloudNativePG wrote; the URI says itself that there is no TLS."""
    made = secret(render(EMBEDDED), role)
    assert made["type"] == "kubernetes.io/basic-auth"
    keys = contents(made)
    assert set(keys) == CLOUDNATIVEPG
    address = f"plinth_{role}:{role}-password@plinth-postgresql.apps:5432/plinth"
    assert keys["uri"] == f"postgresql://{address}?sslmode=disable"
    assert keys["pgpass"] == f"plinth-postgresql.apps:5432:plinth:plinth_{role}:{role}-password\n"


def test_the_superusers_secret_is_a_login(render: Render) -> None:
    """The third secret has the two keys of its type."""
    assert contents(secret(render(EMBEDDED), "superuser")) == {"username": "postgres", "password": "superuser-password"}


def test_the_data_outlives_the_pod_and_the_version(render: Render) -> None:
    """One volume for all major versions, at the place the official images use from 18 on."""
    statefulset = render(EMBEDDED).one("StatefulSet", "plinth-postgresql")
    (claim,) = statefulset["spec"]["volumeClaimTemplates"]
    pod = statefulset["spec"]["template"]["spec"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert {"name": "data", "mountPath": "/var/lib/postgresql"} in container(pod)["volumeMounts"]


def test_without_persistence_the_data_lives_as_long_as_the_pod(render: Render) -> None:
    """persistence.enabled=false makes no claim."""
    spec = render(EMBEDDED, {"postgresql": {"persistence": {"enabled": False}}}).one("StatefulSet")["spec"]
    assert "volumeClaimTemplates" not in spec
    assert {"name": "data", "emptyDir": {}} in spec["template"]["spec"]["volumes"]


def test_passwords_reach_the_server_as_files(render: Render) -> None:
    """Three roles, three secrets, three files; the environment names a file only."""
    pod = render(EMBEDDED).pods()["plinth-postgresql"]
    (passwords,) = [one["projected"]["sources"] for one in pod["volumes"] if one["name"] == "passwords"]
    assert {one["secret"]["items"][0]["path"]: one["secret"]["name"] for one in passwords} == {
        role: f"plinth-postgresql-{role}" for role in ("owner", "app", "superuser")
    }
    (variable,) = container(pod)["env"]
    assert variable == {"name": "POSTGRES_PASSWORD_FILE", "value": "/run/secrets/postgresql/superuser"}


def test_it_is_ready_only_when_it_listens(render: Render) -> None:
    """Probes ask by TCP, which is off until the first start is over; being busy starting is no reason to be killed."""
    server = container(render(EMBEDDED).pods()["plinth-postgresql"])
    for probe in ("startupProbe", "readinessProbe"):
        assert server[probe]["exec"]["command"][:4] == ["pg_isready", "-q", "-h", "127.0.0.1"]
    assert "[ $? -eq 1 ]" in server["livenessProbe"]["exec"]["command"][-1]


def test_a_changed_script_restarts_the_server_and_a_new_chart_alone_does_not(render: Render) -> None:
    """The pod carries a hash of its scripts and nothing else that changes."""
    metadata = render(EMBEDDED).one("StatefulSet")["spec"]["template"]["metadata"]
    assert set(metadata["annotations"]) == {"plinth.dev/scripts"}
    assert "app.kubernetes.io/version" not in metadata["labels"]


def test_a_broken_server_is_replaced_by_the_upgrade_that_mends_it(render: Render) -> None:
    """A pod that is not ready holds up an ordered StatefulSet, even one whose template has been mended."""
    assert render(EMBEDDED).one("StatefulSet")["spec"]["podManagementPolicy"] == "Parallel"


def test_a_named_secret_turns_it_off(render: Render) -> None:
    """With a database of one's own nothing of the embedded one is made."""
    objects = render(EXTERNAL)
    assert not [one for one in objects if "postgresql" in one["metadata"]["name"]]


def test_rendered_without_a_cluster_it_wants_its_passwords(render: Render) -> None:
    """Where nothing can be looked up, a random password would change each time: a sentence says what to give."""
    with pytest.raises(Refused, match=r"set postgresql\.auth\.ownerPassword, appPassword and superuserPassword"):
        render()
    some = {name: PASSWORDS[name] for name in ("ownerPassword", "appPassword")}
    with pytest.raises(Refused, match="Rendered without a cluster"):
        render({"postgresql": {"auth": some}})


RESOURCES = {
    "/api/v1": [("secrets", "Secret"), ("serviceaccounts", "ServiceAccount")],
    "/apis/apps/v1": [("statefulsets", "StatefulSet")],
}
KEPT = "/api/v1/namespaces/apps/secrets/plinth-postgresql-app"


class ApiServer(BaseHTTPRequestHandler):
    """What `lookup` asks of a cluster that has one secret and nothing else."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        answer: Object | None = {"kind": "List", "items": []} if path.endswith("/statefulsets") else None
        if path in RESOURCES:
            names = [{"name": name, "kind": kind, "namespaced": True, "verbs": []} for name, kind in RESOURCES[path]]
            version = path.removeprefix("/api/").removeprefix("/apis/")
            answer = {"kind": "APIResourceList", "groupVersion": version, "resources": names}
        if path == KEPT:
            answer = {"apiVersion": "v1", "kind": "Secret", "data": {"password": b64encode(b"kept").decode()}}
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer or {"kind": "Status", "reason": "NotFound", "code": 404}).encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: Helm says what it misses."""


@pytest.fixture
def cluster() -> Iterator[tuple[str, ...]]:
    """Options by which Helm renders with lookups in a cluster."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ApiServer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield ("--dry-run=server", f"--kube-apiserver=http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_with_a_cluster_passwords_are_kept_or_made_up(render: Render, cluster: tuple[str, ...]) -> None:
    """Of what the cluster has the password stays; others are random ones. The Job is the same for all that."""
    first, second = (render({"migrations": {"mode": "job"}}, options=cluster) for _ in range(2))
    app, owner, superuser = (contents(secret(first, role))["password"] for role in ("app", "owner", "superuser"))
    assert app == contents(secret(second, "app"))["password"] == "kept"
    assert owner != superuser
    assert all(len(password) == 32 and password.isalnum() for password in (owner, superuser))
    names = [[one["metadata"]["name"] for one in objects.all("Job")] for objects in (first, second)]
    assert names[0] == names[1]


@pytest.mark.parametrize("mode", ["hook", "job", "argocd", "none"])
def test_argocd_must_give_passwords(render: Render, mode: str) -> None:
    """Argo CD tells Helm the cluster's kinds and lets it look nothing up: passwords are never made up, in any mode."""
    with pytest.raises(Refused, match="Rendered without a cluster"):
        render({"migrations": {"mode": mode}}, options=("--api-versions", "v1/Secret"))


def test_a_password_that_would_break_a_uri_is_refused(render: Render) -> None:
    """Passwords of the embedded database hold only what needs no quoting anywhere."""
    with pytest.raises(Refused, match="ownerPassword"):
        render(EMBEDDED, {"postgresql": {"auth": {"ownerPassword": "semi;colon@host"}}})
