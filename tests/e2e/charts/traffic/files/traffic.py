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
PAUSE = 0.1


class Tally:
    """What happened since the last line."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.good = 0
        self.written: list[str] = []
        self.failed: list[dict[str, object]] = []

    def line(self) -> str:
        counted = {"time": time.time(), "good": self.good, "written": self.written, "failed": self.failed}
        self.clear()
        return json.dumps(counted)


async def main() -> None:
    tally, ends = Tally(), time.monotonic() + SECONDS
    async with httpx2.AsyncClient(base_url=BASE, timeout=15) as kept:
        project = await first_project(kept)
        print(json.dumps({"project": project}), flush=True)
        workers = [worker(kept, project, tally, ends) for _ in range(4)]
        workers += [worker(None, project, tally, ends) for _ in range(2)]
        await asyncio.gather(*workers, reporter(tally, ends))
    print(tally.line(), flush=True)


async def first_project(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/projects", json={"name": "traffic"})
    return str(answer.raise_for_status().json()["id"])


async def reporter(tally: Tally, ends: float) -> None:
    while time.monotonic() < ends:
        await asyncio.sleep(1)
        print(tally.line(), flush=True)


async def worker(kept: httpx2.AsyncClient | None, project: str, tally: Tally, ends: float) -> None:
    number = 0
    while time.monotonic() < ends:
        number += 1
        client = kept or httpx2.AsyncClient(base_url=BASE, timeout=15, headers={"Connection": "close"})
        try:
            await one(client, project, tally, number)
        finally:
            if kept is None:
                await client.aclose()
        await asyncio.sleep(PAUSE * random.uniform(0.5, 1.5))


async def one(client: httpx2.AsyncClient, project: str, tally: Tally, number: int) -> None:
    method, path, body = [
        ("POST", f"/projects/{project}/tasks", {"title": f"task {number}"}),
        ("GET", f"/projects/{project}/tasks?limit=10", None),
        ("GET", f"/projects/{project}", None),
    ][number % 3]
    began = time.time()
    try:
        answer = await client.request(method, path, json=body)
    except httpx2.HTTPError as error:
        tally.failed.append(
            {
                "time": began,
                "ended": time.time(),
                "request": f"{method} {path}",
                "kind": type(error).__name__,
                "error": repr(error.__cause__ or error),
            }
        )
        return
    if answer.is_success:
        tally.good += 1
        if method == "POST":
            tally.written.append(answer.json()["id"])
    else:
        tally.failed.append(
            {
                "time": began,
                "ended": time.time(),
                "request": f"{method} {path}",
                "kind": answer.status_code,
                "retryAfter": answer.headers.get("Retry-After"),
                "body": answer.text[:200],
            }
        )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
