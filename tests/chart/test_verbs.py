"""The values of tests/verbs are values of this chart, and of the last release's."""

from typing import Any

import pytest

from tests.chart.conftest import Render
from tests.chart.values_table import CHART
from tests.released import RELEASES
from tests.verbs.argo_order import waves
from tests.verbs.cells import Database, Mode
from tests.verbs.databases import GIVEN, Own
from tests.verbs.world import LONG_FULL_NAME, LONG_NAME, QUICK

CHARTS = pytest.mark.parametrize("chart", [CHART, RELEASES[-1].package], ids=["this", "released"])


def options(*values: str) -> tuple[str, ...]:
    return tuple(f"--set={value}" for value in (*QUICK, *values))


@CHARTS
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("database", [Database.EXTERNAL_18, Database.EMBEDDED])
def test_both_charts_take_the_values(render: Render, chart: Any, mode: Mode, database: Database) -> None:
    """A run can begin with the last release and go on with this one."""
    own = Own(None, 18, "run_1f").values  # type: ignore[arg-type]  # nothing is asked of the server
    values = GIVEN if database is Database.EMBEDDED else own
    assert render(options=options(f"migrations.mode={mode}", *values), chart=chart).one("Deployment", "plinth")


def test_argo_has_the_database_then_the_migration_then_the_app(render: Render) -> None:
    """In its waves; the definition is there before its resource."""
    rendered = render(options=(*options("migrations.mode=argocd", *GIVEN), "--include-crds"))
    database, migration, rest = [[step.object["kind"] for step in wave] for wave in waves(rendered)]
    assert "StatefulSet" in database
    assert migration == ["Job"]
    assert rest.index("CustomResourceDefinition") < rest.index("Deployment") < rest.index("GatedMigration")


def test_long_names_are_taken(render: Render) -> None:
    """With the longest name Helm takes, and the longest override the chart does."""
    rendered = render(options=options(f"fullnameOverride={LONG_FULL_NAME}", *GIVEN), release=LONG_NAME)
    assert all(one["metadata"]["name"].startswith(LONG_FULL_NAME) for one in rendered)
