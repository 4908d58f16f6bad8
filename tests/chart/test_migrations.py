"""The migration's Job in its modes, and the resource of the gated one."""

import re

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, TWO_ROLES, Object, container, environment
from tests.chart.values_table import CHART

README = (CHART / "README.md").read_text()


def mode(name: str) -> Object:
    return {"migrations": {"mode": name}}


def test_the_hook_runs_before_new_code_and_is_kept(render: Render) -> None:
    """On an external database the Job is a hook before install and upgrade; its log is printed on failure and kept."""
    job = render(EXTERNAL).one("Job", "plinth-migrate")
    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-delete-policy": "before-hook-creation",
        "helm.sh/hook-output-log-policy": "hook-failed",
    }


@pytest.mark.parametrize("values", [EXTERNAL, TWO_ROLES, EMBEDDED])
@pytest.mark.parametrize("name", ["hook", "job", "argocd", "none"])
def test_hooks_are_jobs_and_the_test_and_are_replaced(render: Render, values: Object, name: str) -> None:
    """No account, secret or right is a hook, which would be made anew under who uses it; no old hook is in the way."""
    objects = render(values, {"migrations": {**values.get("migrations", {}), "mode": name}})
    hooks = [one for one in objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    assert {one["kind"] for one in hooks} <= {"Job", "Pod"}
    assert hooks
    for one in hooks:
        policy = one["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert "before-hook-creation" in policy
        assert "hook-failed" not in policy


def test_the_hook_needs_nothing_that_comes_after_it(render: Render) -> None:
    """Before an install there is only the namespace's default ServiceAccount, and secrets somebody made."""
    pod = render(EXTERNAL).pods()["plinth-migrate"]
    assert pod["serviceAccountName"] == "default"
    assert pod["automountServiceAccountToken"] is False
    assert not [one for one in pod["volumes"] if "configMap" in one]


def test_the_job_ends_before_helm_stops_waiting(render: Render) -> None:
    """A hung migration is a failed Job with a reason, not a timeout of Helm (300 s); its pod ends before, and stays."""
    spec = render(EXTERNAL).one("Job", "plinth-migrate")["spec"]
    assert spec["activeDeadlineSeconds"] == 270
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 260
    assert spec["backoffLimit"] <= 1


def test_a_failure_that_would_repeat_is_not_repeated(render: Render) -> None:
    """Exit codes that need a person end the Job at once; a pod lost with its node does not count."""
    ignore, fail = render(EXTERNAL).one("Job", "plinth-migrate")["spec"]["podFailurePolicy"]["rules"]
    assert ignore == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert fail["onExitCodes"]["values"] == [2, 6, 7, 8, 9]


def test_the_job_says_why_it_failed(render: Render) -> None:
    """`plinth migrate` knows its image for the log, and leaves its last words in the pod's status."""
    pod = render(EXTERNAL).pods()["plinth-migrate"]
    migrate = container(pod)
    assert (migrate["name"], migrate["args"]) == ("migrate", ["migrate"])
    assert migrate["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert environment(pod)["PLINTH_IMAGE"] == migrate["image"]


def test_the_hook_job_goes_by_itself(render: Render) -> None:
    """Helm never deletes hooks, so the hook's Job has a time to live; a Job of the release must not vanish from it."""
    assert render(EXTERNAL).one("Job", "plinth-migrate")["spec"]["ttlSecondsAfterFinished"] == 86400
    for name in ("job", "argocd"):
        (job,) = [one for one in render(EXTERNAL, mode(name)).all("Job") if "migrate" in one["metadata"]["name"]]
        assert "ttlSecondsAfterFinished" not in job["spec"]


def test_large_numbers_stay_whole(render: Render) -> None:
    """A number of a file is rendered as it was written, not as 3e+06, which some tools take for text."""
    large: Object = {"migrations": {"ttlSecondsAfterFinished": 3000000, "activeDeadlineSeconds": 1000000}}
    migrate = render(EXTERNAL, large).one("Job", "plinth-migrate")["spec"]
    assert (migrate["ttlSecondsAfterFinished"], migrate["activeDeadlineSeconds"]) == (3000000, 1000000)


def plain(render: Render, *values: Object) -> str:
    """Name of the migration's Job that is no hook."""
    jobs = [one["metadata"] for one in render(*values).all("Job") if "annotations" not in one["metadata"]]
    return str(jobs[0]["name"])


REACHES_THE_JOB: tuple[Object, ...] = (
    {"image": {"tag": "2"}},
    {"image": {"pullPolicy": "Always"}},
    {"migrations": {"activeDeadlineSeconds": 100}},
    {"migrations": {"podLabels": {"team": "a"}}},
    {"migrations": {"appRole": "app"}},
    {"settings": {"migrate_attempts": 7}},
    {"ids": {"below18": "v7"}},
    {"tolerations": [{"operator": "Exists"}]},
    {"database": {"tls": {"caSecret": "ca"}}},
)
DOES_NOT: tuple[Object, ...] = (
    {},
    {"replicaCount": 3},
    {"settings": {"database_pool_size": 4}},
    {"postgresql": {"image": {"tag": "17"}}},
)


def test_a_plain_job_is_named_after_what_is_in_it(render: Render) -> None:
    """A Job can never be changed: in mode job another one has another name, and the same one the same, so it stays."""
    specs: dict[str, Object] = {}
    for values in (*DOES_NOT, *REACHES_THE_JOB):
        (job,) = render(EXTERNAL, values, mode("job"), options=("--show-only=templates/migration/job.yaml",))
        assert re.fullmatch(r"plinth-migrate-[0-9a-f]{8}", job["metadata"]["name"])
        assert specs.setdefault(job["metadata"]["name"], job["spec"]) == job["spec"], values
    assert len(specs) == len(REACHES_THE_JOB) + 1


def test_no_name_follows_the_releases_revision() -> None:
    """Tools that only render know revision 1 alone, and an upgrade without changes must change nothing."""
    templates = [one for one in (CHART / "templates").rglob("*") if one.is_file()]
    assert templates
    assert not [one for one in templates if ".Revision" in one.read_text()]


def test_the_first_install_with_the_embedded_database_uses_no_hook(render: Render) -> None:
    """A hook would wait for a database that comes after it, so the first Job is an object of the release."""
    name = plain(render, EMBEDDED)
    assert re.fullmatch(r"plinth-migrate-[0-9a-f]{8}", name)
    assert name == plain(render, EMBEDDED, mode("job"))
    assert not [one for one in render(EMBEDDED).all("Job") if one["metadata"]["name"] == "plinth-migrate"]


def test_a_mended_embedded_database_is_migrated(render: Render) -> None:
    """The upgrade that mends the database makes another Job: the one that failed for want of it would stay as it is."""
    first = plain(render, EMBEDDED)
    assert plain(render, EMBEDDED, {"postgresql": {"image": {"repository": "mirror.example/postgres"}}}) != first
    assert plain(render, EMBEDDED, {"postgresql": {"auth": {"ownerPassword": "another-one"}}}) == first


def test_argocd_runs_it_between_database_and_app(render: Render) -> None:
    """Under Argo CD the Job is a Sync hook in wave -1; the embedded database, and the way to it, come a wave before."""
    objects = render(EMBEDDED, mode("argocd"), {"networkPolicy": {"enabled": True}})
    assert objects.one("Job", "plinth-migrate")["metadata"]["annotations"] == {
        "argocd.argoproj.io/hook": "Sync",
        "argocd.argoproj.io/sync-wave": "-1",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
    }
    before = [one for one in objects if one["kind"] == "NetworkPolicy" or "-postgresql" in one["metadata"]["name"]]
    assert len(before) == 6 + 6
    assert all(one["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "-2"} for one in before)


def test_argocd_has_no_hook_of_helms_beside_it(render: Render) -> None:
    """One native hook makes Argo CD ignore Helm's, so none but `helm test` is rendered."""
    hooks = [
        one for one in render(EXTERNAL, mode("argocd")) if "helm.sh/hook" in one["metadata"].get("annotations", {})
    ]
    assert [one["kind"] for one in hooks] == ["Pod"]


@pytest.mark.parametrize("name", ["hook", "job", "argocd", "none"])
def test_no_hook_of_helms_is_in_the_way_of_the_next(render: Render, name: str) -> None:
    """Each hook object is replaced by its next one, and is none that the app, or a hook's pod, goes on needing."""
    objects = render(EXTERNAL, mode(name), {"networkPolicy": {"enabled": True}})
    hooks = [one for one in objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    assert hooks
    for one in hooks:
        assert "before-hook-creation" in one["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",")
        assert one["kind"] in {"Job", "Pod", "NetworkPolicy"}
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(set(names)) == len(names)


def test_the_hook_is_let_out_before_it_runs(render: Render) -> None:
    """Where a namespace denies by default, the hook's pods have a policy that is a hook before theirs."""
    objects = render(EXTERNAL, {"networkPolicy": {"enabled": True}})
    job = objects.one("Job", "plinth-migrate")
    policy = objects.one("NetworkPolicy", "plinth-migrate-hook")
    assert policy["metadata"]["annotations"]["helm.sh/hook"] == job["metadata"]["annotations"]["helm.sh/hook"]
    assert int(policy["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["spec"]["egress"] == objects.one("NetworkPolicy", "plinth-migrate")["spec"]["egress"]
    assert "annotations" not in objects.one("NetworkPolicy", "plinth-migrate")["metadata"]


def test_a_rendering_without_hooks_is_whole(render: Render) -> None:
    """`helm template --no-hooks` in mode job, as the README has it, holds the migration, and nothing of Helm's own."""
    options = ("--no-hooks", "--set=migrations.mode=job", "--set=crds.upgrade=false")
    assert all(option.replace("=", " ", 1) in README for option in options)
    objects = render(EMBEDDED, options=options)
    assert not [one for one in objects if "annotations" in one["metadata"]]
    (job,) = objects.all("Job")
    assert job["metadata"]["name"].startswith("plinth-migrate-")
    assert {one["kind"] for one in objects} == {
        *("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Role", "RoleBinding", "GatedMigration"),
        *("StatefulSet", "ConfigMap", "Secret", "Job"),
    }


def test_none_runs_no_migration(render: Render) -> None:
    """In mode none there is no Job; readiness still refuses a schema that is behind."""
    assert [one["metadata"]["name"] for one in render(EXTERNAL, mode("none")).all("Job")] == ["plinth-crd"]


def test_sidecars_stay_out_of_jobs(render: Render) -> None:
    """A mesh's sidecar would keep a Job from ending: it is asked to stay out, also of the operator's Jobs."""
    objects = render(EXTERNAL)
    metadata = objects.one("Job", "plinth-migrate")["spec"]["template"]["metadata"]
    template = objects.one("GatedMigration")["spec"]["jobTemplate"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == template["podLabels"]["sidecar.istio.io/inject"] == "false"
    assert metadata["annotations"]["linkerd.io/inject"] == template["podAnnotations"]["linkerd.io/inject"] == "disabled"


def test_the_choice_below_18_reaches_the_migrator(render: Render) -> None:
    """ids.below18 is read by the migrator alone."""
    pods = render(EXTERNAL, {"ids": {"below18": "v7"}}).pods()
    assert environment(pods["plinth-migrate"])["PLINTH_IDS_BELOW18"] == "v7"
    assert "PLINTH_IDS_BELOW18" not in environment(pods["plinth"])


@pytest.mark.parametrize(
    ("values", "secret"), [(EXTERNAL, "app-role"), (TWO_ROLES, "owner-role"), (EMBEDDED, "plinth-postgresql-owner")]
)
def test_the_gated_migration_is_run_by_the_owner(render: Render, values: Object, secret: str) -> None:
    """The resource names the owner's secret, the revision, and the version it waits for."""
    spec = render(values).one("GatedMigration", "plinth-uuidv7")["spec"]
    assert spec["databaseSecretRef"]["name"] == secret
    assert (spec["revision"], spec["minServerVersion"], spec["approval"]) == ("uuidv7", 18, "Automatic")


@pytest.mark.parametrize("mode", [None, "disable", "verify-ca"])
def test_the_tls_mode_reaches_the_gated_migration_where_it_is_given(render: Render, mode: str | None) -> None:
    """The operator and its Jobs ask of the server what the app asks of it."""
    spec = render(EXTERNAL, {"database": {"tls": {"mode": mode}}}).one("GatedMigration")["spec"]
    assert spec["databaseSecretRef"].get("tlsMode") == mode


@pytest.mark.parametrize(
    "values", [{"operator": {"enabled": False}}, {"gatedMigrations": {"uuidv7": {"enabled": False}}}]
)
def test_no_resource_without_the_operator(render: Render, values: Object) -> None:
    """Without the operator, or when it is not wanted, nothing of the CRD's kind is made."""
    assert render(EXTERNAL, values).all("GatedMigration") == []
