"""Dashboard and alerts speak of what processes really say, and every alert has a page that says what to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
import yaml

from gateway import metrics as _of_the_gateway  # noqa: F401
from gateway.live import streams as _of_streams  # noqa: F401
from runtime import metrics as _of_every_process  # noqa: F401
from runtime.topology import bindings
from tools.kubernetes.checks import ROOT

pytestmark = pytest.mark.feature("OPS-3")

FOLDER = ROOT / "deploy" / "observability"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()

OF_OTHERS = {"up": {"job"}, "rabbitmq_queue_messages_ready": {"queue"}}
"""Prometheus' own metric and RabbitMQ's, which tells of single queues where it is set to."""

OF_SCRAPING = {"service", "instance"}
_ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_WORDS = re.compile(r"[a-z_][a-z0-9_]*")
_FUNCTIONS = "sum|max|min|count|rate|increase|absent|topk|histogram_quantile|min_over_time|by|or"
_NOT_METRICS = r'"[^"]*"|\$\w+|\[[^\]]*\]|\b(?:' + _FUNCTIONS + r")\b"


def exported() -> dict[str, set[str]]:
    """Every metric of our processes, with its labels."""
    names = {}
    for collector in set(prometheus_client.REGISTRY._collector_to_names):
        for family in collector.describe() if hasattr(collector, "describe") else []:
            if family.name.startswith("rodizio_"):
                labels = set(getattr(collector, "_labelnames", ()))
                for ending in _ENDINGS[family.type]:
                    names[family.name + ending] = labels | ({"le"} if ending == "_bucket" else set())
    return names


KNOWN = {**exported(), **OF_OTHERS}


def panels() -> list[dict[str, Any]]:
    """What the dashboard draws."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression is, and itself."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of an expression with the labels it is narrowed by."""
    bare = re.sub(r"\bby \([^)]*\)", "", expression)
    for found in re.finditer(r"(?P<name>[a-z_]+)\{(?P<labels>[^}]*)\}", bare):
        yield found["name"], set(re.findall(r"([a-z_]+)\s*(?:=|!)", re.sub(r'"[^"]*"', "", found["labels"])))
    for name in _WORDS.findall(re.sub(_NOT_METRICS, " ", re.sub(r"\w+\{[^}]*\}", " ", bare))):
        yield name, set()


def test_metrics_are_found_where_they_are_made() -> None:
    assert {"rodizio_facts_total", "rodizio_batch_seconds_bucket", "rodizio_live_streams", "rodizio_held_total"} <= set(
        KNOWN
    )
    assert KNOWN["rodizio_facts_total"] == {"queue", "outcome"}


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_everything_asked_for_is_exported(where: str, expression: str) -> None:
    asked = list(selectors(expression))
    assert asked, where
    labels = set(OF_SCRAPING)
    for name, narrowed in asked:
        assert name in KNOWN, f"{where}: nobody exports {name}"
        labels |= KNOWN[name]
        assert narrowed <= KNOWN[name] | OF_SCRAPING | {"job"}, f"{where}: {name} has no such label"
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(grouped.replace(" ", "").split(",")) <= labels, where
    for queue in re.findall(r'queue=~?"([^"]*)"', expression):
        assert [one.queue for one in bindings() if re.fullmatch(queue, one.queue)], (
            f"{where}: no queue is called {queue}"
        )


def test_a_metric_that_is_not_there_would_be_found() -> None:
    assert dict(selectors('sum by (queue) (rate(rodizio_fact_total{outcome="x"}[5m])) > rodizio_gone')) == {
        "rodizio_fact_total": {"outcome"},
        "rodizio_gone": set(),
    }


def test_every_metric_of_ours_is_watched() -> None:
    watched = {name for _, expression in expressions() for name, _ in selectors(expression)}
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in KNOWN}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in watched} == bases


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_how_urgent_it_is_and_where_it_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    (section,) = re.findall(rf"^### {rule['alert']}\n\n(.+?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert len(section) > 80


def test_the_runbook_knows_no_alert_that_is_not_there() -> None:
    (chapter,) = re.findall(r"^## Alerts\n(.+?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"^### (\w+)$", chapter, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_the_dashboard_can_be_drawn() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places, f"{panel['title']} lies over another"
        assert at["x"] + at["w"] <= 24
        places |= cells
    assert {panel["description"] for panel in panels() if panel["type"] == "stat"} <= {rule["alert"] for rule in RULES}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here")
def test_prometheus_understands_the_rules_and_fires_them_when_it_should() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
