"""What all bodies have in common."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from app.schemas import ShortText

TEXT: TypeAdapter[str] = TypeAdapter(ShortText)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("a", True),
        ("  a b\t", True),
        ("\N{GRINNING FACE}" * 200, True),
        ("\x01", True),
        ("", False),
        (" \n\u3000", False),
        ("a\0", False),
        ("\0", False),
        ("a" * 201, False),
    ],
)
def test_clients_are_told_which_texts_are_taken(text: str, valid: bool) -> None:
    """The JSON schema of a name or title says what is stored and what is refused."""
    schema = TEXT.json_schema()
    told = schema["minLength"] <= len(text) <= schema["maxLength"] and bool(re.search(schema["pattern"], text))
    try:
        taken = TEXT.validate_python(text) == text.strip()
    except ValidationError:
        taken = False
    assert taken == told == valid
