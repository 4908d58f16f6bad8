"""GatedMigrations, servers and Jobs for tests, each as a person would find it, with what a test changes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.db.server import ServerFacts
from app.operator.decide import Decision, Snapshot, Unreachable, decide
from app.operator.jobs import MigrationJob, target
from app.operator.resource import Resource, parse

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEYS = {"uri": "uri", "host": "host", "port": "port", "dbname": "dbname", "user": "user", "password": "password"}
TEMPLATE = {"image": "plinth:1", "activeDeadlineSeconds": 3600, "ttlSecondsAfterFinished": 86400}


def body(
    *, status: Mapping[str, Any] | None = None, annotations: Mapping[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """A GatedMigration as the API server gives it."""
    return {
        "apiVersion": "plinth.dev/v1alpha1",
        "kind": "GatedMigration",
        "metadata": {
            "namespace": "shop",
            "name": "shop-uuidv7",
            "uid": "u-1",
            "resourceVersion": "10",
            "generation": 1,
            "creationTimestamp": "2026-11-01T00:00:00Z",
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "databaseSecretRef": {"name": "owner", "keys": KEYS},
            "revision": "uuidv7",
            "minServerVersion": 18,
            "approval": "Automatic",
            "paused": False,
            "pollInterval": "60s",
            "jobTemplate": TEMPLATE,
            **spec,
        },
        "status": dict(status or {}),
    }


def resource(**changes: Any) -> Resource:
    return parse(body(**changes))


def server(major: int = 17, **changes: Any) -> ServerFacts:
    """A server whose core schema is up to date and whose ids are v4."""
    values: dict[str, Any] = {
        "version_num": major * 10_000 + 3,
        "version": f"{major}.3",
        "system_identifier": "700",
        "in_recovery": False,
        "has_uuidv7": major >= 18,
        "core_revisions": frozenset({"0002"}),
        "gated_revisions": frozenset(),
        "core_log": frozenset({"0001", "0002"}),
        "id_function": "random",
        "id_generation": "v4",
    }
    return ServerFacts(**{**values, **changes})


def migrated(**changes: Any) -> ServerFacts:
    """A server of 18 on which the flip is done."""
    done = {"gated_revisions": frozenset({"uuidv7"}), "id_function": "native", "id_generation": "v7"}
    return server(18, **{**done, **changes})


def job(of: Resource, number: int = 1, *, ended: bool = False, **changes: Any) -> MigrationJob:
    """A Job the operator made for a server of `server()`, a minute ago."""
    name = f"{of.name}-{target(of, '700')}-{number}"
    began = NOW - timedelta(minutes=1)
    return MigrationJob(**{"name": name, "created": began, "completed": NOW if ended else None, **changes})


def failed(of: Resource, number: int = 1, **changes: Any) -> MigrationJob:
    return job(of, number, ended=True, **{"exit_code": 6, "message": "The migration failed.", **changes})


def succeeded(of: Resource, number: int = 1) -> MigrationJob:
    return job(of, number, ended=True, succeeded=True, exit_code=0, message="Applied uuidv7.")


def look(
    of: Resource, seen: ServerFacts | Unreachable, *jobs: MigrationJob, now: datetime = NOW, stable: bool = True
) -> Decision:
    """Decide once."""
    return decide(Snapshot(of, seen, now, jobs, stable))


def after(of: Resource, decision: Decision, **changes: Any) -> Resource:
    """The resource once a decision's status is written; `changes` as of `body`."""
    return resource(status=decision.status, **{"annotations": of.annotations, **changes})


def condition(decision: Decision, kind: str) -> Mapping[str, Any]:
    return next((one for one in decision.status["conditions"] if one["type"] == kind), {})


def standing(decision: Decision) -> tuple[str | None, ...]:
    """Ready, its reason, Reconciling, Stalled: what Helm and Flux look at."""
    ready = condition(decision, "Ready")
    others = (condition(decision, kind).get("status") for kind in ("Reconciling", "Stalled"))
    return ready["status"], ready["reason"], *others


def reasons(decision: Decision) -> list[str]:
    return [str(event.reason) for event in decision.events]
