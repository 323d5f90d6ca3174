"""Labels and exports, from a journal and from Postgres: what a researcher gets."""
import csv
import io
import math
import pathlib
import resource
import statistics
import subprocess
import tempfile
import unittest

from postgres_cluster import Cluster
from support import PROGRAM, nodevigil

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
                          "--columns", "verdict", "--columns", "anomalous")
        self.assertEqual(sum(row["verdict"] != "" for row in recorded) > 100, True)
        for theirs, ours in zip(recorded, replayed, strict=True):
            self.assertEqual((theirs["ts"], theirs["score"], theirs["rank"], theirs["verdict"],
                              theirs["anomalous"]),
                             (ours["ts"], ours["score_raw"], ours["score"], ours["class"],
                              ours["anomalous"]))

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

    def test_a_full_disk_leaves_no_file_under_the_name(self):
        target = pathlib.Path(self.directory) / "full.csv"
        # A file of at most 16 KiB stands for a disk that is full.
        done = subprocess.run([PROGRAM, "export", "--state-dir", self.journal, "-o", target],
                              capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                    (16384, 16384)))
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(target.exists())


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
        self.assertIn(": 0 samples", self.label("apply").stdout)
        # What was wrong is taken back as well.
        self.label("remove", "--type", "cpu")
        self.label("add", "--type", "net", "--node", NODE, "--from", self.times[60], "--to",
                   self.times[64])
        self.assertIn(": 20 samples", self.label("apply").stdout)
        self.assertEqual(self.cluster.query(counts),
                         [["f", "", "75"], ["t", "net", "5"], ["", "", "320"]])

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
        self.label("add", "--type", "cpu", "--node", "ghost", "--from", "1h", "--to", "now")
        done = self.label("apply", check=1)
        self.assertIn("no samples of node 'ghost'", done.stderr)


if __name__ == "__main__":
    unittest.main()
