"""Alerts and dashboard: whose they are, what they ask for, and where their reader goes on."""

import json
import re
from typing import Any

import pytest

from app.operator.reasons import WARNINGS
from tests.chart.conftest import Render
from tests.chart.rendered import EXTERNAL, Object
from tests.metrics_table import DOC

ON = {"prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}
RUNBOOK = DOC.with_name("runbook.md")


def alerts(render: Render, *values: Object, release: str = "plinth") -> list[dict[str, Any]]:
    (group,) = render(EXTERNAL, ON, *values, release=release).one("PrometheusRule")["spec"]["groups"]
    return list(group["rules"])


def dashboard(render: Render, **options: Any) -> str:
    (text,) = render(EXTERNAL, ON, **options).one("ConfigMap")["data"].values()
    return str(text)


def expressions(render: Render, **options: Any) -> list[str]:
    panels = json.loads(dashboard(render, **options))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]] + [
        one["expr"] for one in alerts(render, **options)
    ]


def sections() -> dict[str, str]:
    """The runbook's sections by their anchors."""
    parts = RUNBOOK.read_text().split("\n## ")[1:]
    return {title.lower(): text for title, _, text in (part.partition("\n") for part in parts)}


def test_they_carry_the_labels_they_are_found_by(render: Render) -> None:
    """Grafana's sidecar has a usual one; a Prometheus has its own."""
    objects = render(EXTERNAL, ON, {"prometheusRule": {"labels": {"release": "prometheus"}}})
    assert objects.one("ConfigMap", "plinth-dashboard")["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert objects.one("PrometheusRule", "plinth")["metadata"]["labels"]["release"] == "prometheus"


def test_they_ask_for_documented_metrics_of_this_release_alone(render: Render) -> None:
    """By namespace and Service, which is the job that the ServiceMonitor gives."""
    documented = set(re.findall(r"^\| `(plinth_\w+)` ", DOC.read_text(), re.MULTILINE))
    own = {f"{{namespace='apps', job='shop-plinth{part}-metrics'" for part in ("", "-operator")}
    for expression in expressions(render, release="shop"):
        asked = re.findall(r"(plinth_\w+?)(?:_bucket|_count)?({[^,]*,[^,}]*|\b(?!{))", expression)
        assert asked
        for name, selector in asked:
            assert name in documented
            assert selector in own, expression


def test_no_word_of_the_files_is_left(render: Render) -> None:
    """`<app>` and the like are filled in; two releases have dashboards of their own."""
    texts = [dashboard(render, release=release) for release in ("plinth", "shop")]
    assert re.findall(r"<\w+>", texts[0] + json.dumps(alerts(render))) == []
    assert [json.loads(text)["title"] for text in texts] == ["Plinth: apps/plinth", "Plinth: apps/shop-plinth"]


def test_an_operator_that_is_off_is_not_missed(render: Render) -> None:
    """Its absence would be an alert."""
    off = {one["alert"] for one in alerts(render, {"operator": {"enabled": False}})}
    assert off == {"PlinthAppNotReady", "PlinthAppErrors"}


def test_an_operator_that_polls_rarely_is_given_time(render: Render) -> None:
    """Three intervals and ten minutes."""
    (rule,) = [one for one in alerts(render, {"operator": {"pollInterval": "1h"}}) if "Stopped" in one["alert"]]
    assert "> 11400 or absent" in rule["expr"]


def test_each_alert_leads_to_a_section_of_the_runbook(render: Render) -> None:
    """That names it; and no section is left over."""
    known, rules = sections(), alerts(render)
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbook.md"
        assert rule["alert"] in known[anchor] or rule["alert"].lower() == anchor
    assert known.keys() == {rule["annotations"]["runbook_url"].partition("#")[2] for rule in rules}


@pytest.mark.parametrize("reason", sorted(WARNINGS))
def test_each_warning_has_a_section_of_the_runbook(reason: str) -> None:
    """Its Event ends with the anchor."""
    assert reason.lower() in sections()


def test_the_runbook_may_be_served_anywhere(render: Render) -> None:
    """The base comes before the page's name, with or without a slash."""
    for base in ("https://docs.example/plinth", "https://docs.example/plinth/"):
        (first, *_) = alerts(render, {"prometheusRule": {"runbookBaseUrl": base}})
        assert first["annotations"]["runbook_url"].startswith("https://docs.example/plinth/runbook.md#")
