"""The Job: its name, what it is made of, and what is read back from it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from lightkube.resources.batch_v1 import Job

from app.operator.act import job_object
from app.operator.jobs import job_name, parse_name, read, target
from tests.unit.operator.builders import TEMPLATE, resource

NAME = job_name("shop-uuidv7", "0123abcd", 2)
CA = {"name": "owner", "keys": resource().database["keys"], "ca": {"name": "authority", "key": "ca.crt"}}


def template(**changes: Any) -> dict[str, Any]:
    return {**TEMPLATE, **changes}


def pod_of(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = job_object(resource(**changes), NAME)["spec"]["template"]
    return made


def test_a_name_is_resource_target_and_number() -> None:
    """And is read back from its end."""
    assert NAME == "shop-uuidv7-0123abcd-2"
    assert parse_name(NAME) == ("0123abcd", 2)


@pytest.mark.parametrize("number", [1, 4711])
def test_a_long_name_still_fits_a_label(number: int) -> None:
    """63 characters at most, and no separator before a separator."""
    name = job_name("a" * 48 + "-." + "b" * 13, "0123abcd", number)
    assert len(name) <= 63
    assert parse_name(name) == ("0123abcd", number)
    assert "--" not in name


@pytest.mark.parametrize("name", ["someone-elses", "shop-0123abc-1", "shop-0123abcd-x"])
def test_a_foreign_name_has_no_target(name: str) -> None:
    """So it counts as nobody's attempt."""
    assert parse_name(name) == ("", 0)


@pytest.mark.parametrize(
    "changes", [{"revision": "other"}, {"jobTemplate": template(image="plinth:2")}, {"databaseSecretRef": CA}]
)
def test_a_target_is_what_would_be_done_to_which_server(changes: dict[str, Any]) -> None:
    """Equal for equal wishes, another for another wish or server; polls and approvals do not count."""
    assert target(resource(**changes), "700") != target(resource(), "700")
    assert target(resource(), "701") != target(resource(), "700")
    assert target(resource(pollInterval="5s", paused=True, approval="Manual"), "700") == target(resource(), "700")


def test_the_api_server_can_read_the_job() -> None:
    """Every field is one of batch/v1 Job, and survives its typed model."""
    full = template(
        serviceAccountName="migrator",
        resources={"requests": {"cpu": "1"}, "limits": {"memory": "64Mi"}},
        nodeSelector={"disk": "fast"},
        tolerations=[{"key": "only", "operator": "Exists"}],
        imagePullSecrets=[{"name": "pull"}],
        podLabels={"team": "shop"},
        podAnnotations={"sidecar.istio.io/inject": "false"},
    )
    job = job_object(resource(jobTemplate=full, databaseSecretRef=CA), NAME)
    assert Job.from_dict(job).to_dict() == job


@pytest.mark.parametrize(
    "text", ["a \"b\" 'c'", "x\n---\nkind: Pod", "${wanted} <%", "{a: b}, # c", "\U0001f600 \x7f\u2028", "yes"]
)
def test_a_value_stays_the_text_it_is(text: str) -> None:
    """Quotes, lines, the template's own marks, YAML's: nothing in a resource changes the Job's form."""
    notes = {text: text, "plinth": "x"}
    pod = pod_of(jobTemplate=template(image=text, podAnnotations=notes, podLabels={text: text}))
    assert (pod["spec"]["containers"][0]["image"], pod["metadata"]["annotations"]) == (text, notes)
    assert pod["metadata"]["labels"].keys() == pod_of()["metadata"]["labels"].keys() | {text}


def test_the_job_is_owned_by_the_resource_and_found_by_its_label() -> None:
    """Deleted with it; ownership needs no rights on finalizers."""
    job = job_object(resource(), NAME)
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner.get("blockOwnerDeletion")) == ("GatedMigration", "u-1", None)
    assert job["metadata"]["labels"]["plinth.dev/gated-migration"] == "shop-uuidv7"
    assert job["spec"]["template"]["metadata"]["labels"] == job["metadata"]["labels"]
    assert job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "migrate"


def test_the_job_is_one_bounded_attempt() -> None:
    """Retries are the operator's; deadline and time to live are the template's."""
    spec = job_object(resource(jobTemplate=template(activeDeadlineSeconds=7, ttlSecondsAfterFinished=8)), NAME)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (0, 7, 8)


def test_the_pod_is_admitted_where_restricted_is_enforced() -> None:
    """No root, read-only files, no capabilities, no token; the user is the image's, or the platform's."""
    pod = pod_of()["spec"]
    security = pod["containers"][0]["securityContext"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def test_a_named_service_account_gets_its_token() -> None:
    """Someone who names one needs it."""
    pod = pod_of(jobTemplate=template(serviceAccountName="migrator"))["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("migrator", True)


def test_labels_of_the_template_do_not_replace_the_operators() -> None:
    """Selectors rely on them."""
    labels = pod_of(jobTemplate=template(podLabels={"app.kubernetes.io/component": "x", "team": "shop"}))["metadata"]
    assert labels["labels"]["app.kubernetes.io/component"] == "migrate"
    assert labels["labels"]["team"] == "shop"


def test_the_container_runs_the_revision_and_holds_no_secret_in_its_environment() -> None:
    """The secret is mounted as files of the settings' names, every item optional."""
    pod = pod_of()["spec"]
    (container,) = pod["containers"]
    assert (container["name"], container["args"]) == ("migrate", ["migrate", "--gated", "uuidv7"])
    assert container["env"] == [{"name": "PLINTH_IMAGE", "value": "plinth:1"}]
    (volume,) = pod["volumes"]
    assert volume["secret"]["optional"] is True
    assert {item["path"] for item in volume["secret"]["items"]} == {
        f"PLINTH_DATABASE_{name}" for name in ("URL", "HOST", "PORT", "NAME", "USER", "PASSWORD")
    }


def test_the_tls_mode_is_set_where_it_is_given() -> None:
    """Then the migrator asks of the server what the operator asks of it."""
    reference = {**resource().database, "tlsMode": "verify-ca"}
    (container,) = pod_of(databaseSecretRef=reference)["spec"]["containers"]
    assert container["env"][1:] == [{"name": "PLINTH_DATABASE_TLS_MODE", "value": "verify-ca"}]


def test_a_named_ca_is_mounted_and_set() -> None:
    """Then the migrator verifies the server as the operator does."""
    pod = pod_of(databaseSecretRef=CA)["spec"]
    assert {"name": "PLINTH_DATABASE_TLS_CA", "value": "/run/secrets/plinth-ca/ca.crt"} in pod["containers"][0]["env"]
    assert pod["volumes"][1]["secret"] == {"secretName": "authority", "items": [{"key": "ca.crt", "path": "ca.crt"}]}


def observed(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": NAME, "creationTimestamp": "2026-11-23T11:00:00Z"}, "status": status}


def ended(kind: str, message: str = "") -> dict[str, Any]:
    moment = "2026-11-23T11:01:00Z"
    return {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": moment, "message": message}]}


def pod(state: dict[str, Any], **status: Any) -> dict[str, Any]:
    meta = {"labels": {"batch.kubernetes.io/job-name": NAME}, "creationTimestamp": "2026-11-23T11:00:01Z"}
    return {"metadata": meta, "status": {"containerStatuses": [{"name": "migrate", "state": state}], **status}}


UNSCHEDULABLE = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]


def test_a_failed_job_is_told_with_exit_code_and_reason() -> None:
    """All three come from the termination message."""
    line = '{"outcome": "failed", "reason": "Refused", "message": "Too old."}'
    job = read(
        observed(**ended("Failed", "BackoffLimitExceeded")), [pod({"terminated": {"exitCode": 8, "message": line}})]
    )
    assert (job.exit_code, job.reason, job.message, job.succeeded) == (8, "Refused", "Too old.", False)
    assert job.completed == datetime(2026, 11, 23, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "pods", "message"),
    [
        ({}, [pod({"waiting": {"reason": "ErrImagePull", "message": "no such image"}})], "ErrImagePull: no such image"),
        ({}, [pod({"waiting": {"reason": "ContainerCreating"}})], ""),
        ({}, [pod({"running": {}})], ""),
        (ended("Failed", "past its deadline"), [], "past its deadline"),
        (ended("Failed"), [pod({}, reason="Evicted", message="low on disk")], "Evicted: low on disk"),
        (ended("Failed"), [pod({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})], "OOMKilled"),
        (
            {},
            [pod({}, conditions=UNSCHEDULABLE)],
            "Unschedulable",
        ),
    ],
)
def test_mishaps_are_told_apart(status: dict[str, Any], pods: list[dict[str, Any]], message: str) -> None:
    """Image missing, evicted, out of memory, past the deadline, no node: each says so."""
    assert read(observed(**status), pods).message == message
