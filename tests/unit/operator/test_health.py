"""What waiting tools make of each status in the table of conditions: kstatus (Helm 4, Flux), Argo CD, kubectl wait."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51

from app.operator.decide import Decision, Unreachable
from app.operator.jobs import told
from app.operator.reasons import Reason
from tests.unit.operator.builders import body, failed, look, migrated, resource, server

FILE = Path(__file__).parents[3] / "k8s" / "argocd" / "argocd-cm.yaml"
SCRIPT = yaml.safe_load(FILE.read_text())["data"]["resource.customizations.health.plinth.dev_GatedMigration"]
BROKEN = {"gated_revisions": frozenset({"uuidv7"}), "id_function": "native", "id_generation": None}

Object = Mapping[str, Any]


def failures(number: int) -> Decision:
    """After so many failed Jobs."""
    of = resource()
    last = {"failures": number - 1, "lastJob": told(failed(of, number - 1))} if number > 1 else {}
    return look(resource(status={**look(of, server(18)).status, **last}), server(18), failed(of, number))


ROWS = {
    "WaitingForServerVersion": (look(resource(), server(17)), "Current", "Healthy"),
    "Applied": (look(resource(), migrated()), "Current", "Healthy"),
    "ApprovalPending": (look(resource(approval="Manual"), server(18)), "Current", "Suspended"),
    "Paused": (look(resource(paused=True), server(18)), "Current", "Suspended"),
    "MigrationJobRunning": (look(resource(), server(18)), "InProgress", "Progressing"),
    "DatabaseUnreachable": (look(resource(), Unreachable("no", 3)), "InProgress", "Progressing"),
    "ServerInRecovery": (look(resource(), server(18, in_recovery=True)), "InProgress", "Progressing"),
    "CoreSchemaBehind": (look(resource(), server(17, core_revisions=frozenset())), "InProgress", "Progressing"),
    "ServerVersionRegressed": (look(resource(), server(17, **BROKEN)), "InProgress", "Progressing"),
    "MigrationFailed": (failures(1), "InProgress", "Progressing"),
    "MigrationFailed, the last": (failures(3), "Failed", "Degraded"),
}


def argo_cd(of: Object) -> tuple[str, str]:
    """Health and message, as Argo CD runs the script: Lua 5.1, the object as `obj`, the base and table libraries."""
    lua = lua51.LuaRuntime()
    for library in ("string", "math", "io", "os", "debug", "coroutine"):
        lua.globals()[library] = None
    lua.globals().obj = lua.table_from(of, recursive=True)
    health = lua.execute(SCRIPT)
    return health["status"], health["message"]


def kstatus(of: Object) -> str:
    """The published algorithm (cli-utils, pkg/kstatus/status), as far as it is for kinds it does not know."""
    status = of["status"]
    if "observedGeneration" in status and status["observedGeneration"] != of["metadata"]["generation"]:
        return "InProgress"
    conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
    for kind, meaning in (("Reconciling", "InProgress"), ("Stalled", "Failed")):
        if conditions.get(kind) == "True":
            return meaning
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"


def kubectl_wait(of: Object) -> bool:
    """Whether `kubectl wait --for=condition=Ready` ends (kubectl, pkg/cmd/wait)."""
    ready = {one["type"]: one for one in of["status"].get("conditions", ())}.get("Ready", {})
    return ready.get("observedGeneration", 0) >= of["metadata"]["generation"] and ready["status"] == "True"


def test_the_rows_are_all_reasons() -> None:
    """A reason that is new needs a row."""
    assert {row.partition(",")[0] for row in ROWS} == set(Reason)


@pytest.mark.parametrize(("row", "expected"), [(row, (row.partition(",")[0], *ROWS[row][1:])) for row in ROWS])
def test_each_row_is_read_as_promised(row: str, expected: tuple[str, str, str]) -> None:
    """What has failed for good is a failure, what waits for a person suspended, and nothing else ends an upgrade."""
    of = body(status=ROWS[row][0].status)
    health, message = argo_cd(of)
    assert (message.partition(":")[0], kstatus(of), health) == expected
    assert kubectl_wait(of) is (kstatus(of) == "Current")


@pytest.mark.parametrize("row", ROWS)
def test_a_status_from_before_the_last_change_waits(row: str) -> None:
    """Also where it was ready, or stalled."""
    of = body(status=ROWS[row][0].status)
    of["metadata"]["generation"] = 2
    assert (kstatus(of), argo_cd(of)[0], kubectl_wait(of)) == ("InProgress", "Progressing", False)


def test_without_a_status_argo_cd_waits_for_the_operator() -> None:
    """kstatus takes it for current, as it cannot know that there will be a status."""
    of = body()
    assert (kstatus(of), argo_cd(of)[0], kubectl_wait(of)) == ("Current", "Progressing", False)
    assert argo_cd(body(status={"observedGeneration": 1}))[0] == "Progressing"
    del of["status"]
    assert argo_cd(of)[0] == "Progressing"
