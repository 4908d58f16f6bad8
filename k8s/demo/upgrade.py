"""`make upgrade`: dump 17, restore on 18, and the rest happens by itself."""

from typing import Any

from k8s.demo.bundle import DUMP, Bundle, existing
from k8s.demo.requests import Requests
from k8s.demo.screen import fact, heading, say, step
from tests.cluster.console import ClusterError

NEW_MAJOR = "18"
_FLIP_SECONDS = 120


def run() -> None:
    """Move the embedded database to 18 while requests go on; then follow the operator."""
    bundle = existing()
    requests = Requests(bundle)
    seen: set[str] = {event["metadata"]["uid"] for event in bundle.events()}
    unfinished = bundle.settle()
    if not unfinished:  # else the database may not answer yet
        _show(bundle, "Before")
    if bundle.major() == NEW_MAJOR and _applied(bundle) and not unfinished:
        say()
        say(f"Nothing to do: the database is PostgreSQL {NEW_MAJOR}, and new ids are UUIDv7.")
        return
    heading("The move")
    requests.start()
    try:
        if bundle.major() != NEW_MAJOR:
            _move(bundle)
        elif unfinished:
            with step("helm upgrade, which was interrupted in the middle"):
                bundle.move(NEW_MAJOR)
        heading("What the operator does, without being told")
        _follow(bundle, seen)
        bundle.cluster.wait_for("a new id to be v7", lambda: requests.generation == 7, 15)
    finally:
        requests.end()
    _show(bundle, "After")
    fact("requests", f"{requests.good} answered, {requests.refused} refused while the database moved")


def _move(bundle: Bundle) -> None:
    with step("The app's role is kept out, and its sessions ended"):
        bundle.psql("ALTER ROLE plinth_app NOLOGIN")
        bundle.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plinth_app'")
    try:
        with step("pg_dump into the database's volume"):
            bundle.in_database(f"pg_dump -h 127.0.0.1 -Fc -f {DUMP}.part plinth && mv {DUMP}.part {DUMP}")
        with step(f"helm upgrade with postgresql.image.tag={NEW_MAJOR}: the new server restores the dump as it starts"):
            bundle.move(NEW_MAJOR)
    except BaseException:
        if bundle.major() != NEW_MAJOR:
            bundle.psql("ALTER ROLE plinth_app LOGIN")  # nothing has moved: the old server serves on
        raise


def _follow(bundle: Bundle, seen: set[str]) -> None:
    """Print each Event as it comes, until the gated migration is applied."""

    def applied() -> bool:
        done = _applied(bundle)  # asked first: what is reported was told before
        for event in bundle.events():
            if event["metadata"]["uid"] not in seen:
                seen.add(event["metadata"]["uid"])
                say(f"  {event['reason']:<22} {event['message']}", mark="·")
        return done

    try:
        bundle.cluster.wait_for("the GatedMigration to be applied", applied, _FLIP_SECONDS, interval=0.5)
    except ClusterError as error:
        raise ClusterError(
            f"{error}\nAsk `kubectl -n plinth describe gatedmigrations` and the operator's log what it waits for."
        ) from error


def _applied(bundle: Bundle) -> bool:
    """Whether its Job has ended, too: the revision shows before that."""
    conditions: list[dict[str, Any]] = bundle.gated().get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["reason"] == "Applied" for one in conditions)


def _show(bundle: Bundle, when: str) -> None:
    status = bundle.status()
    heading(when)
    fact("server", f"PostgreSQL {status['server']['version']}")
    fact("new ids", f"UUID{status['ids']['generation']} ({status['ids']['function']})")
