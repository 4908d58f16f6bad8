"""Doing what was decided, against an API server in memory."""

import httpx2
import pytest
from lightkube import ApiError

from app.operator.act import Actor, event_object
from app.operator.decide import Snapshot, decide
from app.operator.jobs import read
from app.operator.reasons import Event, EventReason
from app.operator.resource import Resource, parse
from tests.figures import flapping
from tests.unit.operator.api import FakeApi
from tests.unit.operator.builders import NOW, body, resource, server

PATH = "/apis/plinth.dev/v1alpha1/namespaces/shop/gatedmigrations/shop-uuidv7"
JOBS = "/apis/batch/v1/namespaces/shop/jobs"


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.put(PATH, body())
    return api


def now(api: FakeApi) -> Resource:
    return parse(api.objects[PATH])


def snapshot(api: FakeApi, *, of: Resource | None = None) -> Snapshot:
    """A server of 18 that waits for its migration."""
    jobs = tuple(read(job) for job in api.named("jobs"))
    return Snapshot(of or now(api), server(18), NOW, jobs)


async def act(api: FakeApi, seen: Snapshot, actor: Actor | None = None) -> Resource:
    return (await (actor or Actor(api.client())).act(seen, decide(seen)))[0]


async def test_the_job_is_made_then_told_then_reported(api: FakeApi) -> None:
    """In this order: what is in the status has been done."""
    await act(api, snapshot(api))
    writes = [request.split("/")[-1] for request in api.requests if not request.startswith("GET")]
    assert writes == ["jobs", "events", "status"]
    assert now(api).condition("Ready")["reason"] == "MigrationJobRunning"


async def test_nothing_is_written_where_nothing_changed(api: FakeApi) -> None:
    """At rest a round is silent."""
    first = await act(api, snapshot(api))
    api.requests.clear()
    await act(api, snapshot(api, of=first))
    assert api.requests == []


@pytest.mark.parametrize("place", ["/jobs", "/events", "/status"])
async def test_killed_at_any_write_there_is_still_one_job_and_one_event(api: FakeApi, place: str) -> None:
    """The next operator, with nothing remembered, finishes what this one began."""

    def die(method: str, path: str) -> None:
        if method != "GET" and path.endswith(place):
            raise httpx2.ConnectError("killed")

    api.fail = die
    with pytest.raises(httpx2.ConnectError):
        await act(api, snapshot(api))
    api.fail = lambda _method, _path: None
    await act(api, snapshot(api))
    assert len(api.named("jobs")) == 1
    assert [event["reason"] for event in api.named("events")] == ["MigrationJobCreated"]
    assert now(api).status["lastJob"]


async def test_two_operators_make_one_job_and_one_event(api: FakeApi) -> None:
    """Both see the same; who comes second finds everything there, and looks again."""
    one, two = snapshot(api), snapshot(api)
    await act(api, one)
    after = await act(api, two)
    assert len(api.named("jobs")) == len(api.named("events")) == 1
    assert after.status["lastJob"] == now(api).status["lastJob"]


async def test_two_operators_in_the_same_moment_make_one_job(api: FakeApi) -> None:
    """AlreadyExists is success."""
    seen = snapshot(api)
    api.fail = lambda method, path: (409, {}) if method == "POST" and path == JOBS else None
    assert (await act(api, seen)).condition("Ready")["reason"] == "MigrationJobRunning"


async def test_no_job_is_made_on_stale_knowledge(api: FakeApi) -> None:
    """The watch may be behind: what is about to be acted on is read once more."""
    seen = snapshot(api)
    api.put(PATH, body(paused=True))
    after, due = await Actor(api.client()).act(seen, decide(seen))
    assert api.named("jobs") == []
    assert (after.paused, due.total_seconds()) == (True, 0)


async def test_a_status_somebody_else_wrote_meanwhile_is_not_overwritten(api: FakeApi) -> None:
    """The patch carries the version it was made from; the round looks again."""
    seen = Snapshot(now(api), server(17), NOW)
    api.put(PATH, body(status={"failures": 2}))
    with pytest.raises(ApiError, match="refused") as conflict:
        await act(api, seen)
    assert (conflict.value.status.code, api.objects[PATH]["status"]) == (409, {"failures": 2})


async def test_what_is_no_longer_so_leaves_the_status(api: FakeApi) -> None:
    """The status is written whole: nothing of an earlier Job or approval stays."""
    old = {"name": "x-0123abcd-1", "startTime": "2026-11-01T00:00:00Z", "completionTime": "2026-11-01T00:00:00Z"}
    api.put(PATH, body(status={"retry": "1", "lastJob": {**old, "exitCode": 6, "message": "Failed."}}))
    await act(api, snapshot(api))
    status = api.objects[PATH]["status"]
    assert "retry" not in status
    assert status["lastJob"].keys() == {"name", "startTime"}


@pytest.mark.parametrize("code", [400, 403, 422])
async def test_a_job_the_api_server_refuses_is_a_failed_attempt(api: FakeApi, code: int) -> None:
    """A quota or a policy is told in the status and tried again later, with an end."""
    api.fail = lambda method, path: (code, {"message": "no quota"}) if method == "POST" and path == JOBS else None
    after = await act(api, snapshot(api))
    assert after.condition("Ready")["reason"] == "MigrationFailed"
    assert "no quota" in after.condition("Ready")["message"]
    assert after.status["failures"] == 1


async def test_a_failure_of_the_api_server_is_no_attempt(api: FakeApi) -> None:
    """It is raised, and the round is repeated."""
    api.fail = lambda method, path: (500, {}) if path == JOBS and method == "POST" else None
    with pytest.raises(ApiError):
        await act(api, snapshot(api))
    assert now(api).status == {}


async def test_an_event_of_one_reason_is_posted_once_in_a_quarter_of_an_hour(api: FakeApi) -> None:
    """By this operator, and by its name also across restarts."""
    seen, event = snapshot(api), Event(EventReason.SERVER_VERSION_CHANGED, "17 became 18.")
    same = Actor(api.client())
    for actor in (same, same, Actor(api.client())):
        await actor._post(seen.resource, event, seen)
    assert len(api.named("events")) == 1
    assert sum("POST" in request for request in api.requests) == 2


async def test_a_database_that_flaps_all_day_makes_no_storm_of_events() -> None:
    """Away and there, older and newer: at most four in any hour of its clock."""
    for states in flapping.FLAPS.values():
        assert 0 < await flapping.most_in_an_hour(states) <= 4


async def test_a_refused_event_does_not_stop_the_status(api: FakeApi) -> None:
    """Events are for people; the status is the report."""
    api.fail = lambda _method, path: (403, {}) if path.endswith("/events") else None
    assert (await act(api, snapshot(api))).status["lastJob"]


def test_an_event_says_what_it_is_about_and_who_says_it() -> None:
    """What `kubectl describe` needs, and a type that filters find."""
    seen = Snapshot(resource(), server(18), NOW)
    made = event_object(seen, Event(EventReason.FAILED, "x" * 2000))
    assert made["involvedObject"]["uid"] == "u-1"
    assert (made["type"], made["reason"], made["reportingComponent"]) == (
        "Warning",
        "MigrationFailed",
        "plinth-operator",
    )
    assert len(made["message"]) == 1024
    assert made["message"].endswith("x (docs/runbook.md#migrationfailed)")
    normal = event_object(seen, Event(EventReason.SUCCEEDED, "Done."))
    assert (normal["type"], normal["message"]) == ("Normal", "Done.")
