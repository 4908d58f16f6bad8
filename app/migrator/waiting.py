"""Waiting for a database that does not answer yet, and what to say of one that never does."""

import asyncio
import logging
import time
from typing import TypeVar

from app.db.address import Address, address
from app.db.connections import Ask, look
from app.db.faults import Fault, classify
from app.errors import DatabaseNotReachable
from app.settings import Settings

CHECK = "plinth-migrate-check"
"""The name of connections that only look."""
_RETRY_SECONDS = 0.5
_SAY_SECONDS = 5.0

_SENTENCES = {
    Fault.DNS: "its name is not found; check the host and the cluster's DNS",
    Fault.UNREACHABLE: "nothing answers there; check that the server runs and that host and port are right",
    Fault.TLS: "the server's TLS does not fit; check database.tls.mode and the CA",
    Fault.TIMEOUT: "it does not answer in time; check the network and network policies between here and the server",
    Fault.AUTHENTICATION: "it refuses this role or its password; check user and password in the secret",
    Fault.NO_DATABASE: "there is no such database on this server; create it or correct the name",
    Fault.TOO_MANY_CONNECTIONS: "it has no free connection; raise max_connections or lower the pools",
    Fault.STARTING_OR_STOPPING: "it is starting or stopping",
    Fault.PRIVILEGE: "this role may not read the migration tables; migrate with the role that owns them",
}

_log = logging.getLogger(__name__)

T = TypeVar("T")


async def wait(settings: Settings, seconds: float, ask: Ask[T]) -> T:
    """Ask until the server answers. Raises DatabaseNotReachable with what stood in the way at the end."""
    place = address(settings)
    began = said = time.monotonic()
    while True:
        try:
            return await look(settings, ask, application_name=CHECK)
        except Exception as error:
            fault = classify(error)
            if fault is None or fault is Fault.PROGRAMMING:
                raise
            now = time.monotonic()
            if now - began >= seconds:
                raise DatabaseNotReachable(_sentence(place, fault, seconds)) from error
            if said == began or now - said >= _SAY_SECONDS:
                said = now
                _log.info("waiting for the database at %s: %s", place, _SENTENCES.get(fault, fault))
        await asyncio.sleep(_RETRY_SECONDS)


def _sentence(place: Address, fault: Fault, seconds: float) -> str:
    return f"The database at {place} could not be used within {seconds:g} s: {_SENTENCES.get(fault, fault)}."
