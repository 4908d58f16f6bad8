"""Asking the truth: the Jobs first, then the server."""

import asyncio
import base64
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
from lightkube import ApiError, AsyncClient
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod, Secret

from app.db.connections import look
from app.db.faults import classify, said
from app.db.server import ServerFacts, observe as ask
from app.db.tls import in_memory
from app.errors import PlinthError, SettingsError
from app.operator import metrics
from app.operator.decide import Snapshot, Unreachable
from app.operator.jobs import LABEL, MigrationJob, read
from app.operator.resource import COMPONENT, Resource
from app.settings import Settings, from_secret

EQUAL_OBSERVATIONS, SECONDS_BETWEEN = 3, 1.0
_NO_SECRET = (403, 404)
_log = logging.getLogger(__name__)


class Observer:
    def __init__(self, client: AsyncClient, settings: Settings) -> None:
        self._client = client
        self._timeouts = settings.model_dump(include={"database_connect_timeout", "database_command_timeout"})
        self._failures: dict[str, int] = {}

    async def observe(self, resources: Sequence[Resource]) -> list[Snapshot]:
        """Observe one database for the resources that share it; a snapshot for each."""
        one = resources[0]
        jobs = await self._jobs(one.namespace)
        seen = [server := await self._ask(one)]
        told = [(each.status.get("serverVersionNum"), each.status.get("systemIdentifier")) for each in resources]
        now = (server.version_num, server.system_identifier) if isinstance(server, ServerFacts) else None
        while now and any(each != now for each in told) and len(seen) < EQUAL_OBSERVATIONS:
            await asyncio.sleep(SECONDS_BETWEEN)
            seen.append(await self._ask(one))
        moment, stable = datetime.now(UTC), all(each == server for each in seen)
        own = {each.uid: tuple(job for job in jobs if job.owner == each.uid) for each in resources}
        return [Snapshot(each, server, moment, own[each.uid], stable) for each in resources]

    async def _jobs(self, namespace: str) -> list[MigrationJob]:
        ours: dict[str, Any] = {LABEL: None}  # whatever its value
        jobs = [job.to_dict() async for job in self._client.list(Job, namespace=namespace, labels=ours)]
        pods = [pod.to_dict() async for pod in self._client.list(Pod, namespace=namespace, labels=ours)] if jobs else []
        return [read(job, pods) for job in jobs]

    async def _ask(self, resource: Resource) -> ServerFacts | Unreachable:
        key, name = resource.database_key, resource.database["name"]
        try:
            with metrics.OBSERVATIONS.time():
                facts = await self._facts(resource)
        except (PlinthError, ApiError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            if isinstance(error, ApiError) and error.status.code not in _NO_SECRET:
                raise
            self._failures[key] = times = self._failures.get(key, 0) + 1
            kind = str(classify(error) or "secret")
            metrics.ERRORS.labels(kind).inc()
            message = f"The database of Secret {name} cannot be used: {said(error) or kind}."
            _log.warning("%s/%s (%s): %s", *resource.key, kind, message)
            return Unreachable(message, times)
        self._failures.pop(key, None)
        return facts

    async def _facts(self, resource: Resource) -> ServerFacts:
        """Ask the server, at the address its secret has now."""
        ref, ca = resource.database, resource.database.get("ca")
        data = await self._secret(resource.namespace, ref["name"])
        bundle = (await self._secret(resource.namespace, ca["name"])).get(ca["key"]) if ca else None
        if ca and bundle is None:
            raise SettingsError(f"Secret {ca['name']} has no key {ca['key']}")
        with in_memory(bundle) as path:
            tls = {"database_tls_mode": ref.get("tlsMode"), "database_tls_ca": path}
            settings = from_secret(data, ref["keys"], **self._timeouts, **tls)
            async with asyncio.timeout(sum(self._timeouts.values())):
                return await look(settings, ask, application_name=COMPONENT)

    async def _secret(self, namespace: str, name: str) -> dict[str, str]:
        """A secret's values. Read by name each time: the operator can neither list nor watch secrets."""
        data = (await self._client.get(Secret, name, namespace=namespace)).data or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}
