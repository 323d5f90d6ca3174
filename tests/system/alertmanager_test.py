"""A real Alertmanager is told of anomalies; a webhook receives what it tells people."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from support import (ROOT, Agent, answers, fetch, free_port, need_program, nodevigil, running,
                     wait_until)

CALM, BUSY = b"0.10 0.20 0.30 1/100", b"9.10 9.20 9.30 1/100"


class Host:
    """A /proc whose load can be set."""

    def __init__(self, directory):
        self.proc = pathlib.Path(directory) / "proc"
        shutil.copytree(ROOT / "tests/fixtures/node_this/proc", self.proc, symlinks=True)
        self.load = self.proc / "loadavg"
        self.load.write_bytes(CALM + b" 12345\n")

    def set(self, load):
        """In place and at once: the agent keeps the file open."""
        file = os.open(self.load, os.O_WRONLY)
        os.pwrite(file, load, 0)
        os.close(file)


class Webhook:
    """Keeps what an Alertmanager sends it."""

    def __init__(self):
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def alerts(self, status):
        """{class: alert} of all alerts that came with `status`, the last of each class."""
        return {alert["labels"]["class"]: alert
                for message in list(self.received) for alert in message["alerts"]
                if alert["status"] == status}


@contextlib.contextmanager
def alertmanager(port, webhook="http://127.0.0.1:9/", web_config=None, group_wait="100ms"):
    with tempfile.TemporaryDirectory() as base:
        config = pathlib.Path(base) / "alertmanager.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "route": {"receiver": "people", "group_by": ["alertname", "node"],
                      "group_wait": group_wait, "group_interval": "200ms",
                      "repeat_interval": "1h"},
            "receivers": [{"name": "people", "webhook_configs":
                           [{"url": webhook, "send_resolved": True}]}]}))
        extra = [f"--web.config.file={web_config}"] if web_config else []
        with running(need_program("prometheus-alertmanager"), f"--config.file={config}",
                     f"--storage.path={base}/data", f"--web.listen-address=127.0.0.1:{port}",
                     "--cluster.listen-address=", *extra):
            if not web_config:
                wait_until(lambda: answers(f"http://127.0.0.1:{port}/-/ready"), 30, "Alertmanager")
            yield


class AlertmanagerTest(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.host = Host(self.directory)
        self.webhook = self.enterContext(Webhook())
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def agent(self, *arguments, **env):
        return self.enterContext(Agent(
            pathlib.Path(self.directory) / "state", "--node", "worker-7",
            "--path.procfs", self.host.proc, "--scoring.fast-horizon", "30s",
            "--scoring.warmup-samples", "30", "--alertmanager.keep-firing-for", "2s", *arguments,
            interval="50ms", **env))

    def warm(self, agent):
        wait_until(lambda: agent.status()["phase"] == "ready", 60, "the end of warm-up")

    def anomaly(self, agent, lasting=False):
        """Makes one; unless it is to last, waits for its end as well."""
        self.host.set(BUSY)
        wait_until(lambda: agent.status()["row"]["anomalous"], 20, "an anomaly")
        if not lasting:
            self.host.set(CALM)
            wait_until(lambda: not agent.status()["row"]["anomalous"], 60, "its end")

    def told(self, status):
        return wait_until(lambda: self.webhook.alerts(status), 30, f"news of a {status} alert")

    def test_people_are_told_what_where_and_why_and_when_it_is_over(self):
        self.enterContext(alertmanager(self.port, self.webhook.url))
        agent = self.agent("--alertmanager.url", self.url, "--alertmanager.label", "cluster=prod",
                           "--web.external-url", "https://ops.example/worker-7")
        self.warm(agent)
        self.assertEqual(self.webhook.received, [], "told of nothing while nothing was wrong")
        self.anomaly(agent, lasting=True)
        (cause, alert), *_ = self.told("firing").items()
        self.assertEqual(alert["labels"], {"alertname": "NodevigilAnomaly", "node": "worker-7",
                                           "class": cause, "severity": "warning",
                                           "cluster": "prod"})
        self.assertIn("load1", alert["annotations"]["description"])
        self.assertIn("worker-7", alert["annotations"]["summary"])
        self.assertEqual(alert["generatorURL"], "https://ops.example/worker-7")
        begun = time.monotonic()
        self.host.set(CALM)
        wait_until(lambda: not agent.status()["row"]["anomalous"], 60, "the anomaly's end")
        wait_until(lambda: self.webhook.alerts("firing").keys()
                   <= self.webhook.alerts("resolved").keys(), 30, "the end of every alert")
        self.assertLess(time.monotonic() - begun, 30)
        metrics = agent.metrics()
        label = f'{{alertmanager="{self.url}"}}'
        self.assertEqual(metrics["nodevigil_alertmanager_healthy" + label], 1)
        self.assertGreater(metrics["nodevigil_alertmanager_notifications_total" + label], 0)
        self.assertIn(f"alertmanager {self.url}: healthy", fetch(agent.url + "/readyz"))

    def test_a_burst_shorter_than_group_wait_reaches_people(self):
        # With no time to outlast, an Alertmanager has forgotten it when it looks at the group.
        self.enterContext(alertmanager(self.port, self.webhook.url, group_wait="1s"))
        agent = self.agent("--alertmanager.url", self.url)
        self.warm(agent)
        self.host.set(BUSY)
        wait_until(lambda: agent.status()["anomalies"] > 0, 20, "an anomaly")
        self.host.set(CALM)
        self.told("firing")

    def test_an_anomaly_while_the_alertmanager_is_away_is_told_when_it_is_back(self):
        agent = self.agent("--alertmanager.url", self.url)
        self.warm(agent)
        self.anomaly(agent)
        wait_until(lambda: agent.status()["alertmanagers"][0]["failures"] > 1, 30, "failures")
        state = agent.status()["alertmanagers"][0]
        self.assertFalse(state["healthy"])
        self.assertGreater(state["alerts"], 0)
        self.assertIn(f"alertmanager {self.url}", fetch(agent.url + "/readyz"))
        self.assertIn("alerts are kept", fetch(agent.url + "/readyz"))
        with alertmanager(self.port, self.webhook.url):
            wait_until(lambda: self.webhook.alerts("firing"), 90, "the late news")
            wait_until(lambda: agent.status()["alertmanagers"][0]["healthy"], 30, "health")
        log = agent.logged()
        self.assertEqual(log.count("sending is tried again"), 1, log)
        self.assertEqual(log.count("alerts are sent again"), 1, log)

    def test_every_member_of_a_cluster_is_told(self):
        other, second = free_port(), self.enterContext(Webhook())
        self.enterContext(alertmanager(self.port, self.webhook.url))
        self.enterContext(alertmanager(other, second.url))
        agent = self.agent(NODEVIGIL_ALERTMANAGER_URL=f"{self.url},http://127.0.0.1:{other}")
        self.warm(agent)
        self.anomaly(agent, lasting=True)
        self.told("firing")
        wait_until(lambda: second.alerts("firing"), 30, "news at the second one")

    def test_one_that_hangs_delays_neither_ticks_nor_the_others(self):
        # Takes connections, never answers.
        deaf = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.enterContext(alertmanager(self.port, self.webhook.url))
        agent = self.agent("--alertmanager.url", f"http://127.0.0.1:{deaf.getsockname()[1]}",
                           "--alertmanager.url", self.url)
        self.warm(agent)
        self.anomaly(agent, lasting=True)
        self.told("firing")
        # An answer that is waited for costs hundreds of ticks; a busy machine, some.
        self.assertLess(agent.metrics()["nodevigil_ticks_missed_total"], 20)
        begun = time.monotonic()
        self.assertEqual(agent.stop(), 0)
        self.assertLess(time.monotonic() - begun, 10)

    def test_an_alert_goes_on_over_a_restart_of_the_agent(self):
        self.enterContext(alertmanager(self.port, self.webhook.url))
        agent = self.agent("--alertmanager.url", self.url)
        self.warm(agent)
        self.anomaly(agent, lasting=True)
        self.told("firing")
        self.assertEqual(agent.stop(), 0)
        before = self.active()
        agent = self.agent("--alertmanager.url", self.url)
        wait_until(lambda: agent.status()["alertmanagers"][0]["notifications"] > 0, 30, "news")

        def told_again(after):
            return any(after[cause]["updatedAt"] > before[cause]["updatedAt"] for cause in before)

        # The first news may be of another cause.
        wait_until(lambda: told_again(self.active()), 30, "the same alert, told again")
        after = self.active()
        self.assertEqual({cause: alert["startsAt"] for cause, alert in before.items()},
                         {cause: after[cause]["startsAt"] for cause in before})
        self.assertTrue(told_again(after), "it is told of again")
        self.assertEqual(self.webhook.alerts("resolved"), {})

    def active(self):
        alerts = json.loads(fetch(self.url + "/api/v2/alerts"))
        return {alert["labels"]["class"]: alert for alert in alerts}

    def test_an_alert_that_is_refused_does_not_keep_others_from_being_told(self):
        # What a proxy, or a newer Alertmanager, might do.
        taken = []

        class Picky(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                good = len(alerts) < 2 and not any(a["labels"]["class"] == "unknown" for a in alerts)
                taken.extend(alerts if good else [])
                self.send_response(200 if good else 400)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Picky)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        agent = self.agent("--alertmanager.url", f"http://127.0.0.1:{server.server_port}")
        self.warm(agent)
        self.anomaly(agent, lasting=True)
        wait_until(lambda: taken, 30, "an alert that is taken")
        self.assertTrue(agent.status()["alertmanagers"][0]["healthy"])

    def test_tls_and_passwords(self):
        base = pathlib.Path(self.directory)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", base / "key.pem", "-out", base / "ca.pem"],
                       check=True, capture_output=True)
        # "secret", as htpasswd -B makes it.
        hashed = "$2b$04$9INC1WlnDbfPoU2MpWdsc.iyN/ryPywepF2pomRLF6G2cDPns2z8a"
        (base / "web.yml").write_text(json.dumps({
            "tls_server_config": {"cert_file": str(base / "ca.pem"),
                                  "key_file": str(base / "key.pem")},
            "basic_auth_users": {"agent": hashed}}))
        self.enterContext(alertmanager(self.port, self.webhook.url, base / "web.yml"))
        wait_until(lambda: ssl_answers(self.port), 30, "Alertmanager")

        def doctor(password, *more):
            found = json.loads(nodevigil(
                "doctor", "--json", "--alertmanager.url",
                f"https://agent:{password}@localhost:{self.port}", *more).stdout)
            return next(one for one in found if one["check"] == "alertmanager")

        ca = ("--alertmanager.ca-file", base / "ca.pem")
        right = wait_until(lambda: (found := doctor("secret", *ca))["status"] == "ok" and found,
                           30, "a good finding")
        self.assertRegex(right["detail"], r"^https://localhost:\d+, version \d")
        self.assertIn("certificate", doctor("secret")["detail"])
        wrong = doctor("guessed", *ca)
        self.assertIn("answers 401", wrong["detail"])
        self.assertIn("password", wrong["fix"])
        self.assertNotIn("guessed", json.dumps(wrong))

        agent = self.agent("--alertmanager.url", f"https://agent:secret@localhost:{self.port}", *ca)
        self.warm(agent)
        self.anomaly(agent, lasting=True)
        self.told("firing")
        shown = agent.logged() + fetch(agent.url + "/metrics") + fetch(agent.url + "/") + json.dumps(
            agent.status()) + nodevigil("check-config", "--alertmanager.url",
                                        "http://agent:secret@localhost:1", check=0).stdout
        self.assertNotIn("secret", shown)

    def test_what_is_no_alertmanager_is_said(self):
        self.assertIn("expected a URL", nodevigil("agent", "--alertmanager.url", "am:9093",
                                                  check=2).stderr)
        self.assertIn("given twice", nodevigil("agent", "--alertmanager.url", "http://am:1",
                                               "--alertmanager.url", "http://x@am:1",
                                               check=2).stderr)
        self.assertIn("do not have already", nodevigil("agent", "--alertmanager.label", "node=x",
                                                       check=2).stderr)
        found = json.loads(nodevigil("doctor", "--json", "--alertmanager.url",
                                     self.webhook.url).stdout)
        finding = next(one for one in found if one["check"] == "alertmanager")
        self.assertEqual(finding["status"], "FAIL")


def ssl_answers(port):
    context = ssl._create_unverified_context()
    try:
        with contextlib.closing(http.client.HTTPSConnection(
                "localhost", port, timeout=1, context=context)) as connection:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status in (200, 401)
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
