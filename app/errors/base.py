"""The root of the tree, and what is wrong before anything begins."""

from typing import ClassVar


class PlinthError(Exception):
    """Something went wrong that this program did not expect."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retry_after: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    reason: ClassVar[str] = "Internal"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class SettingsError(PlinthError):
    """A setting is missing or wrong."""

    exit_code = 2
    reason = "Settings"
