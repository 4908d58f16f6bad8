"""Which names a slice and its columns may have."""

import ast
from collections.abc import Iterator

import pytest

from app.db.revision import ROOT
from app.scaffold import SliceError
from app.scaffold.names import _CLASSES, _TYPES, _VARIABLES, check_column, check_lengths, slice_names
from tests.unit.scaffold.asked import everything, rendered


@pytest.mark.parametrize(
    ("plural", "singular", "noun"),
    [
        ("invoices", "invoice", "Invoice"),
        ("line_items", "line_item", "LineItem"),
        ("categories", "category", "Category"),
        ("addresses", "address", "Address"),
        ("boxes", "box", "Box"),
        ("branches", "branch", "Branch"),
        ("statuses", "status", "Status"),
        ("houses", "house", "House"),
    ],
)
def test_the_singular_follows_from_the_plural(plural: str, singular: str, noun: str):
    """And the class from the singular."""
    names = slice_names(plural)
    assert (names.singular, names.noun) == (singular, noun)


def test_a_singular_can_be_said():
    """Where it does not follow."""
    assert slice_names("people", "person").noun == "Person"


@pytest.mark.parametrize(
    ("plural", "told"),
    [
        ("invoice", "does not look like one: take the plural"),
        ("status", "does not look like one: take the plural"),
        ("Invoices", "must be lower-case letters"),
        ("in-voices", "must be lower-case letters"),
        ("_invoices", "must be lower-case letters"),
        ("in__voices", "must be lower-case letters"),
        ("1nvoices", "must be lower-case letters"),
        ("rechnungsbeträge", "must be lower-case letters"),
        ("../invoices", "must be lower-case letters"),
        ("", "must be lower-case letters"),
        ("x" * 36 + "s", "37 characters: take one of at most 36"),
        ("pass", "a word of Python's"),
        ("references", "a reserved word of SQL"),
        ("classes", "a word of Python's"),
        ("orders", "a reserved word of SQL"),
        ("requests", "a name in the code of every slice: take another, such as customer_requests"),
        ("dates", "a name in the code of every slice"),
        ("types", "a name in the code of every slice"),
    ],
)
def test_a_bad_slice_name_is_told_in_a_sentence(plural: str, told: str):
    """What is wrong with it, and what to do."""
    with pytest.raises(SliceError, match=told):
        slice_names(plural)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Amount", "must be lower-case letters"),
        ("lambda", "a word of Python's"),
        ("order", "a reserved word of SQL"),
        ("id", "Every slice has `id` already"),
        ("tenant_id", "Every slice has `tenant_id` already"),
        ("version", "Every slice has `version` already"),
        ("date", "a name in the slice's own code: take a longer one, such as date_given"),
        ("count", "an attribute of SQLAlchemy's rows or pydantic's models"),
        ("metadata", "an attribute of SQLAlchemy's rows or pydantic's models"),
        ("json", "an attribute of SQLAlchemy's rows or pydantic's models"),
        ("given", "an attribute of SQLAlchemy's rows or pydantic's models"),
        ("model_dump_all", "an attribute of SQLAlchemy's rows or pydantic's models"),
    ],
)
def test_a_bad_column_name_is_told_in_a_sentence(name: str, told: str):
    """What is wrong with it, and what to do."""
    with pytest.raises(SliceError, match=told):
        check_column(name)


def test_no_name_is_cut_off_by_postgresql():
    """63 characters fit, and 64 do not: two cut off alike would meet."""
    check_lengths(["a" * 63])
    with pytest.raises(SliceError, match=r"at most 63 characters, and a+ would have 64: take shorter names"):
        check_lengths(["a", "a" * 64])


def bound(tree: ast.AST) -> Iterator[str]:
    """The names a module imports, assigns, or has as parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_names_that_the_templates_use_are_refused():
    """A slice named as a variable, a class or a type in its own code would break it."""
    trees = {path.stem: ast.parse(text) for path, text in rendered().items() if path.parts[0] == "app"}
    own = {"specimen_part", "specimen_parts", "specimen_part_id", "project_id", "parent_id"}
    assert {name for name in bound(trees["routes"]) if name.islower()} - own <= _VARIABLES
    classes = {name for module in ("models", "queries") for name in bound(trees[module]) if name != name.lower()}
    assert {name for name in classes if name != "SpecimenPart" and not name.isupper()} <= _CLASSES
    for module in ("models", "schemas"):
        bodies = [node for node in ast.walk(trees[module]) if isinstance(node, ast.ClassDef)]
        used = [node for body in bodies for node in ast.walk(body) if isinstance(node, ast.Name)]
        read = {name.id for name in used if isinstance(name.ctx, ast.Load)}
        assert {name for name in read if name.islower()} <= _TYPES


def test_the_templates_are_those_that_are_rendered():
    """None is left that nobody fills."""
    there = {path.name.removesuffix(".py.mako") for path in (ROOT / "app" / "scaffold" / "templates").iterdir()}
    assert there == set(everything().paths)
