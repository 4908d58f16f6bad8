"""The rights of the operator's Role, each of them needed: an operator lives a whole life under exactly these."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from aiohttp import web

from app import kubernetes
from app.db.server import ServerFacts
from app.operator import observe
from app.operator.resource import COMPONENT
from app.settings import Settings
from tests.chart.conftest import Render
from tests.chart.rendered import EXTERNAL
from tests.chart.test_operator import rights, watching
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import body, migrated, server

RESOURCE = "/apis/plinth.dev/v1alpha1/namespaces/shop/gatedmigrations/shop-uuidv7"
KIND = {"name": "gatedmigrations", "kind": "GatedMigration", "singularName": "", "namespaced": True}
GROUP = {"name": "plinth.dev", "versions": [{"version": "v1alpha1"}], "preferredVersion": {"version": "v1alpha1"}}
DISCOVERY: dict[str, Any] = {
    "/api": {"versions": ["v1"]},
    "/api/v1": {"resources": [{"name": "namespaces", "kind": "Namespace", "singularName": "", "namespaced": False}]},
    "/apis": {"groups": [GROUP]},
    "/apis/plinth.dev/v1alpha1": {"resources": [{**KIND, "verbs": ["list", "watch", "patch"]}]},
}
PATH = re.compile(r"/(?:api/v1|apis/([^/]+)/[^/]+)(?:/namespaces/[^/]+)?/([^/]+)(?:/([^/]+)(/.+)?)?")
"""Group, kind, name and part, such as its status, of what a request is about."""
VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}

Rights = dict[tuple[str, str], set[str]]


class Judge:
    """An API server that lets pass what a Role allows, and notes all that was asked."""

    def __init__(self, granted: Rights) -> None:
        self.api, self.granted, self.over = FakeApi(), granted, asyncio.Event()
        self.asked: Rights = {}

    @property
    def refused(self) -> Rights:
        """What was asked in vain."""
        beyond = {key: verbs - self.granted.get(key, set()) for key, verbs in self.asked.items()}
        return {key: verbs for key, verbs in beyond.items() if verbs}

    def allows(self, request: web.Request) -> bool:
        """Whether the Role does; `request` is of /api/v1 or /apis/<group>/<version>, then namespaces/<namespace>/..."""
        group, kind, name, part = PATH.fullmatch(request.path).groups("")  # type: ignore[union-attr]
        verb = VERBS.get(request.method) or ("get" if name else "watch" if "watch" in request.query else "list")
        key = group, kind + part
        self.asked.setdefault(key, set()).add(verb)
        return verb in self.granted.get(key, ())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in DISCOVERY:
            return web.json_response(DISCOVERY[request.path])
        if not self.allows(request):
            return web.json_response({"kind": "Status", "code": 403, "message": "forbidden"}, status=403)
        if "watch" in request.query:
            await self.over.wait()
            return web.Response()
        code, made = self.api._handle(request.method, request.path, await request.read())
        if code >= 400:
            made = {"kind": "Status", "code": code, "message": "refused", **made}
        if "items" in made:
            made = {**made, "metadata": {"resourceVersion": str(self.api.version)}}
        return web.json_response(made, status=code)


@asynccontextmanager
async def operating(
    judge: Judge, folder: Path, monkeypatch: pytest.MonkeyPatch, *namespaces: str
) -> AsyncIterator[None]:
    """The whole operator of these namespaces or its own, as kopf runs it, against that API server."""
    runner = web.AppRunner(web.Application())
    runner.app.router.add_route("*", "/{path:.*}", judge.answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = {
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
        "users": [{"name": "a", "user": {"token": "t"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "shop"}}],
        "current-context": "a",
    }
    (folder / "config").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(folder / "config"))
    client = kubernetes.connect(field_manager=COMPONENT, strict=True)
    monkeypatch.setattr(kubernetes, "connect", lambda **_: client)
    memo = kopf.Memo(settings=Settings(operator_metrics_port=0, operator_namespaces=list(namespaces)))
    stop, registry = asyncio.Event(), kopf.get_default_registry()
    places: dict[str, Any] = {"clusterwide": True} if "*" in namespaces else {"namespaces": ["shop"]}
    work = asyncio.create_task(kopf.operator(registry=registry, memo=memo, standalone=True, stop_flag=stop, **places))
    try:
        yield
    finally:
        stop.set()
        judge.over.set()
        await work
        await client.close()
        await runner.cleanup()


def finish(judge: Judge) -> bool:
    """Let the Job that was made have done its work. False where there is none."""
    for job in judge.api.named("jobs"):
        moment = job["metadata"]["creationTimestamp"]
        done = {"type": "Complete", "status": "True", "lastTransitionTime": moment, "lastProbeTime": moment}
        job["status"] = {"conditions": [done]}
    return bool(judge.api.named("jobs"))


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> dict[str, ServerFacts]:
    """What the server says now."""
    says = {"now": server(18)}

    async def look(*_: Any, **__: Any) -> ServerFacts:
        return says["now"]

    monkeypatch.setattr(observe, "look", look)
    monkeypatch.setattr(observe, "SECONDS_BETWEEN", 0)
    return says


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("kind", "namespaces"), [("Role", ()), ("ClusterRole", ("*",))])
async def test_each_right_is_used_and_no_other_is_asked_for(
    render: Render,
    database: dict[str, ServerFacts],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    namespaces: tuple[str, ...],
) -> None:
    """From the first look at a server of 18 to Applied: a rule taken from the Role, or one too many, is noticed."""
    objects = render(EXTERNAL, watching(*namespaces), {"crds": {"upgrade": False}})
    judge = Judge(rights(objects.one(kind)))
    judge.api.put(RESOURCE, body(pollInterval="1s"))
    secret = {"metadata": {"name": "owner"}, "data": {"host": "ZGI="}}
    judge.api.put("/api/v1/namespaces/shop/secrets/owner", secret)

    def reason() -> str:
        (ready, *_) = judge.api.objects[RESOURCE]["status"].get("conditions") or [{"reason": ""}]
        return str(ready["reason"])

    async with operating(judge, tmp_path, monkeypatch, *namespaces):
        await until(lambda: finish(judge) or bool(judge.refused))
        database["now"] = migrated()
        watched = ("plinth.dev", "gatedmigrations")
        await until(lambda: bool(judge.refused) or (reason() == "Applied" and "watch" in judge.asked[watched]))
    assert judge.refused == {}
    assert judge.asked == judge.granted
