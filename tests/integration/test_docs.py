"""`/docs` in a real browser, without the internet."""

import json
from pathlib import Path

import pytest

from tests.cluster.commands import run
from tests.lint import programs
from tests.processes import started
from tests.servers.browser import chromium
from tests.servers.databases import TestDatabase

PAGE = Path(__file__).parents[1] / "servers" / "docs_page.py"


@pytest.mark.servers(18)  # a page knows no server's version
async def test_a_project_is_created_by_a_click(tmp_path: Path, database: TestDatabase) -> None:
    """The page renders, "Try it out" creates a project, and nothing is asked of anybody but the app."""
    interpreter = programs.python("browser", "python")
    with started(tmp_path, database.uri) as process:
        process.wait_for("/readyz", 200)
        # What the browser shares with this machine is /tmp.
        seen = json.loads(run(interpreter, PAGE, chromium(), process.url, env={"TMPDIR": "/tmp"}))
    assert seen["complaints"] == []
    assert seen["title"].startswith("Plinth")
    assert (seen["status"], json.loads(seen["body"])["name"]) == ("201", "from a browser")
    assert f"{process.url}/api/v1/projects" in seen["requests"]
    assert [url for url in seen["requests"] if not url.startswith(f"{process.url}/")] == []
    assert [row["name"] for row in await database.fetch("SELECT name FROM projects")] == ["from a browser"]
