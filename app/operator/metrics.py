"""What Prometheus sees of the operator. Alerts and dashboards go by these names."""

from prometheus_client import Counter, Gauge, Histogram

ROUNDS = Counter("plinth_operator_rounds", "Rounds, each of the resources of one database")
OBSERVATIONS = Histogram("plinth_operator_observation_seconds", "Asking one database what it is, with its secret")
ERRORS = Counter("plinth_operator_errors", "Failures by kind: a fault of a database, secret or kubernetes", ["kind"])
JOBS = Counter("plinth_operator_jobs_created", "Migration Jobs created")
SUCCESS = Gauge("plinth_operator_last_success_timestamp_seconds", "When a resource was last brought up to date")
STATE = Gauge("plinth_gated_migration_state", "1 for the reason Ready has", ["namespace", "name", "reason"])
SERVER = Gauge("plinth_gated_migration_server_version_num", "Of the database's server", ["namespace", "name"])


def tell(namespace: str, name: str, reason: str | None = None, version: int | None = None) -> None:
    """Tell the state of a resource, or forget it."""
    for gauge in (STATE, SERVER):
        gauge.remove_by_labels({"namespace": namespace, "name": name})
    if reason:
        STATE.labels(namespace, name, reason).set(1)
    if version:
        SERVER.labels(namespace, name).set(version)
