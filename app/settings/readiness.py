"""How the probes look at the database."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.settings.kinds import Group


class ReadinessSettings(Group):
    readiness_mode: Literal["database", "process", "fail-open"] = "database"
    """What ``/readyz`` depends on. ``database``: the server and its schema. ``fail-open``: the schema, and faults of
    this process, but not a server that does not answer. ``process``: never the database. Default: ``database``."""

    readiness_interval: Annotated[float, Field(gt=0)] = 2
    """Seconds between two checks of the database. Default: 2, so that two failed ones are noticed within 5 s."""

    readiness_timeout: Annotated[float, Field(gt=0)] = 1.5
    """Deadline of one check in seconds. Default: 1.5, below the kubelet's."""

    @model_validator(mode="after")
    def _readiness_deadline_fits(self) -> Self:
        if self.readiness_timeout > self.readiness_interval:
            raise ValueError("readiness_timeout must not exceed readiness_interval")
        return self
