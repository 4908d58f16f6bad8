"""How connections are opened: one way, for the API, its probe, the migrator and the operator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg
import structlog

from app.db.address import Address
from app.db.rotation import CurrentAddress
from app.settings import SessionAttribute, Settings

log = structlog.stdlib.get_logger("plinth.database")

HEAD_START_SECONDS = 0.25
"""How long one host may keep us waiting before the next is tried beside it: a dead one costs no more than that."""

# A parameter the server does not know, will not have changed, or not by this role; a pooler that lets none through.
_REFUSED_PARAMETER = (
    asyncpg.UndefinedObjectError,
    asyncpg.InvalidParameterValueError,
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ProtocolViolationError,
)

T = TypeVar("T")
Open = Callable[[], Awaitable[asyncpg.Connection]]
Ask = Callable[[asyncpg.Connection], Awaitable[T]]


def session_limits(settings: Settings) -> dict[str, str]:
    """What the server is asked to end by itself, as parameters of a session."""
    seconds = {
        "statement_timeout": settings.statement_timeout,
        "idle_in_transaction_session_timeout": settings.database_idle_in_transaction_timeout,
        "client_connection_check_interval": settings.database_client_check_interval,
    }
    return {name: _milliseconds(value) for name, value in seconds.items() if value}


def transaction_limits(settings: Settings) -> dict[str, str]:
    """The same for one transaction, where a session is not ours to set: behind a transaction pooler, else nothing."""
    if settings.database_pooler == "none":
        return {}
    limits = session_limits(settings)
    limits.pop("client_connection_check_interval", None)  # the server's client is the pooler, which is always there
    return limits


class Connector:
    """Opens the connections of one purpose.

    ``parameters`` a server must accept; ``limits`` it may refuse: then they are left out from there on, which is said
    once in the log. Behind a transaction pooler neither is sent.
    """

    def __init__(
        self,
        settings: Settings,
        application_name: str,
        *,
        parameters: Mapping[str, str] | None = None,
        limits: Mapping[str, str] | None = None,
        command_timeout: float | None = None,
        standby_too: bool = False,
    ) -> None:
        self.address: Final = CurrentAddress(settings)
        self._parameters = {"application_name": application_name, **(parameters or {})}
        self._limits = dict(limits or {})
        self._timeouts = settings.database_connect_timeout, command_timeout
        self._standby_too = standby_too

    async def __call__(self) -> asyncpg.Connection:
        """A new connection. Raises what asyncpg, the socket layer and asyncio raise; see app.db.faults."""
        place = self.address()
        async with asyncio.timeout(self._timeouts[0]):
            while True:
                parameters = {**self._parameters, **self._limits}
                try:
                    return await self._suitable(place, parameters)
                except _REFUSED_PARAMETER as error:
                    if not self._leave_out(str(error), parameters):
                        raise

    async def _suitable(self, place: Address, parameters: Mapping[str, str]) -> asyncpg.Connection:
        """On a server that is what it must be; with ``standby_too`` on any, where there is none."""
        wanted, *otherwise = _targets(place.target, any_too=self._standby_too)
        try:
            return await self._on_any_host(place, parameters, wanted)
        except asyncpg.TargetServerAttributeNotMatched:
            if not otherwise:
                raise
            return await self._on_any_host(place, parameters, otherwise[0])

    async def _on_any_host(
        self, place: Address, parameters: Mapping[str, str], target: SessionAttribute
    ) -> asyncpg.Connection:
        options: dict[str, Any] = {
            **place.options,
            "target_session_attrs": target,
            "timeout": self._timeouts[0],
            "command_timeout": self._timeouts[1],
        }
        if place.pooler == "none":
            options["server_settings"] = dict(parameters)
        else:
            options["statement_cache_size"] = 0
        if not place.hosts:
            return await asyncpg.connect(**options)
        return await first(
            [partial(asyncpg.connect, **options, host=host.name, port=host.port) for host in place.hosts]
        )

    def _leave_out(self, refusal: str, sent: Mapping[str, str]) -> bool:
        """Whether one of the limits is what was refused; then it is left out. A message names it untranslated."""
        pooler = "unsupported startup parameter" in refusal
        refused = {name for name in sent if name not in self._parameters and (pooler or name in refusal)}
        known = refused & self._limits.keys()  # less what another connection has found out meanwhile
        for name in known:
            del self._limits[name]
        if known:
            by = "a pooler; if it is in transaction mode, set database_pooler" if pooler else "the server"
            log.warning("connections are opened without the limits that were refused", limits=sorted(known), by=by)
        return bool(refused)


async def connect_with(settings: Settings, *, application_name: str) -> asyncpg.Connection:
    """One connection to look at the database the settings name: to a standby too, where there is no primary."""
    return await looking(settings, application_name)()


async def look(settings: Settings, ask: Ask[T], *, application_name: str) -> T:
    """Ask the server once, on a connection of its own."""
    connection = await connect_with(settings, application_name=application_name)
    try:
        return await ask(connection)
    finally:
        await connection.close(timeout=settings.database_connect_timeout)


def looking(settings: Settings, application_name: str) -> Connector:
    """Opens connections that only look: what is no primary is to be reported, not to be missed."""
    return Connector(
        settings,
        application_name,
        limits=session_limits(settings),
        command_timeout=settings.database_command_timeout,
        standby_too=True,
    )


async def first(openers: Sequence[Open], head_start: float = HEAD_START_SECONDS) -> asyncpg.Connection:
    """What the first of these that succeeds opens, in their order.

    Each begins when the one before has failed, or has kept us waiting for ``head_start`` seconds. Where all fail,
    raises the error that says most.
    """
    if len(openers) == 1:
        return await openers[0]()
    waiting, running, errors = list(openers), set[asyncio.Task[asyncpg.Connection]](), list[BaseException]()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(waiting.pop(0)()))
            patience = head_start if waiting else None
            done, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            opened = [task.result() for task in done if not task.exception()]
            errors += [error for task in done if (error := task.exception())]
            if opened:
                _drop(opened[1:])
                return opened[0]
        raise min(errors, key=_telling)
    finally:
        await _abandon(running)


async def _abandon(running: set[asyncio.Task[asyncpg.Connection]]) -> None:
    for task in running:
        task.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    _drop([result for result in results if isinstance(result, asyncpg.Connection)])


def _drop(connections: Sequence[asyncpg.Connection]) -> None:
    for connection in connections:
        connection.terminate()


def _telling(error: BaseException) -> int:
    """What a server said comes before that it is no primary, and that before silence."""
    if isinstance(error, asyncpg.PostgresError):
        return 0
    return 1 if isinstance(error, asyncpg.TargetServerAttributeNotMatched) else 2


def _targets(target: SessionAttribute, *, any_too: bool) -> tuple[SessionAttribute, ...]:
    if target == "prefer-standby":  # over several hosts this is a question of two rounds
        return ("standby", "any")
    return (target, "any") if any_too and target != "any" else (target,)


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
