"""import-prometheus beside a real Prometheus: one that was filled with known numbers, one that scrapes
a real node_exporter and agent, and servers that misbehave.

NODEVIGIL_IMPORT_SERIES=7062 NODEVIGIL_IMPORT_POINTS=10010 runs the filled one at the size of a large
data set; the time, memory and requests of the import are printed in any case."""
import contextlib
import csv
import http.server
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from support import (PROGRAM, Agent, answers, environment, fetch, free_port, need_program, nodevigil,
                     running, wait_until)

SERIES = int(os.environ.get("NODEVIGIL_IMPORT_SERIES", 300))
POINTS = int(os.environ.get("NODEVIGIL_IMPORT_POINTS", 2000))
BEGIN = 1_600_000_000
PER_METRIC = 12


def import_prometheus(*arguments, check=0, timeout=900):
    """Runs an import; returns what it said, with its peak memory in MiB and its time in seconds."""
    begun = time.monotonic()
    process = subprocess.Popen([PROGRAM, "import-prometheus", *map(str, arguments)], text=True,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    process.stderr.close()
    process.stdout.close()
    if process.returncode != check:
        raise AssertionError(f"exit code {process.returncode}, expected {check}: {said[-2000:]}")
    said = subprocess.CompletedProcess(process.args, process.returncode, "", said)
    said.peak_mib = usage.ru_maxrss / 1024
    said.seconds = time.monotonic() - begun
    return said


def rows_of(path):
    with open(path, newline="") as file:
        yield from csv.reader(file)


@contextlib.contextmanager
def prometheus(directory, *scrape_configs, **flags):
    """A Prometheus with its data in `directory`; its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    config = pathlib.Path(directory) / "prometheus.yml"
    config.write_text(json.dumps({"scrape_configs": list(scrape_configs)}))  # JSON is YAML
    with running(need_program("prometheus"), f"--config.file={config}",
                 f"--storage.tsdb.path={directory}/data", "--storage.tsdb.retention.time=100y",
                 f"--web.listen-address={url[7:]}",
                 *(f"--{name.replace('_', '.')}={value}" for name, value in flags.items())):
        wait_until(lambda: answers(url + "/-/ready"), 120, "Prometheus")
        yield url


class Filled:
    """Series with known values: whole ones, some with gaps, numbers of all kinds."""

    def __init__(self):
        self.expected = {}  # (metric, idx) -> function from a point to its value or None
        self.metrics = {}
        left, metric = SERIES, 0
        while left > 0:
            # Every third metric has one series; the others have several.
            count = min(1 if metric % 3 == 0 else PER_METRIC, left)
            self.metrics[f"filled_{metric}"] = count
            left -= count
            metric += 1
        self.gappy = set()
        for number, (name, count) in enumerate(self.metrics.items()):
            for idx in range(count):
                # Staleness is five minutes: a gap must be longer to be one.
                if number % 5 == 4 and idx == 3:
                    self.gappy.add((name, idx))

    @staticmethod
    def value(name, idx, point):
        seed = int(name[7:]) * 1000 + idx
        if seed % 7 == 0:
            return float(seed)
        if seed % 7 == 1:
            return (seed * 7919 + point * 104729) % 1000003 / 1e9
        if seed % 7 == 2:
            return -1e15 * seed - point
        return seed + point * 0.1

    def is_gap(self, name, idx, point):
        return (name, idx) in self.gappy and POINTS // 3 <= point < POINTS // 3 + 400

    def visible(self, name, idx, point):
        """What query_range gives: the newest sample that is less than five minutes old. Samples
        lie half a second before their points: versions differ in what exactly five minutes are."""
        for back in range(0, 300):
            if point - back < 0:
                return None
            if not self.is_gap(name, idx, point - back):
                return self.value(name, idx, point - back)
        return None

    def write(self, path):
        with open(path, "w") as file:
            for name, count in self.metrics.items():
                file.write(f"# TYPE {name} gauge\n")
                for idx in range(count):
                    file.writelines(f'{name}{{idx="{idx:02}",job="bulk"}} '
                                    f"{self.value(name, idx, point)!r} {BEGIN + point - 0.5}\n"
                                    for point in range(POINTS)
                                    if not self.is_gap(name, idx, point))
            for name, text in (("odd_nan", "NaN"), ("odd_inf", "+Inf"), ("odd_low", "-Inf")):
                file.write(f"# TYPE {name} gauge\n")
                file.writelines(f"{name} {text if point == 7 else point} {BEGIN + point - 0.5}\n"
                                for point in range(POINTS))
            # Labels that need care, and a metric that is called like a column of another.
            file.write("# TYPE twice gauge\n")
            for label in ('a "quoted", \\\\ one', "b\\nsecond line", "é"):
                escaped = label.replace('"', '\\"')
                file.writelines(f'twice{{name="{escaped}"}} {point} {BEGIN + point - 0.5}\n'
                                for point in range(POINTS))
            file.write("# TYPE twice_0 gauge\n")
            file.writelines(f"twice_0 {point * 2} {BEGIN + point - 0.5}\n" for point in range(POINTS))
            file.write("# EOF\n")


class FilledTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.filled = Filled()
        source = cls.directory / "filled.om"
        cls.filled.write(source)
        result = subprocess.run([need_program("promtool"), "tsdb", "create-blocks-from",
                                 "openmetrics", source, cls.directory / "data"],
                                capture_output=True, text=True)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        source.unlink()
        cls.url = cls.enterClassContext(prometheus(cls.directory))
        cls.span = ("--from", BEGIN, "--to", BEGIN + POINTS - 1)
        cls.output = cls.directory / "out.csv"

    def setUp(self):
        self.addCleanup(lambda: [path.unlink() for path in self.directory.glob("out*")])

    def run_import(self, *arguments, **options):
        return import_prometheus("--prometheus.url", self.url, *self.span, "-o", self.output,
                                 *arguments, **options)

    def keys(self):
        return json.loads((self.directory / "out.csv.keys.json").read_text())

    def compare(self, keys, gaps):
        """Every (series, point) of the file against what was filled in; returns how many."""
        rows = rows_of(self.output)
        header = next(rows)
        self.assertEqual(header[1:], [one["column"] for one in keys["columns"]])
        columns = [(one["metric"], int(one["labels"]["idx"])) for one in keys["columns"]]
        expected = {(name, idx) for name, count in self.filled.metrics.items()
                    for idx in range(count)}
        self.assertEqual(set(columns), expected if gaps else expected - self.filled.gappy)
        self.assertEqual(len(columns), len(set(columns)))
        seen = 0
        for point, row in enumerate(rows):
            self.assertEqual(row[0], time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                   time.gmtime(BEGIN + point)))
            for (name, idx), field in zip(columns, row[1:], strict=True):
                value = (self.filled.visible(name, idx, point) if (name, idx) in self.filled.gappy
                         else self.filled.value(name, idx, point))
                if (float(field) if field else None) != value:
                    self.fail(f"{name} {idx} at {point}: {field!r}, expected {value!r}")
                seen += 1
        self.assertEqual(point + 1, POINTS)
        return seen

    def tell(self, what, said):
        requests = re.search(r"(\d+) requests\n$", said.stderr).group(1)
        print(f"\n{what}: {SERIES} series x {POINTS} points, {said.seconds:.1f} s, peak "
              f"{said.peak_mib:.0f} MiB, {requests} requests, "
              f"{self.output.stat().st_size / 1e6:.0f} MB")

    def test_every_value_is_there(self):
        said = self.run_import("--match", '{job="bulk"}')
        self.tell("whole series", said)
        keys = self.keys()
        self.assertEqual(self.compare(keys, gaps=False),
                         (SERIES - len(self.filled.gappy)) * POINTS)
        self.assertEqual({(one["metric"], int(one["labels"]["idx"])) for one in keys["dropped"]},
                         self.filled.gappy)
        self.assertIn(f"{len(self.filled.gappy)} of {SERIES} series dropped", said.stderr)
        for one in keys["dropped"]:
            self.assertEqual(one["reason"], "not there at every point")
            self.assertEqual(one["values"], POINTS - 400 + 299)
        self.assertLess(said.peak_mib, 80)
        self.assertFalse((self.directory / "out.csv.spool").exists())

    def test_with_gaps_every_value_and_every_gap_is_there(self):
        said = self.run_import("--match", '{job="bulk"}', "--keep-gaps")
        self.tell("with gaps", said)
        self.assertEqual(self.compare(self.keys(), gaps=True), SERIES * POINTS)
        self.assertEqual(self.keys()["dropped"], [])

    def test_small_requests_and_a_repetition_give_the_same_bytes(self):
        self.run_import("--match", '{job="bulk"}')
        first = self.output.read_bytes(), self.keys()
        said = self.run_import("--match", '{job="bulk"}', "--max-points", 777, "--max-answer",
                               "100KiB")
        self.assertEqual((self.output.read_bytes(), self.keys()), first)
        self.tell("answers of 100 KiB", said)

    def test_columns_are_named_by_the_order_of_labels(self):
        self.run_import("--metric", "twice", "--metric", "twice_0")
        columns = {one["column"]: one["labels"].get("name") for one in self.keys()["columns"]}
        self.assertEqual(columns, {"twice__0": 'a "quoted", \\ one', "twice__1": "b\nsecond line",
                                   "twice__2": "é", "twice_0": None})

    def test_numbers_that_are_none_make_a_series_incomplete(self):
        names = self.directory / "out.names"
        names.write_text("# odd ones\nodd_nan\n  odd_inf  # high\n\nodd_low\nfilled_0\n")
        self.run_import("--metrics-file", names)
        self.assertEqual({one["metric"]: (one["values"], one["not_finite"], one["reason"])
                          for one in self.keys()["dropped"]},
                         {f"odd_{name}": (POINTS - 1, 1, "values that are no finite numbers")
                          for name in ("nan", "inf", "low")})
        self.run_import("--metric", "odd_nan", "--keep-gaps")
        self.assertEqual([row[1] for row in rows_of(self.output)][7:10], ["6", "", "8"])

    def test_all_takes_every_metric_and_matchers_choose(self):
        self.run_import("--all")
        self.assertEqual({one["metric"] for key in ("columns", "dropped")
                          for one in self.keys()[key]},
                         set(self.filled.metrics) | {"odd_nan", "odd_inf", "odd_low", "twice",
                                                     "twice_0"})
        self.run_import("--metric", "filled_1", "--match", '{idx="02"}', "--match", '{idx=~"0[24]"}')
        self.assertEqual([one["labels"]["idx"] for one in self.keys()["columns"]], ["02", "04"])

    def test_windows_become_labels(self):
        windows = self.directory / "out.windows.csv"
        windows.write_text("Timestamp_from,Timestamp_to,Anomaly type,Anomaly details\n"
                           f'{BEGIN + 10},{BEGIN + 19},cpu,"{{""phases"": [{{""phase"": ""ramp"", '
                           f'""at"": ""2020-09-13T12:26:50Z""}}]}}"\n')
        self.run_import("--metric", "twice_0", "--labels", windows)
        rows = list(rows_of(self.output))
        self.assertEqual(rows[0], ["ts", "twice_0", "attack", "attack_type"])
        self.assertEqual([i for i, row in enumerate(rows[1:]) if row[2:] == ["1", "cpu"]],
                         list(range(10, 20)))
        self.run_import("--metric", "twice_0", "--labels", windows, "--format", "instances")
        rows = list(rows_of(self.output))
        self.assertEqual(rows[0], ["Time", "Anomaly", "Instance", "twice_0"])
        self.assertEqual([row[1:3] for row in rows[10:12]], [["", "running"], ["1", "ramp"]])

    def test_a_killed_import_goes_on(self):
        self.run_import("--match", '{job="bulk"}')
        whole = self.output.read_bytes(), self.keys()
        self.output.unlink()
        arguments = ["--prometheus.url", self.url, *self.span, "-o", self.output, "--match",
                     '{job="bulk"}', "--max-points", 100]
        spool = self.directory / "out.csv.spool"
        process = subprocess.Popen([PROGRAM, "import-prometheus", *map(str, arguments)],
                                   stderr=subprocess.DEVNULL, env=environment())
        wait_until(lambda: spool.exists() and spool.stat().st_size > 200_000, what="a spool")
        process.kill()
        process.wait()
        self.assertFalse(self.output.exists())
        self.assertIn("--resume", import_prometheus(*arguments, check=1).stderr)
        self.assertIn("other options",
                      self.run_import("--metric", "twice", "--resume", check=1).stderr)
        self.run_import("--match", '{job="bulk"}', "--resume")
        self.assertEqual((self.output.read_bytes(), self.keys()), whole)
        self.assertFalse(spool.exists())

    def test_a_stopped_import_goes_on(self):
        arguments = ["--prometheus.url", self.url, *self.span, "-o", self.output, "--match",
                     '{job="bulk"}', "--max-points", 20]
        spool = self.directory / "out.csv.spool"
        process = subprocess.Popen([PROGRAM, "import-prometheus", *map(str, arguments)], text=True,
                                   stderr=subprocess.PIPE, env=environment())
        wait_until(lambda: spool.exists() and spool.stat().st_size > 100_000, what="a spool")
        process.terminate()
        said = process.communicate(timeout=15)[1]
        self.assertEqual(process.returncode, 1, said)
        self.assertIn("--resume goes on with it", said)
        self.assertEqual(sorted(path.name for path in self.directory.glob("out*")),
                         ["out.csv.spool"])
        self.run_import("--match", '{job="bulk"}', "--resume")
        self.compare(self.keys(), gaps=False)

    def test_what_is_not_there_is_an_error(self):
        for arguments, words in (
                (["--metric", "no_such"], "has no such metric in that time: no_such"),
                (["--match", '{job="nobody"}'], "has no such series in that time"),
                (["--match", '{job=}'], "answers 400: 1:6: parse error"),
                (["--metric", "filled_0", "--match", "{a b}"], "answers 400")):
            with self.subTest(words):
                said = self.run_import(*arguments, check=1)
                self.assertIn(words, said.stderr)
                self.assertEqual(list(self.directory.glob("out*")), [])

    def test_a_full_disk_leaves_nothing_half_written(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small filesystem")
        small = self.directory / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount here: " + mounted.stderr)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        said = import_prometheus("--prometheus.url", self.url, *self.span, "-o", small / "out.csv",
                                 "--match", '{job="bulk"}', check=1)
        self.assertIn("No space left on device", said.stderr)
        self.assertEqual(sorted(path.name for path in small.iterdir()), ["out.csv.spool"])


class NodeTest(unittest.TestCase):
    """node_exporter's series as the 24 metrics, beside the agent's own readings of the same node."""

    # What node_exporter and Prometheus themselves hold open while they read and are read.
    # And disks fill by a little at any time.
    ROOM = {"cpu_sec_idle": 0.05, "mem_av_per": 0.5, "disk_av_per": 0.05, "open_fds": 64, "tcp_sock_alloc": 5,
            "tcp_sock_inuse": 5, "est_conn": 5, "ipv4_sock_inuse": 10, "tcp_sock_mem": 500}

    # Readings are up to a second old when they are scraped, scrapes are a second apart, and on a busy
    # machine late.
    AROUND = 6

    def test_it_is_what_the_agent_reads_and_what_replay_takes(self):
        table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            directory = pathlib.Path(name)
            port = free_port()
            stack.enter_context(running(
                need_program("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{port}",
                "--collector.tcpstat"))
            agent = stack.enter_context(Agent(directory / "state", interval="1s"))
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/metrics"), what="node_exporter")
            (directory / "p").mkdir()
            url = stack.enter_context(prometheus(
                directory / "p",
                *({"job_name": job, "scrape_interval": "1s",
                   "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
                  # Two jobs scrape the same node: nothing may be counted twice.
                  for job, target in (("node", port), ("again", port), ("agent", agent.port)))))
            wait_until(lambda: all(
                f'"{job}"' in fetch(f"{url}/api/v1/query?query=up==1")
                for job in ("node", "again", "agent")), what="the first scrapes")
            time.sleep(24)
            end = int(time.time()) - self.AROUND - 1
            output = directory / "node.csv"
            span = ["--prometheus.url", url, "--from", end - 10, "--to", end]
            import_prometheus(*span, "--as-node", "--instance", f"127.0.0.1:{port}",
                              "-o", output)
            rows = list(rows_of(output))
            self.assertEqual(rows[0], ["ts", *(metric["name"] for metric in table)])
            self.assertEqual(len(rows), 12)
            import_prometheus("--prometheus.url", url, "--from", end - 10 - self.AROUND, "--to",
                              end + self.AROUND, "--match", '{job="agent"}', "--metrics-file",
                              self.names(directory, table), "-o", directory / "agent.csv")
            ours = list(rows_of(directory / "agent.csv"))
            for metric in table:
                column = rows[0].index(metric["name"])
                own = ours[0].index(metric["prometheus"])
                room = self.ROOM.get(metric["name"], 0)
                for i, theirs in enumerate(rows[1:]):
                    around = [float(row[own]) for row in ours[1 + i:][:2 * self.AROUND + 1]]
                    slack = room + 1e-9 * abs(around[0])  # sums and means of floating point numbers
                    with self.subTest(metric["name"], ts=theirs[0]):
                        self.assertLessEqual(min(around) - slack, float(theirs[column]))
                        self.assertGreaterEqual(max(around) + slack, float(theirs[column]))
            scored = nodevigil("replay", output, check=0)
            self.assertIn(",class", scored.stdout.splitlines()[0])
            self.assertEqual(len(scored.stdout.splitlines()), 12)
            self.assertIn("there is no such series in that time", import_prometheus(
                *span, "--as-node", "--instance", "other:1", "-o", output, check=1).stderr)

    @staticmethod
    def names(directory, table):
        path = directory / "names"
        path.write_text("\n".join(metric["prometheus"] for metric in table))
        return path


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers with what the test has put into `server.plan`: (status, body, promised length)."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "/label/" in self.path:
            self.reply(200, b'{"status":"success","data":["up"]}')
        else:
            self.reply(*self.server.plan(self))

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.form = dict(urllib.parse.parse_qsl(form))
        self.reply(*self.server.plan(self))

    def reply(self, status, body, length=None):
        self.server.asked += 1
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


def matrix(form):
    """An honest answer: the time itself as value."""
    begin, end, step = (float(form[name]) for name in ("start", "end", "step"))
    times = [begin + i * step for i in range(math.floor((end - begin) / step + 1e-9) + 1)]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"__name__": "up"}, "values": [[t, str(t)] for t in times]}]}}).encode()


class MisbehavingServerTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
        self.server.handle_error = lambda *_: None  # a client that did not wait is no failure
        self.server.asked = 0
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def run_import(self, plan, check, *arguments):
        self.server.plan = plan
        return import_prometheus(
            "--prometheus.url", f"http://127.0.0.1:{self.server.server_port}", "--from", BEGIN, "--to",
            BEGIN + 999, "--metric", "up", "-o", self.directory / "out.csv", *arguments, check=check)

    def assert_whole(self):
        rows = list(rows_of(self.directory / "out.csv"))[1:]
        self.assertEqual([float(row[1]) for row in rows], [BEGIN + i for i in range(1000)])

    def refusal(self, kind, words):
        return json.dumps({"status": "error", "errorType": kind, "error": words}).encode()

    def test_html_is_told_of_at_once(self):
        said = self.run_import(lambda _: (200, b"<html>Sign in</html>"), 1)
        self.assertIn("expected JSON of Prometheus' API, got '<html>Sign in</html>'", said.stderr)
        self.assertEqual(self.server.asked, 2)
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_a_refusal_is_told_of_at_once(self):
        said = self.run_import(lambda _: (400, self.refusal("bad_data", "parse error")), 1)
        self.assertIn("answers 400: parse error", said.stderr)
        self.assertEqual(self.server.asked, 2)
        said = self.run_import(lambda _: (200, self.refusal("internal", "no luck")), 1)
        self.assertIn("Prometheus says: no luck", said.stderr)

    def test_422_halves_what_is_asked_for(self):
        def few(request):
            if float(request.form["end"]) - float(request.form["start"]) > 100:
                return 422, self.refusal("execution", "too many samples")
            return 200, matrix(request.form)
        self.run_import(few, 0)
        self.assert_whole()

    def test_422_for_a_single_point_is_an_error(self):
        said = self.run_import(lambda _: (422, self.refusal("execution", "too many samples")), 1)
        self.assertIn("even one point of 'up': answers 422: too many samples", said.stderr)

    def test_a_slow_server_is_asked_for_less(self):
        def slow(request):
            if float(request.form["end"]) - float(request.form["start"]) > 600:
                time.sleep(2)
            return 200, matrix(request.form)
        self.run_import(slow, 0, "--prometheus.timeout", "1s")
        self.assert_whole()

    def test_what_passes_is_tried_again(self):
        answers_to_come = [(503, b"starting"), (200, b'{"status":"succ'), (500, b""),
                           (200, b'{"status"', 1000)]
        self.run_import(lambda request: answers_to_come.pop(0) if answers_to_come
                        else (200, matrix(request.form)), 0)
        self.assert_whole()
        self.assertEqual(self.server.asked, 6)

    def test_a_first_answer_that_takes_too_long_is_asked_for_less(self):
        """Without asking for names, so that nothing came before."""
        waits = [2]

        def slow(request):
            time.sleep(waits.pop() if waits else 0)
            return 200, matrix(request.form)
        self.server.plan = slow
        import_prometheus("--prometheus.url", f"http://127.0.0.1:{self.server.server_port}",
                          "--from", BEGIN, "--to", BEGIN + 9, "--as-node", "--instance", "a:1",
                          "--prometheus.timeout", "1s", "-o", self.directory / "out.csv")
        self.assertEqual(len(list(rows_of(self.directory / "out.csv"))), 11)

    def test_series_that_come_and_go_take_no_more_memory_than_others(self):
        """Ten thousand of ten thousand points, each there at five times: dense, that were 800 MB."""
        def pods(request):
            begin, end = int(float(request.form["start"])), int(float(request.form["end"]))
            result = [{"metric": {"pod": f"{pod:05}"},
                       "values": [[t, str(pod)] for t in range(BEGIN + pod, BEGIN + pod + 5)
                                  if begin <= t <= end]} for pod in range(10_000)]
            result = [one for one in result if one["values"]]
            result.append({"metric": {"pod": "always"},
                           "values": [[t, str(t)] for t in range(begin, end + 1)]})
            return 200, json.dumps({"status": "success", "data": {
                "resultType": "matrix", "result": result}}).encode()
        spool = self.directory / "out.csv.spool"
        self.server.plan = pods
        said = import_prometheus(
            "--prometheus.url", f"http://127.0.0.1:{self.server.server_port}", "--from", BEGIN, "--to",
            BEGIN + 9999, "--metric", "up", "--max-answer", "4MiB", "-o", self.directory / "out.csv")
        self.assertLess(said.peak_mib, 60)
        self.assertFalse(spool.exists())
        self.assertEqual([float(row[1]) for row in list(rows_of(self.directory / "out.csv"))[1:]],
                         [BEGIN + i for i in range(10_000)])
        keys = json.loads((self.directory / "out.csv.keys.json").read_text())
        # Of the last ones a part is behind the end.
        self.assertEqual([one["values"] for one in keys["dropped"]], [5] * 9996 + [4, 3, 2, 1])

    def test_warnings_are_passed_on(self):
        def partial(request):
            answer = json.loads(matrix(request.form))
            answer["warnings"] = ["a store is away"]
            return 200, json.dumps(answer).encode()
        said = self.run_import(partial, 0, "--max-points", 100)
        self.assertEqual(said.stderr.count("Prometheus warns: a store is away"), 1)
        keys = json.loads((self.directory / "out.csv.keys.json").read_text())
        self.assertEqual(keys["warnings"], ["a store is away"])

    def test_a_failure_leaves_the_old_file(self):
        (self.directory / "out.csv").write_text("old")
        self.run_import(lambda _: (400, b"no"), 1)
        self.assertEqual((self.directory / "out.csv").read_text(), "old")


class UsageTest(unittest.TestCase):
    def test_no_prometheus_is_an_error_at_once(self):
        with tempfile.TemporaryDirectory() as directory:
            said = import_prometheus("--prometheus.url", f"http://127.0.0.1:{free_port()}", "--from",
                                     "1h", "--all", "-o", f"{directory}/x.csv", check=1)
            self.assertIn("nobody listens", said.stderr)
            self.assertLess(said.seconds, 5)
            self.assertEqual(os.listdir(directory), [])

    def test_wrong_usage_is_told_of(self):
        url = ["--prometheus.url", "http://127.0.0.1:1", "-o", "/nowhere/x.csv"]
        for arguments, words in (
                (["--from", "1h", "--all"], "-o: is needed"),
                (["-o", "x.csv", "--from", "1h", "--all"], "--prometheus.url: is needed"),
                ([*url, "--all"], "--from: is needed"),
                ([*url, "--from", "1h"], "expected --metric"),
                ([*url, "--all", "--from", "2", "--to", "1"], "--from: 1970-01-01T00:00:02Z is not"),
                ([*url, "--all", "--from", "1h", "--to", "soon"], "--to: expected a time"),
                ([*url, "--from", "1h", "--match", "job"], "expected a selector such as"),
                ([*url, "--from", "1h", "--as-node"], "needs --instance"),
                ([*url, "--from", "1h", "--all", "--instance", "a:1"], "goes with --as-node only"),
                ([*url, "--from", "1h", "--all", "--metric", "up"], "--all: cannot be together"),
                ([*url, "--from", "1h", "--all", "--max-points", "20000"], "from 1 to 11000"),
                ([*url, "--from", "1h", "--all", "--format", "instances"], "needs --labels"),
                ([*url, "--from", "1h", "--all", "--format", "arff"], "expected csv or instances"),
                ([*url, "--from", "1h", "--metrics-file", "/dev/null"], "holds no names")):
            with self.subTest(words):
                self.assertIn(words, import_prometheus(*arguments, check=2).stderr)


if __name__ == "__main__":
    unittest.main()
