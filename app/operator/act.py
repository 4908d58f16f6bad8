"""Doing what was decided: the Job, then the Events, then the status. Killed in between, the next round goes on."""

import hashlib
import logging
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from lightkube import ApiError, AsyncClient
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event as EventObject
from lightkube.types import PatchType

from app.operator import metrics
from app.operator.decide import Decision, Snapshot, decide
from app.operator.jobs import MigrationJob, build
from app.operator.reasons import QUIET_SECONDS, WARNINGS, Event
from app.operator.resource import API_VERSION, COMPONENT, KIND, GatedMigration, Resource, parse, timestamp

_CONFLICT, _REJECTED = 409, (400, 403, 422)

_log = logging.getLogger(__name__)


class Actor:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._posted: dict[tuple[str, str], float] = {}

    async def act(self, snapshot: Snapshot, decision: Decision) -> tuple[Resource, timedelta]:
        """Do it. Returns the resource as it is then, and when to look again: at once where it was changed meanwhile."""
        resource, (namespace, name) = snapshot.resource, snapshot.resource.key
        if decision.create:
            fresh = await self._fetch(resource)
            if fresh.resource_version != resource.resource_version:
                return fresh, timedelta(0)  # no Job on stale knowledge
            if refusal := await self._create(resource, decision.create):
                text = f"the API server refused the Job: {refusal}"
                job = MigrationJob(decision.create, snapshot.now, snapshot.now, message=text)
                decision = decide(replace(snapshot, jobs=(*snapshot.jobs, job)))
        for event in decision.events:
            await self._post(resource, event, snapshot)
        if decision.status == resource.status:
            return resource, decision.due
        # The version goes along, so that nobody else's is overwritten.
        wanted = {"/metadata/resourceVersion": str(resource.resource_version), "/status": decision.status}
        patch, how = [{"op": "add", "path": path, "value": value} for path, value in wanted.items()], PatchType.JSON
        made = self._client.patch(GatedMigration.Status, name, patch, namespace=namespace, patch_type=how)
        try:
            return parse(await made), decision.due
        except ApiError as error:
            if error.status.code != _CONFLICT:
                raise
            return await self._fetch(resource), timedelta(0)

    async def _fetch(self, resource: Resource) -> Resource:
        return parse(await self._client.get(GatedMigration, resource.name, namespace=resource.namespace))

    async def _create(self, resource: Resource, name: str) -> str | None:
        """Create the Job, unless it is there: whoever was first made the same one. Returns why it was refused."""
        try:
            await self._client.create(cast("Job", Job.from_dict(build(resource, name))))
        except ApiError as error:
            if error.status.code in _REJECTED:
                return error.status.message
            if error.status.code != _CONFLICT:
                raise
        else:
            metrics.JOBS.inc()
        return None

    async def _post(self, resource: Resource, event: Event, snapshot: Snapshot) -> None:
        _log.info("%s/%s: %s: %s", resource.namespace, resource.name, event.reason, event.message)
        key, now = (resource.uid, event.reason), time.monotonic()
        if key in self._posted and now < self._posted[key] + QUIET_SECONDS[event.reason]:
            return
        try:
            await self._client.create(cast("EventObject", EventObject.from_dict(event_object(snapshot, event))))
        except ApiError as error:
            if error.status.code != _CONFLICT:  # an Event is no reason not to go on
                _log.warning("the Event was not accepted: %s", error.status.message)
        self._posted[key] = now


def event_object(snapshot: Snapshot, event: Event) -> dict[str, Any]:
    """The Event. Its name is the same for every operator within the quiet time, restarted or not."""
    resource, now = snapshot.resource, timestamp(snapshot.now)
    window = int(snapshot.now.timestamp()) // QUIET_SECONDS[event.reason]
    more = f" (docs/runbook.md#{event.reason.lower()})" if event.reason in WARNINGS else ""
    digest = hashlib.sha256(f"{resource.uid} {event.reason} {window}".encode()).hexdigest()[:16]
    place = {"name": resource.name, "namespace": resource.namespace, "uid": resource.uid}
    return {
        "metadata": {"name": f"{resource.name}.{digest}", "namespace": resource.namespace},
        "involvedObject": {"apiVersion": API_VERSION, "kind": KIND, **place},
        "type": "Warning" if more else "Normal",
        "reason": str(event.reason),
        "message": event.message[: 1024 - len(more)] + more,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
