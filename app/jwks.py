"""The keys of a token issuer (a JWK Set, RFC 7517): fetched, kept, and looked up by their id."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from jwt import PyJWK, PyJWTError

from app.errors import TokenKeysUnavailable

FETCH_SECONDS = 3
"""Deadline of one fetch, from the first byte to the last."""
UNKNOWN_KEY_SECONDS = 10
"""No fetch for an unknown key sooner than this after the one before: anybody can send tokens with made-up ids."""
NO_KEYS_SECONDS = 1
"""The same while there are no keys at all, so that the first answer of the issuer is not long in coming."""

_ALGORITHMS = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}
log = structlog.stdlib.get_logger("plinth.tokens")

Fetch = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Key:
    """A public key, and the algorithms a token may be signed by for it."""

    public: Any
    algorithms: Sequence[str]


def parse(document: Any, allowed: Sequence[str]) -> dict[str | None, Key]:
    """The usable keys of a set, by id. What is not for signatures, symmetric, broken or unknown is passed over."""
    found: dict[str | None, Key] = {}
    entries = document.get("keys") if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        key = _parse_one(entry, allowed) if isinstance(entry, dict) else None
        if key is not None:
            found[entry.get("kid")] = key
    if not found:
        raise ValueError("the answer holds no key that can be used")
    return found


def _parse_one(entry: Mapping[str, Any], allowed: Sequence[str]) -> Key | None:
    fitting = _ALGORITHMS.get(str(entry.get("kty")), ())
    own = (entry["alg"],) if "alg" in entry else allowed
    algorithms = [name for name in allowed if name in own and name.startswith(fitting)] if fitting else []
    if not algorithms or entry.get("use", "sig") != "sig":
        return None
    with suppress(PyJWTError):
        return Key(PyJWK(dict(entry), algorithms[0]).key, algorithms)
    return None


async def fetch(url: str) -> Any:
    """The document at a URL. Raises what httpx2 raises, TimeoutError after the deadline, ValueError for no JSON."""
    async with asyncio.timeout(FETCH_SECONDS), httpx2.AsyncClient() as client:
        response = await client.get(url, headers={"Accept": "application/json"})
        return response.raise_for_status().json()


class Keys:
    """An issuer's keys. One fetch at a time, which no request's end cancels; the last good keys stay when it fails."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        algorithms: Sequence[str],
        lifetime: float,
        told: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = algorithms
        self._lifetime = lifetime
        self._told = told
        self._clock = clock
        self._keys: dict[str | None, Key] = {}
        self._fetched = self._tried = -float("inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to fetch, so that the first request need not wait."""
        self._refresh(NO_KEYS_SECONDS)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def find(self, kid: str | None) -> Key | None:
        """The key of this id, or the only one where a token names none; None where the issuer has no such key.

        Raises TokenKeysUnavailable where that cannot be known.
        """
        if self._clock() - self._fetched > self._lifetime:
            self._refresh(UNKNOWN_KEY_SECONDS if self._keys else NO_KEYS_SECONDS)  # not waited for
        key = self._known(kid)
        if key is not None:
            return key
        self._refresh(UNKNOWN_KEY_SECONDS if self._keys else NO_KEYS_SECONDS)
        if self._task is not None:
            await asyncio.shield(self._task)
        if self._fetched < self._tried:
            raise TokenKeysUnavailable
        return self._known(kid)

    def _known(self, kid: str | None) -> Key | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _refresh(self, pause: float) -> None:
        """Fetch, unless that is being done or was tried within the pause."""
        if self._task is None and self._clock() - self._tried >= pause:
            self._tried = self._clock()
            self._task = asyncio.create_task(self._fetch_once(), name="jwks")

    async def _fetch_once(self) -> None:
        try:
            self._keys = parse(await self._fetch(), self._algorithms)
            self._fetched = self._clock()
            self._told("answered")
        except Exception as failure:  # whatever the issuer's server does, requests go on
            self._told("failed")
            log.warning("the issuer's keys cannot be fetched", error=f"{type(failure).__name__}: {failure}")
        finally:
            self._task = None
