"""Labels and exports, from a journal and from Postgres: what a researcher gets."""
import contextlib
import csv
import io
import math
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import unittest

from postgres_cluster import Cluster
from support import PROGRAM, environment, nodevigil

NODE = "knoten-ä, 'eins'"
SCORING = ("--interval", "20ms", "--scoring.fast-horizon", "10s")


def record(state, records, *more, node=NODE):
    nodevigil("agent", *SCORING, "--records", records, "--node", node, "--state-dir", state,
              "--web.listen-address", "127.0.0.1:0", "--journal.flush-interval", "0s", *more, check=0)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def export(*arguments):
    return rows_of(nodevigil("export", *arguments, check=0).stdout)


class JournalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.journal = pathlib.Path(cls.directory) / "state"
        record(cls.journal, 300)

    def setUp(self):
        nodevigil("label", "remove", "--from", "0", "--to", "4000000000", "--state-dir", self.journal,
                  check=0)
        self.rows = export("--state-dir", self.journal)
        self.times = [row["ts"] for row in self.rows]

    def label(self, *arguments, check=0):
        return nodevigil("label", *arguments, "--state-dir", self.journal, check=check)

    def labels(self, *arguments):
        return [(row["attack"], row["attack_type"])
                for row in export("--state-dir", self.journal, *arguments)]

    def test_a_data_set_has_every_row_with_its_node_and_label(self):
        self.assertEqual(len(self.rows), 300)
        self.assertEqual({row["node"] for row in self.rows}, {NODE})
        header = nodevigil("schema", "--format", "csv", check=0).stdout.strip().split(",")
        self.assertEqual(list(self.rows[0]), header)
        self.assertEqual(set(self.labels()), {("", "")})

    def test_windows_label_what_is_in_them_ends_included(self):
        self.label("add", "--type", "cpu", "--from", self.times[100], "--to", self.times[120])
        self.label("add", "--type", "net", "--from", self.times[120], "--to", self.times[130])
        self.label("add", "--type", "normal", "--from", self.times[50], "--to", self.times[200])
        expected = [("", "")] * 50 + [("0", "")] * 50 + [("1", "cpu")] * 20 + [("1", "cpu+net")] + \
            [("1", "net")] * 10 + [("0", "")] * 70 + [("", "")] * 99
        self.assertEqual(self.labels(), expected)
        self.label("remove", "--type", "cpu")
        self.assertEqual(self.labels()[100:122], [("0", "")] * 20 + [("1", "net")] * 2)

    def test_windows_survive_a_round_trip_through_csv(self):
        self.label("add", "--type", "a,\"b\"", "--from", self.times[3], "--to", self.times[5],
                   "--details", '{"of": "ü"}')
        table = self.label("list", "--format", "csv").stdout
        file = pathlib.Path(self.directory) / "windows.csv"
        file.write_text(table)
        self.assertIn("0 windows added, 1 were", self.label("import", file).stdout)
        self.label("remove", "--node", NODE)
        self.assertIn("1 windows added", self.label("import", file).stdout)
        self.assertEqual([line.rsplit(",", 1)[0] for line in
                          self.label("list", "--format", "csv").stdout.splitlines()],
                         [line.rsplit(",", 1)[0] for line in table.splitlines()])
        # The same from the file alone, without the journal's own windows.
        self.label("remove", "--node", NODE)
        self.assertEqual(self.labels("--labels", file)[2:7],
                         [("", "")] + [("1", 'a,"b"')] * 3 + [("", "")])

    def test_a_replay_of_an_exact_export_repeats_every_verdict(self):
        file = pathlib.Path(self.directory) / "exact.csv"
        nodevigil("export", "--exact", "--state-dir", self.journal, "-o", file, check=0)
        replayed = rows_of(nodevigil("replay", file, *SCORING, check=0).stdout)
        recorded = export("--state-dir", self.journal, "--columns", "score", "--columns", "rank",
                          "--columns", "suspicion", "--columns", "threshold_suspicion",
                          "--columns", "verdict", "--columns", "anomalous")
        self.assertEqual(sum(row["verdict"] != "" for row in recorded) > 100, True)
        for theirs, ours in zip(recorded, replayed, strict=True):
            self.assertEqual((theirs["ts"], theirs["score"], theirs["rank"], theirs["suspicion"],
                              theirs["threshold_suspicion"], theirs["verdict"], theirs["anomalous"]),
                             (ours["ts"], ours["score_raw"], ours["score"], ours["suspicion"],
                              ours["threshold_suspicion"], ours["class"], ours["anomalous"]))

    def test_the_suspicion_is_exported_with_what_it_is_of(self):
        columns = ("suspicion", "threshold_suspicion", "suspect", "suspected")
        rows = export("--state-dir", self.journal,
                      *(word for column in columns for word in ("--columns", column)))
        self.assertEqual(tuple(rows[0])[2:6], columns)
        with contextlib.closing(sqlite3.connect(self.journal / "journal.db")) as journal:
            stored = journal.execute(f"SELECT {', '.join(columns)} FROM samples ORDER BY seq").fetchall()
        self.assertEqual([(*(float(row[name]) if row[name] else None for name in columns[:2]),
                           row["suspect"], int(row["suspected"])) for row in rows], stored)
        self.assertGreater(sum(row["suspicion"] != "" and row["suspect"] != "" for row in rows), 100)

    def test_equal_rows_are_equal_bytes_and_spans_of_time_are_parts_of_them(self):
        whole = nodevigil("export", "--state-dir", self.journal, check=0).stdout
        self.assertEqual(whole, nodevigil("export", "--state-dir", self.journal, check=0).stdout)
        part = nodevigil("export", "--state-dir", self.journal, "--from", self.times[10], "--to",
                         self.times[12], check=0).stdout
        self.assertEqual(part.splitlines()[1:], whole.splitlines()[11:14])

    def test_rates_and_z_over_the_table(self):
        rates = [float(row["forks_total"] or "nan") for row in
                 export("--state-dir", self.journal, "--values", "rates")]
        self.assertTrue(math.isnan(rates[0]))
        raw = [(float(row["forks_total"]), int(row["elapsed_ns"] or 0)) for row in
               export("--state-dir", self.journal, "--exact")]
        for i in range(1, 300):
            self.assertAlmostEqual(rates[i], (raw[i][0] - raw[i - 1][0]) / (raw[i][1] / 1e9), 6)
        known = rates[1:]
        mean, deviation = statistics.fmean(known), statistics.pstdev(known)
        for row, rate in zip(export("--state-dir", self.journal, "--values", "table-z")[1:], known):
            self.assertAlmostEqual(float(row["forks_total"]),
                                   (rate - mean) / deviation if deviation else 0, 6)

    def test_the_published_tables(self):
        self.label("add", "--type", "Memory", "--from", self.times[10], "--to", self.times[20])
        rows = export("--state-dir", self.journal, "--format", "instances")
        self.assertEqual(list(rows[0])[:3], ["Time", "Anomaly", "Instance"])
        self.assertEqual([row["Instance"] for row in rows[9:12]],
                         ["running", "generating anomaly", "generating anomaly"])
        self.assertEqual([row["Anomaly"] for row in rows[9:12]], ["", "1", "1"])

    def test_arff_is_what_weka_expects(self):
        self.label("add", "--type", "it's", "--from", self.times[10], "--to", self.times[20])
        lines = nodevigil("export", "--state-dir", self.journal, "--format", "arff", "--columns",
                          "load1", "--columns", "score", check=0).stdout.splitlines()
        self.assertEqual(lines[:9], [
            "@relation nodevigil", "", "@attribute ts date \"yyyy-MM-dd'T'HH:mm:ss.SSS\"",
            "@attribute node string", "@attribute 'load1' numeric", "@attribute 'score' numeric",
            "@attribute attack {0,1}", "@attribute attack_type {'it\\'s'}", ""])
        self.assertEqual(len(lines), 10 + 300)
        self.assertRegex(lines[10], r"^\"20\d\d-\d\d-\d\dT[\d:.]{12}\",'knoten-ä, \\'eins\\'',[\d.]+,\?,\?,\?$")
        self.assertTrue(lines[20].endswith(",1,'it\\'s'"))

    def test_bad_input_is_told_and_leaves_nothing(self):
        for arguments, said in (
                (("export", "--node", "nobody"), "no rows of node 'nobody'; it has those of knoten"),
                (("export", "--columns", "nonsense"), "no column 'nonsense'"),
                (("export", "--from", "2h", "--to", "3h"), "--to: is before --from"),
                (("export", "--from", "1970-01-01T00:00:00Z", "--to", "1970-01-02T00:00:00Z"),
                 "no rows in this span"),
                (("export", "--labels", "/nowhere.csv"), "/nowhere.csv: cannot open"),
                (("export", "--format", "json"), "expected csv, arff or instances"),
                (("label", "add", "--type", "x", "--from", "now", "--to", "1h"), "before it begins"),
                (("label", "add", "--type", "x", "--from", "2020-02-30T00:00:00Z", "--to", "now"),
                 "--from"),
                (("label", "add", "--type", "x"), "needs --type, --from and --to"),
                (("label", "remove"), "needs at least one"),
                (("label", "apply"), "needs --postgres.url"),
                (("label", "tidy"), "expected add, import, list, remove or apply"),
                (("label", "import"), "needs the name"),
                (("label", "import", "/nowhere.csv"), "/nowhere.csv")):
            with self.subTest(arguments):
                done = nodevigil(*arguments, "--state-dir", self.journal, check=None)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn(said, done.stderr)
        self.assertEqual(self.label("list").stdout, "")

    def test_labels_in_a_directory_that_is_not_there_are_refused(self):
        mistyped = pathlib.Path(self.directory) / "mistyped"
        for arguments in (("add", "--type", "x", "--from", "1h", "--to", "now"), ("list",),
                          ("remove", "--type", "x")):
            with self.subTest(arguments):
                done = nodevigil("label", *arguments, "--state-dir", mistyped, check=1)
                self.assertIn(f"{mistyped}: is no directory", done.stderr)
                self.assertFalse(mistyped.exists())

    def test_only_adding_makes_a_file_of_labels(self):
        file = pathlib.Path(self.directory) / "mistyped.csv"
        for arguments in (("list",), ("remove", "--type", "x")):
            with self.subTest(arguments):
                done = self.label(*arguments, "--labels", file, check=1)
                self.assertIn("mistyped.csv: cannot open", done.stderr)
                self.assertEqual(list(file.parent.glob("mistyped*")), [])
        self.label("add", "--type", "x", "--node", "n", "--from", "1h", "--to", "now", "--labels", file)
        self.assertIn("1 windows removed", self.label("remove", "--type", "x", "--labels", file).stdout)

    def test_a_full_disk_is_told_and_leaves_nothing(self):
        target = pathlib.Path(self.directory) / "full.csv"
        # A file of at most 40 KiB stands for a disk that is full; SQLite needs one of 32 KiB.
        done = subprocess.run([PROGRAM, "export", "--state-dir", self.journal, "-o", target],
                              capture_output=True, text=True, timeout=60, env=environment(),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                    (40960, 40960)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("full.csv: cannot write (disk full?)", done.stderr)
        self.assertEqual(list(pathlib.Path(self.directory).glob("full*")), [])

    def test_an_export_of_nothing_leaves_what_was_there(self):
        target = pathlib.Path(self.directory) / "good.csv"
        target.write_text("good")
        done = nodevigil("export", "--state-dir", self.journal, "--from", "1970-01-01T00:00:00Z",
                         "--to", "1970-01-02T00:00:00Z", "-o", target, check=1)
        self.assertIn("no rows in this span", done.stderr)
        self.assertEqual(target.read_text(), "good")
        self.assertEqual(len(list(pathlib.Path(self.directory).glob("good*"))), 1)

    def test_the_published_table_of_windows_labels_the_only_node(self):
        """It has no column for nodes."""
        file = pathlib.Path(self.directory) / "published.csv"
        file.write_text("Timestamp_from,Timestamp_to,Anomaly type,Anomaly details\n"
                        f"{self.times[3]},{self.times[5]},Memory,Kafka\n")
        expected = [("", "")] + [("1", "Memory")] * 3 + [("", "")]
        self.assertEqual(self.labels("--labels", file)[2:7], expected)
        self.assertEqual(self.labels("--labels", file, "--node", NODE)[2:7], expected)

    def test_offsets_count_and_the_time_zone_of_the_machine_does_not(self):
        """Neither where clocks are turned: in Berlin it was never half past two on that day in March,
        and twice on that one in October."""
        file = pathlib.Path(self.directory) / "zones.csv"
        seen = []
        for zone in "UTC", "Europe/Berlin", "America/New_York":
            file.unlink(missing_ok=True)
            for begin, end in (("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
                               ("2026-03-29T02:30:00", "2026-03-29T02:45:00"),
                               ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")):
                nodevigil("label", "add", "--type", "x", "--node", "n", "--labels", file, "--from",
                          begin, "--to", end, "--state-dir", self.journal, check=0, TZ=zone)
            windows = rows_of(nodevigil("label", "list", "--format", "csv", "--labels", file,
                                        "--state-dir", self.journal, check=0, TZ=zone).stdout)
            seen.append(([(row["Timestamp_from"][:16], row["Timestamp_to"][:16]) for row in windows],
                         nodevigil("export", "--state-dir", self.journal, check=0, TZ=zone).stdout))
        self.assertEqual(seen[0][0], [("2026-03-29T00:30", "2026-03-29T01:30"),
                                      ("2026-03-29T02:30", "2026-03-29T02:45"),
                                      ("2026-10-25T00:30", "2026-10-25T01:30")])
        self.assertEqual(seen[1:], seen[:1] * 2)

    def test_the_memory_of_an_export_does_not_grow_with_it(self):
        large = pathlib.Path(self.directory) / "large"
        shutil.copytree(self.journal, large)
        with contextlib.closing(sqlite3.connect(large / "journal.db")) as database, database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(samples)")]
            values = ", ".join(f'"{name}"' for name in columns[2:])
            # 300 rows become 300,000, a second apart.
            database.execute(
                "WITH RECURSIVE times(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM times WHERE n < 999) "
                f"INSERT INTO samples SELECT seq + n * 300, ts_us + n * 300000000, {values} "
                "FROM times, samples WHERE seq <= 300")
        small_rows, small = self.peak_of_export(self.journal)
        large_rows, peak = self.peak_of_export(large)
        self.assertEqual((small_rows, large_rows), (300, 300_000))
        self.assertLess(peak, small + 8)
        self.assertLess(peak, 40)

    def peak_of_export(self, journal):
        """Rows, and MiB of memory at the most."""
        process = subprocess.Popen([PROGRAM, "export", "--state-dir", journal, "-o", "/dev/null"],
                                   stderr=subprocess.PIPE, text=True, env=environment())
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        self.assertEqual(process.returncode, 0, said)
        return int(re.search(r"(\d+) rows, ", said).group(1)), usage.ru_maxrss / 1024


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        nodevigil("db", "init", "--postgres.url", cls.cluster.url(), check=0)
        for node in (NODE, "two"):
            record(pathlib.Path(cls.directory) / ("state-" + node[:3]), 200, "--postgres.url",
                   cls.cluster.url(), node=node)
        cls.cluster.query("CREATE ROLE labels LOGIN PASSWORD 'secret'")
        cls.cluster.query("GRANT nodevigil_labeler TO labels")
        cls.password = pathlib.Path(cls.directory) / "password"
        cls.password.write_text("secret\n")
        cls.store = ("--postgres.url", cls.cluster.url(user="labels"), "--postgres.password-file",
                     cls.password)

    def setUp(self):
        self.cluster.query("DELETE FROM nodevigil.anomaly_windows")
        self.cluster.query("UPDATE nodevigil.samples SET attack = NULL, attack_type = NULL")
        self.rows = export(*self.store)
        self.times = [row["ts"] for row in self.rows if row["node"] == NODE]

    def label(self, *arguments, check=0):
        return nodevigil("label", *arguments, *self.store, check=check)

    def test_an_export_is_that_of_the_journals(self):
        ours = export("--state-dir", pathlib.Path(self.directory) / "state-kno", "--exact")
        theirs = export(*self.store, "--node", NODE, "--exact")
        self.assertEqual(ours, theirs)
        verdicts = [word for column in ("score", "suspicion", "threshold_suspicion", "suspect", "suspected")
                    for word in ("--columns", column)]
        ours = export("--state-dir", pathlib.Path(self.directory) / "state-kno", *verdicts)
        self.assertEqual(ours, export(*self.store, "--node", NODE, *verdicts))
        self.assertGreater(sum(row["suspect"] != "" for row in ours), 0)
        self.assertEqual([row["node"] for row in self.rows], [NODE] * 200 + ["two"] * 200)

    def test_labels_are_applied_and_applied_again(self):
        self.label("add", "--type", "cpu", "--node", NODE, "--from", self.times[50], "--to",
                   self.times[69])
        self.label("add", "--type", "normal", "--node", NODE, "--from", self.times[20], "--to",
                   self.times[99])
        counts = "SELECT attack, attack_type, count(*) FROM nodevigil.samples GROUP BY 1, 2 ORDER BY 1, 2"
        self.assertEqual(len(self.cluster.query(counts)), 1)
        self.assertIn(": 80 samples", self.label("apply").stdout)
        self.assertEqual(self.cluster.query(counts),
                         [["f", "", "60"], ["t", "cpu", "20"], ["", "", "320"]])
        self.assertEqual(self.label("apply").stdout.count(": 0 samples"), 2)
        # What was wrong is taken back as well.
        self.label("remove", "--type", "cpu")
        self.label("add", "--type", "net", "--node", NODE, "--from", self.times[60], "--to",
                   self.times[64])
        self.assertIn(": 20 samples", self.label("apply").stdout)
        self.assertEqual(self.cluster.query(counts),
                         [["f", "", "75"], ["t", "net", "5"], ["", "", "320"]])

    def test_what_was_labelled_by_a_window_that_is_gone_is_not_any_more(self):
        for node in NODE, "two":
            self.label("add", "--type", "cpu", "--node", node, "--from", "1h", "--to", "now")
        self.label("apply")
        labelled = "SELECT node, count(attack) FROM nodevigil.samples GROUP BY 1 ORDER BY 1"
        self.assertEqual(self.cluster.query(labelled), [[NODE, "200"], ["two", "200"]])
        self.label("remove", "--node", "two")
        self.label("apply", "--node", NODE)
        self.assertEqual(self.cluster.query(labelled), [[NODE, "200"], ["two", "200"]])
        self.label("apply")
        self.assertEqual(self.cluster.query(labelled), [[NODE, "200"], ["two", "0"]])

    def test_arff_names_the_types_of_the_rows_that_it_has(self):
        self.cluster.query("UPDATE nodevigil.samples SET attack = true, attack_type = node || '-' "
                           "|| seq % 2 WHERE seq <= 100")
        first = self.cluster.value("SELECT to_char(min(ts) AT TIME ZONE 'UTC', "
                                   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM nodevigil.samples "
                                   "WHERE node = 'two'")

        def types(*arguments):
            lines = nodevigil("export", "--format", "arff", "--columns", "load1", "--node", "two",
                              *self.store, *arguments, check=0).stdout.splitlines()
            return next(line for line in lines if line.startswith("@attribute attack_type"))
        self.assertEqual(types(), "@attribute attack_type {'two-0','two-1'}")
        self.assertEqual(types("--to", first), "@attribute attack_type {'two-1'}")

    def test_instances_are_of_one_node(self):
        done = nodevigil("export", "--format", "instances", *self.store, check=1)
        self.assertIn("--format instances: there are rows of the nodes 'knoten", done.stderr)
        self.assertIn("--node takes one", done.stderr)
        self.assertEqual(len(export("--format", "instances", "--node", "two", *self.store)), 200)

    def test_who_reads_slowly_holds_no_transaction(self):
        """It would be ended in the middle of the export."""
        process = subprocess.Popen([PROGRAM, "export", *map(str, self.store)], env=environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   bufsize=0, pipesize=4096)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.read(1)  # there is more than a pipe takes
        self.assertEqual(self.cluster.query("SELECT DISTINCT state FROM pg_stat_activity WHERE "
                                            "application_name = 'nodevigil'"), [["idle"]])

    def test_the_view_and_the_export_say_the_same(self):
        for kind, first, last in (("a", 10, 20), ("b", 15, 30), ("normal", 5, 60)):
            self.label("add", "--type", kind, "--node", NODE, "--from", self.times[first], "--to",
                       self.times[last])
        self.cluster.query("UPDATE nodevigil.samples SET attack = true, attack_type = 'own' WHERE "
                           "node = 'two' AND seq = 3")
        self.cluster.query("UPDATE nodevigil.samples SET attack = false WHERE node = 'two' AND seq = 4")
        view = self.cluster.query(
            "SELECT coalesce(label::int::text, ''), coalesce(label_type, '') FROM nodevigil.labelled "
            "ORDER BY node COLLATE \"C\", ts")
        self.assertEqual([[row["attack"], row["attack_type"]] for row in export(*self.store)], view)
        self.assertEqual(view[15:17], [["1", "a+b"]] * 2)

    def test_who_labels_may_change_nothing_else(self):
        for sql in ("DELETE FROM nodevigil.samples", "UPDATE nodevigil.samples SET score = 0",
                    "INSERT INTO nodevigil.progress VALUES ('n', 'j', 1, 1)"):
            with self.subTest(sql), self.assertRaises(PermissionError):
                self.cluster.query(sql, self.cluster.url(user="labels"))

    def test_an_unknown_node_is_told(self):
        self.label("add", "--type", "cpu", "--node", NODE, "--from", "1h", "--to", "now")
        self.label("add", "--type", "cpu", "--node", "zz-ghost", "--from", "1h", "--to", "now")
        done = self.label("apply", check=1)
        self.assertIn("no samples of node 'zz-ghost'", done.stderr)
        # Before anything is changed.
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.cluster.value("SELECT count(attack) FROM nodevigil.samples"), "0")


if __name__ == "__main__":
    unittest.main()
