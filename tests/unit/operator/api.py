"""An API server in memory: enough of one for the real client to list, get, create and patch."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

Answer = tuple[int, dict[str, Any]]


class FakeApi:
    """Objects by their path. `fail` may answer in its stead; `requests` is all that was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.version = 10
        self.fail: Callable[[str, str], Answer | None] = lambda _method, _path: None

    def client(self) -> AsyncClient:
        config = KubeConfig.from_one(cluster=Cluster("http://api"), user=User(), namespace="shop").get()
        return AsyncClient(config, field_manager="tests", trust_env=False, transport=httpx2.MockTransport(self._answer))

    def put(self, path: str, made: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        made["metadata"] = {"creationTimestamp": "2026-11-23T12:00:00Z", **made["metadata"]}
        made["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = made
        return made

    def named(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, by its plural."""
        return [made for path, made in self.objects.items() if f"/{kind}/" in path]

    def forget(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, once more: they are gone then, and so is what was asked."""
        gone = self.named(kind)
        self.objects = {path: made for path, made in self.objects.items() if f"/{kind}/" not in path}
        self.requests.clear()
        return gone

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.requests.append(f"{request.method} {path}")
        code, answer = self.fail(request.method, path) or self._handle(request.method, path, request.content)
        if code >= 400:
            answer = {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "code": code,
                "message": "refused",
                **answer,
            }
        return httpx2.Response(code, json=answer)

    def _handle(self, method: str, path: str, content: bytes) -> Answer:
        match method:
            case "POST":
                return self._create(path, json.loads(content))
            case "PATCH":
                return self._patch(path.removesuffix("/status"), json.loads(content))
        if path in self.objects:
            return 200, self.objects[path]
        below = [made for place, made in self.objects.items() if path in folders(place)]
        if path.rpartition("/")[2] in ("jobs", "pods", "gatedmigrations"):
            return 200, {"metadata": {}, "items": below}
        return 404, {"message": f"{path} not found"}

    def _create(self, path: str, made: dict[str, Any]) -> Answer:
        place = f"{path}/{made['metadata']['name']}"
        return (409, {}) if place in self.objects else (201, self.put(place, made))

    def _patch(self, path: str, patch: list[dict[str, Any]]) -> Answer:
        """A JSON patch of a status; one that names a version other than the stored one is a conflict."""
        old = self.objects.get(path)
        if old is None:
            return 404, {}
        wanted = {one["path"]: one["value"] for one in patch if one["op"] == "add"}
        if wanted.get("/metadata/resourceVersion") not in {None, old["metadata"]["resourceVersion"]}:
            return 409, {}
        return 200, self.put(path, {**old, "status": wanted["/status"]})


def folders(path: str) -> tuple[str, str]:
    """Where an object is listed: in its namespace, and in all of them."""
    folder = path.rpartition("/")[0]
    return folder, re.sub("/namespaces/[^/]+", "", folder)
