"""The manifests' way to Postgres on a true server: their containers' arguments, variables and files, without a cluster."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from manifests import DEPLOY, build
from postgres_cluster import Cluster
from support import Agent, need_program, nodevigil, wait_until

SECRETS = {"nodevigil-postgres": "of agents", "nodevigil-postgres-owner": "secret",
           "nodevigil-postgres-labelers": "of labelers"}


class ManifestsPostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.files = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.files)
        for name, password in SECRETS.items():
            (cls.files / name).mkdir()
            (cls.files / name / "password").write_text(password)
        cls.node_disk = cls.files / "etc/nodevigil/postgres-password"
        cls.node_disk.mkdir(parents=True)
        cls.cluster.query("CREATE DATABASE metrics")
        cls.make_login()
        cls.trial = build("overlays/trial")
        job = next(one for one in cls.trial.workloads() if one.kind == "Job")
        for container in job.containers():
            cls.run_container(cls.trial, job, container)

    @classmethod
    def make_login(cls):
        script = (DEPLOY / "components/postgres-trial/make-login.sql").read_text()
        local = script
        for mount, secret in (("postgres", "nodevigil-postgres"), ("labelers", "nodevigil-postgres-labelers")):
            assert f"/etc/nodevigil/{mount}/" in local
            local = local.replace(f"/etc/nodevigil/{mount}/", f"{cls.files}/{secret}/")
        subprocess.run([need_program("psql"), "-X", "-v", "ON_ERROR_STOP=1", "-f", "-",
                        cls.cluster.socket_url("metrics")], input=local, text=True, check=True,
                       capture_output=True)

    @classmethod
    def variables(cls, manifests, workload, container, node="worker-7"):
        """What the container gets, with its mounts and its server where they are here."""
        volumes = {volume["name"]: volume for volume in workload.pod["volumes"]}
        places = {}
        for mount in container["volumeMounts"]:
            volume = volumes[mount["name"]]
            if "secret" in volume:
                places[mount["mountPath"]] = cls.files / volume["secret"]["secretName"]
            elif volume.get("hostPath", {}).get("path", "").startswith("/etc/"):
                places[mount["mountPath"]] = cls.files / volume["hostPath"]["path"].lstrip("/")
        result = {}
        for name, value in manifests.environment(container, node).items():
            if name.startswith(("NODEVIGIL_PATH", "NODEVIGIL_STATE")):
                continue  # the node's own files: this machine's will do
            for place, here in places.items():
                value = re.sub(rf"^{place}(?=/)", str(here), value)
            result[name] = re.sub(r"(nodevigil-postgres|postgres\.example)(?=/metrics)",
                                  f"127.0.0.1:{cls.cluster.port}", value)
        return {**result, "PGSSLMODE": "disable"}  # the server of the tests has no certificate

    @classmethod
    def run_container(cls, manifests, workload, container, **settings):
        return nodevigil(*container["args"], check=0,
                         **{**cls.variables(manifests, workload, container), **settings})

    def rows(self, node):
        return int(self.cluster.value(
            f"SELECT count(*) FROM nodevigil.samples WHERE node = '{node}'",
            self.cluster.socket_url("metrics")))

    def agent(self, manifests, node):
        workload = manifests.agents()
        state = tempfile.mkdtemp(dir=self.files)
        return Agent(state, "--postgres.interval", "1s",
                     **self.variables(manifests, workload, workload.containers()[0], node))

    def test_agents_of_the_trial_deliver_rows(self):
        with self.agent(self.trial, "trial-1"):
            wait_until(lambda: self.rows("trial-1"), 60, "rows of trial-1")

    def test_the_job_may_run_again(self):
        job = next(one for one in self.trial.workloads() if one.kind == "Job")
        for container in job.containers():
            self.run_container(self.trial, job, container)

    def logs_in(self, login, password):
        return subprocess.run([need_program("psql"), "-X", "-c", "", self.cluster.url(login, password)],
                              capture_output=True).returncode == 0

    def test_logins_have_their_secrets_passwords_and_none_without(self):
        secret = self.files / "nodevigil-postgres-labelers/password"
        password = secret.read_text()
        for content, lets_in in (("of labelers", True), ("another", True), (None, False), (password, True)):
            with self.subTest(content):
                secret.unlink() if content is None else secret.write_text(content)
                self.make_login()
                self.assertEqual(self.logs_in("labelers", content or password), lets_in)
                self.assertTrue(self.logs_in("agents", "of agents"))
        self.assertFalse(self.logs_in("labelers", "of agents"))

    def test_a_fault_labels_its_window(self):
        manifests = build("anomalies/cpu")
        [container] = manifests.anomaly().containers()
        self.run_container(manifests, manifests.anomaly(), container, NODEVIGIL_DURATION="1s",
                           NODEVIGIL_INTENSITY="5")
        windows = self.cluster.query("SELECT node, type, details->>'end', extract(epoch FROM to_ts - from_ts)::int "
                                     "FROM nodevigil.anomaly_windows", self.cluster.socket_url("metrics"))
        self.assertEqual(windows, [["worker-7", "cpu", "time limit", "1"]])

    def test_the_owner_prunes(self):
        manifests = build("overlays/postgres")
        workload = next(one for one in manifests.workloads() if one.kind == "CronJob")
        [container] = workload.containers()
        self.assertIn("removed", self.run_container(manifests, workload, container).stdout)

    def test_a_login_for_each_node_delivers_its_own_rows_alone(self):
        manifests = build("overlays/strict")
        metrics = self.cluster.socket_url("metrics")
        nodevigil("db", "grant-agent", "--login", "worker-8.example", "--node", "worker-8.example",
                  "--make-password", self.node_disk / "password", "--postgres.url", metrics, check=0)
        with self.agent(manifests, "worker-8.example"):
            wait_until(lambda: self.rows("worker-8.example"), 60, "rows of worker-8.example")
        login = self.variables(manifests, manifests.agents(), manifests.agents().containers()[0],
                               "worker-8.example")
        refused = nodevigil("doctor", "--node", "worker-7", **{**login, "NODEVIGIL_NODE": "worker-7"})
        self.assertEqual(refused.returncode, 1)
        self.assertIn("worker-8.example", refused.stdout)


if __name__ == "__main__":
    unittest.main()
