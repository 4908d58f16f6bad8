"""The alerts as Prometheus takes them: well-formed, and each fires when it should and not before."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import tools
from tests.cluster.commands import CommandFailed, run
from tests.lint import programs, releases

TESTS = Path(__file__).with_name("alerts.yaml")


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rules of the PrometheusRule."""
    tools.ensure()
    programs.compiled()
    objects = yaml.safe_load_all(releases.rendered(tmp_path_factory.mktemp("chart"), "everything").read_text())
    (rule,) = [one for one in objects if one["kind"] == "PrometheusRule"]
    return list(rule["spec"]["groups"])


def promtool(folder: Path, groups: list[dict[str, Any]], *arguments: str) -> str:
    """Run promtool where the rules and their tests lie."""
    (folder / "rules.yaml").write_text(json.dumps({"groups": groups}))
    (folder / TESTS.name).write_text(TESTS.read_text())
    return run(programs.go(programs.PROMTOOL), *arguments, cwd=folder)


def test_promtool_finds_nothing_wrong_with_the_rules(groups: list[dict[str, Any]], tmp_path: Path) -> None:
    """Neither an error nor what its linter warns of."""
    assert "7 rules found" in promtool(tmp_path, groups, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")


def test_each_alert_fires_when_it_should_and_not_before(groups: list[dict[str, Any]], tmp_path: Path) -> None:
    """Over series as Prometheus has them, with the labels of its targets."""
    promtool(tmp_path, groups, "test", "rules", TESTS.name)


@pytest.mark.parametrize("expression", ["vector(1)", "vector(0) > 0", "sum("])
def test_promtool_sees_rules_that_fire_always_or_never(
    groups: list[dict[str, Any]], tmp_path: Path, expression: str
) -> None:
    """Or are no PromQL."""
    wrong = [{**one, "rules": [{**rule, "expr": expression} for rule in one["rules"]]} for one in groups]
    with pytest.raises(CommandFailed):
        promtool(tmp_path, wrong, "test", "rules", TESTS.name)


def test_each_alert_is_tried_both_ways(groups: list[dict[str, Any]]) -> None:
    """One that is new needs a case in which it fires and one in which it does not."""
    cases = [case for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    tried = {(case["alertname"], bool(case["exp_alerts"])) for case in cases}
    assert tried == {(rule["alert"], fires) for one in groups for rule in one["rules"] for fires in (True, False)}
