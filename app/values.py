"""Values of fields in request bodies: taken as their JSON schema says, and not as Python would also understand them.

What is told to clients is then what is stored: `"yes"` is no boolean, and a number of seconds is no date.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, JsonValue, Strict
from pydantic_core import CoreSchema, core_schema

from app.schemas import storable

LARGEST = 2**53 - 1
"""Beyond it, clients that hold numbers as doubles, such as browsers, lose digits (RFC 8259)."""


def _written(pattern: str, example: str) -> Callable[[object], object]:
    """Refuse what is not text of this form, where pydantic would take more."""
    form = re.compile(pattern, re.ASCII)

    def check(value: object) -> object:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(f"must be text such as {example}")
        return value

    return check


def _whole(value: object) -> object:
    """To JSON, 1.0 is a whole number, too; to Python, so is True."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise ValueError("must be a whole number")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be between the years 1 and 9999 in UTC") from None


def _storable_within(document: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL refuses in a JSON value, wherever it is."""
    left: list[Any] = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            storable(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError("must not hold NaN or Infinity")
        elif isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            left += value
    return document


Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST), BeforeValidator(_whole)]
Day = Annotated[date, BeforeValidator(_written(r"\d{4}-\d\d-\d\d", "2026-01-31"))]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", "2026-01-31T12:00:00Z")),
    AfterValidator(_in_utc),
]
"""A date and time with its offset (RFC 3339), kept and answered in UTC."""
Key = Annotated[
    UUID, BeforeValidator(_written(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", f"{UUID(int=0)}"))
]
Document = Annotated[dict[str, JsonValue], AfterValidator(_storable_within)]
"""Any JSON object."""


@dataclass(frozen=True)
class Digits:
    """Of a `Decimal`: at most so many digits, and so many of them after the point, as ``numeric(precision, scale)``.

    It is text in JSON, as many clients hold a number as a double, which has no exact 0.1.
    """

    precision: int
    scale: int

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        text = core_schema.str_schema(pattern=self.pattern)
        as_text = core_schema.to_string_ser_schema(when_used="json")
        return core_schema.no_info_after_validator_function(Decimal, text, serialization=as_text)

    @property
    def pattern(self) -> str:
        whole = self.precision - self.scale
        before = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
        after = rf"(\.[0-9]{{1,{self.scale}}})?" if self.scale else ""
        return f"^-?{before}{after}$"
