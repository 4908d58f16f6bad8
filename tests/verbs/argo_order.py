"""In which order Argo CD applies what a chart renders, by its documentation (user-guide/helm.md, sync-waves.md).

PreSync hooks, then the objects and Sync hooks, then PostSync hooks; in each phase wave after wave, and in each wave by
kind. Helm's hooks count as Argo's, unless the chart has any of Argo's own: then all of Helm's are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Object = dict[str, Any]
PHASES = ("PreSync", "Sync", "PostSync")
HELM_HOOKS = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
}
"""The others (`test`, `pre-rollback` and so on) are not run at a sync."""
POLICIES = {
    "before-hook-creation": "BeforeHookCreation",
    "hook-succeeded": "HookSucceeded",
    "hook-failed": "HookFailed",
}
KINDS = (
    "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ServiceAccount", "Secret",
    "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition",
    "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "Deployment",
    "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "Ingress",
)  # fmt: skip
"""The order within a wave; kinds that are not here come last."""
ARGO, HELM = "argocd.argoproj.io", "helm.sh"


@dataclass(frozen=True)
class Step:
    """One object, and when its turn is."""

    phase: str
    wave: int
    object: Object
    policies: frozenset[str] | None
    """Of a hook: when it is deleted. None: no hook."""


def waves(objects: list[Object]) -> Iterator[tuple[Step, ...]]:
    """What is applied together, one wave after the other; each must be healthy before the next."""
    steps = sorted(steps_of(objects), key=_turn)
    for _, group in groupby(steps, key=lambda step: (step.phase, step.wave)):
        yield tuple(group)


def steps_of(objects: list[Object]) -> Iterator[Step]:
    with_helm = not any(_annotation(one, ARGO, "hook") for one in objects)
    for one in objects:
        wave = int(_annotation(one, ARGO, "sync-wave") or _annotation(one, HELM, "hook-weight") or 0)
        for phase in _phases(one, with_helm):
            yield Step(phase, wave, one, _policies(one))


def _phases(one: Object, with_helm: bool) -> set[str]:
    if hooks := _annotation(one, ARGO, "hook"):
        return {hook for hook in _split(hooks) if hook in PHASES}
    if hooks := _annotation(one, HELM, "hook"):
        return {HELM_HOOKS[hook] for hook in _split(hooks) if hook in HELM_HOOKS} if with_helm else set()
    return {"Sync"}


def _policies(one: Object) -> frozenset[str] | None:
    if _annotation(one, ARGO, "hook"):
        return frozenset(_split(_annotation(one, ARGO, "hook-delete-policy") or "BeforeHookCreation"))
    if _annotation(one, HELM, "hook"):
        return frozenset(
            POLICIES[one] for one in _split(_annotation(one, HELM, "hook-delete-policy") or "before-hook-creation")
        )
    return None


def _turn(step: Step) -> tuple[int, int, int]:
    kind = str(step.object["kind"])
    return PHASES.index(step.phase), step.wave, KINDS.index(kind) if kind in KINDS else len(KINDS)


def _annotation(one: Object, domain: str, name: str) -> str:
    annotations = one["metadata"].get("annotations") or {}
    return str(annotations.get(f"{domain}/{name}", ""))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
