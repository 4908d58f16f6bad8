"""What a field may hold, and how that is written in the model, the revision, the bodies and the tests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.scaffold import SliceError
from app.scaffold.names import Names, check_column

MOST_TEXT = 100_000
_VALUE = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


@dataclass(frozen=True)
class Field:
    """One column. What is source code is a string: types and expressions, and JSON values as Python writes them."""

    name: str
    python: str
    """The type of the attribute and of the answer."""
    column: str
    """The type of the column."""
    body: str
    """The type in a request body."""
    sample: str
    """Values for the tests: one, another, and one that is refused."""
    other: str
    wrong: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    """Of an enum."""
    target: str | None = None
    """Of a reference: the table."""

    @property
    def in_revision(self) -> str:
        return self.column if self.column == "JSONB" else f"sa.{self.column}"

    @property
    def noun(self) -> str:
        """Of a reference: what it refers to; `project` of `project_id`."""
        return self.name.removesuffix("_id")

    @property
    def maybe(self) -> str:
        return " | None" if self.nullable else ""

    @property
    def on_delete(self) -> str:
        """A row is nothing without what it must refer to. The tenant stays: one column alone becomes NULL."""
        return f"SET NULL ({self.name})" if self.nullable else "CASCADE"


@dataclass(frozen=True)
class Kind:
    """A type as it is asked for, for `--help`, and the field it makes."""

    usage: str
    meaning: str
    make: Callable[[str, str, Names], Field]
    """From the field's name, what stands after ``=`` (empty: nothing), and the slice's names."""


def parse(asked: str, names: Names) -> Field:
    """A field from ``name:type``, ``name:type=argument``, each with ``?`` behind it where it may be null."""
    name, colon, type_ = asked.partition(":")
    type_, argument = type_.removesuffix("?").partition("=")[::2]
    if not colon or type_ not in KINDS:
        raise SliceError(f"The field {asked!r} is not name:type, with one of the types {', '.join(KINDS)}.")
    field = KINDS[type_].make(name, argument, names)
    check_column(field.name)
    if asked.endswith("?"):
        field = replace(field, nullable=True)
    if field.target == names.plural and not field.nullable:
        raise SliceError(f"The first of {names.plural} could not refer to another one: say {asked}?, with the `?`.")
    return field


def _plain(python: str, column: str, body: str, values: tuple[str, str, str]) -> Callable[[str, str, Names], Field]:
    def make(name: str, argument: str, _: Names) -> Field:
        if argument:
            raise SliceError(f"The type of {name} takes nothing after `=`: leave ={argument} away.")
        sample, other, wrong = values
        return Field(name, python, column, body, sample, other, wrong)

    return make


def _text(name: str, argument: str, _: Names) -> Field:
    if argument and not (argument.isdecimal() and argument.isascii() and 1 <= int(argument) <= MOST_TEXT):
        raise SliceError(f"The length of {name} must be 1 to {MOST_TEXT} characters, as in {name}:text=2000.")
    body = f"Annotated[str, Trimmed({int(argument)})]" if argument else "ShortText"
    return Field(name, "str", "Text", body, '"a"', '"b"', '""')


def _decimal(name: str, argument: str, _: Names) -> Field:
    digits = re.fullmatch(r"([0-9]{1,3}),([0-9]{1,3})", argument or "18,2")
    precision, scale = map(int, digits.groups()) if digits else (0, 0)
    if not (1 <= precision <= 100 and scale <= precision):
        raise SliceError(
            f"The digits of {name} must be all and those after the point, 1 to 100 of them, as in {name}:decimal=12,2."
        )
    whole, after = "0" if precision == scale else "1", f".{'5':0<{scale}}" if scale else ""
    return Field(
        name, "Decimal", f"Numeric({precision}, {scale})", f"Annotated[Decimal, Digits({precision}, {scale})]",
        f'"{whole}{after}"', f'"-{whole}{after}"', "0.5",
    )  # fmt: skip


def _enum(name: str, argument: str, names: Names) -> Field:
    values = tuple(argument.split(","))
    if not all(_VALUE.fullmatch(value) for value in values) or len(set(values)) < len(values):
        raise SliceError(f"The values of {name} must be different words in lower case, as in {name}:enum=draft,sent.")
    type_ = names.noun + "".join(part.capitalize() for part in name.split("_"))
    return Field(name, "str", "Text", type_, f'"{values[0]}"', f'"{values[-1]}"', '"?"', values=values)


def _reference(name: str, argument: str, _: Names) -> Field:
    if not argument or name.endswith("_id"):
        noun = name.removesuffix("_id") or "project"
        raise SliceError(f"A reference is {noun}:ref=SLICE, such as project:ref=projects; its column is {noun}_id.")
    return Field(f"{name}_id", "UUID", "Uuid", "Key", "None", "None", '"x"', target=argument)


_ONE, _OTHER = (f'"01a2b3c4-0000-4000-8000-00000000000{number}"' for number in (1, 2))
KINDS: Mapping[str, Kind] = {
    "text": Kind("text, text=N", "1 to 200 characters, or to N; trimmed", _text),
    "int": Kind(
        "int",
        "a whole number up to 2^53, as clients hold no larger one; bigint",
        _plain("int", "BigInteger", "Whole", ("1", "-2", '"1"')),
    ),
    "bool": Kind("bool", "true or false", _plain("bool", "Boolean", "Flag", ("True", "False", '"yes"'))),
    "decimal": Kind("decimal, decimal=P,S", "exact: P digits, S after the point (18,2); text in JSON", _decimal),
    "date": Kind(
        "date",
        "a day, such as 2026-01-31",
        _plain("date", "Date", "Day", ('"2026-01-31"', '"2028-02-29"', '"31.01.2026"')),
    ),
    "datetime": Kind(
        "datetime",
        "a moment with its offset, kept in UTC; timestamptz",
        _plain(
            "datetime",
            "DateTime(timezone=True)",
            "Moment",
            ('"2026-01-31T12:00:00Z"', '"2028-02-29T00:00:00Z"', '"2026-01-31T12:00:00"'),
        ),
    ),
    "uuid": Kind("uuid", "an id of something elsewhere", _plain("UUID", "Uuid", "Key", (_ONE, _OTHER, '"x"'))),
    "json": Kind(
        "json",
        "any JSON object; jsonb",
        _plain("dict[str, Any]", "JSONB", "Document", ('{"a": [1, None]}', "{}", "[]")),
    ),
    "enum": Kind("enum=A,B,C", "one of these words; text with a check", _enum),
    "ref": Kind("ref=SLICE", "one of another slice: project:ref=projects is the column project_id", _reference),
}
"""All there are, by name."""
