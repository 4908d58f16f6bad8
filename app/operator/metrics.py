"""What Prometheus sees of the operator. Alerts and dashboards go by these names."""

from prometheus_client import Counter, Gauge, Histogram

from app.operator.resource import Object

ROUNDS = Counter("plinth_operator_rounds", "Rounds, each of the resources of one database")
OBSERVATIONS = Histogram("plinth_operator_observation_seconds", "Asking one database what it is, with its secret")
ERRORS = Counter("plinth_operator_errors", "Failures by kind: a fault of a database, secret or kubernetes", ["kind"])
JOBS = Counter("plinth_operator_jobs_created", "Migration Jobs created")
SUCCESS = Gauge("plinth_operator_last_success_timestamp_seconds", "When a resource, if any, was last up to date")
STATE = Gauge("plinth_gated_migration_state", "1 for the reason Ready has", ["namespace", "name", "reason"])
STALLED = Gauge("plinth_gated_migration_stalled", "1 after the last attempt has failed", ["namespace", "name"])
SERVER = Gauge("plinth_gated_migration_server_version_num", "Of the database's server", ["namespace", "name"])


def tell(namespace: str, name: str, status: Object) -> None:
    """Tell the state of a resource; an empty one forgets it."""
    for gauge in (STATE, STALLED, SERVER):
        gauge.remove_by_labels({"namespace": namespace, "name": name})
    if reasons := {one["type"]: one["reason"] for one in status.get("conditions", ())}:
        STATE.labels(namespace, name, reasons["Ready"]).set(1)
        STALLED.labels(namespace, name).set("Stalled" in reasons)
    if version := status.get("serverVersionNum"):
        SERVER.labels(namespace, name).set(version)
