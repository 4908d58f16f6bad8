"""Values of fields: what is told to clients is what is taken."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from app.schemas import UNCHANGED, Change, ShortText, Trimmed
from app.values import LARGEST, Day, Digits, Document, Flag, Key, Moment, Whole

Price = Annotated[Decimal, Digits(5, 2)]
TAKEN = [
    (Flag, True, True),
    (Whole, LARGEST, LARGEST),
    (Whole, -LARGEST, -LARGEST),
    (Whole, -2.0, -2),
    (Day, "2028-02-29", date(2028, 2, 29)),
    (Moment, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (Moment, "2026-01-31t12:00:00.25+02:30", datetime(2026, 1, 31, 9, 30, 0, 250000, tzinfo=UTC)),
    (Key, "01A2B3C4-0000-4000-8000-000000000001", UUID("01a2b3c4-0000-4000-8000-000000000001")),
    (Document, {"a": [1, None, {"b": "c"}]}, {"a": [1, None, {"b": "c"}]}),
    (Price, "-123.45", Decimal("-123.45")),
    (Price, "0", Decimal(0)),
    (Annotated[Decimal, Digits(3, 3)], "0.125", Decimal("0.125")),
    (Annotated[Decimal, Digits(3, 0)], "125", Decimal(125)),
    (Annotated[str, Trimmed(3)], "abc", "abc"),
]
REFUSED: list[tuple[Any, Any]] = [
    *((Flag, value) for value in ("yes", "true", 1, 0, None)),
    *((Whole, value) for value in ("1", True, 1.5, 1e300, float("inf"), LARGEST + 1, None)),
    *((Day, value) for value in (0, "0", "2026-01-31T00:00:00", "2026-02-29", "31.01.2026", "٢٠٢٦-01-31")),
    *((Moment, value) for value in (0, "0", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z")),
    *((Moment, value) for value in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00")),
    *((Key, value) for value in (0, "x", "urn:uuid:01a2b3c4-0000-4000-8000-000000000001", "{}")),
    *((Document, value) for value in ([], "{}", {"a\0": 1}, {"a": ["\ud800"]}, {"a": {"b": float("nan")}})),
    *((Price, value) for value in (1, 1.5, "1.", ".5", "01", "1e2", "1234", "1.234", "+1", " 1", "NaN", "1\n")),
    (Annotated[Decimal, Digits(3, 3)], "1.125"),
    (Annotated[Decimal, Digits(3, 0)], "1.0"),
    (Annotated[str, Trimmed(3)], "abcd"),
]


class Body(Change):
    name: ShortText = UNCHANGED
    price: Price | None = UNCHANGED


@pytest.mark.parametrize(("kind", "given", "taken"), TAKEN)
def test_a_value_is_taken(kind: Any, given: Any, taken: Any):
    """As its JSON schema says."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    assert adapter.validate_python(given) == taken
    assert Draft202012Validator(adapter.json_schema()).is_valid(given)


@pytest.mark.parametrize(("kind", "given"), REFUSED)
def test_a_value_is_refused(kind: Any, given: Any):
    """Also where pydantic would make something of it, or PostgreSQL nothing."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(given)


def test_clients_are_told_the_bounds():
    """Of whole numbers, of texts, and of a decimal's digits."""
    whole, text, price = (TypeAdapter(kind).json_schema() for kind in (Whole, ShortText, Price))
    assert (whole["minimum"], whole["maximum"]) == (-LARGEST, LARGEST)
    assert (text["minLength"], text["maxLength"]) == (1, 200)
    assert price == {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$"}


def test_a_decimal_is_text_in_json():
    """With the digits it was given."""
    assert json.loads(Body(price="1.50").model_dump_json(exclude_unset=True)) == {"price": "1.50"}  # type: ignore[arg-type]


def test_a_change_has_what_was_given_alone():
    """Null where that was said, and nothing of what was not."""
    assert Body.model_validate({"price": None}).given() == {"price": None}
    assert Body.model_validate({"name": " a "}).given() == {"name": "a"}


def test_a_change_changes_something():
    """An empty one is refused, and its schema says so; so is null where there must be a value."""
    assert not Draft202012Validator(Body.model_json_schema()).is_valid({})
    for body in ({}, {"name": None}):
        with pytest.raises(ValidationError):
            Body.model_validate(body)
