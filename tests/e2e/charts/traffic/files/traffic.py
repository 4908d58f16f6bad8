"""Steady traffic against the API from inside the cluster: reads and writes, keep-alive on and off, each answer counted.

Runs in a pod on the app's own image. Prints one JSON line a second: how many answers were good, the ids of the writes
that were acknowledged, and every other answer with its time and kind. Ends by itself.
"""

import asyncio
import json
import os
import random
import sys
import time

import httpx2

BASE = os.environ["TARGET"]
SECONDS = float(os.environ["SECONDS"])
RATES = {"kept": int(os.environ["KEPT"]), "closed": int(os.environ["CLOSED"])}
"""Requests a second on connections that are kept, and on one connection each."""
PACE = 0.2
"""Seconds from one request of a worker to its next one."""


class Tally:
    """What happened since the last line."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.good = dict.fromkeys(RATES, 0)
        self.written: list[str] = []
        self.failed: list[dict[str, object]] = []

    def line(self) -> str:
        counted = {"time": time.time(), "good": self.good, "written": self.written, "failed": self.failed}
        self.clear()
        return json.dumps(counted)


async def main() -> None:
    tally, ends = Tally(), time.monotonic() + SECONDS
    async with client(max_keepalive_connections=None) as kept, client(max_keepalive_connections=0) as closed:
        project = await first_project(kept)
        print(json.dumps({"project": project}), flush=True)
        workers = [
            worker(kept if connection == "kept" else closed, connection, project, tally, ends)
            for connection, rate in RATES.items()
            for _ in range(round(rate * PACE))
        ]
        await asyncio.gather(*workers, reporter(tally, ends))
    print(tally.line(), flush=True)


def client(max_keepalive_connections: int | None) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=max_keepalive_connections)
    headers = {"Connection": "close"} if max_keepalive_connections == 0 else {}
    return httpx2.AsyncClient(base_url=BASE, timeout=15, limits=limits, headers=headers)


async def first_project(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/projects", json={"name": "traffic"})
    return str(answer.raise_for_status().json()["id"])


async def reporter(tally: Tally, ends: float) -> None:
    while time.monotonic() < ends:
        await asyncio.sleep(1)
        print(tally.line(), flush=True)


async def worker(client: httpx2.AsyncClient, connection: str, project: str, tally: Tally, ends: float) -> None:
    number, due = 0, time.monotonic() + random.uniform(0, PACE)
    while time.monotonic() < ends:
        # On time as long as answers are; after slow ones it goes on from now, rather than make up for them at once.
        due = max(time.monotonic(), due + PACE)
        await asyncio.sleep(due - time.monotonic())
        number += 1
        await one(client, connection, project, tally, number)


async def one(client: httpx2.AsyncClient, connection: str, project: str, tally: Tally, number: int) -> None:
    method, path, body = [
        ("POST", f"/projects/{project}/tasks", {"title": f"task {number}"}),
        ("GET", f"/projects/{project}/tasks?limit=10", None),
        ("GET", f"/projects/{project}", None),
    ][number % 3]
    seen: dict[str, object] = {"time": time.time(), "connection": connection, "request": f"{method} {path}"}
    try:
        answer = await client.request(method, path, json=body)
    except httpx2.HTTPError as error:
        seen |= {"kind": type(error).__name__, "error": repr(error.__cause__ or error)}
    else:
        if answer.is_success:
            tally.good[connection] += 1
            tally.written += [answer.json()["id"]] if method == "POST" else []
            return
        seen |= {"kind": answer.status_code, "retryAfter": answer.headers.get("Retry-After"), "body": answer.text[:200]}
    tally.failed.append(seen | {"ended": time.time()})


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
