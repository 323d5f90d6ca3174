"""The rules and dashboards beside a real Prometheus that scrapes real agents: everything that is
asked gives an answer, and what people rely on to read the answers is there."""
import collections
import itertools
import json
import pathlib
import re
import resource
import socket
import subprocess
import tempfile
import unittest
import urllib.parse

import yaml

from support import (ROOT, Agent, answers, fetch, free_port, need_program, nodevigil, running,
                     wait_until)

RULES = sorted((ROOT / "deploy/prometheus").glob("*.yaml"))
RULE_TESTS = sorted((ROOT / "tests/system/rules").glob("*.yaml"))
DASHBOARDS = {path.stem: json.loads(path.read_text())
              for path in sorted((ROOT / "deploy/grafana").glob("*.json"))}
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
MONITORING = (ROOT / "docs/monitoring.md").read_text()
BOOK = "https://github.com/nodevigil/nodevigil/blob/main/docs/runbooks.md#"

# Grafana's ids (@grafana/data, valueFormats/categories.ts), as far as they are of use here.
UNITS = {"none", "short", "percent", "percentunit", "bytes", "Bps", "pps", "cps", "s"}
PANELS = {"row", "stat", "timeseries", "table", "bargauge", "state-timeline", "status-history"}

# What has no data here, and why. Anything else that is empty is a mistake in a query.
NO_DATA = {"nodevigil_postgres_queue_rows": "not known before Postgres has been reached"}


def alerts():
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def series_in(expression):
    return set(re.findall(r"\b(?:nodevigil_\w+|job_node:[\w:]+|process_\w+|up)\b", expression))


def filled_in(expression, node="worker-7"):
    for name, value in {"$__rate_interval": "10s", "$job": "nodevigil", "$node": node}.items():
        expression = expression.replace(name, value)
    return expression


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def code_blocks(text, language):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [content for kind, content in blocks if kind == language]


def promtool(*arguments):
    return subprocess.run([need_program("promtool"), *map(str, arguments)], capture_output=True,
                          text=True)


class RulesTest(unittest.TestCase):
    def test_promtool_accepts_them(self):
        result = promtool("check", "rules", *RULES)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_each_fires_when_it_should_and_not_just_below(self):
        result = promtool("test", "rules", *RULE_TESTS)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        tried = collections.defaultdict(set)
        for path in RULE_TESTS:
            for group in yaml.safe_load(path.read_text())["tests"]:
                for one in group.get("alert_rule_test", []):
                    tried[one["alertname"]].add(bool(one["exp_alerts"]))
        self.assertEqual(tried, {rule["alert"]: {True, False} for rule in alerts()})

    def test_each_says_what_a_reader_needs(self):
        for rule in alerts():
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], {"critical", "warning", "info"})
                notes = rule["annotations"]
                self.assertEqual(set(notes), {"summary", "description", "runbook_url"})
                self.assertEqual(notes["runbook_url"], BOOK + rule["alert"].lower())

    def test_each_has_its_page_in_the_runbooks_and_no_other_has(self):
        pages = re.findall(r"^## (Nodevigil\w+)$", RUNBOOKS, re.MULTILINE)
        self.assertEqual(pages, [rule["alert"] for rule in alerts()])

    def test_the_rules_in_the_documentation_are_accepted(self):
        found = [block for block in code_blocks(MONITORING, "yaml") if block.startswith("groups:")]
        self.assertTrue(found)
        for block in found:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(block)
                file.flush()
                result = promtool("check", "rules", file.name)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class DashboardsTest(unittest.TestCase):
    def test_they_are_what_the_generator_writes(self):
        result = subprocess.run(["python3", ROOT / "tools/generate_dashboards.py", "--check"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_they_are_dashboards(self):
        self.assertEqual(set(DASHBOARDS), {"fleet", "node"})
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                self.assertTrue(dashboard["uid"] and dashboard["title"])
                self.assertNotIn("id", dashboard)  # Grafana gives it
                self.assertGreaterEqual(dashboard["schemaVersion"], 38)  # Grafana 10

    def test_no_datasource_is_taken_for_granted(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                variables = dashboard["templating"]["list"]
                self.assertEqual((variables[0]["type"], variables[0]["query"]),
                                 ("datasource", "prometheus"))
                users = [*panels(dashboard), *variables[1:],
                         *(target for panel in panels(dashboard) for target in panel["targets"])]
                for user in users:
                    self.assertEqual(user["datasource"],
                                     {"type": "prometheus", "uid": "${datasource}"})

    def test_panels_are_told_apart_and_explained(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                ids = [panel["id"] for panel in dashboard["panels"]]
                self.assertEqual(len(ids), len(set(ids)))
                for panel in dashboard["panels"]:
                    self.assertIn(panel["type"], PANELS)
                for panel in panels(dashboard):
                    with self.subTest(panel["title"]):
                        self.assertTrue(panel["title"] and panel["description"].endswith("."))
                        self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)
                        references = [target["refId"] for target in panel["targets"]]
                        self.assertTrue(references)
                        self.assertEqual(len(references), len(set(references)))

    def test_panels_do_not_overlap(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                taken = {}
                for panel in dashboard["panels"]:
                    at = panel["gridPos"]
                    self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
                    for cell in itertools.product(range(at["x"], at["x"] + at["w"]),
                                                  range(at["y"], at["y"] + at["h"])):
                        self.assertNotIn(cell, taken, f"{panel['title']} on {taken.get(cell)}")
                        taken[cell] = panel["title"]

    def test_colours_of_thresholds_begin_below_everything_and_rise(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                for panel in panels(dashboard):
                    steps = [step["value"] for step in
                             panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
                    self.assertIsNone(steps[0])
                    self.assertEqual(steps[1:], sorted(set(steps[1:])))

    def test_overrides_and_columns_mean_something_that_is_there(self):
        for name, dashboard in DASHBOARDS.items():
            with self.subTest(name):
                for panel in panels(dashboard):
                    names = {target["legendFormat"] for target in panel["targets"]}
                    for step in panel.get("transformations", []):
                        names |= set(step["options"].get("renameByName", {}).values())
                    for override in panel["fieldConfig"]["overrides"]:
                        self.assertIn(override["matcher"]["options"], names, panel["title"])

    def test_every_metric_of_the_table_has_a_panel_with_its_usual_range(self):
        table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        shown = {panel["title"]: panel for panel in panels(DASHBOARDS["node"])}
        for metric in table:
            with self.subTest(metric["name"]):
                value, low, high = (target["expr"] for target in shown[metric["name"]]["targets"])
                self.assertIn(metric["prometheus"] + "{", value)
                self.assertEqual("rate(" in value, metric["kind"] == "counter")
                labels = f'{{job="$job", node="$node", metric="{metric["name"]}"}}'
                self.assertEqual(low, f"max(nodevigil_metric_usual_low{labels})")
                self.assertEqual(high, f"max(nodevigil_metric_usual_high{labels})")

    # Score, smoothed score and suspicion against their thresholds, what the tree gives an attack in the newest sample,
    # and what a dashboard makes of it. None: no such series.
    NEAREST = {"by-score": (15, 10, 3, 4, 0.25, 0.5, 0.25, 1.5),
               "by-smoothed-score": (5, 10, 5, 4, 0.25, 0.5, 0.25, 1.25),
               "by-suspicion": (5, 10, 3, 4, 0.875, 0.5, 0.5, 1.75),
               "suspicion-that-does-not-count": (5, 10, 3, 4, 0.875, 0.5, 0.25, 0.75),
               "no-model": (5, 10, 3, 4, None, None, None, 0.75),
               "warm-up": (None, None, None, None, None, None, None, None)}

    def test_a_suspicion_counts_from_what_the_program_says_on(self):
        [sure] = re.findall(r"kSure = ([\d.]+);", (ROOT / "src/scoring/suspicion.cpp").read_text())
        asked = [json.dumps(DASHBOARDS["fleet"]), json.dumps(DASHBOARDS["node"]),
                 (ROOT / "deploy/prometheus/anomalies.yaml").read_text()]
        for text in asked:
            self.assertRegex(text, rf"class_probability{{[^}}]*}}\)\s*>= {re.escape(sure)}\b")

    def test_what_is_nearest_to_an_anomaly_is_shown_whatever_it_is(self):
        names = [f"nodevigil_{figure}{end}" for figure in ("score", "score_smoothed", "suspicion")
                 for end in ("", "_threshold")]
        series = {}
        for node, (*figures, seen, _) in self.NEAREST.items():
            labels = f'job="nodevigil", instance="{node}:9910", node="{node}"'
            series |= {f"{name}{{{labels}}}": value for name, value in zip(names, figures)}
            if seen is not None:
                for kind, value in {"normal": 1 - seen, "cpu": seen, "memory": 0}.items():
                    series[f'nodevigil_class_probability{{{labels}, class="{kind}"}}'] = value
        expected = {node: row[-1] for node, row in self.NEAREST.items() if row[-1] is not None}

        def samples(nodes):
            return [{"labels": f'{{node="{node}"}}', "value": expected[node]} for node in nodes if node in expected]

        def expression(dashboard, title):
            [panel] = [one for one in panels(DASHBOARDS[dashboard]) if one["title"] == title]
            [target] = panel["targets"]
            return target["expr"]

        asked = [(filled_in(expression("fleet", title)), samples(expected))
                 for title in ("Nearest to an anomaly", "Nearest to an anomaly over time")]
        asked += [(filled_in(expression("node", "Times threshold"), node), samples([node])) for node in self.NEAREST]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({  # JSON is YAML
                "rule_files": list(map(str, RULES)),
                "evaluation_interval": "15s",
                "tests": [{"interval": "15s",
                           "input_series": [{"series": name, "values": f"{value}+0x4"}
                                            for name, value in series.items() if value is not None],
                           "promql_expr_test": [{"expr": expr, "eval_time": "30s", "exp_samples": found}
                                                for expr, found in asked]}]}, file)
            file.flush()
            result = promtool("test", "rules", file.name)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class PrometheusTest(unittest.TestCase):
    """Two nodes: one that is warm, and one in warm-up with a Postgres and an Alertmanager that are
    away, so that every panel has something to show."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        base = pathlib.Path(cls.directory.name)
        away = free_port()
        agents = {
            "worker-7": cls.enterClassContext(Agent(
                base / "warm", "--scoring.fast-horizon", "60s", "--scoring.warmup-samples", 10)),
            "worker-8": cls.enterClassContext(Agent(
                base / "cold", "--scoring.warmup-samples", 1000,
                "--postgres.url", f"postgresql://agents@127.0.0.1:{away}/metrics",
                "--alertmanager.url", f"http://127.0.0.1:{away}"))}
        cls.url = f"http://127.0.0.1:{free_port()}"
        # The rules as they are, only sooner: the test shall not wait for intervals of groups, nor
        # for half a minute of an anomaly.
        for path in RULES:
            (base / path.name).write_text(
                re.sub(r"interval: \d+[sm]\n", "interval: 1s\n", path.read_text())
                .replace("[30s]", "[1s]"))
        config = base / "prometheus.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms",
                       "evaluation_interval": "1s"},
            "rule_files": [str(base / path.name) for path in RULES],
            "scrape_configs": [{"job_name": "nodevigil", "static_configs": [
                {"targets": [f"127.0.0.1:{agent.port}"], "labels": {"node": node}}
                for node, agent in agents.items()]}]}))
        cls.enterClassContext(running(
            need_program("prometheus"), f"--config.file={config}",
            f"--storage.tsdb.path={base}/data", f"--web.listen-address={cls.url[7:]}"))
        wait_until(lambda: answers(cls.url + "/-/ready"), 60, "Prometheus")
        wait_until(lambda: cls.query("nodevigil_verdict"), 60, "a verdict")
        wait_until(lambda: cls.query('nodevigil_postgres_failures_total{kind="unavailable"} > 0'
                                     ' and on (node) nodevigil_alertmanager_failures_total > 0'),
                   60, "failures of what is away")
        wait_until(lambda: all(rule["health"] != "unknown" for rule in cls.rules())
                   and cls.query("job_node:nodevigil_anomalies:increase7d"), 60, "the rules")
        # Something to see: so many more sockets than is usual that they alone, and not the work of opening them, are
        # what stands out, as long as they are there.
        sockets = 3000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, sockets + 500), hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        cls.sockets = [cls.enterClassContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                       for _ in range(sockets)]
        for one in cls.sockets:
            one.bind(("127.0.0.1", 0))
        cls.moment = wait_until(lambda: (found := cls.query("timestamp(nodevigil_anomaly == 1)"))
                                and found[0]["value"][1], 30, "an anomaly")

    @classmethod
    def get(cls, what, **parameters):
        return fetch(f"{cls.url}/api/v1/{what}?" + urllib.parse.urlencode(parameters, doseq=True))

    @classmethod
    def query(cls, expression, **parameters):
        return json.loads(cls.get("query", query=expression, **parameters))["data"]["result"]

    @classmethod
    def rules(cls):
        groups = json.loads(cls.get("rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def assert_has_data(self, expression, result):
        if not result:
            self.assertTrue(series_in(expression) & set(NO_DATA), "no data: " + expression)

    def test_every_panel_has_data(self):
        for name, dashboard in DASHBOARDS.items():
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    with self.subTest(dashboard=name, panel=panel["title"], query=target["refId"]):
                        expression = filled_in(target["expr"])
                        self.assertNotIn("$", expression)
                        self.assert_has_data(expression, self.query(expression, time=self.moment))

    def test_every_column_of_a_table_is_in_its_answer(self):
        for name, dashboard in DASHBOARDS.items():
            for panel in panels(dashboard):
                if panel["type"] != "table":
                    continue
                fields = set()
                for target in panel["targets"]:
                    several = len(panel["targets"]) > 1
                    fields.add(f"Value #{target['refId']}" if several else "Value")
                    for series in self.query(filled_in(target["expr"]), time=self.moment):
                        fields |= set(series["metric"])
                with self.subTest(dashboard=name, panel=panel["title"]):
                    shown = panel["transformations"][1]["options"]["include"]["names"]
                    self.assertEqual(set(shown) - fields, set())

    def test_every_variable_has_values(self):
        for name, dashboard in DASHBOARDS.items():
            for variable in dashboard["templating"]["list"][1:]:
                with self.subTest(dashboard=name, variable=variable["name"]):
                    series, label = re.fullmatch(r"label_values\((.+), (\w+)\)",
                                                 filled_in(variable["definition"])).groups()
                    values = json.loads(self.get(f"label/{label}/values", **{"match[]": series}))
                    self.assertEqual(values["data"], {"job": ["nodevigil"],
                                                      "node": ["worker-7", "worker-8"]}[label])

    def test_every_rule_can_be_evaluated(self):
        for rule in self.rules():
            self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])

    def test_every_series_that_rules_speak_of_is_there(self):
        # Alerts are empty as long as all is well, so it is their series that are looked for.
        for rule in self.rules():
            for series in series_in(rule["query"] + " ".join(rule.get("annotations", {}).values())):
                with self.subTest(rule["name"], series=series):
                    self.assert_has_data(series, self.query(series))

    def test_the_queries_in_the_documentation_have_data(self):
        queries = [line for block in code_blocks(MONITORING, "") for line in block.splitlines()
                   if not line.startswith("#")]
        self.assertTrue(queries)
        for query in queries:
            with self.subTest(query):
                self.assert_has_data(query, self.query(query))

    def test_what_is_said_to_have_no_data_has_none(self):
        for series in NO_DATA:
            self.assertEqual(self.query(series), [], f"{series} has data: take it off the list")

    def test_an_anomaly_becomes_an_alert(self):
        recent = 'last_over_time(ALERTS{alertname="NodevigilAnomaly"}[1m])'
        alert = wait_until(lambda: self.query(recent), what="an alert")[0]["metric"]
        self.assertEqual((alert["node"], alert["severity"]), ("worker-7", "warning"))


if __name__ == "__main__":
    unittest.main()
