"""Chart and app hold together: every setting of the app can be set by the chart, with the app's own default."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from app.environment import variable
from app.settings import Settings
from tests.chart.conftest import Notes, Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object, Refused, environment
from tests.chart.values_table import CHART

BY_VALUE = {
    *("database_tls_mode", "database_tls_ca", "database_pooler", "database_app_role"),
    *("drain_seconds", "shutdown_seconds", "readiness_mode", "ids_below18", "operator_namespaces", "image"),
}
BY_SECRET = {f"database_{part}" for part in ("url", "host", "port", "name", "user", "password")}
# Ports that Services and probes lead to, and a place Kubernetes decides.
FIXED = {"http_host", "http_port", "metrics_port", "operator_health_port", "operator_metrics_port", "termination_log"}

SCHEMA = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
APP = Settings.model_json_schema()["properties"]


def test_every_setting_has_one_place_in_the_chart() -> None:
    """Each setting is a value of its own, a file of the secret, fixed by the chart, or accepted under `settings`."""
    places = [BY_VALUE, BY_SECRET, FIXED, set(SCHEMA)]
    assert set().union(*places) == set(Settings.model_fields)
    assert sum(len(place) for place in places) == len(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(SCHEMA))
def test_the_schema_says_what_the_app_says(name: str) -> None:
    """Type, limits and choices of a setting are the same in the chart's schema as in the app."""
    keys = ("type", "enum", "minimum", "exclusiveMinimum")
    said = next((one for one in APP[name].get("anyOf", []) if one["type"] != "null"), APP[name])
    app = {key: said[key] for key in keys if key in said}
    if "enum" in app:
        app.pop("type")
    assert {key: SCHEMA[name][key] for key in keys if key in SCHEMA[name]} == app


def test_settings_reach_who_reads_them(render: Render) -> None:
    """A setting goes to the processes that read it and to no other, so that it restarts nothing else."""
    settings: dict[str, Any] = {
        "log_level": "debug",
        "migrate_attempts": 7,
        "operator_kubernetes_verify_strict": False,
        "body_limit_bytes": 2_000_000,
        "cors_origins": ["https://a.example"],
    }
    pods = render(EXTERNAL, {"settings": settings}).pods()
    for name, own in {
        "plinth": {"PLINTH_BODY_LIMIT_BYTES": "2000000", "PLINTH_CORS_ORIGINS": '["https://a.example"]'},
        "plinth-migrate": {"PLINTH_MIGRATE_ATTEMPTS": "7"},
        "plinth-operator": {"PLINTH_OPERATOR_KUBERNETES_VERIFY_STRICT": "false"},
    }.items():
        given = environment(pods[name])
        ours = {variable(one): given[variable(one)] for one in settings if variable(one) in given}
        assert ours == {"PLINTH_LOG_LEVEL": "debug", **own}


@pytest.mark.parametrize("values", [EMBEDDED, EXTERNAL])
def test_the_app_accepts_what_the_chart_gives_it(
    render: Render, monkeypatch: pytest.MonkeyPatch, values: Object
) -> None:
    """The environment of each of our containers is one the app's settings load from."""
    settings = {"cors_origins": ["https://a.example"], "log_level": "debug"}
    for pod in render(values, {"settings": settings}).pods().values():
        own = {name: value for name, value in environment(pod).items() if name.startswith("PLINTH_")}
        assert set(own) <= {variable(name) for name in Settings.model_fields}
        with monkeypatch.context() as patch:
            for name, value in own.items():
                patch.setenv(name, value)
            Settings()


def test_the_charts_ports_are_the_apps_defaults() -> None:
    """The chart sets no ports, so those it publishes are the app's defaults."""
    defaults = {name: Settings.model_fields[name].default for name in FIXED if name.endswith("_port")}
    assert defaults.pop("http_port") == 8000
    assert defaults.pop("operator_health_port") == 8080
    assert defaults == {"metrics_port": 9090, "operator_metrics_port": 9090}


def test_the_connection_budget_uses_the_apps_defaults(render: Render) -> None:
    """Three pods in a rollout with pool, overflow and two probes' connections each, migrations 3, operator 4."""
    pool = Settings.model_fields["database_pool_size"].default + Settings.model_fields["database_pool_overflow"].default
    needed = 3 * (pool + 2) + 3 + 4
    limit = {"database": {"existingSecret": "app-role", "connectionLimit": needed}}
    render(limit)
    limit["database"]["connectionLimit"] = needed - 1
    with pytest.raises(Refused, match=f"up to {needed} connections are opened"):
        render(limit)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_connection_budget_counts_the_surge_and_whoever_else_connects(render: Render, data: st.DataObject) -> None:
    """Pods and the one more of a rollout, times pool and probes, and whoever else connects: refused just below."""
    pods, most, pool, overflow = (data.draw(st.integers(low, 20)) for low in (1, 2, 1, 0))
    scaled, operated = data.draw(st.booleans()), data.draw(st.booleans())
    values = EXTERNAL | {
        "replicaCount": pods,
        "autoscaling": {"enabled": scaled, "maxReplicas": most},
        "settings": {"database_pool_size": pool, "database_pool_overflow": overflow},
        "operator": {"enabled": operated},
    }
    needed = ((most if scaled else pods) + 1) * (pool + overflow + 2) + 3 + (4 if operated else 0)
    surge = render(values, limited(needed)).one("Deployment", "plinth")["spec"]["strategy"]["rollingUpdate"]
    assert surge == {"maxSurge": 1, "maxUnavailable": 0}
    with pytest.raises(Refused, match=rf"is {needed - 1}, but up to {needed} connections are opened .* raise it, or"):
        render(values, limited(needed - 1))


def limited(connections: int) -> Object:
    return {"database": {"connectionLimit": connections}}


def test_the_embedded_databases_connections_are_known(render: Render) -> None:
    """It grants 97, which nobody needs to name: seven pods in a rollout fit, eight do not."""
    render(EMBEDDED, {"replicaCount": 6})
    with pytest.raises(Refused, match=r"is 97, but up to 103 connections .* database.existingSecret, or lower"):
        render(EMBEDDED, {"replicaCount": 7})
    render(EXTERNAL, {"replicaCount": 7})


def test_the_notes_say_how_many_connections(notes: Notes) -> None:
    """The budget that is checked, and one of as many ending pods as new ones, are told where the database is theirs."""
    for values, said in ((EXTERNAL, True), (EMBEDDED, False)):
        shown = notes(values, {"replicaCount": 4})
        assert ("The release opens up to 67 connections to the database" in shown) is said
        assert ("up to 103 for moments, while pods that end still hold theirs" in shown) is said


@pytest.mark.parametrize("missing", ["jwt_jwks_url", "jwt_issuer", "jwt_audience"])
def test_tokens_that_cannot_be_verified_are_refused(render: Render, missing: str) -> None:
    """What would end every pod at its start fails the installation with a sentence."""
    tokens = {"jwt_jwks_url": "https://i.example/jwks", "jwt_issuer": "https://i.example", "jwt_audience": "plinth"}
    render(EXTERNAL, {"settings": {"tenant_source": "jwt", **tokens}})
    with pytest.raises(Refused, match=f"set settings.{missing} too"):
        render(EXTERNAL, {"settings": {"tenant_source": "jwt", **tokens, missing: ""}})


def test_further_variables_reach_the_api(render: Render) -> None:
    """extraEnv is for what is no setting of the app."""
    pod = render(EXTERNAL, {"extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]}).pods()["plinth"]
    assert environment(pod)["HTTPS_PROXY"] == "http://proxy:3128"
