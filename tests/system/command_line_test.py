"""The command line: every subcommand's output, errors and exit codes."""
import contextlib
import csv
import gzip
import io
import json
import math
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from support import PROGRAM, environment, nodevigil, wait_until

COMMANDS = ("agent", "sample", "schema", "replay", "doctor", "check-config", "version",
            "import-prometheus")


class HelpTest(unittest.TestCase):
    def test_help_names_commands_options_and_exit_codes(self):
        top = nodevigil("--help", check=0).stdout
        for command in COMMANDS:
            self.assertIn(command, top)
            self.assertIn("Usage:", nodevigil(command, "--help", check=0).stdout)
        self.assertIn("Exit codes", top)
        agent = nodevigil("agent", "--help", check=0).stdout
        for option in ("--interval", "--web.listen-address", "--path.procfs", "--state-dir"):
            self.assertIn(option, agent)

    def test_help_tells_what_may_be_repeated_and_what_actions_do(self):
        agent = nodevigil("agent", "--help", check=0).stdout
        self.assertIn("Usage: nodevigil agent", agent)
        self.assertRegex(agent, r"--interval DURATION +Time")
        self.assertIn("Usage: nodevigil train [OPTIONS] [FILE...]\n", nodevigil("train", "--help", check=0).stdout)
        self.assertIn("Usage: nodevigil replay [OPTIONS] [FILE]\n", nodevigil("replay", "--help", check=0).stdout)
        self.assertRegex(agent, r"--path\.filesystem DIR \.\.\. +A directory")
        said = " ".join(nodevigil("db", "--help", check=0).stdout.split())
        self.assertIn("grant-agent: let --login add rows; grant-labeler: let --login label them", said)
        self.assertIn("--interval: expected once, given 2 times",
                      nodevigil("agent", "--interval", "1s", "--interval", "2s", check=2).stderr)

    def test_without_a_command_it_lists_them(self):
        said = nodevigil(check=2).stderr
        for command in COMMANDS:
            self.assertIn(command, said)

    def test_help_tells_where_only_the_flag_counts(self):
        for command, option in (("label", "--node NAME"), ("train", "--class NAME=TYPE,..."),
                                ("import-prometheus", "--match SELECTOR")):
            said = " ".join(nodevigil(command, "--help", check=0).stdout.split())
            own = said.partition(f" {option} ")[2].partition(" --")[0]
            self.assertIn("Only the flag counts.", own)
        self.assertNotIn("Only the flag counts.", nodevigil("agent", "--help", check=0).stdout)

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in ((), ("frobnicate",), ("sample", "--no-such"), ("replay",),
                          ("replay", "--verify", "x.csv"), ("schema", "--format", "xml"),
                          ("replay", "rows.csv", "-")):
            with self.subTest(arguments):
                self.assertNotEqual(nodevigil(*arguments, check=2).stderr, "")
        for arguments in (("sample", "--no-such"), ("replay", "--no-such", "1", "rows.csv"),
                          ("replay", "rows.csv", "--no-such", "1")):
            with self.subTest(arguments):
                self.assertEqual(nodevigil(*arguments, check=2).stderr,
                                 "nodevigil: --no-such: no such option; see nodevigil COMMAND --help\n")


class TableTest(unittest.TestCase):
    def test_schema_forms_agree(self):
        rows = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        self.assertEqual(len(rows), 24)
        header = nodevigil("schema", "--format", "csv", check=0).stdout.strip().split(",")
        self.assertEqual(header, ["ts", "node", *(row["name"] for row in rows), "attack",
                                  "attack_type"])
        markdown = nodevigil("schema", check=0).stdout
        sql = nodevigil("schema", "--format", "sql", check=0).stdout
        for row in rows:
            self.assertIn(f"| {row['name']} | {row['kind']} | {row['unit']} |", markdown)
            self.assertIn(f"  {row['name']} double precision,", sql)

    def test_version_as_text_and_json(self):
        info = json.loads(nodevigil("version", "--json", check=0).stdout)
        text = nodevigil("version", check=0).stdout
        self.assertIn(info["version"], text)
        self.assertIn(info["model"]["hash"], text)

    def test_sample_prints_all_24(self):
        values = json.loads(nodevigil("sample", "--json", check=0).stdout)["values"]
        self.assertEqual(len(values), 24)
        text = nodevigil("sample", "--records", "2", "--interval", "50ms", check=0).stdout
        self.assertEqual(text.count("load1 "), 2)
        self.assertRegex(text, r"intr +\d+ interrupts +[\d.e+]+/s")


class CheckConfigTest(unittest.TestCase):
    def line(self, option, *arguments, **env):
        shown = nodevigil("check-config", *arguments, check=0, **env).stdout
        return next(line for line in shown.splitlines() if line.startswith(option + " = "))

    def test_shows_what_stands_in_for_what_is_empty(self):
        self.assertRegex(self.line("node"), f'node = "{socket.gethostname()}" +# default: ')
        self.assertRegex(self.line("node", "--node", ""), f'"{socket.gethostname()}" +# --node: ')
        self.assertRegex(self.line("node", "--node", "a"), '"a" +# --node$')
        self.assertRegex(self.line("state-dir", XDG_STATE_HOME="/x"),
                         'state-dir = "/x/nodevigil" +# default: ')
        self.assertRegex(self.line("model"), 'model = "" +# default: the one compiled in')

    def test_refuses_the_addresses_that_the_agent_refuses(self):
        for command in "agent", "check-config":
            refused = nodevigil(command, "--web.listen-address", "9914", check=2).stderr
            self.assertIn("--web.listen-address: ", refused)
            self.assertIn("got '9914'", refused)

    def test_refuses_variables_that_are_no_settings(self):
        refused = nodevigil("check-config", NODEVIGIL_INTERVALL="1s", check=2).stderr
        self.assertIn("NODEVIGIL_INTERVALL is no setting; the nearest is NODEVIGIL_INTERVAL\n",
                      refused)

    def test_takes_no_notice_of_what_kubernetes_sets_for_a_service(self):
        service = {"NODEVIGIL_SERVICE_HOST": "10.0.0.1", "NODEVIGIL_SERVICE_PORT_METRICS": "9910",
                   "NODEVIGIL_PORT": "tcp://10.0.0.1:9910",
                   "NODEVIGIL_PORT_9910_TCP_ADDR": "10.0.0.1"}
        self.assertEqual(nodevigil("check-config", check=0, **service).stdout,
                         nodevigil("check-config", check=0).stdout)


class LabelTest(unittest.TestCase):
    def test_the_variable_that_names_the_agents_node_chooses_no_windows(self):
        with tempfile.TemporaryDirectory() as state:
            def label(*arguments, check=0):
                return nodevigil("label", *arguments, "--state-dir", state, check=check, NODEVIGIL_NODE="other")

            label("add", "--type", "cpu", "--from", "100", "--to", "200", "--node", "other")
            label("add", "--type", "cpu", "--from", "300", "--to", "400")
            listed = label("list", "--format", "json").stdout
            self.assertIn("NODEVIGIL_NODE: is not looked at, only the flag counts here", label("list").stderr)
            self.assertEqual({window["node"] for window in json.loads(listed)}, {"other", socket.gethostname()})
            self.assertIn("needs at least one of --id, --node", label("remove", check=2).stderr)
            self.assertEqual(label("list", "--format", "json").stdout, listed)
            label("remove", "--node", "other")
            left = json.loads(label("list", "--format", "json").stdout)
            self.assertEqual([window["node"] for window in left], [socket.gethostname()])


class DoctorTest(unittest.TestCase):
    def test_gives_advice_for_a_port_once(self):
        with tempfile.TemporaryDirectory() as state, socket.create_server(("127.0.0.1", 0)) as taken:
            result = nodevigil("doctor", "--state-dir", state, "--web.listen-address",
                               f"127.0.0.1:{taken.getsockname()[1]}", check=0)
        self.assertIn("in use", result.stdout)
        self.assertEqual(result.stdout.count("--web.listen-address"), 1, result.stdout)

    def test_a_readable_node_is_healthy(self):
        with tempfile.TemporaryDirectory() as state:
            findings = json.loads(nodevigil("doctor", "--json", "--state-dir", state,
                                            "--web.listen-address", "127.0.0.1:0", check=0).stdout)
        self.assertEqual({finding["status"] for finding in findings}, {"ok"}, findings)
        self.assertIn("source net/tcp", [finding["check"] for finding in findings])

    def test_what_is_missing_comes_with_its_remedy(self):
        with tempfile.TemporaryDirectory() as empty:
            result = nodevigil("doctor", "--json", "--path.procfs", empty, "--path.filesystem",
                               "/no/such/dir", "--state-dir", "/dev/null/x",
                               "--web.listen-address", "127.0.0.1:0", check=1)
        failed = {f["check"]: f for f in json.loads(result.stdout) if f["status"] == "FAIL"}
        self.assertIn("--path.procfs", failed["source net/dev"]["fix"])
        self.assertIn("--path.filesystem", failed["source statvfs"]["fix"])
        self.assertIn("--state-dir", failed["state directory"]["fix"])


def recording(rows=3000, seed=1, fault=range(2000, 2060)):
    """Rows of a quiet machine whose columns all rise in `fault`."""
    random.seed(seed)
    for i in range(rows):
        values = [math.sin(i / 200) + random.gauss(0, 0.1) + k for k in range(6)]
        if i in fault:
            values = [value + 5 for value in values]
        yield 1_700_000_000 + 60 * i, values


def as_csv(rows, header=("ts", "a", "b", "c", "d", "e", "f")):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for ts, values in rows:
        writer.writerow([ts, *(f"{value:.6f}" for value in values)])
    return out.getvalue()


class ReplayTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def write(self, text, name="rows.csv"):
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def replay(self, path, *options):
        return list(csv.DictReader(io.StringIO(
            nodevigil("replay", path, *options, check=0).stdout)))

    def test_a_fault_is_flagged_and_ranks_highest(self):
        rows = self.replay(self.write(as_csv(recording())))
        self.assertEqual(len(rows), 3000)
        self.assertEqual(list(rows[0])[:2], ["ts", "score"])
        self.assertEqual(rows[0]["score"], "", "a score in warm-up")
        flagged = [i for i, row in enumerate(rows) if row["anomalous"] == "1"]
        self.assertIn(2000, flagged)
        self.assertTrue(set(range(2001, 2060)) <= set(flagged))
        top = max(range(3000), key=lambda i: float(rows[i]["score"] or 0))
        self.assertIn(top, range(2000, 2060))

    def test_forms_of_the_same_data_give_the_same_scores(self):
        text = as_csv(recording(500))
        plain = self.replay(self.write(text))
        zipped = self.replay(self.write(gzip.compress(text.encode()), "rows.csv.gz"))
        crlf = self.replay(self.write(text.replace("\n", "\r\n"), "crlf.csv"))
        iso = self.replay(self.write(as_csv(
            (f"2023-11-14T{22 + (s := 60 * i + 800) // 3600:02}:{s // 60 % 60:02}:{s % 60:02}Z", v)
            for i, (_, v) in enumerate(recording(60))), "iso.csv"))
        piped = subprocess.run([PROGRAM, "replay", "-"], input=text, text=True,
                               capture_output=True, check=True).stdout
        self.assertEqual(plain, zipped)
        self.assertEqual(plain, crlf)
        self.assertEqual(plain, list(csv.DictReader(io.StringIO(piped))))
        self.assertEqual([r["score"] for r in plain[:60]], [r["score"] for r in iso])

    def test_labels_are_not_looked_at_and_nodes_are_kept_apart(self):
        base = list(recording(400))
        labelled = as_csv([(ts, [*v]) for ts, v in base]).splitlines()
        labelled = "\n".join([labelled[0] + ",attack,attack_type",
                              *(line + ",1,cpu" for line in labelled[1:])]) + "\n"
        alone = self.replay(self.write(as_csv(base)))
        self.assertEqual(alone, self.replay(self.write(labelled, "labelled.csv")))
        header, *lines = as_csv(base).splitlines()
        both = "\n".join([header + ",node", *(f"{line},{node}" for line in lines
                                             for node in ("north", 'so,"uth'.replace('"', "")))])
        both = both.replace(",so,uth", ',"so,uth"')
        rows = self.replay(self.write(both + "\n", "nodes.csv"))
        for node in ("north", "so,uth"):
            mine = [row["score"] for row in rows if row["node"] == node]
            self.assertEqual(mine, [row["score"] for row in alone])

    def test_errors_name_file_line_and_column(self):
        good = as_csv(recording(5))
        lines = good.splitlines()
        cases = {
            "time.csv": (good.replace("ts,", "time,"), "time.csv:1: expected a column 'ts'"),
            "empty.csv": ("", "empty.csv: is empty"),
            "number.csv": (good.replace(lines[3].split(",")[2], "abc"),
                           "number.csv:4: column 'b': expected a number or nothing, got 'abc'"),
            "ts.csv": (good.replace(lines[2].split(",")[0], "yesterday"),
                       "ts.csv:3: column 'ts': 'yesterday' is not a time"),
            "short.csv": (good + "1,2\n", "short.csv:7: expected 7 fields as in the header, got 2"),
            "alone.csv": ("ts\n1\n", "alone.csv: expected at least one column of numbers"),
        }
        for name, (text, message) in cases.items():
            with self.subTest(name):
                result = nodevigil("replay", self.write(text, name), check=1)
                self.assertIn(message, result.stderr)
        self.assertIn("/no/such.csv", nodevigil("replay", "/no/such.csv", check=1).stderr)
        full = nodevigil("replay", self.write(as_csv(recording(3000))), "-o", "/dev/full", check=1)
        self.assertIn("/dev/full", full.stderr)

    def test_a_file_has_its_name_once_it_is_whole(self):
        good = self.write(as_csv(recording(500)))
        bad = self.write(as_csv(recording(500)) + "1,2\n", "bad.csv")
        out = self.directory / "scores.csv"
        nodevigil("replay", bad, "-o", out, check=1)
        self.assertEqual(sorted(p.name for p in self.directory.iterdir()), ["bad.csv", "rows.csv"])
        nodevigil("replay", good, "-o", out, check=0)
        whole = out.read_text()
        self.assertEqual(whole.count("\n"), 501)
        nodevigil("replay", bad, "-o", out, check=1)
        self.assertEqual(out.read_text(), whole, "a failure took what was there before")
        link = self.directory / "link.csv"
        link.symlink_to(out)
        out.write_text("old")
        nodevigil("replay", good, "-o", link, check=0)
        self.assertTrue(link.is_symlink())
        self.assertEqual(out.read_text(), whole)
        missing = nodevigil("replay", good, "-o", self.directory / "no/scores.csv", check=1)
        self.assertIn("no/scores.csv: cannot open for writing: No such file", missing.stderr)


class OutputFileTest(unittest.TestCase):
    """`-o FILE` where FILE cannot simply be replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        self.out = self.directory / "out"
        self.table = nodevigil("schema", check=0).stdout

    def names(self):
        return sorted(path.name for path in self.directory.iterdir())

    def run_as_user(self, *command):
        """Without the rights that root has in every directory."""
        options = {}
        if os.geteuid() == 0:
            options = {"user": 65534, "group": 65534, "extra_groups": []}
        return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120,
                              env=environment(), cwd="/", **options)

    def program_for_all(self):
        """The program, where every user may run it."""
        elsewhere = tempfile.TemporaryDirectory()
        self.addCleanup(elsewhere.cleanup)
        pathlib.Path(elsewhere.name).chmod(0o755)
        program = pathlib.Path(elsewhere.name) / "nodevigil"
        shutil.copy(PROGRAM, program)
        program.chmod(0o755)
        return program

    def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(self):
        usual = self.directory / "usual"
        usual.touch()
        nodevigil("schema", "-o", self.out, check=0)
        self.assertEqual(self.out.stat().st_mode, usual.stat().st_mode)
        for mode in 0o600, 0o664, 0o444:
            self.out.write_text("old")
            self.out.chmod(mode)
            nodevigil("schema", "-o", self.out, check=0)
            self.assertEqual(self.out.read_text(), self.table)
            self.assertEqual(self.out.stat().st_mode & 0o7777, mode)
            self.out.chmod(0o600)

    def test_a_dash_is_standard_output(self):
        rows = self.directory / "rows"
        rows.write_text(as_csv(recording(60)))
        for arguments in ("schema",), ("replay", rows):
            shown = subprocess.run([os.path.abspath(PROGRAM), *arguments, "-o", "-"], capture_output=True,
                                   text=True, timeout=120, env=environment(), cwd=self.directory)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertEqual(shown.stdout, nodevigil(*arguments, check=0).stdout)
            self.assertEqual(self.names(), ["rows"])
        self.assertIn("output: expected a file", nodevigil("import-prometheus", "-o", "-", check=2).stderr)

    def test_nobody_elses_part_file_is_touched(self):
        part = self.directory / "out.part"
        part.write_text("mine")
        # exec keeps the process id, so this is the very name that would be taken.
        result = subprocess.run(["sh", "-c", 'echo mine > "$1.$$.part"; exec "$0" schema -o "$1"',
                                 PROGRAM, self.out], env=environment(), check=True, timeout=120)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(self.out.read_text(), self.table)
        self.assertEqual(part.read_text(), "mine")
        self.assertEqual([path.read_text() for path in self.directory.glob("out.*.part")], ["mine\n"])
        self.assertEqual(len(self.names()), 3)

    def test_nothing_is_left_of_a_command_that_is_killed(self):
        rows = self.directory / "rows"
        os.mkfifo(rows)
        before = self.names()

        def writes(process):
            with contextlib.suppress(OSError):  # a descriptor that was closed meanwhile
                open_files = [os.readlink(each) for each in
                              pathlib.Path(f"/proc/{process.pid}/fd").iterdir()]
                return any(each.startswith(str(self.directory)) and each != str(rows)
                           for each in open_files)
            return False

        for number in signal.SIGINT, signal.SIGKILL:
            # Opened for both, so that neither side waits for the other.
            with open(os.open(rows, os.O_RDWR), "w") as writer:
                process = subprocess.Popen([PROGRAM, "replay", rows, "-o", self.out], env=environment())
                self.addCleanup(process.wait)
                writer.write("ts,a\n" + "".join(f"{i},1\n" for i in range(200)))
                writer.flush()
                wait_until(lambda: writes(process), what="a file to write to")
                process.send_signal(number)
                self.assertNotEqual(process.wait(30), 0)
            self.assertEqual(self.names(), before)

    def test_a_link_to_nothing_stays_a_link(self):
        (self.directory / "there").mkdir()
        self.out.symlink_to("there/missing")
        again = self.directory / "again"
        again.symlink_to(self.out)
        nodevigil("schema", "-o", again, check=0)
        self.assertTrue(again.is_symlink())
        self.assertTrue(self.out.is_symlink())
        self.assertEqual((self.directory / "there/missing").read_text(), self.table)
        self.out.unlink()
        self.out.symlink_to(again)
        self.assertIn("Too many levels", nodevigil("schema", "-o", again, check=1).stderr)

    def test_a_file_in_a_directory_that_cannot_be_written_is_written_in_place(self):
        program = self.program_for_all()
        self.out.write_text("old " * 10_000)
        self.out.chmod(0o666)
        self.directory.chmod(0o555)
        self.addCleanup(self.directory.chmod, 0o755)
        inode = self.out.stat().st_ino
        result = self.run_as_user(program, "schema", "-o", self.out)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.out.read_text(), self.table)
        self.assertEqual(self.out.stat().st_ino, inode)
        refused = self.run_as_user(program, "schema", "-o", self.directory / "new")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("new: cannot open for writing: Permission denied", refused.stderr)
        self.assertEqual(self.names(), ["out"])

    def test_another_users_file_in_a_sticky_directory_is_written(self):
        if os.geteuid() != 0:
            self.skipTest("only root has another user's file at hand")
        program = self.program_for_all()
        self.directory.chmod(0o1777)
        self.out.write_text("old " * 10_000)
        self.out.chmod(0o666)
        result = self.run_as_user(program, "schema", "-o", self.out)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.out.read_text(), self.table)
        self.assertEqual(self.names(), ["out"])

    def test_a_file_that_is_a_mount_gets_the_content(self):
        mount = ["unshare", "--map-root-user", "--mount", "sh", "-c",
                 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
        source = self.directory / "source"
        source.write_text("old " * 10_000)
        self.out.touch()
        tried = subprocess.run([*mount, source, self.out, "true"], capture_output=True, text=True,
                               timeout=60)
        if tried.returncode != 0:
            self.skipTest(f"nothing can be mounted here: {tried.stderr.strip()}")
        bad = self.directory / "bad.csv"
        bad.write_text("ts,a\n1,2\n1,2,3\n")
        failed = subprocess.run([*mount, source, self.out, PROGRAM, "replay", bad, "-o", self.out],
                                env=environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertEqual(source.read_text(), "old " * 10_000, "a failure took what was there")
        written = subprocess.run([*mount, source, self.out, PROGRAM, "schema", "-o", self.out],
                                 env=environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual((written.returncode, written.stderr), (0, ""))
        self.assertEqual(source.read_text(), self.table)
        self.assertEqual(self.names(), ["bad.csv", "out", "source"])


if __name__ == "__main__":
    unittest.main()
