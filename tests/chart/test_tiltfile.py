"""The Tiltfile, loaded by a Starlark interpreter with stand-ins for Tilt's functions."""

import json
from typing import Any

import pytest
import starlark as sl

from tests.chart.conftest import Render
from tests.chart.rendered import Object, Rendered, container
from tests.chart.values_table import CHART, IMAGE

ROOT = CHART.parents[1]
# What Tilt's functions and constants look like to the file; all that is called is recorded, as JSON where it is data.
STUBS = """
def _call(name, args, kwargs):
    return _record(name, json.encode(args), json.encode(kwargs))
def allow_k8s_contexts(*args, **kwargs): _call('allow_k8s_contexts', args, kwargs)
def default_registry(*args, **kwargs): _call('default_registry', args, kwargs)
def docker_build(*args, **kwargs): _call('docker_build', args, kwargs)
def k8s_kind(*args, **kwargs): _call('k8s_kind', args, kwargs)
def k8s_resource(*args, **kwargs): _call('k8s_resource', args, kwargs)
def local_resource(*args, **kwargs): _call('local_resource', args, kwargs)
def k8s_yaml(*args, **kwargs): _call('k8s_yaml', args, kwargs)
def helm(*args, **kwargs): return _call('helm', args, kwargs)
def sync(local, remote): return {'sync': [local, remote]}
def fall_back_on(files): return {'fall_back_on': files}
def read_file(path): return _read(path)
def decode_yaml_stream(text): return json.decode(_objects(text))
def encode_yaml_stream(objects): return objects
def _option(*args, **kwargs): pass
config = struct(define_string=_option, parse=lambda: json.decode(_options()))
TRIGGER_MODE_MANUAL = 'manual'
"""


class Tilt:
    """What the Tiltfile asked for: calls of Tilt's functions, by name."""

    def __init__(self, render: Render, **options: str) -> None:
        self.calls: list[tuple[str, list[Any], dict[str, Any]]] = []
        self.render = render
        module = sl.Module()
        module.add_callable("_record", self.record)
        module.add_callable("_read", lambda path: (ROOT / path).read_text())
        module.add_callable("_objects", lambda text: text)
        module.add_callable("_options", lambda: json.dumps(options))
        extensions = [sl.LibraryExtension.Json, sl.LibraryExtension.StructType]
        environment = sl.Globals.extended_by(extensions)
        sl.eval(module, sl.parse("tilt", STUBS), environment)
        dialect = sl.Dialect.extended()
        dialect.enable_top_level_stmt = True
        sl.eval(module, sl.parse("Tiltfile", (ROOT / "Tiltfile").read_text(), dialect), environment)

    def record(self, name: str, args: str, kwargs: str) -> str:
        self.calls.append((name, json.loads(args), json.loads(kwargs)))
        if name != "helm":
            return ""
        options = self.calls[-1][2]
        chosen = [part for one in options["set"] for part in ("--set", one)]
        return json.dumps(self.render(options=("--include-crds", *chosen), release=options["name"]))

    def named(self, name: str) -> list[tuple[list[Any], dict[str, Any]]]:
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]

    @property
    def objects(self) -> Rendered:
        (((objects,), _),) = self.named("k8s_yaml")
        return Rendered(objects)

    @property
    def resources(self) -> dict[str, Object]:
        return {kwargs.get("new_name", args[0]): kwargs for args, kwargs in self.named("k8s_resource")}


@pytest.fixture
def tilt(render: Render) -> Tilt:
    return Tilt(render)


def test_the_whole_bundle_is_deployed(tilt: Tilt) -> None:
    """Everything the chart makes is there, CRD included and hooks excepted, in a namespace of its own."""
    assert {one["metadata"]["name"] for one in tilt.objects.all("Deployment")} == {"plinth", "plinth-operator"}
    assert tilt.objects.one("CustomResourceDefinition")
    assert tilt.objects.one("StatefulSet", "plinth-postgresql")
    assert not tilt.objects.all("Pod")
    wide = ("Namespace", "CustomResourceDefinition")
    assert {one["metadata"].get("namespace") for one in tilt.objects if one["kind"] not in wide} == {"plinth-tilt"}


def test_the_api_follows_saved_files(tilt: Tilt) -> None:
    """Sources are synced to where the image has them, and uvicorn reloads them in a container that lets it."""
    build = {args[0]: kwargs for args, kwargs in tilt.named("docker_build")}
    steps = build["plinth-live"]["live_update"]
    assert list(steps[0]) == ["fall_back_on"]
    for step in steps[1:]:
        local, remote = step["sync"]
        assert remote == f"/srv/plinth/{local}"
    app = container(tilt.objects.pods()["plinth"])
    assert (app["image"], app["command"][0]) == ("plinth-live", "uvicorn")
    assert "--reload" in app["command"]
    assert "args" not in app


def test_operator_and_migration_run_the_released_image(tilt: Tilt) -> None:
    """Only the API is changed for development."""
    images = {name: container(pod)["image"] for name, pod in tilt.objects.pods().items()}
    assert images.pop("plinth") == "plinth-live"
    assert images.pop("plinth-postgresql") == "postgres:18"
    assert set(images.values()) == {IMAGE}


def test_the_migration_is_a_button(tilt: Tilt) -> None:
    """The migration's Job runs at the start and on a click; the operator restarts on a click."""
    for name in ("migrate", "operator"):
        assert tilt.resources[name]["trigger_mode"] == "manual"
    workloads = {one["metadata"]["name"] for one in tilt.objects if one["kind"] in ("Deployment", "StatefulSet", "Job")}
    assert {args[0] for args, _ in tilt.named("k8s_resource")} == workloads


def test_status_and_tests_are_buttons(tilt: Tilt) -> None:
    """They run on a click and not before; the tests are make's own targets."""
    buttons = {args[0]: args[1] for args, _ in tilt.named("local_resource")}
    assert [(kwargs["trigger_mode"], kwargs["auto_init"]) for _, kwargs in tilt.named("local_resource")] == [
        ("manual", False)
    ] * len(buttons)
    assert buttons["status"][-2:] == ["plinth", "status"]
    targets = [command[1] for command in buttons.values() if command[0] == "make"]
    assert targets == ["unit", "check"]
    assert all(f"\n{target}: " in (ROOT / "Makefile").read_text() for target in targets)


def test_api_and_database_are_forwarded(tilt: Tilt) -> None:
    """The API is at port 8000 of the developer's machine, the database at 5432."""
    assert tilt.resources["plinth"]["port_forwards"] == ["8000:8000"]
    assert tilt.resources["plinth-postgresql"]["port_forwards"] == ["5432:5432"]


def test_another_cluster_only_when_it_is_named(render: Render, tilt: Tilt) -> None:
    """A cluster that is not local is deployed to only when it is named, with a registry it can reach."""
    assert not tilt.named("allow_k8s_contexts")
    named = Tilt(render, context="team-dev", registry="registry.example/dev")
    assert named.named("allow_k8s_contexts") == [(["team-dev"], {})]
    assert named.named("default_registry") == [(["registry.example/dev"], {})]


def test_the_server_version_can_be_chosen(render: Render) -> None:
    """--postgres=17 begins below 18, to see the operator at work."""
    assert container(Tilt(render, postgres="17").objects.pods()["plinth-postgresql"])["image"] == "postgres:17"
