"""The agent as a pod without rights, on a node that shows or takes less than others."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import PROGRAM, environment, fetch, free_port, wait_until

# What the pod of deploy/base is to the kernel.
AS_A_POD = ("setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups",
            "--bounding-set=-all", "--no-new-privs")
NET = {"net/dev", "net/sockstat", "net/snmp", "net/tcp"}


@unittest.skipIf(os.geteuid() != 0, "mounts need root")
class PoorNodeTest(unittest.TestCase):
    """Mounts are made in a namespace of their own, and go with it."""

    def setUp(self):
        self.base = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.base.chmod(0o755)
        # Where it is built nobody else may be able to read it.
        self.program = self.base / "nodevigil"
        shutil.copy(PROGRAM, self.program)
        for name in ("proc", "state"):
            (self.base / name).mkdir()
        os.chown(self.base / "state", 65532, 65532)

    def command(self, mount, *arguments):
        return ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *AS_A_POD,
                self.program, *arguments, "--path.procfs", self.base / "proc", "--state-dir",
                self.base / "state"]

    def doctor(self, mount):
        """{check: finding} of what `doctor` says there."""
        done = subprocess.run(self.command(mount, "doctor", "--json"), capture_output=True,
                              text=True, env=environment(), timeout=60)
        return {one["check"]: one for one in json.loads(done.stdout)}

    def told(self, mount):
        """What /readyz says after a row, and the names of the node's metrics that there are."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        agent = subprocess.Popen(self.command(mount, "agent", "--interval", "100ms",
                                              "--web.listen-address", f"127.0.0.1:{port}"),
                                 stderr=subprocess.DEVNULL, env=environment())
        try:
            def ready():
                try:
                    return fetch(url + "/readyz")
                except OSError:
                    return None
            said = wait_until(ready, 30, "a ready agent")
            lines = fetch(url + "/metrics").splitlines()
            self.assertIsNone(agent.poll(), "it stays")
            return said, {line.split()[0] for line in lines if line.startswith("nodevigil_node_")}
        finally:
            agent.terminate()
            agent.wait(15)

    def test_a_pod_without_rights_reads_all_metrics(self):
        mount = f"mount --rbind /proc {self.base}/proc"
        said, metrics = self.told(mount)
        self.assertIn("sources: 11 of 11 readable", said)
        self.assertEqual(len(metrics), 24, metrics)
        self.assertEqual([one for name, one in self.doctor(mount).items()
                          if one["status"] != "ok" and name != "listen address"], [])

    def test_hidepid_hides_the_network_only_and_is_said(self):
        mount = f"mount -t proc -o hidepid=2 proc {self.base}/proc"
        said, metrics = self.told(mount)
        self.assertTrue(said.startswith("ready\n"), said)
        self.assertIn("sources: 7 of 11 readable", said)
        self.assertEqual(len(metrics), 12, metrics)
        found = self.doctor(mount)
        self.assertEqual({name.removeprefix("source ") for name, one in found.items()
                          if one["status"] == "FAIL"}, NET)
        self.assertIn("hidepid", found["source net/dev"]["fix"])

    def test_a_proc_without_some_files_costs_their_metrics_only(self):
        mount = (f"mount --bind /proc/stat $(: > {self.base}/proc/stat; echo {self.base}/proc/stat)"
                 f" && : > {self.base}/proc/loadavg && mount --bind /proc/loadavg {self.base}/proc/loadavg")
        said, metrics = self.told(mount)
        self.assertIn("sources: 3 of 11 readable", said)
        self.assertEqual(len(metrics), 7, metrics)
        self.assertIn("mount the host's /proc", self.doctor(mount)["source meminfo"]["fix"])

    def test_a_state_that_is_read_only_costs_rows_and_no_verdicts(self):
        mount = (f"mount --rbind /proc {self.base}/proc && "
                 f"mount -t tmpfs -o ro tmpfs {self.base}/state")
        said, metrics = self.told(mount)
        self.assertTrue(said.startswith("ready\n"), said)
        self.assertIn("journal: degraded", said)
        self.assertIn("Read-only file system", said)
        self.assertEqual(len(metrics), 24, metrics)
        self.assertIn("--state-dir", self.doctor(mount)["state directory"]["fix"])


if __name__ == "__main__":
    unittest.main()
