"""The statement of a bulk insert."""

import pytest

from app.db.bulk import insert_in_order
from app.slices.tasks.models import Task


def test_lists_of_different_length_are_refused():
    """PostgreSQL would fill the shorter list up with NULL, without a word."""
    with pytest.raises(ValueError, match="lists of one length"):
        insert_in_order(Task, Task.id, each={"title": ["a", "b"], "project_id": []}, every={})


def test_a_column_that_is_not_there_is_refused():
    """A misspelt column fails where the statement is made."""
    with pytest.raises(KeyError, match="titel"):
        insert_in_order(Task, Task.id, each={"titel": ["a"]}, every={})
