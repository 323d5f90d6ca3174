"""The agent as a user runs it: rows, restarts, faults, and what it says about them."""
import contextlib
import json
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from support import (PROGRAM, ROOT, Agent, environment, fetch, free_port, need_program, nodevigil,
                     running, wait_until)

# Baselines that are warm after a few seconds instead of minutes.
QUICK = ("--scoring.fast-horizon", "60s", "--scoring.warmup-samples", "30")


class StateDirCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = pathlib.Path(directory.name)

    def rows(self, columns="seq"):
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/journal.db?mode=ro",
                                                uri=True)) as journal:
            return journal.execute(f"SELECT {columns} FROM samples ORDER BY seq").fetchall()

    def verify(self, *options):
        """Replays the journal; returns the summary that `--verify` prints."""
        return nodevigil("replay", "--state-dir", self.state, "--verify", "-o", "/dev/null",
                         *options, check=0).stderr


class RowsTest(StateDirCase):
    def test_records_ends_the_agent_and_every_row_is_kept(self):
        nodevigil("agent", "--interval", "20ms", "--records", "25", "--state-dir", self.state,
                  "--web.listen-address", "127.0.0.1:0", check=0)
        self.assertEqual([seq for (seq,) in self.rows()], list(range(1, 26)))
        values = self.rows("load1, mem_av_per, open_fds, est_conn, disk_av_per")
        self.assertNotIn(None, [value for row in values for value in row])

    def test_sigterm_writes_the_last_row(self):
        with Agent(self.state) as agent:
            wait_until(lambda: agent.status()["row"]["seq"] >= 5, what="five rows")
            self.assertEqual(agent.stop(), 0)
        seqs = [seq for (seq,) in self.rows()]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertGreaterEqual(len(seqs), 5)

    def test_restarts_lose_no_row_and_no_warmth_and_replay_is_equal_bit_for_bit(self):
        first_run = None
        for stop in (Agent.stop, Agent.kill, Agent.kill, Agent.stop):
            with Agent(self.state, *QUICK, "--journal.flush-interval", "0s",
                       interval="20ms") as agent:
                begun = agent.status()["row"]["seq"]
                wait_until(lambda: agent.status()["row"]["seq"] > begun + 120, what="120 rows")
                phase, seen = (agent.status()[name] for name in ("phase", "row"))
                stop(agent)
            # The newest may have been on its way to the disk.
            self.assertGreaterEqual(self.rows("max(seq)")[0][0], seen["seq"] - 3)
            first_run = first_run or self.rows("max(seq)")[0][0]
        self.assertEqual(phase, "ready")
        seqs = [seq for (seq,) in self.rows()]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)), "a row is missing")
        said = self.verify(*QUICK, "--interval", "20ms")
        self.assertIn(f"{len(seqs)} rows compared with the record, 0 differ, 0 not comparable", said)
        # Only the very first start warms up.
        self.assertEqual(self.rows(f"count(*) FILTER (WHERE score IS NULL AND seq > {first_run})"),
                         [(0,)])

    def test_a_kill_costs_no_row_though_the_database_had_none(self):
        with Agent(self.state, "--journal.flush-interval", "1h", interval="20ms") as agent:
            wait_until(lambda: agent.status()["row"]["seq"] >= 40, what="40 rows")
            seen = agent.status()["row"]["seq"]
            agent.kill()
        self.assertLessEqual(len(self.rows()), 1, "they were written one by one")
        nodevigil("agent", "--records", "1", "--state-dir", self.state, "--web.listen-address",
                  "127.0.0.1:0", check=0)
        seqs = [seq for (seq,) in self.rows()]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)), "a row is missing")
        self.assertGreaterEqual(len(seqs), seen)  # the newest may have been on its way, one is new

    def test_rows_that_wait_are_served_and_written_at_the_end(self):
        with Agent(self.state, "--journal.flush-interval", "1h") as agent:
            wait_until(lambda: agent.status()["row"]["seq"] >= 5, what="five rows")
            # The checkpoint of the start is written at once and may take the first row along.
            self.assertLessEqual(len(self.rows()), 1, "they were written one by one")
            served = json.loads(fetch(agent.url + "/api/v1/samples"))["rows"]
            self.assertGreaterEqual(len(served), 5)
            agent.stop()
        self.assertEqual([row["ts"] for row in served], [
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 10**6)) + f".{us % 10**6:06}Z"
            for (us,) in self.rows("ts_us")[:len(served)]])
        self.assertGreaterEqual(len(self.rows()), len(served))

    def test_verify_sees_a_changed_figure(self):
        with Agent(self.state, *QUICK, interval="20ms") as agent:
            wait_until(lambda: agent.status()["phase"] == "ready", what="warm baselines")
            wait_until(lambda: agent.status()["row"]["score"] is not None, what="a score")
        # In one row, of which the first difference is told.
        for figure, changed in (("suspicion", "suspicion + 0.1"), ("score", "score * (1 + 1e-15)")):
            with contextlib.closing(sqlite3.connect(self.state / "journal.db")) as journal:
                journal.execute(f"UPDATE samples SET {figure} = {changed} WHERE seq = "
                                "(SELECT max(seq) FROM samples WHERE score > 0.001)")
                journal.commit()
            result = nodevigil("replay", "--state-dir", self.state, "--verify", "-o", "/dev/null",
                               *QUICK, "--interval", "20ms", check=1)
            self.assertIn("1 differ", result.stderr)
            self.assertIn(f"first: {figure} of row", result.stderr)

    def test_a_second_agent_on_the_same_journal_is_refused(self):
        with Agent(self.state):
            result = nodevigil("agent", "--state-dir", self.state, "--web.listen-address",
                               "127.0.0.1:0", check=3)
            self.assertIn(str(self.state), result.stderr)

    def test_ticks_that_could_not_be_run_are_counted_and_not_made_up(self):
        with Agent(self.state, interval="50ms") as agent:
            wait_until(lambda: agent.metrics()["nodevigil_ticks_total"] >= 3, what="ticks")
            agent.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            agent.process.send_signal(signal.SIGCONT)
            metrics = wait_until(lambda: (m := agent.metrics())["nodevigil_ticks_missed_total"] and m,
                                 what="missed ticks")
            self.assertGreaterEqual(metrics["nodevigil_ticks_missed_total"], 15)
            self.assertGreaterEqual(metrics["nodevigil_ticks_late_total"], 1)
            ticks = metrics["nodevigil_ticks_total"]
            time.sleep(0.5)
            self.assertLess(agent.metrics()["nodevigil_ticks_total"] - ticks, 20, "a burst")


class EndTest(StateDirCase):
    def test_on_a_console_the_last_line_tells_where_the_rows_are(self):
        port = ("--web.listen-address", "127.0.0.1:0", "--interval", "20ms")
        ended = nodevigil("agent", "--records", "5", "--console", "on", "--state-dir", self.state,
                          *port, check=0)
        self.assertEqual(ended.stdout.splitlines()[-1],
                         f"stopped: 5 rows written to {self.state}/journal.db")
        quiet = nodevigil("agent", "--records", "5", "--state-dir", self.state, *port, check=0)
        self.assertEqual(quiet.stdout, "")

    def test_a_disk_that_does_not_answer_does_not_hold_up_the_end(self):
        shim, stuck = self.state / "stuck_disk.so", self.state / "stuck"
        subprocess.run([need_program("cc"), "-shared", "-fPIC", "-o", shim,
                        ROOT / "tests/system/stuck_disk.c", "-ldl"], check=True)
        with Agent(self.state, "--journal.flush-interval", "0s", LD_PRELOAD=str(shim),
                   STUCK_DISK=str(stuck)) as agent:
            wait_until(lambda: agent.metrics()["nodevigil_journal_written_rows_total"] >= 3,
                       what="rows")
            stuck.touch()
            wait_until(lambda: agent.metrics()["nodevigil_journal_queue_rows"] >= 3,
                       what="rows that wait")
            begun = time.monotonic()
            self.assertEqual(agent.stop(), 4)
            self.assertLess(time.monotonic() - begun, 12)
            self.assertIn("warning could not end within 10 s", agent.logged())
        stuck.unlink()
        with Agent(self.state) as agent:
            self.assertIn("journal: healthy", fetch(agent.url + "/readyz"))


class HealthTest(StateDirCase):
    def test_a_running_agent_stays_healthy(self):
        with Agent(self.state) as agent:
            time.sleep(12)  # longer than a tick may be old
            self.assertIn("ok", fetch(agent.url + "/healthz"))
            self.assertTrue(fetch(agent.url + "/readyz"))


class FullDiskTest(StateDirCase):
    """A limit on the size of files stands in for a disk without room."""

    def test_an_agent_that_starts_without_room_goes_on_and_keeps_its_rows(self):
        with Agent(self.state, *QUICK) as agent:
            wait_until(lambda: agent.status()["phase"] == "ready", what="warm baselines")
            warm = agent.status()["baseline_samples"]
        before = len(self.rows())

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
        try:
            agent = Agent(self.state, *QUICK)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        with agent:
            wait_until(lambda: agent.metrics()["nodevigil_journal_failures_total"] > 0,
                       what="a failure")
            wait_until(lambda: agent.metrics()["nodevigil_journal_queue_rows"] >= 3, what="rows")
            self.assertEqual(agent.metrics()["nodevigil_journal_healthy"], 0)
            self.assertRegex(fetch(agent.url + "/readyz"), "degraded, .*journal.db: cannot ")
            resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
            wait_until(lambda: agent.metrics()["nodevigil_journal_healthy"] == 1, 60, "health")
            self.assertEqual(agent.metrics()["nodevigil_journal_dropped_rows_total"], 0)
            # What the journal knows is taken over, late: the agent is as warm as before.
            wait_until(lambda: agent.status()["phase"] == "ready", 3, "the old baselines")
            self.assertGreaterEqual(agent.status()["baseline_samples"], warm)
            ticks = agent.metrics()["nodevigil_ticks_total"]
            status = agent.status()
            served = json.loads(fetch(agent.url + "/api/v1/samples"))["rows"]
            self.assertIn(status["row"]["seq"], [row["seq"] for row in served])
        self.assertGreaterEqual(len(self.rows()), before + ticks)
        said = self.verify(*QUICK, "--interval", "100ms")
        self.assertIn(" 0 differ", said)
        with Agent(self.state, *QUICK) as agent:
            self.assertGreaterEqual(agent.status()["baseline_samples"], warm)


class FaultTest(StateDirCase):
    def first_anomaly_after(self, begun_us):
        """Ticks from `begun_us` until the first anomalous row, that row's verdict and explanation."""
        rows = self.rows("ts_us, anomalous, verdict, (SELECT json FROM explanations WHERE id = "
                         "samples.explanation)")
        after = [row for row in rows if row[0] >= begun_us]
        for ticks, row in enumerate(after, 1):
            if row[1]:
                return ticks, row[2], json.loads(row[3])
        self.fail("the fault raised no anomaly")

    def fault(self, *stressors):
        # After 15 s of an idle machine the first sample of a storm is at the threshold of a new node, now over it and now not.
        with Agent(self.state, *QUICK[:2], "--scoring.warmup-samples", "90", interval="500ms") as agent:
            wait_until(lambda: agent.status()["row"]["score"] is not None, 60, "warm baselines")
            wait_until(lambda: not agent.status()["row"]["anomalous"], 60, "a quiet moment")
            with running(need_program("stress-ng"), *stressors, "--timeout", "20",
                         cwd="/tmp") as stress:
                children = pathlib.Path(f"/proc/{stress.pid}/task/{stress.pid}/children")
                wait_until(children.read_text, what="the stressors")
                begun_us = time.time_ns() // 1000
                wait_until(lambda: agent.metrics().get("nodevigil_anomaly") == 1, what="an anomaly")
                summary = agent.status()["row"]["explanation"]["summary"]
            log = agent.logged()
        return (*self.first_anomaly_after(begun_us), summary, log)

    def test_a_fork_storm_is_named_and_explained_within_three_ticks(self):
        ticks, verdict, explanation, summary, log = self.fault("--fork", "4")
        self.assertLessEqual(ticks, 3)
        self.assertEqual(verdict, "fork_storm")
        self.assertIn("forks_total", [part["metric"] for part in explanation["top"]])
        self.assertIn("direction.forks_total", [step["feature"] for step in explanation["path"]])
        self.assertIn("forks_total", summary)
        self.assertIn("anomaly: fork_storm", log)

    def test_a_vanished_source_is_absent_counted_and_reported_once(self):
        tree = self.state / "proc"
        (tree / "1/net").mkdir(parents=True)
        (tree / "sys/fs").mkdir(parents=True)
        for name in ("stat", "meminfo", "vmstat", "loadavg", "diskstats", "sys/fs/file-nr",
                     "1/net/dev", "1/net/sockstat", "1/net/snmp", "1/net/tcp"):
            shutil.copyfile(f"/proc/{name}", tree / name)
        with Agent(self.state, "--path.procfs", tree) as agent:
            wait_until(lambda: "nodevigil_node_load1" in agent.metrics(), what="load1")
            # The file is open: cutting it off is what a reader of a broken file sees.
            (tree / "loadavg").write_text("garbage\n")
            metrics = wait_until(lambda: "nodevigil_node_load1" not in (m := agent.metrics()) and m,
                                 what="an absent load1")
            self.assertEqual(metrics['nodevigil_source_up{source="loadavg"}'], 0)
            self.assertGreater(metrics['nodevigil_source_failures_total{source="loadavg"}'], 0)
            self.assertIn("nodevigil_node_memory_available_percent", metrics)
            (tree / "loadavg").write_text("0.5 0.4 0.3 1/100 1\n")
            wait_until(lambda: agent.metrics().get("nodevigil_node_load1") == 0.5, what="load1")
            log = agent.logged()
        self.assertEqual(log.count("source loadavg fails"), 1)
        self.assertIn("got 'garbage'", log)
        self.assertEqual(log.count("source loadavg works again"), 1)


class ModelTest(StateDirCase):
    def test_a_changed_model_is_loaded_and_a_bad_one_refused(self):
        good = json.loads((ROOT / "models/default.json").read_text())
        path = self.state / "model.json"

        def write(model):
            # In one step, as kubelet swaps a ConfigMap: half a file would be refused and counted.
            (self.state / "new.json").write_text(json.dumps(model))
            (self.state / "new.json").replace(path)

        def model_in_use(name):
            return any(series.startswith("nodevigil_model_info") and f'name="{name}"' in series
                       for series in agent.metrics())

        write(good)
        with Agent(self.state, "--model", path) as agent:
            self.assertTrue(wait_until(lambda: model_in_use(good["name"]), what="the model"))
            write({**good, "name": "second"})
            wait_until(lambda: model_in_use("second"), what="the changed model")
            write({**good, "table_hash": "0" * 16})
            wait_until(lambda: agent.metrics()["nodevigil_model_reload_failures_total"] == 1,
                       what="the refusal")
            self.assertTrue(model_in_use("second"))
            self.assertIn("table_hash", agent.logged())
            self.assertIn("the old one stays in use", agent.logged())


class StartTest(StateDirCase):
    def start(self, *arguments, **env):
        return subprocess.run([PROGRAM, "agent", "--records", "1", *map(str, arguments)], text=True,
                              capture_output=True, env=environment(**env), timeout=60)

    def refused(self, code, text, *arguments, **env):
        result = self.start(*arguments, **env)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr)

    def test_what_cannot_work_is_refused_with_the_reason(self):
        state = ("--state-dir", self.state)
        port = ("--web.listen-address", "127.0.0.1:0")
        self.refused(2, "--interval: '5 minutes' is not a duration", *state, "--interval", "5 minutes")
        self.refused(2, "NODEVIGIL_INTERVAL", *state, NODEVIGIL_INTERVAL="soon")
        self.refused(2, "--intervall", *state, "--intervall", "1s")
        self.refused(2, "--net.device-exclude: '(' is not a regular expression", *state, *port, "--net.device-exclude", "(")
        self.refused(3, "/dev/null/x", "--state-dir", "/dev/null/x", *port)
        self.refused(3, "no-such-model", *state, *port, "--model", "/no-such-model.json")
        with Agent(self.state / "other") as agent:
            self.refused(3, f"127.0.0.1:{agent.port}: the port is in use", *state,
                         "--web.listen-address", f"127.0.0.1:{agent.port}")
            self.refused(3, "choose another with --web.listen-address", *state,
                         "--web.listen-address", f"127.0.0.1:{agent.port}")

    def test_a_variable_that_is_no_setting_is_named_once(self):
        log = self.start("--state-dir", self.state, "--web.listen-address", "127.0.0.1:0",
                         NODEVIGIL_INTERVALL="1s", NODEVIGIL_PORT="tcp://10.0.0.1:9910").stderr
        self.assertEqual(log.count("is no setting"), 1)
        self.assertIn("warning NODEVIGIL_INTERVALL is no setting; the nearest is NODEVIGIL_INTERVAL",
                      log)

    def test_the_configuration_file_is_read_and_its_errors_have_a_line(self):
        config = self.state / "nodevigil.conf"
        config.write_text(f'# comment\ninterval = 20ms\nnode = "from file"\nstate-dir = {self.state}\n'
                          f"web.listen-address = 127.0.0.1:{free_port()}\n")
        shown = nodevigil("check-config", "--config.file", config, NODEVIGIL_NODE="from env",
                          check=0).stdout
        self.assertRegex(shown, r'interval = "20ms" +# .*nodevigil.conf:2')
        self.assertRegex(shown, r'node = "from env" +# NODEVIGIL_NODE')
        self.assertEqual(self.start("--config.file", config).returncode, 0)
        self.assertEqual(len(self.rows()), 1)
        config.write_text("interval = 10s\n\nintervall = 10s\n")
        self.refused(2, "nodevigil.conf:3: no option is called 'intervall'", "--config.file", config)
        config.write_text("interval 10s\n")
        self.refused(2, "nodevigil.conf:1: expected 'key = value'", "--config.file", config)
        self.refused(2, "missing.conf", "--config.file", self.state / "missing.conf")


if __name__ == "__main__":
    unittest.main()
