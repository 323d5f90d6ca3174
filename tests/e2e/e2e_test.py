"""The agent in a true cluster, from `kubectl apply` to nothing left: takes the cluster of $KUBECONFIG.

Tests run in the order of their numbers, each on what the one before has left. The cluster needs the
images of cluster.IMAGES; it is given back as it was.
"""
import datetime
import functools
import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from cluster import (NAMESPACE, ROOT, agent_pods, apply, build, eventually, fetch, forwarded, get,
                     kubectl, metrics, rolled_out, sql, status, with_images)

# A minute of warm-up instead of ten. So short a past knows little: what it finds unusual is learned after a minute, and
# soon, since buckets of the slow baseline take seconds then and not minutes.
QUICK = {"NODEVIGIL_ALERTMANAGER_URL": "http://alertmanager-operated.monitoring:9093",
         "NODEVIGIL_INTERVAL": "1s", "NODEVIGIL_SCORING_FAST_HORIZON": "60s",
         "NODEVIGIL_SCORING_SLOW_HORIZON": "1h", "NODEVIGIL_SCORING_MAX_FREEZE": "60s",
         "NODEVIGIL_SCORING_WARMUP_SAMPLES": "30", "NODEVIGIL_POSTGRES_INTERVAL": "5s"}
NAMESPACES = ("nodevigil-e2e", "monitoring", NAMESPACE)
# That of the labelers first: it is optional, and the server starts when it has the others.
SECRETS = ("nodevigil-postgres-labelers", "nodevigil-postgres", "nodevigil-postgres-owner")


def on_node(command):
    """What a command prints that runs as root on the node, in the node's namespaces of processes and network."""
    return kubectl("-n", "nodevigil-e2e", "exec", "root", "--", "sh", "-c", command)


def agent_process():
    """Process id of the pod's agent as the node numbers it: others may run there, too."""
    uid = get("pod", the_pod())["metadata"]["uid"]
    found = on_node(f"grep -lE '{uid}|{uid.replace('-', '_')}' $(pgrep -x nodevigil | "
                    "sed 's,.*,/proc/&/cgroup,')")
    return found.split("/")[2]


@functools.cache
def the_node():
    """The node that is looked at: where the pod `root` is."""
    return get("pod", "root", namespace="nodevigil-e2e")["spec"]["nodeName"]


def the_pod():
    """The agent's pod there."""
    pods = agent_pods()
    if the_node() not in pods:
        raise AssertionError(f"no agent's pod is running on {the_node()}")
    return pods[the_node()]


def listed_in_the_pod(directory):
    """Names in a directory, relative to the root of the agent's own filesystem; [] where it is not."""
    return on_node(f"cd /proc/{agent_process()}/root && ls {directory} 2>&- || true").split()


def ready_status():
    found = status(the_pod())
    return found if found["phase"] == "ready" else None


def alerts():
    """Those of the node."""
    with forwarded("pod/alertmanager", 9093, "monitoring") as url:
        found = json.loads(subprocess.run(["curl", "-sf", url + "/api/v2/alerts"], check=True,
                                          capture_output=True).stdout)
    return [alert for alert in found if alert["labels"]["node"] == the_node()]


def fault(name, **settings):
    """The manifests of a fault of deploy/anomalies on the node."""
    there = [{"op": "add", "path": "/spec/template/spec/nodeName", "value": the_node()}]
    return build(overlay=f"anomalies/{name}", **settings,
                 patches=[{"target": {"kind": "Job"}, "patch": json.dumps(there)}])


def windows(kind):
    """Labels of this type in Postgres, with times in seconds."""
    return json.loads(sql("SELECT coalesce(json_agg(w), '[]') FROM (SELECT node, details, extract(epoch FROM from_ts) "
                          "AS begin, extract(epoch FROM to_ts) AS end FROM nodevigil.anomaly_windows "
                          f"WHERE type = '{kind}') AS w"))


def completed(name):
    """Waits until the Job of a fault has come to its end, and returns its window."""
    kubectl("-n", NAMESPACE, "wait", "--for=condition=complete", f"job/nodevigil-anomaly-{name}", "--timeout=180s")
    [window] = windows(name)
    return window


class E2eTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for namespace in NAMESPACES:
            if "not found" not in kubectl("get", "namespace", namespace, check=False):
                raise AssertionError(f"the cluster has a namespace {namespace}, which is not this "
                                     "test's to change or delete")
        if "not found" not in kubectl("get", "priorityclass", "nodevigil", check=False):
            raise AssertionError("the cluster has a PriorityClass nodevigil already")
        cls.addClassCleanup(cls.clean_up)
        apply(with_images((pathlib.Path(__file__).parent / "peers.yaml").read_text()))
        kubectl("-n", "nodevigil-e2e", "wait", "--for=condition=Ready", "pod/root", "--timeout=180s")
        kubectl("-n", "monitoring", "wait", "--for=condition=Ready", "pod/alertmanager",
                "--timeout=180s")

    @classmethod
    def clean_up(cls):
        for namespace in NAMESPACES:
            kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s",
                    check=False)
        kubectl("delete", "priorityclass", "nodevigil", "--ignore-not-found", check=False)

    def say(self, text):
        print(f"    {text}", flush=True)

    def test_01_every_overlay_is_valid_for_the_server(self):
        # What it knows, as ("batch/v1", "Job"): the last of the columns that may be empty is not among them.
        known = {tuple(line.split()[i] for i in (-3, -1)) for line in
                 kubectl("api-resources", "--no-headers").splitlines()}
        apply((ROOT / "deploy/base/namespace.yaml").read_text())
        overlays = [f"{kind}/{path.name}" for kind in ("overlays", "anomalies")
                    for path in sorted((ROOT / "deploy" / kind).iterdir())]
        for overlay in overlays:
            for manifest in build(overlay=overlay).split("\n---\n"):
                what = tuple(re.search(rf"^{field}: (\S+)", manifest, re.MULTILINE)[1]
                             for field in ("apiVersion", "kind"))
                if what in known:
                    kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", given=manifest)
                else:
                    self.say(f"{overlay}: the cluster knows no {' '.join(what)}")

    def test_02_the_flat_file_is_enough(self):
        apply(with_images((ROOT / "deploy/nodevigil.yaml").read_text()))
        rolled_out()
        nodes = {node["metadata"]["name"] for node in get("nodes")["items"]}
        self.assertEqual(agent_pods().keys(), nodes)
        answer = fetch(f"pod/{the_pod()}", 9910, "/readyz")
        self.assertTrue(answer.startswith("ready"), answer)
        self.say(answer.replace("\n", "; "))

    def test_03_the_pod_can_do_no_more_than_it_has_to(self):
        process = agent_process()
        state = dict(line.split(":\t", 1) for line in
                     on_node(f"cat /proc/{process}/status").splitlines() if ":\t" in line)
        self.assertEqual(state["Uid"].split(), ["65532"] * 4)
        self.assertEqual(state["Gid"].split(), ["65532"] * 4)
        for capabilities in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
            self.assertEqual(int(state[capabilities], 16), 0, capabilities)
        self.assertEqual(state["NoNewPrivs"].strip(), "1")
        self.assertEqual(state["Seccomp"].strip(), "2", "a filter")
        for namespace in ("net", "pid", "ipc"):  # of which the pod `root` has the node's own
            inside, outside = (on_node(f"readlink /proc/{one}/ns/{namespace}")
                               for one in (process, "self"))
            self.assertNotEqual(inside, outside, f"{namespace} namespace of the host")
        mounts = {line.split()[1]: line.split()[3].split(",") for line in
                  on_node(f"cat /proc/{process}/mounts").splitlines()}
        for read_only in ("/", "/host/proc", "/host/sys"):
            self.assertIn("ro", mounts[read_only], read_only)
        self.assertEqual([mount for mount in mounts if "serviceaccount" in mount], [])
        self.assertEqual(listed_in_the_pod("var/run/secrets"), [])

    def test_04_readings_are_the_nodes_and_not_the_pods(self):
        pod = the_pod()

        def forks():
            return int(re.search(r"^processes (\d+)", on_node("cat /proc/stat"), re.MULTILINE)[1])

        def sockets():
            return int(re.search(r"sockets: used (\d+)", on_node("cat /proc/1/net/sockstat"))[1])

        before, few = forks(), sockets()
        time_of_tick = metrics(pod)["nodevigil_last_tick_timestamp_seconds"]
        read = eventually(lambda: (m := metrics(pod))["nodevigil_last_tick_timestamp_seconds"]
                          > time_of_tick and m, 60, "the next tick")
        node = {name: value for name, value in read.items() if name.startswith("nodevigil_node_")}
        self.assertEqual(len(node), 24, sorted(node))
        self.assertTrue(before <= node["nodevigil_node_forks_total"] <= forks())
        inside = int(re.search(r"sockets: used (\d+)", on_node(
            f"cat /proc/{agent_process()}/net/sockstat"))[1])
        self.assertLess(inside, few / 2, "the pod's own sockets are others than the node's")
        self.assertLess(abs(node["nodevigil_node_sockets_used"] - few), 0.3 * few)
        total = int(re.search(r"MemTotal:\s+(\d+)", on_node("cat /proc/meminfo"))[1])
        free = int(re.search(r"MemAvailable:\s+(\d+)", on_node("cat /proc/meminfo"))[1])
        self.assertAlmostEqual(node["nodevigil_node_memory_available_percent"],
                               100 * free / total, delta=5)
        listening = int(on_node("cat /proc/1/net/tcp /proc/1/net/tcp6 | awk '$4 == \"0A\"' | wc -l"))
        self.assertAlmostEqual(node["nodevigil_node_tcp_listening_sockets"], listening, delta=3)
        self.say(f"24 of 24 metrics; sockets: {node['nodevigil_node_sockets_used']:.0f} told, {few} on "
                 f"the node, {inside} in the pod")

    def test_05_rows_arrive_in_postgres(self):
        # The database first, its secrets later: the agents have to bear that.
        apply(build("alertmanager", **QUICK))
        eventually(lambda: "password" in fetch(f"pod/{the_pod()}", 9910, "/readyz"), 240,
                   "an agent that says what it misses")
        rolled_out()
        self.say(fetch(f"pod/{the_pod()}", 9910, "/readyz").replace("\n", "; "))
        for name in SECRETS:
            kubectl("-n", NAMESPACE, "create", "secret", "generic", name,
                    "--from-literal=password=" + "0123456789abcdef" + name[-4:])
        eventually(lambda: int(sql("SELECT count(*) FROM nodevigil.samples")) > 0, 420,
                   "rows in Postgres")
        nodes = sql("SELECT DISTINCT node FROM nodevigil.samples").split()
        self.assertEqual(set(nodes), set(agent_pods()))
        self.say(sql("SELECT node, count(*), min(ts), max(ts) FROM nodevigil.samples GROUP BY 1"))

    def test_06_stress_is_seen_named_stored_and_told(self):
        eventually(lambda: (s := ready_status()) and not s["row"]["anomalous"], 400,
                   "the end of warm-up, and quiet")
        stress = subprocess.Popen(["kubectl", "-n", "nodevigil-e2e", "exec", "root", "--", "sh", "-c",
                                   "for i in 1 2 3 4 5 6 7 8; do timeout 60 sh -c "
                                   "'while :; do :; done' & done; wait"])
        begun = time.monotonic()
        try:
            found = eventually(lambda: (s := status(the_pod()))["row"]["anomalous"] and s, 60,
                               "a verdict")
            self.say(f"after {time.monotonic() - begun:.0f} s: {found['row']['explanation']['summary']}")
            told = eventually(lambda: [a for a in alerts() if a["labels"]["class"] == "cpu"], 60,
                              "an alert that names the cause")
            self.say(f"alert: {told[0]['labels']}")
            self.assertRegex(told[0]["annotations"]["description"],
                             r"(load1|cpu_sec_idle) \S+ \(usual ")
        finally:
            stress.wait()
        eventually(lambda: int(sql("SELECT count(*) FROM nodevigil.anomalies WHERE verdict = 'cpu' "
                                   f"AND node = '{the_node()}'")),
                   120, "the anomaly in Postgres")
        eventually(lambda: not status(the_pod())["row"]["anomalous"], 300, "the end of the anomaly")
        # Another one may have begun meanwhile: the node has more to do than this test.
        begun_at = told[0]["startsAt"]
        eventually(lambda: begun_at not in {one["startsAt"] for one in alerts()}, 300,
                   "the end of the alert")

    def test_07_a_fault_from_a_job_is_seen_named_told_and_labelled(self):
        eventually(lambda: (s := ready_status()) and not s["row"]["anomalous"], 300, "quiet")
        apply(fault("fork-storm", NODEVIGIL_DURATION="40s", NODEVIGIL_INTENSITY="2000"))
        eventually(lambda: windows("fork-storm"), 180, "the window, while the fault goes on")
        found = eventually(lambda: (s := status(the_pod()))["row"]["anomalous"] and s, 60, "a verdict")
        self.say(found["row"]["explanation"]["summary"])
        told = eventually(lambda: [a for a in alerts() if a["labels"]["class"] == "fork_storm"], 60,
                          "an alert that names the cause")
        window = completed("fork-storm")
        self.assertEqual(window["node"], the_node())
        self.assertEqual(window["details"]["end"], "time limit")
        self.assertNotIn("open", window["details"])
        self.assertAlmostEqual(window["end"] - window["begin"], 40, delta=2)
        begun = datetime.datetime.fromisoformat(told[0]["startsAt"].replace("Z", "+00:00")).timestamp()
        self.assertTrue(window["begin"] <= begun <= window["end"] + 5, (window, begun))
        self.say(f"label: {window}")
        # The rows of its span, of the node alone, as labelled rows.
        eventually(lambda: float(sql("SELECT extract(epoch FROM max(ts)) FROM nodevigil.samples WHERE node = "
                                     f"'{the_node()}'")) > window["end"], 120, "the last rows of it in Postgres")
        attacks = sql("SELECT count(*), count(*) FILTER (WHERE l.label_type = 'fork-storm'), "
                      "count(*) FILTER (WHERE l.verdict = 'fork_storm') FROM nodevigil.labelled AS l "
                      "JOIN nodevigil.anomaly_windows AS w ON w.node = l.node AND l.ts >= w.from_ts AND "
                      "l.ts <= w.to_ts WHERE w.type = 'fork-storm'")
        rows, labelled, named = map(int, attacks.split("|"))
        self.assertGreaterEqual(rows, 35)
        self.assertEqual(labelled, rows)
        self.assertGreater(named, 0)
        self.assertEqual(int(sql("SELECT count(*) FROM nodevigil.labelled WHERE label")), rows)
        self.say(f"{rows} rows of the window, {named} of them with the verdict fork_storm")

    def test_08_memory_in_a_pod_with_400Mi_has_a_true_end(self):
        apply(fault("memory", NODEVIGIL_DURATION="30s"))
        window = completed("memory")
        self.assertEqual(window["details"]["end"], "killed at its bound")
        self.assertTrue(200 < window["details"]["memory_limit"] / 2**20 < 400)
        self.assertAlmostEqual(window["end"] - window["begin"], 27, delta=2)
        [pod] = get("pods", "-l", "job-name=nodevigil-anomaly-memory")["items"]
        [container] = pod["status"]["containerStatuses"]
        self.assertEqual(container["state"]["terminated"]["reason"], "Completed", "not OOMKilled")
        self.say(f"label: {window}")

    def test_09_a_job_that_is_deleted_labels_what_it_did(self):
        # Long enough for the cluster to get round to deleting the pod, which it does in its own time.
        job = fault("fd-leak", NODEVIGIL_DURATION="10m")
        apply(job)
        [window] = eventually(lambda: windows("fd-leak"), 180, "the window")
        self.assertTrue(window["details"]["open"])
        self.assertAlmostEqual(window["end"] - window["begin"], 600, delta=1)
        kubectl("delete", "-f", "-", "--timeout=60s", given=job)
        [window] = eventually(lambda: [w for w in windows("fd-leak") if "end" in w["details"]], 240, "its end")
        self.assertEqual(window["details"]["end"], "stopped")
        self.assertLess(window["end"] - window["begin"], 300)

    def test_10_a_container_that_is_killed_goes_on_where_it_was(self):
        before = status(the_pod())
        on_node(f"kill -9 {agent_process()}")
        after = eventually(lambda: (s := status(the_pod()))["started"] > before["started"] and s
                           and s["row"] and s, 120, "a new start")
        self.assertEqual(after["phase"], "ready")
        self.assertGreater(after["row"]["seq"], before["row"]["seq"])
        self.say(kubectl("-n", NAMESPACE, "logs", the_pod()).splitlines()[0])

    def test_11_a_pod_that_is_replaced_is_warm_and_loses_no_row(self):
        old, before = the_pod(), status(the_pod())
        kubectl("-n", NAMESPACE, "delete", "pod", old, "--timeout=60s")
        new = eventually(lambda: (pod := the_pod()) != old and pod, 120, "a new pod")
        eventually(ready_status, 60, "a warm start")
        log = kubectl("-n", NAMESPACE, "logs", new)
        self.assertIn("baselines rebuilt from", log)
        self.say(next(line for line in log.splitlines() if "rebuilt" in line))
        # The rows of the old pod's last moments were sent before it ended.
        sent = int(sql(f"SELECT max(seq) FROM nodevigil.progress WHERE node = '{the_node()}'"))
        self.assertGreaterEqual(sent, before["row"]["seq"])
        gaps = sql("SELECT count(*) FROM (SELECT seq, lead(seq) OVER (PARTITION BY node ORDER BY ts) AS "
                   "next FROM nodevigil.samples) AS s WHERE next > seq + 1")
        self.assertEqual(gaps, "0")

    def test_12_a_new_model_is_taken_up_without_a_restart(self):
        model = json.loads((ROOT / "models/default.json").read_text())
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "model.json"

            def put(name):
                path.write_text(json.dumps({**model, "name": name}))
                apply(kubectl("-n", NAMESPACE, "create", "configmap", "nodevigil-model",
                              f"--from-file={path}", "--dry-run=client", "-o", "yaml"))

            put("first")
            apply(build("alertmanager", "model", **QUICK))
            rolled_out()
            found = eventually(lambda: (s := status(the_pod()))["model"]["name"] == "first" and s, 60,
                               "the model")
            put("second")
            after = eventually(lambda: (s := status(the_pod()))["model"]["name"] == "second" and s,
                               240, "the new model")
            self.assertEqual(after["started"], found["started"], "the same process")
            path.write_text("{")
            apply(kubectl("-n", NAMESPACE, "create", "configmap", "nodevigil-model",
                          f"--from-file={path}", "--dry-run=client", "-o", "yaml"))
            bad = eventually(lambda: (s := status(the_pod()))["model"]["reload_failures"] > 0 and s,
                             240, "the refusal")
            self.assertEqual(bad["model"]["name"], "second")
            put("second")

    def test_13_a_wrong_authority_is_said_and_the_pod_stays(self):
        apply(build("alertmanager", "model", **QUICK,
                    NODEVIGIL_POSTGRES_URL="postgresql://nodevigil-postgres/metrics?sslmode=verify-full"))
        rolled_out()
        said = eventually(lambda: (text := fetch(f"pod/{the_pod()}", 9910, "/readyz")) and
                          "postgres: healthy" not in text and "postgres: " in text and text, 120,
                          "the reason")
        self.say(said.splitlines()[-2] if "alertmanager" in said.splitlines()[-1]
                 else said.splitlines()[-1])
        self.assertTrue(said.startswith("ready"), said)
        apply(build("alertmanager", "model", **QUICK))
        rolled_out()

    def test_14_counters_without_processes_are_enough(self):
        apply(build("alertmanager", "model", "narrow-proc", **QUICK))
        rolled_out()
        pod = the_pod()
        node = eventually(lambda: [name for name in metrics(pod) if name.startswith(
            "nodevigil_node_")], 60, "readings")
        self.assertEqual(len(node), 24, sorted(node))
        visible = listed_in_the_pod("host/proc")
        self.assertEqual([name for name in visible if name.isdigit()], ["1"])
        self.assertEqual(listed_in_the_pod("host/proc/1"), ["net"])
        apply(build("alertmanager", "model", **QUICK))
        rolled_out()

    def test_15_the_limits_are_enough(self):
        pod = get("pod", the_pod())
        container = pod["status"]["containerStatuses"][0]
        self.assertEqual(container["restartCount"], 0)
        limit = pod["spec"]["containers"][0]["resources"]["limits"]
        self.assertEqual((limit["cpu"], limit["memory"]), ("30m", "32Mi"))
        memory = on_node(f"cat /proc/{agent_process()}/status")
        resident, peak = (int(re.search(rf"{name}:\s+(\d+) kB", memory)[1]) * 1.024e-3
                          for name in ("VmRSS", "VmHWM"))
        self.assertLess(peak, 0.75 * 32 * 1.048576)
        begun = metrics(the_pod())
        wait = eventually(lambda: (m := metrics(the_pod()))["nodevigil_ticks_total"]
                          >= begun["nodevigil_ticks_total"] + 30 and m, 120, "30 ticks")
        ticks = wait["nodevigil_ticks_total"] - begun["nodevigil_ticks_total"]
        used = wait["process_cpu_seconds_total"] - begun["process_cpu_seconds_total"]
        missed = wait["nodevigil_ticks_missed_total"] - begun["nodevigil_ticks_missed_total"]
        self.say(f"{resident:.1f} MB resident, {peak:.1f} at most; {1000 * used / ticks:.2f} ms of CPU per tick of 1 s, "
                 f"scrapes and Postgres every 5 s included; {missed:.0f} of {ticks:.0f} ticks missed")
        self.assertLessEqual(missed, 1)

    def test_16_everything_goes(self):
        kubectl("delete", "--ignore-not-found", "-f", "-", "--timeout=120s",
                given=build("alertmanager", "model", **QUICK))
        left = kubectl("get", "namespace", NAMESPACE, check=False)
        self.assertIn("not found", left)
        self.assertIn("not found", kubectl("get", "priorityclass", "nodevigil", check=False))


if __name__ == "__main__":
    unittest.main(verbosity=2)
