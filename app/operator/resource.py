"""A GatedMigration as the operator reads it. Nothing here talks to anything."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from lightkube.generic_resource import create_namespaced_resource
from pydantic import AliasPath, BaseModel, BeforeValidator, Field

COMPONENT = "plinth-operator"
GROUP, VERSION, PLURAL, KIND = "plinth.dev", "v1alpha1", "gatedmigrations", "GatedMigration"
API_VERSION = f"{GROUP}/{VERSION}"
GatedMigration = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)
APPROVE, RETRY = f"{GROUP}/approve", f"{GROUP}/retry"

Object = Mapping[str, Any]
Duration = Annotated[timedelta, Field(gt=timedelta(0)), BeforeValidator(lambda text: f"PT{text}".upper())]
"""``1h2m3s``: ISO 8601 without its PT. Polls without a pause are nobody's wish."""


def _at(*path: str) -> Any:
    return Field(validation_alias=AliasPath(*path))


class Resource(BaseModel, frozen=True):
    """What is wanted (spec, annotations) and what was last reported (status), its defaults filled in."""

    namespace: str = _at("metadata", "namespace")
    name: str = _at("metadata", "name")
    uid: str = _at("metadata", "uid")
    resource_version: int = _at("metadata", "resourceVersion")
    generation: int = _at("metadata", "generation")
    annotations: Mapping[str, str] = Field({}, validation_alias=AliasPath("metadata", "annotations"))
    created: str = _at("metadata", "creationTimestamp")
    managed: Sequence[Object] = Field((), validation_alias=AliasPath("metadata", "managedFields"))
    database: Object = _at("spec", "databaseSecretRef")
    revision: str = _at("spec", "revision")
    minimum: int = _at("spec", "minServerVersion")
    manual: Annotated[bool, BeforeValidator("Manual".__eq__)] = _at("spec", "approval")
    paused: bool = _at("spec", "paused")
    poll: Duration = _at("spec", "pollInterval")
    job_template: Object = _at("spec", "jobTemplate")
    status: Annotated[Object, BeforeValidator(lambda status: status if isinstance(status, dict) else {})] = {}

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @cached_property
    def database_key(self) -> str:
        """Equal for resources that read one secret in one way: they share an observation."""
        return json.dumps([self.namespace, self.database], sort_keys=True)

    @property
    def wish(self) -> tuple[object, ...]:
        """What a person can change; when it differs, something is to be done at once."""
        return self.uid, self.generation, self.annotations.get(APPROVE), self.annotations.get(RETRY)

    @property
    def approval(self) -> Object | None:
        """The approval of this revision: the one recorded, else the one just written. None where there is none."""
        if self.annotations.get(APPROVE) != self.revision:
            return None
        recorded: Object = self.status.get("approval") or {}
        if recorded.get("revision") == self.revision:
            return recorded
        # The field manager (kubectl-annotate) is all that is known here; the user is in the API server's audit log.
        notes = [(one, one.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})) for one in self.managed]
        entry = next((one for one, fields in notes if f"f:{APPROVE}" in fields), {"time": self.created})
        return given({"revision": self.revision, "time": entry["time"], "manager": entry.get("manager")})

    def condition(self, kind: str) -> Object:
        """A condition of the status, or an empty one."""
        return next((one for one in self.status.get("conditions", ()) if one["type"] == kind), {})


parse = Resource.model_validate
"""Read an object as the API server gives it. Raises ValueError where it cannot be read."""


def given(values: Object) -> dict[str, Any]:
    """What is not None of it."""
    return {key: value for key, value in values.items() if value is not None}
