"""Cursors and pages."""

import re
from base64 import urlsafe_b64encode
from collections import namedtuple
from uuid import UUID, uuid4

import pytest

from app.errors import MalformedCursor
from app.pagination import PATTERN, PageRequest, decode, encode


def test_a_cursor_gives_back_its_id() -> None:
    """What was encoded is decoded to the same id."""
    for id_ in (uuid4(), UUID(int=0), UUID(int=2**128 - 1)):
        assert decode(encode(id_)) == id_
        assert re.search(PATTERN, encode(id_))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "abc",
        "A" * 24,
        encode(UUID(int=1)) + "=",
        encode(UUID(int=1))[:-1],
        encode(UUID(int=1))[:-1] + "B",  # another spelling of the same bytes
        urlsafe_b64encode(b"\x02" + bytes(16)).decode().rstrip("="),  # another version
        "8f0ad9cb-ea68-4b3e-b040-a121cae38f97",
        "é" * 23,
    ],
)
def test_a_foreign_cursor_is_malformed(cursor: str) -> None:
    """Anything this service did not make is refused with its own error, as clients are told by a pattern."""
    assert not re.search(PATTERN, cursor)
    with pytest.raises(MalformedCursor):
        decode(cursor)


Row = namedtuple("Row", "id")


def rows(count: int) -> list[Row]:
    return [Row(UUID(int=number)) for number in range(count)]


def test_next_is_null_exactly_at_the_end() -> None:
    """A page that is full but the last has no next."""
    assert PageRequest(limit=3).cut(rows(3))["next"] is None


def test_next_is_the_last_id_shown() -> None:
    """The row that only tells of a next page is not shown, and the cursor is that of the one before it."""
    page = PageRequest(limit=3).cut(rows(4))
    assert len(page["items"]) == 3
    assert decode(page["next"]) == UUID(int=2)


def test_an_empty_list_is_one_page() -> None:
    """No rows: no items, no next."""
    assert PageRequest().cut([]) == {"items": [], "next": None}
