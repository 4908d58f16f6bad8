"""Asking the truth: the Jobs first, then the server."""

import asyncio
import base64
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from lightkube import ApiError, AsyncClient
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod, Secret

from app.db.connections import connect_with
from app.db.faults import classify
from app.db.server import ServerFacts, observe as ask
from app.errors import PlinthError, SettingsError
from app.operator import metrics
from app.operator.decide import Unreachable
from app.operator.jobs import FILES, LABEL, MigrationJob, read
from app.operator.resource import COMPONENT, Object, Resource
from app.settings import Settings

EQUAL_OBSERVATIONS, SECONDS_BETWEEN = 3, 1.0
_log = logging.getLogger(__name__)


class Observation(NamedTuple):
    """What was seen of one database, for all its resources."""

    server: ServerFacts | Unreachable
    stable: bool
    jobs: Mapping[str, tuple[MigrationJob, ...]]
    """By the uid of the resource that owns them."""


class Observer:
    def __init__(self, client: AsyncClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._failures: dict[str, int] = {}

    async def observe(self, resources: Sequence[Resource]) -> Observation:
        """Observe one database for the resources that share it."""
        one = resources[0]
        jobs = await self._jobs(one.namespace)
        seen = [await self._ask(one)]
        told = [(each.status.get("serverVersionNum"), each.status.get("systemIdentifier")) for each in resources]
        news = isinstance(seen[0], ServerFacts) and any(one != _identity(seen[0])[:2] for one in told)
        while news and len(seen) < EQUAL_OBSERVATIONS:
            await asyncio.sleep(SECONDS_BETWEEN)
            seen.append(await self._ask(one))
        return Observation(seen[-1], len({_identity(each) for each in seen}) == 1, jobs)

    async def _jobs(self, namespace: str) -> dict[str, tuple[MigrationJob, ...]]:
        ours: dict[str, Any] = {LABEL: None}  # whatever its value
        jobs = [job.to_dict() async for job in self._client.list(Job, namespace=namespace, labels=ours)]
        pods = [pod.to_dict() async for pod in self._client.list(Pod, namespace=namespace, labels=ours)] if jobs else []
        owned: dict[str, tuple[MigrationJob, ...]] = {}
        for job in jobs:
            for owner in job["metadata"].get("ownerReferences", ()):
                owned[owner["uid"]] = (*owned.get(owner["uid"], ()), read(job, pods))
        return owned

    async def _ask(self, resource: Resource) -> ServerFacts | Unreachable:
        key, name = resource.database_key, resource.database["name"]
        try:
            with metrics.OBSERVATIONS.time():
                facts = await self._facts(resource)
        except (PlinthError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            self._failures[key] = times = self._failures.get(key, 0) + 1
            kind = str(classify(error) or "secret")
            metrics.ERRORS.labels(kind).inc()
            message = f"The database of Secret {name} cannot be used: {_sentence(error, kind)}"
            _log.warning("%s/%s (%s): %s", *resource.key, kind, message)
            return Unreachable(message, times)
        self._failures.pop(key, None)
        return facts

    async def _facts(self, resource: Resource) -> ServerFacts:
        """Ask the server, at the address its secret has now."""
        ref, limits = resource.database, self._settings
        data, ca = await self._secret(resource.namespace, ref["name"]), ref.get("ca")
        bundle = (await self._secret(resource.namespace, ca["name"])).get(ca["key"]) if ca else None
        if ca and bundle is None:
            raise SettingsError(f"Secret {ca['name']} has no key {ca['key']}")
        deadline = limits.database_connect_timeout + limits.database_command_timeout
        async with asyncio.timeout(deadline):
            with _file(bundle) as path:
                place = database_settings(data, ref, path, limits)
                connection = await connect_with(place, application_name=COMPONENT)
            try:
                return await ask(connection)
            finally:
                await connection.close(timeout=1)

    async def _secret(self, namespace: str, name: str) -> dict[str, str]:
        """A secret's values. Read by name each time: the operator can neither list nor watch secrets."""
        try:
            secret = await self._client.get(Secret, name, namespace=namespace)
        except ApiError as error:
            if error.status.code in (403, 404):
                raise SettingsError(error.status.message) from None
            raise
        return {key: base64.b64decode(value).decode() for key, value in (secret.data or {}).items()}


def database_settings(data: Mapping[str, str], ref: Object, ca: Path | None, limits: Settings) -> Settings:
    """The settings the migration's Job has from the same secret, so that both find the same server."""
    keys = ref["keys"]
    values = {f"database_{name}": data[keys[part]].strip() for part, name in FILES.items() if data.get(keys[part])}
    if not values.keys() & {"database_url", "database_host"}:
        raise SettingsError(f"it has neither the key {keys['uri']} nor the key {keys['host']}")
    timeouts = limits.model_dump(include={"database_connect_timeout", "database_command_timeout"})
    tls = {"database_tls_mode": ref.get("tlsMode"), "database_tls_ca": ca}
    return Settings.model_validate({**timeouts, **values, **tls})


@contextmanager
def _file(text: str | None) -> Iterator[Path | None]:
    """A file in memory: OpenSSL reads CAs from files, and a pod with a read-only root may have no folder for one."""
    with os.fdopen(os.memfd_create("ca"), "w") as file:
        print(text or "", file=file, flush=True)
        yield None if text is None else Path(f"/proc/self/fd/{file.fileno()}")


def _identity(seen: ServerFacts | Unreachable) -> tuple[object, ...]:
    return (seen.version_num, seen.system_identifier, seen.in_recovery) if isinstance(seen, ServerFacts) else ()


def _sentence(error: Exception, kind: str) -> str:
    """What went wrong, without anything of the address: an odd password could have slipped into it."""
    if isinstance(error, ValueError) and not isinstance(error, OSError):  # a certificate's refusal is both
        return "the address in it cannot be understood."
    text, _, _ = str(error).partition(" for '")  # whom the certificate does not name
    return f"{text.rstrip('.') or kind}."
