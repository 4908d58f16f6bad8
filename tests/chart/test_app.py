"""The API's Deployment: rollouts, drain, probes."""

import math

import pytest

from app.main import CLOSING_SECONDS
from app.tracing import FLUSH_SECONDS
from tests.chart.conftest import Render
from tests.chart.rendered import EXTERNAL, Object, Refused, container, environment
from tests.chart.values_table import IMAGE

POLLS_SECONDS = 0.5 + 0.2
"""How long the metrics' server and uvicorn may take to see that they shall end."""


@pytest.fixture
def deployment(render: Render) -> Object:
    return render(EXTERNAL).one("Deployment", "plinth")


def test_a_rollout_never_takes_a_serving_pod_away_first(deployment: Object) -> None:
    """Two replicas are replaced one by one, each new pod ready before an old one goes."""
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_pods_are_spread_over_nodes(deployment: Object) -> None:
    """The API's pods prefer nodes of their own, counted for each revision."""
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"]["matchLabels"] == deployment["spec"]["selector"]["matchLabels"]


def test_a_spread_of_ones_own_replaces_the_default(render: Render) -> None:
    """Given constraints are used as they are, with the selector added."""
    own = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    pod = render(EXTERNAL, {"topologySpreadConstraints": [own]}).pods()["plinth"]
    (spread,) = pod["topologySpreadConstraints"]
    assert own.items() <= spread.items()
    assert spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "app"


def test_the_image_decides_the_command(deployment: Object) -> None:
    """The container `app` gives the image's entry point one word: serve."""
    app = container(deployment["spec"]["template"]["spec"])
    assert (app["name"], app["args"], app["image"]) == ("app", ["serve"], IMAGE)
    assert "command" not in app


def test_drain_and_requests_in_flight_fit_into_the_grace_period(deployment: Object) -> None:
    """Kubernetes kills a pod only after drain, requests in flight and the app's own end; no preStop is needed."""
    pod = deployment["spec"]["template"]["spec"]
    env = environment(pod)
    needed = float(env["PLINTH_DRAIN_SECONDS"]) + float(env["PLINTH_SHUTDOWN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] >= needed + CLOSING_SECONDS + FLUSH_SECONDS + POLLS_SECONDS
    assert "lifecycle" not in container(pod)


def test_a_grace_period_too_short_is_refused(render: Render) -> None:
    """A drain that cannot end in time is refused with the number that would do, the app's own end included."""
    margin = 5
    assert margin >= CLOSING_SECONDS + FLUSH_SECONDS + POLLS_SECONDS
    with pytest.raises(Refused, match=rf"at least drainSeconds \+ shutdownSeconds \+ {margin} = {30 + margin}"):
        render(EXTERNAL, {"drainSeconds": 20})


@pytest.mark.parametrize(("drain", "shutdown"), [(0, 1), (5, 20), (7.5, 60), (30, 0.5)])
def test_a_grace_period_that_just_fits_is_taken_and_a_second_less_is_not(
    render: Render, drain: float, shutdown: float
) -> None:
    """Whatever the drain, a pod is killed only after its own end could be over."""
    needed = drain + shutdown + CLOSING_SECONDS + FLUSH_SECONDS + POLLS_SECONDS
    least = math.ceil(drain + shutdown + 5)
    values = {"drainSeconds": drain, "shutdownSeconds": shutdown, "terminationGracePeriodSeconds": least}
    assert render(EXTERNAL, values).pods()["plinth"]["terminationGracePeriodSeconds"] >= needed
    with pytest.raises(Refused, match="killed with requests in flight"):
        render(EXTERNAL, values | {"terminationGracePeriodSeconds": least - 1})


def test_probes_ask_three_different_questions(deployment: Object) -> None:
    """Startup, liveness and readiness each have their path; readiness trusts one answer: the app has hysteresis."""
    app = container(deployment["spec"]["template"]["spec"])
    probes = {kind: app[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: probe["httpGet"]["path"] for kind, probe in probes.items()} == {
        "startup": "/startupz",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    numbers = ("periodSeconds", "timeoutSeconds", "failureThreshold")
    assert [probes["liveness"][number] for number in numbers] == [10, 5, 3]
    assert [probes["readiness"][number] for number in numbers] == [3, 3, 1]


def test_nothing_waits_for_a_job(render: Render) -> None:
    """No pod of any kind has an init container: readiness gates, waiting would deadlock."""
    for name, pod in render(EXTERNAL).pods().items():
        assert "initContainers" not in pod, name


def test_the_readiness_mode_reaches_the_app(render: Render) -> None:
    """readiness.mode is the app's setting of the same meaning."""
    pod = render(EXTERNAL, {"readiness": {"mode": "fail-open"}}).pods()["plinth"]
    assert environment(pod)["PLINTH_READINESS_MODE"] == "fail-open"


def test_the_service_publishes_the_api_and_not_the_metrics(render: Render) -> None:
    """Port 80 leads to the API; metrics have a Service of their own."""
    objects = render(EXTERNAL)
    (port,) = objects.one("Service", "plinth")["spec"]["ports"]
    assert (port["name"], port["port"], port["targetPort"]) == ("http", 80, "http")
    (port,) = objects.one("Service", "plinth-metrics")["spec"]["ports"]
    assert port["port"] == 9090


def test_a_digest_replaces_the_tag(render: Render) -> None:
    """An image named by digest is used by it everywhere, also in Jobs the operator makes."""
    digest = "sha256:" + "0" * 64
    objects = render(EXTERNAL, {"image": {"repository": "registry.example/plinth", "tag": "1", "digest": digest}})
    wanted = f"registry.example/plinth@{digest}"
    assert {container(pod)["image"] for pod in objects.pods().values()} == {wanted}
    assert objects.one("GatedMigration")["spec"]["jobTemplate"]["image"] == wanted
