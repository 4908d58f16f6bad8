"""Texts and documents from templates."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.templates import document, text

ODD = ["a \"b\" 'c'", "x\n---\nkind: Pod", "${wanted} <%", "{a: b}, # c", "\U0001f600 \x7f\u2028", "yes"]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "odd.mako"
    path.write_text("value: ${value}\n")
    return path


def test_a_text_has_its_values_as_they_are(template: Path) -> None:
    """As source code needs them."""
    assert text(template, value="[1") == "value: [1\n"


@pytest.mark.parametrize("value", [*ODD, 7, None, True, {"a": ["b", {"c": "yes"}]}])
def test_a_document_has_its_values_whole(template: Path, value: object) -> None:
    """Whatever stands in a text, it stays one; whatever kind a value has, it keeps it."""
    assert document(template, value=value) == {"value": value}


@pytest.mark.parametrize("render", [text, document])
def test_a_name_without_a_value_is_an_error(template: Path, render: Callable[[Path], object]) -> None:
    """And not an empty place."""
    with pytest.raises(NameError):
        render(template)
