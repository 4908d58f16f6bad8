"""Doing what was decided: the Job, then the Events, then the status. Killed in between, the next round goes on."""

import hashlib
import logging
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from lightkube import ApiError, AsyncClient, codecs
from lightkube.types import PatchType

from app import kubernetes, templates
from app.operator import metrics
from app.operator.decide import Decision, Snapshot, decide
from app.operator.jobs import MigrationJob
from app.operator.reasons import QUIET_SECONDS, WARNINGS, Event
from app.operator.resource import GatedMigration, Resource, parse
from app.settings import SECRET_FILES

_CONFLICT, _REJECTED = 409, (400, 403, 422)
_TEMPLATES = Path(__file__).parent
_log = logging.getLogger(__name__)


class Actor:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._posted: dict[tuple[str, str], float] = {}

    async def act(self, snapshot: Snapshot, decision: Decision) -> tuple[Resource, timedelta]:
        """Do it. Returns the resource as it is then, and when to look again: at once where it was changed meanwhile."""
        resource, (namespace, name) = snapshot.resource, snapshot.resource.key
        if decision.create:
            fresh = parse(await self._client.get(GatedMigration, name, namespace=namespace))
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
        # The version goes along: what somebody else wrote meanwhile is a conflict, and this step is tried again.
        wanted = {"/metadata/resourceVersion": str(resource.resource_version), "/status": decision.status}
        patch, how = [{"op": "add", "path": path, "value": value} for path, value in wanted.items()], PatchType.JSON
        made = await self._client.patch(GatedMigration.Status, name, patch, namespace=namespace, patch_type=how)
        return parse(made), decision.due

    async def _create(self, resource: Resource, name: str) -> str | None:
        """Create the Job, unless it is there: whoever was first made the same one. Returns why it was refused."""
        try:
            await self._client.create(codecs.from_dict(job_object(resource, name)))
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
            await self._client.create(codecs.from_dict(event_object(snapshot, event)))
        except ApiError as error:
            if error.status.code != _CONFLICT:  # an Event is no reason not to go on
                _log.warning("the Event was not accepted: %s", error.status.message)
        self._posted[key] = now


def job_object(resource: Resource, name: str) -> dict[str, Any]:
    """The Job that runs the gated revision once."""
    return templates.document(_TEMPLATES / "job.yaml.mako", of=resource, name=name, files=SECRET_FILES)


def event_object(snapshot: Snapshot, event: Event) -> dict[str, Any]:
    """The Event. Its name is the same for every operator within the quiet time, restarted or not."""
    of, now, reason = snapshot.resource, snapshot.now, event.reason
    window = int(now.timestamp()) // QUIET_SECONDS[reason]
    digest = hashlib.sha256(f"{of.uid} {reason} {window}".encode()).hexdigest()[:16]
    more = f" (docs/runbook.md#{reason.lower()})" if reason in WARNINGS else ""
    said = {"type": "Warning" if more else "Normal", "message": event.message[: 1024 - len(more)] + more}
    own = {"name": f"{of.name}.{digest}", "reason": reason, "now": kubernetes.timestamp(now)}
    return templates.document(_TEMPLATES / "event.yaml.mako", of=of, **own, **said)
