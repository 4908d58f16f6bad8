"""Every reason the operator gives, in conditions and in Events. Alerts and runbooks go by these names."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The reason of the Ready condition."""

    WAITING = "WaitingForServerVersion"
    APPROVAL = "ApprovalPending"
    PAUSED = "Paused"
    APPLIED = "Applied"
    RUNNING = "MigrationJobRunning"
    UNREACHABLE = "DatabaseUnreachable"
    RECOVERY = "ServerInRecovery"
    CORE_BEHIND = "CoreSchemaBehind"
    REGRESSED = "ServerVersionRegressed"
    FAILED = "MigrationFailed"


READY = frozenset({Reason.WAITING, Reason.APPROVAL, Reason.PAUSED, Reason.APPLIED})
"""Where Ready is True. For the others it is False, and Reconciling is True, or Stalled after the last attempt."""


class EventReason(StrEnum):
    """The reason of an Event; each is posted on a transition only."""

    SERVER_VERSION_CHANGED = "ServerVersionChanged"
    MINIMUM_REACHED = "MinimumVersionReached"
    APPROVAL_REQUIRED = "ApprovalRequired"
    JOB_CREATED = "MigrationJobCreated"
    SUCCEEDED = "MigrationSucceeded"
    FAILED = "MigrationFailed"
    UNREACHABLE = "DatabaseUnreachable"
    REGRESSED = "ServerVersionRegressed"


WARNINGS = frozenset({EventReason.FAILED, EventReason.UNREACHABLE, EventReason.REGRESSED})
"""Events of type Warning; the others are Normal."""

_FLAPPING = (EventReason.SERVER_VERSION_CHANGED, EventReason.MINIMUM_REACHED, *WARNINGS - {EventReason.FAILED})
QUIET_SECONDS = dict.fromkeys(EventReason, 900) | dict.fromkeys(_FLAPPING, 3600)
"""An Event of one reason is posted at most once in this time for a resource: what a flapping database may cause again
and again by itself rarer than the rest, so that together these are at most four Events an hour."""


class Event(NamedTuple):
    reason: EventReason
    message: str
