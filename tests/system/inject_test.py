"""nodevigil inject: what it labels, and that nothing is left of it, however it ends."""
import contextlib
import datetime
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

from support import PROGRAM, environment, nodevigil, wait_until

US = 1_000_000
IS_ROOT = os.geteuid() == 0


def windows(state_dir):
    """The windows in a state directory, as dicts with details as a dict."""
    path = pathlib.Path(state_dir) / "windows.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        with contextlib.suppress(sqlite3.OperationalError):  # it has no table yet
            rows = [dict(row) for row in
                    db.execute("SELECT * FROM anomaly_windows ORDER BY from_us, id")]
            return [{**row, "details": json.loads(row["details"])} for row in rows]
    return []


def phases(window):
    return [each["phase"] for each in window["details"]["phases"]]


def groups(pid):
    return list(pathlib.Path("/sys/fs/cgroup").glob(f"**/nodevigil-inject-{pid}-*"))


def traffic(device, pid="self"):
    """What a network device of a process's namespace counted, as /proc/net/dev has it; nothing where there is none."""
    for line in pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == device:
            return [int(each) for each in numbers.split()]
    return None


def received(device):
    """Bytes that came in by a network device; nothing where there is none."""
    counted = traffic(device)
    return counted and counted[0]


class KernelLog:
    """What the kernel logs from now on. Its clock is not the wall's, so that a mark is written to tell one by the other."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def records(self):
        while True:
            try:
                head, _, text = os.read(self.file, 8192).decode(errors="replace").partition(";")
            except BrokenPipeError:  # some were overwritten before they were read
                continue
            except BlockingIOError:
                return
            yield int(head.split(",")[2]) / US, text  # level,number,microseconds,...

    def times_of(self, *words):
        """When lines with all these words were logged, by the wall's clock."""
        mark = f"nodevigil test {uuid.uuid4().hex}"
        os.write(self.file, f"{mark}\n".encode())  # a line without an end would wait for more
        now = time.time()
        records = list(self.records())
        marked = next(at for at, text in records if mark in text)
        return [now - (marked - at) for at, text in records if all(word in text for word in words)]

    def close(self):
        os.close(self.file)


class Injection:
    """A running `nodevigil inject` whose processes can be told by a mark in their environment."""

    def __init__(self, state_dir, *arguments, parent=()):
        self.mark = uuid.uuid4().hex
        self.state_dir = state_dir
        self.work_dir = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*parent, PROGRAM, "inject", *map(str, arguments), "--state-dir", str(state_dir),
             "--work-dir", self.work_dir.name],
            stdout=subprocess.DEVNULL, stderr=self.log, env=environment(MARK=self.mark))

    def processes(self):
        """Names by number of all that are alive, the supervisor among them."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                if (f"MARK={self.mark}".encode() in (entry / "environ").read_bytes()
                        and stat.rsplit(")", 1)[1].split()[0] != "Z"):
                    found[int(entry.name)] = stat[stat.index("(") + 1:stat.rindex(")")]
        return found

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def window(self):
        """The window of the fault, once it has begun."""
        return wait_until(lambda: windows(self.state_dir), what="the window: " + self.logged())[0]

    def wait(self):
        return self.process.wait(30)

    def assert_nothing_left(self, test):
        wait_until(lambda: not self.processes(), seconds=2, what=f"the end of {self.processes()}")
        test.assertEqual(os.listdir(self.work_dir.name), [])
        for window in windows(self.state_dir):
            test.assertEqual(groups(window["details"]["pid"]), [])
            device = window["details"].get("network")
            test.assertIsNone(received(device), device)

    def close(self):
        for pid in self.processes():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        self.work_dir.cleanup()


class InjectCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = directory.name

    def inject(self, *arguments, **options):
        injection = Injection(self.state, *arguments, **options)
        self.addCleanup(injection.close)
        return injection

    def memory_group(self, limit):
        """A memory cgroup with a limit, as a container has one."""
        root = pathlib.Path("/sys/fs/cgroup")
        first = (root / "memory").is_dir()
        group = root / ("memory" if first else "") / f"nodevigil-test-{os.getpid()}"
        try:
            if not first:
                (root / "cgroup.subtree_control").write_text("+memory")
            group.mkdir()
            self.addCleanup(group.rmdir)
            (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(limit))
        except OSError as error:
            self.skipTest(f"no memory cgroup can be made here: {error}")
        return group

    def only_window(self):
        found = windows(self.state)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def assert_length(self, window, seconds, within=0.5):
        self.assertAlmostEqual((window["to_us"] - window["from_us"]) / US, seconds, delta=within)

    def assert_closed_now(self, end):
        """The window was closed within a second, with an end that is now."""
        window = wait_until(
            lambda: next((each for each in windows(self.state) if "end" in each["details"]), None),
            seconds=1, what="the end of the window")
        self.assertEqual(window["details"]["end"], end)
        self.assertNotIn("open", window["details"])
        self.assertEqual(phases(window)[-1], "ended")
        self.assertLess(abs(window["to_us"] / US - time.time()), 1.5)
        return window


class ScenariosTest(InjectCase):
    def run_one(self, scenario, *arguments, duration="2s"):
        injection = self.inject(scenario, "--duration", duration, *arguments)
        self.assertEqual(injection.wait(), 0, injection.logged())
        injection.assert_nothing_left(self)
        return self.only_window()

    def test_each_ends_at_its_time_and_is_labelled(self):
        for scenario in json.loads(nodevigil("inject", "--list", "--json").stdout)["scenarios"]:
            name = scenario["name"]
            if name == "memory":
                continue
            with self.subTest(name), tempfile.TemporaryDirectory() as self.state:
                # Gentle: whether it moves what it claims is not the question here.
                least = scenario["intensity"]["least"]
                window = self.run_one(name, "--intensity", least, "--node", "n1")
                self.assertEqual((window["type"], window["node"]), (name, "n1"))
                self.assertEqual(window["details"]["end"], "time limit")
                self.assertEqual(phases(window), ["waiting", "starting", "running", "ended"])
                self.assert_length(window, 2)

    def test_memory_ends_when_it_is_killed(self):
        window = self.run_one("memory", "--intensity", "3", duration="4s")
        self.assertIn(window["details"]["end"],
                      ["killed by the kernel (OOM)", "killed at its bound"])
        self.assertEqual(phases(window),
                         ["waiting", "starting", "running", "generating anomaly", "ended"])
        self.assert_length(window, 3.5)
        self.assertLess(window["to_us"] - window["from_us"], 4 * US)

    @unittest.skipUnless(IS_ROOT, "writes a mark to the kernel's log")
    def test_memory_ends_when_the_kernel_says_that_it_killed_it(self):
        try:
            log = KernelLog()
        except OSError as error:
            self.skipTest(f"the kernel's log cannot be read here: {error}")
        self.addCleanup(log.close)
        window = self.run_one("memory", "--intensity", "3", duration="4s")
        if window["details"]["memory_limit_by"] != "cgroup":
            self.skipTest("no memory cgroup can be made here")
        self.assertEqual(window["details"]["end"], "killed by the kernel (OOM)")
        kills = log.times_of("Killed process", "(nv-memory)")
        if not kills:
            self.skipTest("the kernel does not log here whom it kills")
        self.assertEqual(len(kills), 1, kills)
        self.assertAlmostEqual(window["to_us"] / US, kills[0], delta=1)

    def test_memory_that_is_killed_beside_another_fault_is_a_phase(self):
        window = self.run_one("cpu+memory", "--intensity", "5+3", duration="4s")
        self.assertEqual(window["details"]["end"], "time limit")
        *_, killed, ended = window["details"]["phases"]
        self.assertRegex(killed["phase"], r"^memory ended: killed (by the kernel \(OOM\)|at its bound)$")
        self.assertEqual(ended["phase"], "ended")
        at = datetime.datetime.fromisoformat(killed["at"].replace("Z", "+00:00")).timestamp()
        self.assertAlmostEqual(at - window["from_us"] / US, 3.5, delta=0.5)

    @unittest.skipUnless(IS_ROOT, "makes a cgroup, and changes the user")
    def test_memory_in_a_container_ends_below_its_limit(self):
        mib = 1 << 20
        os.chmod(self.state, 0o777)
        group = self.memory_group(300 * mib)
        # As in a container: a limit from above, and no right to make groups.
        injection = Injection(self.state, "memory", "--duration", "4s", parent=[
            "sh", "-c", f'echo $$ >{group}/cgroup.procs && exec setpriv --reuid=65534 --regid=65534 '
            '--clear-groups -- "$@"', "sh"])
        self.addCleanup(injection.close)
        os.chmod(injection.work_dir.name, 0o777)
        self.assertEqual(injection.wait(), 0, injection.logged())
        injection.assert_nothing_left(self)
        counts = (group / "memory.oom_control", group / "memory.events")
        counted = next(path.read_text() for path in counts if path.exists())
        window = self.only_window()
        self.assertEqual(window["details"]["end"], "killed at its bound")
        self.assertEqual(window["details"]["memory_limit_by"], "address space")
        self.assertGreater(window["details"]["memory_limit"], 200 * mib)
        self.assertLessEqual(window["details"]["memory_limit"], (300 - 32) * mib)
        self.assert_length(window, 3.6)
        self.assertRegex(counted, r"(?m)^oom_kill 0$")

    def test_a_ramp_is_a_phase(self):
        window = self.run_one("cpu", "--ramp", "1s")
        self.assertEqual(phases(window), ["waiting", "starting", "ramp", "running", "ended"])

    def test_two_at_once_are_one_window(self):
        window = self.run_one("cpu+disk-write", "--intensity", "20+5")
        self.assertEqual(window["type"], "cpu+disk-write")
        self.assertEqual([part["intensity"] for part in window["details"]["parts"]], [20, 5])

    def test_without_an_agent_the_default_directory_is_made_and_that_is_said(self):
        done = nodevigil("inject", "cpu", "--duration", "1s", "--intensity", 5, check=0, XDG_STATE_HOME=self.state)
        self.assertIn("/nodevigil: no agent has written there", done.stderr)
        self.assertEqual([each["type"] for each in windows(pathlib.Path(self.state) / "nodevigil")], ["cpu"])

    def test_repetitions_have_gaps_and_windows_of_their_own(self):
        injection = self.inject("cpu", "--duration", "1s", "--repeat", 3, "--gap-min", "500ms",
                                "--gap-max", "1s", "--intensity", 5)
        self.assertEqual(injection.wait(), 0, injection.logged())
        found = windows(self.state)
        self.assertEqual([each["details"]["repetition"] for each in found], [1, 2, 3])
        for one, next_one in zip(found, found[1:]):
            self.assertGreaterEqual(next_one["from_us"] - one["to_us"], 450_000)
            self.assertLess(next_one["from_us"] - one["to_us"], 1_300_000)

    @unittest.skipUnless(IS_ROOT, "needs privileges")
    def test_a_link_of_its_own_carries_the_traffic(self):
        injection = self.inject("net-flood", "--duration", "3s", "--intensity", 10)
        device = injection.window()["details"]["network"]
        wait_until(lambda: received(device) > 1_000_000, seconds=3, what="traffic on " + device)
        self.assertEqual(injection.wait(), 0, injection.logged())
        injection.assert_nothing_left(self)

    @unittest.skipUnless(IS_ROOT, "needs privileges")
    def test_several_at_once_have_links_of_their_own(self):
        injections = [self.inject("port-scan", "--duration", "3s", "--intensity", 20)
                      for _ in range(4)]
        for injection in injections:
            self.assertEqual(injection.wait(), 0, injection.logged())
        devices = {each["details"]["network"] for each in windows(self.state)}
        self.assertEqual(len(devices), 4, devices)
        self.assertNotIn("loopback", devices)
        injections[-1].assert_nothing_left(self)

    def test_the_end_of_the_network_peer_ends_a_fault_and_the_next_one_gets_another(self):
        injection = self.inject("connection-flood", "--duration", "4s", "--repeat", 2,
                                "--gap-min", "100ms", "--gap-max", "100ms", "--intensity", 20)
        injection.window()
        [peer] = (pid for pid, name in injection.processes().items() if name == "nv-peer")
        os.kill(peer, signal.SIGKILL)
        self.assertEqual(injection.wait(), 1, injection.logged())
        first, second = windows(self.state)
        self.assertEqual(first["details"]["end"], "the network peer ended")
        self.assertLess(first["to_us"] - first["from_us"], 3 * US)
        self.assertEqual(second["details"]["end"], "time limit")
        self.assertIn("another one is started", injection.logged())
        injection.assert_nothing_left(self)

    @unittest.skipUnless(IS_ROOT, "changes the user")
    def test_without_privileges_it_stays_within_loopback_and_says_so(self):
        os.chmod(self.state, 0o777)
        injection = Injection(self.state, "port-scan", "--duration", "1s", "--intensity", 20,
                              parent=["setpriv", "--reuid=65534", "--regid=65534",
                                      "--clear-groups", "--"])
        self.addCleanup(injection.close)
        os.chmod(injection.work_dir.name, 0o777)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertIn("stay within loopback", injection.logged())
        self.assertEqual(self.only_window()["details"]["network"], "loopback")


@unittest.skipUnless(IS_ROOT, "makes a network namespace")
class NothingLeavesTest(InjectCase):
    """Every fault of the network, where a packet for anywhere else would be sent by the device `out`."""

    WAY_OUT = """
        ip link set lo up
        ip link add out type veth peer name elsewhere
        for device in out elsewhere; do ip link set $device addrgenmode none up; done
        ip address add 192.0.2.1/24 dev out
        ip route add default via 192.0.2.2
        echo ready
        exec sleep infinity"""

    def setUp(self):
        super().setUp()
        os.chmod(self.state, 0o777)
        self.machine = subprocess.Popen(["unshare", "--net", "sh", "-ec", self.WAY_OUT],
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.machine.communicate)
        self.addCleanup(self.machine.kill)
        self.assertEqual(self.machine.stdout.readline(), "ready\n")
        self.inside = ["nsenter", f"--target={self.machine.pid}", "--net", "--"]

    def sent(self):
        """Packets that `out` was given."""
        return traffic("out", self.machine.pid)[9]

    def assert_nothing_leaves(self, parent, network):
        scenarios = json.loads(nodevigil("inject", "--list", "--json", check=0).stdout)["scenarios"]
        faults = [scenario["name"] for scenario in scenarios if any(
            effect["needs_link"] or "_sock_" in effect["metric"] for effect in scenario["effects"])]
        self.assertGreater(len(faults), 5)
        injection = self.inject("+".join(faults), "--duration", "3s", parent=self.inside + parent)
        os.chmod(injection.work_dir.name, 0o777)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertRegex(self.only_window()["details"]["network"], network)
        self.assertEqual(self.sent(), 0)
        # The counter would have told: this one is for elsewhere, and asks for the way there.
        subprocess.run([*self.inside, sys.executable, "-c",
                        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 9))"],
                       check=True)
        wait_until(lambda: self.sent() > 0, seconds=5, what="a packet that leaves")

    def test_with_a_link_of_its_own(self):
        self.assert_nothing_leaves([], "^nv")

    def test_within_loopback(self):
        self.assert_nothing_leaves(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"], "^loopback$")
        self.assertGreater(traffic("lo", self.machine.pid)[1], 1000)


class EndsTest(InjectCase):
    def start(self, scenario, *arguments, **options):
        injection = self.inject(scenario, "--duration", "1m", *arguments, **options)
        window = injection.window()
        self.assertTrue(window["details"]["open"])
        self.assert_length(window, 60, within=0.01)
        return injection

    def test_a_signal_stops_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number), tempfile.TemporaryDirectory() as self.state:
                # Also where this test was started to ignore them.
                injection = self.start("cpu+fork-storm+udp-flood", "--intensity", "10+50+100",
                                       parent=["env", "--default-signal"])
                injection.process.send_signal(number)
                self.assertEqual(injection.wait(), 0, injection.logged())
                self.assert_closed_now("stopped")
                injection.assert_nothing_left(self)

    def test_stopped_before_anything_ran_is_a_failure(self):
        campaign = pathlib.Path(self.state) / "campaign.json"
        campaign.write_text('{"steps": [{"scenario": "cpu", "gap": "1m"}]}')
        injection = self.inject("campaign", campaign)
        wait_until(lambda: windows(self.state), what="the campaign's window")
        injection.process.send_signal(signal.SIGTERM)
        self.assertEqual(injection.wait(), 1)
        self.assertEqual([each["type"] for each in windows(self.state)], ["normal"])

    def test_a_hangup_is_nothing_to_one_that_was_started_to_ignore_it(self):
        injection = self.inject("cpu", "--duration", "2s", "--intensity", 5, parent=["nohup"])
        injection.window()
        injection.process.send_signal(signal.SIGHUP)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertEqual(self.only_window()["details"]["end"], "time limit")

    def test_sees_its_workers_end_where_its_parent_ignored_children(self):
        injection = self.inject("cpu", "--duration", "1s", "--intensity", 5,
                                parent=["env", "--ignore-signal=CHLD"])
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assert_length(self.only_window(), 1)

    def test_the_end_of_the_parent_stops_it_if_wanted(self):
        shell = ["sh", "-c", '"$@" & wait', "sh"]
        injection = self.start("cpu", "--stop-with-parent", parent=shell)
        injection.process.kill()  # the shell
        self.assert_closed_now("parent died")
        injection.assert_nothing_left(self)

    def test_the_end_of_the_parent_is_nothing_to_it_else(self):
        injection = self.inject("cpu", "--duration", "3s", "--intensity", 5,
                                parent=["sh", "-c", '"$@" & wait', "sh"])
        injection.window()
        injection.process.kill()
        time.sleep(1)
        self.assertTrue(self.only_window()["details"]["open"])
        wait_until(lambda: self.only_window()["details"].get("end"), seconds=5, what="the end")
        self.assertEqual(self.only_window()["details"]["end"], "time limit")

    def test_nothing_is_left_of_one_that_is_killed(self):
        for scenario, intensity in [("cpu+fork-storm", "10+50"), ("memory", "5"),
                                    ("disk-fill", "1"), ("page-faults", "10"),
                                    ("connection-flood+socket-leak", "10+10")]:
            with self.subTest(scenario), tempfile.TemporaryDirectory() as self.state:
                injection = self.start(scenario, "--intensity", intensity)
                names = set(injection.processes().values())
                self.assertIn("nv-guardian", names)
                self.assertGreater(len(names), 2)
                time.sleep(0.5)
                injection.process.kill()
                self.assert_closed_now("supervisor killed")
                injection.assert_nothing_left(self)

    def test_workers_are_the_first_to_be_killed(self):
        injection = self.start("cpu", "--intensity", 5)
        workers = [pid for pid, name in injection.processes().items() if name == "nv-cpu"]
        self.assertTrue(workers)
        for pid in workers:
            self.assertEqual(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text().strip(), "1000")
            self.assertEqual(os.getpgid(pid), pid)

    def test_a_worker_that_somebody_kills_ends_the_fault(self):
        injection = self.start("fork-storm", "--intensity", 5)
        worker = next(p for p, name in injection.processes().items() if name == "nv-fork-storm")
        os.kill(worker, signal.SIGKILL)
        injection.wait()
        self.assert_closed_now("killed by signal 9")
        injection.assert_nothing_left(self)

    def test_says_which_part_ended_while_another_goes_on(self):
        injection = self.start("cpu+fork-storm", "--intensity", "5+5")
        worker = next(p for p, name in injection.processes().items() if name == "nv-fork-storm")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: "fork-storm ended" in injection.logged(), what="the end of a part")
        injection.process.send_signal(signal.SIGTERM)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertEqual(phases(self.assert_closed_now("stopped"))[-2:],
                         ["fork-storm ended: killed by signal 9", "ended"])


class RefusalsTest(InjectCase):
    def refused(self, *arguments, code=2):
        result = nodevigil("inject", *arguments, "--state-dir", self.state, check=code)
        lines = [line for line in result.stderr.splitlines() if line.startswith("nodevigil: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertEqual(windows(self.state), [])
        return lines[0]

    def test_of_what_it_does_not_know(self):
        self.assertIn("expected one of memory, memory-leak, cpu", self.refused("spam"))
        self.assertIn("expected one scenario", self.refused())
        self.assertIn("expected a file", self.refused("campaign"))

    def test_of_numbers_without_bounds(self):
        self.assertIn("from 1 to 100 % of all cores, got '1000'",
                      self.refused("cpu", "--intensity", "1000"))
        self.assertIn("at most 24h", self.refused("cpu", "--duration", "25h"))
        self.assertIn("--ramp: expected at most", self.refused("cpu", "--ramp", "2h"))
        self.assertIn("from 1 to 100000", self.refused("cpu", "--repeat", "0"))
        self.assertIn("--gap-min: expected at most",
                      self.refused("cpu", "--gap-min", "2m", "--gap-max", "1m"))

    def test_of_places_that_do_not_do(self):
        self.assertIn("/nonexistent: cannot look",
                      self.refused("cpu", "--work-dir", "/nonexistent", code=1))
        with tempfile.TemporaryDirectory(dir="/dev/shm") as in_memory:
            self.assertIn("is kept in memory",
                          self.refused("page-faults", "--work-dir", in_memory, code=1))

    def test_of_a_state_directory_that_is_not_there(self):
        self.state = os.path.join(self.state, "mistyped")
        self.assertIn("mistyped: is no directory", self.refused("cpu", code=1))
        self.assertFalse(os.path.exists(self.state))

    @unittest.skipUnless(IS_ROOT, "mounts a filesystem")
    def test_of_a_disk_without_room(self):
        with tempfile.TemporaryDirectory() as small:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m", "none", small], check=True)
            try:
                self.assertIn("not enough room: needs 256 MiB of disk",
                              self.refused("disk-fill", "--work-dir", small, code=1))
            finally:
                subprocess.run(["umount", small], check=True)


class CampaignTest(InjectCase):
    def setUp(self):
        super().setUp()
        self.file = pathlib.Path(self.state) / "campaign.json"
        self.file.write_text(json.dumps({
            "seed": 5, "node": "n2", "rest": "500ms",
            "steps": [
                {"scenario": "cpu", "intensity": [5, 20], "duration": "1s", "gap": "500ms",
                 "workload": "web-like", "repeat": 2},
                {"scenario": "fork-storm", "intensity": 20, "duration": ["1s", "2s"],
                 "gap": "500ms", "workload": "compile-like"}]}))

    def test_is_the_same_each_time_it_is_printed(self):
        printed = nodevigil("inject", "campaign", self.file, "--print", check=0).stdout
        self.assertEqual(printed,
                         nodevigil("inject", "campaign", self.file, "--print", check=0).stdout)
        self.assertEqual(printed.count("cpu"), 2)
        # And what is left of it, where it goes on.
        rest = nodevigil("inject", "campaign", self.file, "--print", "--from-step", 3, check=0).stdout
        self.assertEqual(rest.splitlines(), printed.splitlines()[2:])
        self.assertIn("expected a step from 1 to 3", nodevigil(
            "inject", "campaign", self.file, "--print", "--from-step", 4, check=2).stderr)
        self.assertEqual(windows(self.state), [])

    def test_labels_normal_work_around_its_faults(self):
        injection = self.inject("campaign", self.file)
        self.assertEqual(injection.wait(), 0, injection.logged())
        found = windows(self.state)
        self.assertEqual(sorted(each["type"] for each in found), ["cpu", "cpu", "fork-storm", "normal"])
        normal = next(each for each in found if each["type"] == "normal")
        for fault in found:
            self.assertEqual(fault["node"], "n2")
            self.assertGreaterEqual(fault["from_us"], normal["from_us"])
            self.assertLessEqual(fault["to_us"], normal["to_us"])
        self.assertEqual(normal["details"]["end"], "time limit")
        injection.assert_nothing_left(self)

    def test_goes_on_where_it_stopped(self):
        injection = self.inject("campaign", self.file, "--from-step", 3)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertEqual([each["type"] for each in windows(self.state)], ["normal", "fork-storm"])
        self.assertEqual(windows(self.state)[1]["details"]["repetition"], 3)

    def test_is_no_success_when_it_is_stopped(self):
        injection = self.inject("campaign", self.file)
        wait_until(lambda: len(windows(self.state)) == 2, what="the first fault")
        injection.process.send_signal(signal.SIGTERM)
        self.assertEqual(injection.wait(), 1, injection.logged())
        self.assertEqual({each["details"]["end"] for each in windows(self.state)}, {"stopped"})

    def test_says_that_its_workload_ended_and_starts_it_again(self):
        self.file.write_text(json.dumps({"steps": [
            {"scenario": "cpu", "intensity": 5, "duration": "1s", "gap": "1s", "workload": "idle",
             "repeat": 2}]}))
        injection = self.inject("campaign", self.file)
        worker = wait_until(lambda: next((pid for pid, name in injection.processes().items()
                                          if name == "nv-idle"), None), what="the workload")
        os.kill(worker, signal.SIGKILL)
        self.assertEqual(injection.wait(), 0, injection.logged())
        self.assertIn("the workload idle has ended: killed by signal 9", injection.logged())
        self.assertEqual([each["details"]["workload"] for each in windows(self.state)[1:]],
                         ["idle, ended: killed by signal 9", "idle"])

    def test_closes_both_windows_when_it_is_killed(self):
        injection = self.inject("campaign", self.file)
        wait_until(lambda: len(windows(self.state)) == 2, what="the first fault")
        injection.process.kill()
        wait_until(lambda: all(each["details"].get("end") == "supervisor killed"
                               for each in windows(self.state)), seconds=1, what="the ends")
        injection.assert_nothing_left(self)


if __name__ == "__main__":
    sys.exit(unittest.main())
