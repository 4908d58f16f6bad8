import re
import tomllib
from pathlib import Path

import pytest

from tests.cluster import app_image


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "README.md", "pyproject.toml", "app/main.py", "app/__pycache__/main.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".dockerignore").write_text("*\n!app\n!pyproject.toml\n**/__pycache__\n")
    return tmp_path


def test_the_context_is_what_the_ignore_file_lets_through(tree: Path) -> None:
    """The image is made of the Dockerfile and the files named after an exclamation mark, without bytecode."""
    names = {str(path.relative_to(tree)) for path in app_image.context(tree)}
    assert names == {".dockerignore", "Dockerfile", "app/main.py", "pyproject.toml"}


@pytest.mark.parametrize("name", ["README.md", "app/__pycache__/main.pyc"])
def test_a_change_outside_the_context_keeps_the_name(tree: Path, name: str) -> None:
    """Nothing is built again for a file the image does not have."""
    before = app_image.digest(tree)
    (tree / name).write_text("changed")
    assert app_image.digest(tree) == before


@pytest.mark.parametrize("name", ["Dockerfile", "app/main.py", ".dockerignore"])
def test_a_change_of_the_context_changes_the_name(tree: Path, name: str) -> None:
    """Another image has another name, so that no pod runs old code under it."""
    before = app_image.digest(tree)
    path = tree / name
    path.write_text(path.read_text() + "#")
    assert app_image.digest(tree) != before


def test_a_renamed_file_changes_the_name(tree: Path) -> None:
    """The same content under another path is another image."""
    before = app_image.digest(tree)
    (tree / "app/main.py").rename(tree / "app/other.py")
    assert app_image.digest(tree) != before


def test_every_file_the_ignore_file_names_is_there() -> None:
    """The project's own `.dockerignore` names nothing that has moved away."""
    lines = (app_image.ROOT / ".dockerignore").read_text().splitlines()
    assert [line for line in lines if line.startswith("!") and not (app_image.ROOT / line[1:]).exists()] == []


@pytest.mark.parametrize("requirements", ["app", "otel"])
def test_the_image_can_be_built_with_and_without_traces(requirements: str) -> None:
    """The lock file that the build argument REQUIREMENTS chooses is part of the context, and `app` is the default."""
    names = {str(path.relative_to(app_image.ROOT)) for path in app_image.context(app_image.ROOT)}
    dockerfile = (app_image.ROOT / "Dockerfile").read_text()
    assert f"requirements/{requirements}.txt" in names
    assert "ARG REQUIREMENTS=app\nCOPY requirements/${REQUIREMENTS}.txt" in dockerfile
    assert '--require-hashes --no-deps \\\n      --requirement "requirements/${REQUIREMENTS}.txt"' in dockerfile


def test_the_base_image_may_be_named_by_its_digest() -> None:
    """Each stage that begins with an image begins with the build argument BASE."""
    dockerfile = (app_image.ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", dockerfile, re.MULTILINE)
    names = {name for _, name in stages}
    assert {image for image, _ in stages if image not in names} == {"${BASE}"}


def test_the_image_says_what_it_is() -> None:
    """By labels of the OCI image specification; what changes with every build comes from build arguments."""
    dockerfile = (app_image.ROOT / "Dockerfile").read_text()
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\S+)="(.+)"', dockerfile))
    texts = {key: value for key, value in labels.items() if not value.startswith("$")}
    project = tomllib.loads((app_image.ROOT / "pyproject.toml").read_text())["project"]
    assert texts == {
        "title": project["name"],
        "description": "A FastAPI app, its migrations and its operator",
        "licenses": project["license"],
    }
    arguments = {"base.name": "${BASE}"} | {key: f"${{{key.upper()}}}" for key in ("version", "revision", "created")}
    assert labels.keys() - texts.keys() == arguments.keys()
    assert {key: labels[key] for key in arguments} == arguments
