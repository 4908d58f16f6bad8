"""ETags and If-Match."""

import pytest
from fastapi import Request

from app.errors import BadRequest, PreconditionRequired
from app.etags import etag, if_match, parse


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ("*", None),
        (' "3" ', {3}),
        ('"3","4"', {3, 4}),
        ('"3" , "x", "12"', {3, 12}),
        ('W/"3"', set()),  # If-Match compares strongly
        ('"a","3"', {3}),
        ('"03"', set()),
        ('"99999999999999999999"', set()),
        ('""', set()),
    ],
)
def test_if_match_names_the_versions_a_client_has_seen(header: str, versions: set[int] | None) -> None:
    """Strong tags of ours count, other legal tags match nothing, * matches all."""
    assert parse(header).versions == versions


@pytest.mark.parametrize("header", ["", "3", '"3', '"3" "4"', '"3",', 'w/"3"', '"3";'])
def test_a_malformed_if_match_is_refused(header: str) -> None:
    """What RFC 9110 does not allow gets a sentence that shows the form."""
    with pytest.raises(BadRequest, match="If-Match"):
        parse(header)


def request(*values: bytes) -> Request:
    return Request({"type": "http", "headers": [(b"if-match", value) for value in values]})


async def test_a_missing_if_match_is_asked_for() -> None:
    """Without the header the answer says that it is needed."""
    with pytest.raises(PreconditionRequired):
        await if_match(request())


async def test_several_headers_are_one_list() -> None:
    """As RFC 9110 says of every list; an asterisk is none."""
    assert (await if_match(request(b'"1"', b'"2", "3"'))).versions == {1, 2, 3}
    with pytest.raises(BadRequest):
        await if_match(request(b"*", b'"1"'))


def test_an_etag_is_read_back() -> None:
    """What is given out as ETag is what If-Match understands."""
    assert parse(etag(7)).versions == {7}
