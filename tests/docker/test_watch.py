"""Dashboard and alerts ask for metrics that there are."""

import json
import re

import pytest
import yaml
from prometheus_client import generate_latest

from script.lib.places import ROOT
from webapp.health import COUNTED
from webapp.metrics import registry

WATCH = ROOT / "docker" / "watch"


def known():
    """The names of all samples and their labels, as the code has them."""
    text = generate_latest(registry()).decode()
    found = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    families = set(re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE))
    found |= {f"{name}_{end}" for name in families for end in ("bucket", "count", "sum")}
    found |= set(re.findall(r"^# TYPE (\S+_total) counter", text, re.MULTILINE))
    return found | {f"earthquilt_{name}" for name in (*COUNTED, "queue", "tried_again")}


def expressions():
    dashboard = json.loads((WATCH / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for group in yaml.safe_load((WATCH / "rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_each_expression_asks_for_what_there_is(expression):
    asked = set(re.findall(r"earthquilt_\w+", expression))
    assert asked and asked <= known()
    assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")


def test_panels_do_not_lie_on_each_other():
    panels = json.loads((WATCH / "dashboard.json").read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


def test_prometheus_finds_web_and_workers():
    jobs = yaml.safe_load((WATCH / "prometheus.yml").read_text())["scrape_configs"]
    (workers,) = [job["dns_sd_configs"][0] for job in jobs if job["job_name"] == "workers"]
    found = set()
    for file in ("compose.yaml", "gpu.yaml"):
        for name, service in yaml.safe_load((ROOT / "docker" / file).read_text())["services"].items():
            line = service.get("command", [])
            if "--metrics-port" in line:
                found.add(name)
                assert line[line.index("--metrics-port") + 1] == str(workers["port"])
    assert found == set(workers["names"])
