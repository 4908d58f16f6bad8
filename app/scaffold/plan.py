"""What was asked for, as a whole: checked against itself and against the project."""

from collections.abc import Sequence
from datetime import datetime

from app.scaffold import SliceError
from app.scaffold.files import Slice
from app.scaffold.kinds import Field, parse
from app.scaffold.names import Names, check_lengths, slice_names
from app.scaffold.tree import check_new, lineage, referable


def plan(name: str, asked: Sequence[str], singular: str | None, now: datetime) -> Slice:
    """A slice that can be made. Raises SliceError, with one sentence, where it cannot."""
    names = slice_names(name, singular)
    check_new(names)
    fields = [parse(one, names) for one in asked]
    _check_together(fields, names)
    made = Slice(names, fields, lineage(now))
    check_lengths(made.identifiers)
    return made


def _check_together(fields: Sequence[Field], names: Names) -> None:
    columns = [field.name for field in fields]
    for column in columns:
        if columns.count(column) > 1:
            raise SliceError(f"There are two fields {column}: leave one away, or take another name.")
    tables = [*referable(), names.plural]
    for field in fields:
        if field.target and field.target not in tables:
            raise SliceError(
                f"{field.noun} refers to {field.target}, and there is no such slice; there are {', '.join(tables)}."
            )
