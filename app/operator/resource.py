"""A GatedMigration as the operator reads it. Nothing here talks to anything."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lightkube.generic_resource import create_namespaced_resource

COMPONENT = "plinth-operator"
GROUP, VERSION, PLURAL, KIND = "plinth.dev", "v1alpha1", "gatedmigrations", "GatedMigration"
API_VERSION = f"{GROUP}/{VERSION}"
GatedMigration = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)
APPROVE, RETRY = f"{GROUP}/approve", f"{GROUP}/retry"

Object = Mapping[str, Any]
_UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Resource:
    """What is wanted (spec, annotations) and what was last reported (status), its defaults filled in."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    annotations: Mapping[str, str]
    database: Object
    """spec.databaseSecretRef"""
    revision: str
    minimum: int
    manual: bool
    paused: bool
    poll: timedelta
    job_template: Object
    status: Object
    approved: tuple[str, str | None]
    """When the approval was written, and by which field manager."""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def database_key(self) -> str:
        """Equal for resources that read one secret in one way: they share an observation."""
        return json.dumps([self.namespace, self.database], sort_keys=True)

    @property
    def wish(self) -> tuple[object, ...]:
        """What a person can change; when it differs, something is to be done at once."""
        return self.uid, self.generation, self.annotations.get(APPROVE), self.annotations.get(RETRY)

    @property
    def last_job(self) -> Object | None:
        return self.status.get("lastJob")

    @property
    def approval(self) -> Object | None:
        """The approval of this revision: the one recorded, else the one just written. None where there is none."""
        if self.annotations.get(APPROVE) != self.revision:
            return None
        recorded: Object = self.status.get("approval") or {}
        if recorded.get("revision") == self.revision:
            return recorded
        time, manager = self.approved
        return given({"revision": self.revision, "time": time, "manager": manager})

    def condition(self, kind: str) -> Object:
        """A condition of the status, or an empty one."""
        return next((one for one in self.status.get("conditions", ()) if one["type"] == kind), {})


def parse(body: Object) -> Resource:
    """Read an object as the API server gives it."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status")
    return Resource(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        generation=meta["generation"],
        annotations=meta.get("annotations", {}),
        database=spec["databaseSecretRef"],
        revision=spec["revision"],
        minimum=spec["minServerVersion"],
        manual=spec["approval"] == "Manual",
        paused=spec["paused"],
        poll=duration(spec["pollInterval"]),
        job_template=spec["jobTemplate"],
        status=status if isinstance(status, dict) else {},
        approved=_approved(meta),
    )


def _approved(meta: Object) -> tuple[str, str | None]:
    """The field manager (kubectl-annotate) is all that is known here; the user is in the API server's audit log."""
    for entry in meta.get("managedFields", ()):
        fields = entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
        if f"f:{APPROVE}" in fields:
            return entry["time"], entry.get("manager")
    return meta["creationTimestamp"], None


def given(values: Object) -> dict[str, Any]:
    """What is not None of it."""
    return {key: value for key, value in values.items() if value is not None}


def duration(text: str) -> timedelta:
    """``1h2m3s`` as a time span. Raises ValueError where there is none: polls without a pause are nobody's wish."""
    if seconds := sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", text)):
        return timedelta(seconds=seconds)
    raise ValueError(f"{text!r} is no duration")


def timestamp(moment: datetime) -> str:
    """A moment as the Kubernetes API writes it: whole seconds, UTC. ``datetime.fromisoformat`` is the reverse."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
