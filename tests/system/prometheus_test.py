"""A real Prometheus scrapes the agent; what it stored is queried back."""
import datetime
import json
import math
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

from support import Agent, answers, fetch, free_port, need_program, nodevigil, running, wait_until


class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        base = pathlib.Path(cls.directory.name)
        # The longest warm-up there is, 100 s here: it shall outlast the tests; one looks at it.
        cls.agent = cls.enterClassContext(Agent(base / "state", "--node", "node-under-test",
                                                "--scoring.warmup-samples", 1000))
        cls.port = free_port()
        config = base / "prometheus.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{"job_name": "nodevigil", "static_configs":
                                [{"targets": [f"127.0.0.1:{cls.agent.port}"]}]}]}))
        cls.enterClassContext(running(
            need_program("prometheus"), f"--config.file={config}",
            f"--storage.tsdb.path={base}/data", f"--web.listen-address=127.0.0.1:{cls.port}"))
        wait_until(lambda: answers(f"http://127.0.0.1:{cls.port}/-/ready"), 60, "Prometheus")

    def query(self, expression):
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression})
        return json.loads(fetch(url))["data"]["result"]

    def value(self, expression):
        """The value of a query with one series, once there is one."""
        result = wait_until(lambda: self.query(expression), what=expression)
        self.assertEqual(len(result), 1, result)
        return float(result[0]["value"][1])

    def scrapes(self, names):
        """What each scrape of the last minute stored, as [{name: value}], by one query: all samples
        of a scrape are stored at once, and with the same time."""
        scrapes = {}
        for series in self.query(f'{{__name__=~"{"|".join(names)}"}}[1m]'):
            for when, value in series["values"]:
                scrapes.setdefault(when, {})[series["metric"]["__name__"]] = float(value)
        return list(scrapes.values())

    def rows(self):
        """The agent's rows by the microsecond of their tick, as {ts: {name: value}}."""
        rows = json.loads(fetch(self.agent.url + "/api/v1/samples?limit=10000"))["rows"]
        return {round(datetime.datetime.fromisoformat(row["ts"]).timestamp() * 1e6): row["values"]
                for row in rows}

    def test_prometheus_stores_every_metric_of_the_table(self):
        self.assertEqual(self.value('up{job="nodevigil"}'), 1)
        table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        names = {metric["prometheus"]: metric["name"] for metric in table}
        tick = "nodevigil_last_tick_timestamp_seconds"
        # Several scrapes, so that one torn between two ticks is found out.
        scrapes = wait_until(lambda: (found := self.scrapes([tick, *names]))[10:] and found,
                             what="more than ten scrapes")
        self.assertEqual({name for scrape in scrapes for name in scrape}, {tick, *names})
        rows = self.rows()
        for scrape in scrapes:
            row = rows[round(scrape.pop(tick) * 1e6)]
            stored = {names[series]: value for series, value in scrape.items()}
            sampled = {name: value for name, value in row.items() if value is not None}
            # The exposition has 16 digits (prometheus-cpp), one less than doubles may need.
            different = {name: (stored.get(name), sampled.get(name))
                         for name in stored.keys() | sampled.keys()
                         if name not in stored or name not in sampled
                         or not math.isclose(stored[name], sampled[name], rel_tol=1e-15)}
            self.assertEqual(different, {}, "stored in Prometheus, sampled by the agent")
        for metric in table:
            if metric["kind"] == "counter":
                with self.subTest(metric["name"]):
                    self.assertGreaterEqual(self.value(f'rate({metric["prometheus"]}[1m])'), 0)
        kinds = json.loads(fetch(f"http://127.0.0.1:{self.port}/api/v1/metadata"))["data"]
        self.assertEqual({m["prometheus"]: m["kind"] for m in table},
                         {m["prometheus"]: kinds[m["prometheus"]][0]["type"] for m in table})

    def test_it_scrapes_what_an_alert_needs(self):
        self.assertEqual(self.value("nodevigil_warmup"), 1)
        self.assertGreater(self.value("nodevigil_ticks_total"), 0)
        self.assertEqual(self.value("sum(nodevigil_source_up)"), 11)
        self.assertEqual(self.value("nodevigil_journal_dropped_rows_total"), 0)
        self.assertEqual(self.value("count(nodevigil_build_info)"), 1)
        self.assertGreater(self.value("histogram_quantile(0.5, rate("
                                      "nodevigil_tick_duration_seconds_bucket[30s]))"), 0)

    def test_promtool_has_nothing_to_say(self):
        result = subprocess.run([need_program("promtool"), "check", "metrics"], text=True,
                                input=fetch(self.agent.url + "/metrics"), capture_output=True)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
