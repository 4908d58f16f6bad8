"""The order in which Argo CD applies objects, by its documentation."""

from typing import Any

from tests.verbs.argo_order import steps_of, waves

HELM_HOOK, HELM_WEIGHT, HELM_DELETE = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"
HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"


def an(kind: str, name: str = "one", **annotations: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "annotations": annotations}}


def order(*objects: dict[str, Any]) -> list[list[str]]:
    return [[step.object["metadata"]["name"] for step in wave] for wave in waves(list(objects))]


def test_phases_then_waves_then_kinds() -> None:
    """PreSync before Sync before PostSync, lower waves first, and in a wave what others need first."""
    assert order(
        an("Deployment", "app"),
        an("Job", "after", **{HOOK: "PostSync"}),
        an("Service", "service"),
        an("StatefulSet", "database", **{WAVE: "-2"}),
        an("Job", "migrate", **{HOOK: "Sync", WAVE: "-1"}),
        an("Job", "before", **{HOOK: "PreSync", WAVE: "3"}),
    ) == [["before"], ["database"], ["migrate"], ["service", "app"], ["after"]]


def test_kinds_that_are_not_known_come_last() -> None:
    """A custom resource is applied after its definition and its operator."""
    assert order(an("GatedMigration", "a"), an("Deployment", "b"), an("CustomResourceDefinition", "c")) == [
        ["c", "b", "a"]
    ]


def test_helms_hooks_count_as_argos() -> None:
    """Before an install and before an upgrade is PreSync, once, by the hook's weight."""
    hook = {HELM_HOOK: "pre-install,pre-upgrade", HELM_WEIGHT: "-5", HELM_DELETE: "before-hook-creation,hook-succeeded"}
    (step,) = steps_of([an("Job", **hook)])
    assert (step.phase, step.wave) == ("PreSync", -5)
    assert step.policies == {"BeforeHookCreation", "HookSucceeded"}


def test_helms_tests_are_not_applied() -> None:
    """A pod of `helm test` is no part of a sync, nor is a hook before a rollback."""
    assert order(an("Pod", **{HELM_HOOK: "test"}), an("Job", **{HELM_HOOK: "pre-rollback"})) == []


def test_one_hook_of_argos_puts_all_of_helms_out() -> None:
    """As the documentation warns."""
    both = (an("Job", "helms", **{HELM_HOOK: "pre-upgrade"}), an("Job", "argos", **{HOOK: "Sync"}))
    assert order(*both) == [["argos"]]


def test_a_hook_without_a_policy_is_deleted_before_it_is_made() -> None:
    """Both of Argo's kind and of Helm's; what is no hook is never deleted so."""
    hooks = steps_of([an("Job", **{HOOK: "Sync"})]), steps_of([an("Job", **{HELM_HOOK: "pre-upgrade"})])
    assert [step.policies for steps in hooks for step in steps] == [{"BeforeHookCreation"}] * 2
    assert [step.policies for step in steps_of([an("Job")])] == [None]
