"""Creates that are sent again until they are answered, by many at once, and what was answered.

One file of the standard library, so that it also runs in a pod::

    python retrying.py URL COUNT [WORKERS]

sends COUNT times ``{"name": "<number>"}`` to URL, prints how it stands once a second, and at the end a line of JSON:
``made`` (id of each name), ``lost`` (why, of each name that never was answered), ``seconds``.
"""

import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4


def create(url: str, body: object, *, timeout: float = 15, patience: float = 300) -> Any:
    """POST until it is answered: it is there once, however often it was sent."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - the address is the caller's
    ends = time.monotonic() + patience
    while True:
        try:
            with urlopen(request, timeout=timeout) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as refusal:
            with refusal:
                if "Retry-After" not in refusal.headers:
                    raise  # it will not be better next time
                wait = float(refusal.headers["Retry-After"])
        except (OSError, HTTPException):  # refused, reset, silent, cut short: it may have been carried out
            wait = random.uniform(0.5, 2)  # noqa: S311 - a spread, no secret
        if time.monotonic() + wait > ends:
            raise TimeoutError(f"not answered within {patience:g} s")
        time.sleep(wait)


class Creates:
    """Many creates, under way in threads of their own. Each has a name of its own; `made` is the id each was given."""

    def __init__(self, url: str, count: int, *, workers: int = 8, timeout: float = 15) -> None:
        self.made: dict[str, str] = {}
        self.failed: dict[str, Exception] = {}
        self._url, self._count, self._timeout = url, count, timeout
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="create")
        for number in range(count):
            self._pool.submit(self._one, str(number))

    @property
    def answered(self) -> int:
        return len(self.made) + len(self.failed)

    def wait_for(self, more: int, within: float = 120) -> None:
        """Until so many more are answered, or all."""
        wanted, deadline = min(self.answered + more, self._count), time.monotonic() + within
        while self.answered < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.answered} of {wanted} are answered after {within:g} s")
            time.sleep(0.01)

    def finish(self) -> None:
        self._pool.shutdown(wait=True)

    def _one(self, name: str) -> None:
        try:
            self.made[name] = create(self._url, {"name": name}, timeout=self._timeout)["id"]
        except Exception as failure:  # counted, and told at the end
            self.failed[name] = failure


def report(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(url: str, count: int, workers: int = 8) -> int:
    started = time.monotonic()
    creates = Creates(url, count, workers=workers)
    while creates.answered < count:
        time.sleep(1)
        report(answered=creates.answered)
    creates.finish()
    lost = {name: repr(failure) for name, failure in creates.failed.items()}
    report(made=creates.made, lost=lost, seconds=round(time.monotonic() - started, 1))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
