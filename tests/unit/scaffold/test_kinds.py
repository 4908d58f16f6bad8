"""Fields as they are asked for."""

import pytest

from app.scaffold import SliceError
from app.scaffold.kinds import KINDS, parse
from app.scaffold.names import slice_names

INVOICES = slice_names("invoices")


@pytest.mark.parametrize(
    ("asked", "column", "body"),
    [
        ("number:text", "Text", "ShortText"),
        ("number:text=40", "Text", "Annotated[str, Trimmed(40)]"),
        ("seats:int", "BigInteger", "Whole"),
        ("paid:bool", "Boolean", "Flag"),
        ("amount:decimal", "Numeric(18, 2)", "Annotated[Decimal, Digits(18, 2)]"),
        ("amount:decimal=4,4", "Numeric(4, 4)", "Annotated[Decimal, Digits(4, 4)]"),
        ("due:date", "Date", "Day"),
        ("sent_at:datetime", "DateTime(timezone=True)", "Moment"),
        ("external:uuid", "Uuid", "Key"),
        ("extra:json", "JSONB", "Document"),
        ("state:enum=draft,sent", "Text", "InvoiceState"),
        ("project:ref=projects", "Uuid", "Key"),
    ],
)
def test_a_field_has_its_column_and_its_type_in_a_body(asked: str, column: str, body: str):
    """With a question mark the same, and it may be null."""
    field = parse(asked, INVOICES)
    assert (field.column, field.body, field.nullable) == (column, body, False)
    assert parse(f"{asked}?", INVOICES).nullable


def test_a_reference_is_a_column_with_id():
    """One that must be there takes its rows along; one that need not leaves them their tenant."""
    field = parse("project:ref=projects", INVOICES)
    assert (field.name, field.target, field.on_delete) == ("project_id", "projects", "CASCADE")
    assert parse("project:ref=projects?", INVOICES).on_delete == "SET NULL (project_id)"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("number", "is not name:type, with one of the types text, int"),
        ("number:varchar", "is not name:type, with one of the types text, int"),
        ("number:text(40)", "is not name:type, with one of the types text, int"),
        (":text", "must be lower-case letters"),
        ("number:text=0", "The length of number must be 1 to 100000 characters, as in number:text=2000"),
        ("number:text=x", "The length of number must be 1 to"),
        ("number:text=²", "The length of number must be 1 to"),
        ("seats:int=4", "The type of seats takes nothing after `=`: leave =4 away"),
        ("amount:decimal=2,3", "as in amount:decimal=12,2"),
        ("amount:decimal=12", "as in amount:decimal=12,2"),
        ("amount:decimal=0,0", "as in amount:decimal=12,2"),
        ("state:enum", "as in state:enum=draft,sent"),
        ("state:enum=a,a", "as in state:enum=draft,sent"),
        ("state:enum=a,B'", "as in state:enum=draft,sent"),
        ("project:ref", "A reference is project:ref=SLICE"),
        ("project_id:ref=projects", "A reference is project:ref=SLICE"),
        ("tenant:ref=projects", "Every slice has `tenant_id` already"),
        ("parent:ref=invoices", "The first of invoices could not refer to another one"),
    ],
)
def test_a_bad_field_is_told_in_a_sentence(asked: str, told: str):
    """What is wrong with it, and what to do."""
    with pytest.raises(SliceError, match=told.replace("(", r"\(")):
        parse(asked, INVOICES)


def test_help_names_every_type():
    """In the words they are asked for by."""
    assert all(kind.usage.startswith(name) for name, kind in KINDS.items())
