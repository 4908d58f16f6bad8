"""What hooks, editors and the development container are told is what the project does anyway."""

import configparser
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.dev import command as dev

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def recipe(target: str) -> list[str]:
    """The commands of a target, as one types them."""
    lines = MAKEFILE.partition(f"\n{target}: ")[2].split("\n")[1:]
    commands = [line.strip().lstrip("@") for line in lines[: next(i for i, one in enumerate(lines) if not one.strip())]]
    return [one.replace("$(BIN)", ".venv/bin") for one in commands]


def hooks() -> list[dict[str, Any]]:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    return list(local["hooks"])


def test_hooks_run_what_make_check_runs():
    """The same words: what a hook lets through, `make check` does, and nothing is installed for it."""
    assert {hook["language"] for hook in hooks()} == {"system"}
    at_commits = [hook["entry"] for hook in hooks() if "stages" not in hook]
    assert at_commits == recipe("check")[: len(at_commits)]


def test_all_of_make_check_runs_before_a_push():
    """Whatever was changed."""
    (whole,) = [hook for hook in hooks() if hook.get("stages") == ["pre-push"]]
    assert (whole["entry"], whole["always_run"]) == ("make check", True)


def test_editors_and_the_formatter_agree():
    """On how long a line of Python is."""
    editors = configparser.ConfigParser()
    editors.read_string("[*root]\n" + (ROOT / ".editorconfig").read_text())
    formatter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    assert editors["*.py"]["max_line_length"] == str(formatter["line-length"])


@pytest.fixture
def container() -> dict[str, Any]:
    described: dict[str, Any] = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    return described


def test_the_container_is_ready_for_make(container: dict[str, Any]):
    """Its first command makes the environment, and the port of `make dev` is forwarded."""
    target = container["postCreateCommand"].removeprefix("make ")
    assert f"\n{target.replace('.venv', '$(VENV)')}: " in MAKEFILE
    (port,) = [option for option in dev.params if option.name == "port"]
    assert container["forwardPorts"] == [port.default]


def test_the_container_has_the_images_python(container: dict[str, Any]):
    """The base that the app's image has by default, and the user that the editor logs in as."""
    file = (ROOT / ".devcontainer" / container["build"]["dockerfile"]).read_text()
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert f"\nFROM {base}\n" in file
    assert f"useradd --uid 1000 --create-home --shell /bin/bash {container['remoteUser']}\n" in file
