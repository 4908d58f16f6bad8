"""What both rivals write on the wire as the app does: cursors of pages, ETags, and what they refuse."""

import binascii
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from uuid import UUID

URL = os.environ.get("PLINTH_DATABASE_URL", "")
POOL = int(os.environ.get("PLINTH_DATABASE_POOL_SIZE", "10"))
WITH_TENANTS = os.environ.get("PLINTH_TENANT_SOURCE", "none") == "header"
PREFIX = "/api/v1"
NOBODY = UUID(int=0)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_VERSION = re.compile(r'(?<!/)"([1-9][0-9]{0,8})"')


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int) -> None:
        self.status = status


def encode(after: UUID) -> str:
    """The cursor of the page after an id."""
    return urlsafe_b64encode(b"\x01" + after.bytes).rstrip(b"=").decode()


def decode(cursor: str) -> UUID:
    """The id a cursor stands for."""
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise Refused(400) from None
    if len(content) != 17 or content[:1] != b"\x01" or encode(UUID(bytes=content[1:])) != cursor:
        raise Refused(400)
    return UUID(bytes=content[1:])


def seen(header: str | None) -> list[int] | None:
    """The versions an If-Match header names; None for any."""
    if header is None:
        raise Refused(428)
    if header.strip() == "*":
        return None
    if not _TAGS.fullmatch(header):
        raise Refused(400)
    return [int(version) for version in _VERSION.findall(header)]


def tenant(headers: Mapping[str, str]) -> UUID:
    """Whose rows a request is about."""
    if not WITH_TENANTS:
        return NOBODY
    try:
        return UUID(headers.get("X-Tenant-Id", ""))
    except ValueError:
        raise Refused(400) from None


def user(headers: Mapping[str, str]) -> str | None:
    return headers.get("X-User-Id") or None if WITH_TENANTS else None
