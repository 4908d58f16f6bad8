"""Statements that are made once."""

import subprocess
import sys
from uuid import UUID

import pytest
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from app import slices
from app.db.prepared import TENANT, prepared, ready
from app.slices.tasks.models import Task

TENANT_ID = UUID(int=1)
slices.load_models()


def test_a_prepared_select_sees_one_tenant() -> None:
    """The tenant is one of its values, also where the same table comes in again under another name."""
    other = aliased(Task)
    of_project = select(Task.id).join(other, other.id == Task.id).where(Task.project_id == bindparam("project_id"))
    found = ready(prepared(of_project), {"project_id": UUID(int=2)}, TENANT_ID)
    assert found is not None
    sql = str(found[0].compile(dialect=postgresql.dialect()))  # type: ignore[attr-defined]
    assert sql.count(f"tenant_id = %({TENANT})s") == 2
    assert found[1] == {"project_id": UUID(int=2), TENANT: TENANT_ID}


def test_an_insert_takes_its_columns_as_values() -> None:
    """The database fills in whose row it is, as for every other insert."""
    found = ready(prepared(insert(Task).returning(Task.id)), {"title": "one"}, TENANT_ID)
    assert found is not None
    assert found[1] == {"title": "one"}


def test_what_is_derived_is_not_prepared() -> None:
    """A condition more makes another statement."""
    every = prepared(select(Task.id))
    assert ready(every, None, TENANT_ID) is not None
    assert ready(every.where(Task.title == "one"), None, TENANT_ID) is None
    assert ready(every.execution_options(yield_per=1), None, TENANT_ID) is None


def test_it_is_found_in_the_cache_by_itself() -> None:
    """Two prepared statements are never taken for one another, and one is always the same."""
    first, second = (ready(prepared(select(Task.id)), None, TENANT_ID) for _ in range(2))
    assert first is not None
    assert second is not None
    keys = [made[0]._generate_cache_key() for made in (first, first, second)]  # type: ignore[attr-defined]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_instances_are_refused() -> None:
    """A statement that makes instances needs what a prepared one leaves out."""
    with pytest.raises(TypeError, match="columns"):
        prepared(select(Task))


def test_what_would_be_run_without_its_tenant_is_refused() -> None:
    """Also where no type checker looks."""
    for statement in (select(Task.id).union(select(Task.id)), update(Task), delete(Task)):
        with pytest.raises(TypeError, match="Only select"):
            prepared(statement)  # type: ignore[type-var]


def test_slices_are_imported_in_any_order() -> None:
    """One that refers to another makes its statements before it knows the other."""
    subprocess.run([sys.executable, "-c", "import app.slices.tasks.queries"], check=True)
