"""What a slice and its columns may be called: by Python, by PostgreSQL, and by the code around them."""

import builtins
import keyword
import re
from dataclasses import dataclass

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

from app.db.base import Base, TenantRow
from app.scaffold import SliceError
from app.schemas import Change

LONGEST = 63
"""Bytes of a name in PostgreSQL; longer ones are cut off without a word."""

_ROOM = 36
"""Characters of a name: then the lines of code that have two of them are not too long."""

_FORM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# What the templates use themselves; a test holds the three against them.
_VARIABLES = frozenset(
    {"body", "paging", "location", "problems", "queries", "request", "response", "router", "seen", "session", "tag"}
) | {name for name in vars(builtins) if name.islower()}
"""Names that a single one, which is a variable of the routes, cannot have."""

_CLASSES = frozenset(
    {"Any", "AnyRow", "AsyncIterator", "AsyncSession", "Base", "BigInteger", "Boolean", "CheckConstraint", "Date"}
    | {"DateTime", "Decimal", "Fault", "Index", "IntegrityError", "Mapped", "NotFound", "Numeric", "PageRequest"}
    | {"Precondition", "Select", "TenantRow", "Text", "Uuid"}
)
"""Names that the model cannot have."""

_TYPES = frozenset({"bool", "column", "date", "datetime", "dict", "int", "mapped_column", "str", "tenant_reference"})
"""Names that a column cannot have: they are used where it is defined."""


@dataclass(frozen=True)
class Names:
    """A slice's: ``line_items`` and ``line_item``, and what follows from them."""

    plural: str
    singular: str

    @property
    def noun(self) -> str:
        """The class of the model."""
        return "".join(part.capitalize() for part in self.singular.split("_"))

    @property
    def path(self) -> str:
        return self.plural.replace("_", "-")

    @property
    def words(self) -> str:
        return self.plural.replace("_", " ")

    @property
    def word(self) -> str:
        return self.singular.replace("_", " ")


def slice_names(plural: str, singular: str | None = None) -> Names:
    """Both names of a slice. Raises SliceError where one cannot be used."""
    _check_form(plural, "slice")
    one = singular or _singular(plural)
    _check_form(one, "slice")
    names = Names(plural, one)
    if one in _VARIABLES or names.noun in _CLASSES:
        raise SliceError(f"`{one}` is a name in the code of every slice: take another, such as customer_{plural}.")
    return names


def check_column(name: str) -> None:
    """Raise SliceError where a column cannot have this name."""
    _check_form(name, "field")
    if hasattr(TenantRow, name):
        raise SliceError(f"Every slice has `{name}` already: leave it away, or take another name.")
    if name in _TYPES:
        raise SliceError(f"`{name}` is a name in the slice's own code: take a longer one, such as {name}_given.")
    if any(hasattr(owner, name) for owner in (Row, Base, Change)) or name.startswith(("model_dump", "model_validate")):
        raise SliceError(f"`{name}` is an attribute of SQLAlchemy's rows or pydantic's models: take another name.")


def check_lengths(identifiers: list[str]) -> None:
    """Raise SliceError where PostgreSQL would cut a name off."""
    longest = max(identifiers, key=len)
    if len(longest) > LONGEST:
        raise SliceError(
            f"PostgreSQL's names have at most {LONGEST} characters, and {longest} would have {len(longest)}: "
            "take shorter names for the slice or the field."
        )


def _check_form(name: str, what: str) -> None:
    if not _FORM.fullmatch(name):
        raise SliceError(
            f"The {what} name {name!r} must be lower-case letters, digits and single underscores, and begin with a "
            "letter, such as line_items."
        )
    if len(name) > _ROOM:
        raise SliceError(f"The {what} name {name} has {len(name)} characters: take one of at most {_ROOM}.")
    if keyword.iskeyword(name):
        raise SliceError(f"`{name}` is a word of Python's: take another {what} name.")
    if name in RESERVED_WORDS:
        raise SliceError(f"`{name}` is a reserved word of SQL: take another {what} name.")


_ENDINGS = (
    (re.compile(r"(ss|us|is)$"), None),
    (re.compile(r"ies$"), "y"),
    (re.compile(r"(?<=ss)es$|(?<=[xz])es$|(?<=[cs]h)es$|(?<=[bnprt]us)es$"), ""),
    (re.compile(r"s$"), ""),
)


def _singular(plural: str) -> str:
    for ending, instead in _ENDINGS:
        if ending.search(plural):
            if instead is None:
                break
            return ending.sub(instead, plural)
    raise SliceError(
        f"A slice has a noun in the plural, such as projects, and `{plural}` does not look like one: take the plural, "
        f"or say the singular too, by --singular."
    )
