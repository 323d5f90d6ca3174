"""The Kubernetes manifests: what they build to, how little they may do, and that what they name is there.

No cluster is needed: this is what can be said of the objects, and of the program with their settings."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

from manifests import (ANOMALIES, COMPONENTS, DEPLOY, OVERLAYS, VARIANTS, Manifests, build, kustomize,
                       selects)
from support import ROOT, Agent, fetch, nodevigil

LIBPQ = {"PGUSER", "PGSSLMODE", "PGSSLROOTCERT"}
GUIDE = ROOT / "docs/kubernetes.md"
IMAGE = "ghcr.io/nodevigil/nodevigil"


def version():
    return re.search(r"project\(nodevigil VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def is_ours(container):
    return "nodevigil" in container["image"]


def lookup(tree, path):
    for step in path:
        if not isinstance(tree, dict) or step not in tree:
            return None
        tree = tree[step]
    return tree


def assign(tree, path, value):
    """Sets a value below `tree`; None removes what is there."""
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    if value is None:
        tree.pop(path[-1], None)
    else:
        tree[path[-1]] = value


# Field, values that are allowed (None: not there), and looser values that must be found out. The pod's, then those of
# each container.
POD_RULES = [
    (("hostNetwork",), [None, False], [True]),
    (("hostPID",), [None, False], [True]),
    (("hostIPC",), [None, False], [True]),
    (("hostUsers",), [None, False], [True]),
    (("shareProcessNamespace",), [None, False], [True]),
    (("serviceAccountName",), ["nodevigil"], ["default", None]),
    (("automountServiceAccountToken",), [False], [True, None]),
    (("enableServiceLinks",), [False], [True, None]),
    (("nodeSelector", "kubernetes.io/os"), ["linux"], [None]),
    (("securityContext", "runAsNonRoot"), [True], [False, None]),
    (("securityContext", "runAsUser"), [65532, 999], [0, None]),
    (("securityContext", "runAsGroup"), [65532, 999], [0, None]),
    (("securityContext", "fsGroup"), [65532, 999], [0, None]),
    (("securityContext", "supplementalGroups"), [None], [[0]]),
    (("securityContext", "sysctls"), [None], [[{"name": "kernel.shm_rmid_forced", "value": "1"}]]),
    (("securityContext", "seccompProfile"), [{"type": "RuntimeDefault"}], [{"type": "Unconfined"}, None]),
]
CONTAINER_RULES = [
    (("imagePullPolicy",), ["IfNotPresent"], ["Always", None]),
    (("securityContext", "privileged"), [None, False], [True]),
    (("securityContext", "allowPrivilegeEscalation"), [False], [True, None]),
    (("securityContext", "readOnlyRootFilesystem"), [True], [False, None]),
    (("securityContext", "capabilities"), [{"drop": ["ALL"]}],
     [{"drop": ["ALL"], "add": ["SYS_PTRACE"]}, {"drop": ["NET_RAW"]}, None]),
    (("securityContext", "procMount"), [None], ["Unmasked"]),
    (("securityContext", "seccompProfile"), [None], [{"type": "Unconfined"}]),
    (("securityContext", "runAsUser"), [None], [0]),
    (("securityContext", "runAsGroup"), [None], [0]),
    (("securityContext", "runAsNonRoot"), [None], [False]),
]
RESOURCES = [("resources", kind, what) for kind in ("requests", "limits")
             for what in ("cpu", "memory", "ephemeral-storage")]
# What of the node's disk may be seen, and whether it may be written.
HOST_PATHS = {
    "/proc": False, "/sys": False, "/etc/nodevigil/postgres-password": False, "/var/lib/nodevigil": True,
    **{f"/proc/{file}": False for file in ("stat", "meminfo", "vmstat", "loadavg", "diskstats",
                                           "sys/fs/file-nr", "1/net")}}


# What a workload has that the rules do not allow, of its pod and of its containers, and in exactly this form.
EXCEPTIONS = {
    # Devices that the agent counts are the node's; making some takes capabilities, which in a container only root gets.
    "Job/nodevigil-anomaly-network": (
        {("hostNetwork",): True,
         ("securityContext", "runAsNonRoot"): False,
         ("securityContext", "runAsUser"): 0,
         ("securityContext", "runAsGroup"): 0},
        {("securityContext", "capabilities"): {"drop": ["ALL"], "add": ["NET_ADMIN", "SYS_ADMIN"]}}),
}


def exceptions_of(workload):
    return EXCEPTIONS.get(str(workload), ({}, {}))


def volume_findings(workload):
    mounts = [mount for container in workload.containers() for mount in container.get("volumeMounts", [])]
    for volume in workload.pod.get("volumes", []):
        where = f"{workload}: volume {volume['name']}"
        [kind] = set(volume) - {"name"}
        content = volume[kind]
        uses = [mount for mount in mounts if mount["name"] == volume["name"]]
        if not uses:
            yield f"{where} is not mounted"
        may_write = kind == "emptyDir"
        if kind == "emptyDir" and "sizeLimit" not in content:
            yield f"{where} has no sizeLimit"
        elif kind == "secret" and content.get("defaultMode") != 0o440:
            yield f"{where} may be read by others"
        elif kind == "hostPath":
            may_write = HOST_PATHS.get(content["path"])
            if may_write is None:
                yield f"{where} mounts {content['path']} of the node"
        elif kind not in ("emptyDir", "secret", "configMap"):
            yield f"{where} is a {kind}"
        if not may_write:
            yield from (f"{where} may be written" for mount in uses if mount.get("readOnly") is not True)
        yield from (f"{where} is mounted with propagation" for mount in uses if "mountPropagation" in mount)


def rule_findings(where, tree, rules, exceptions):
    for path, allowed, _ in rules:
        if lookup(tree, path) not in ([exceptions[path]] if path in exceptions else allowed):
            yield f"{where}: {'.'.join(path)} is {lookup(tree, path)}"


def findings(workload):
    """What is looser than it should be, in words."""
    of_pod, of_container = exceptions_of(workload)
    found = [*rule_findings(workload, workload.pod, POD_RULES, of_pod), *volume_findings(workload)]
    if workload.pod.get("ephemeralContainers"):
        found.append(f"{workload}: has ephemeral containers")
    for container in workload.containers():
        where = f"{workload}, container {container['name']}"
        found += rule_findings(where, container, CONTAINER_RULES, of_container)
        found += [f"{where}: {'.'.join(path)} is missing" for path in RESOURCES if lookup(container, path) is None]
        found += [f"{where}: port on the node" for port in container.get("ports", []) if "hostPort" in port]
    return found


def size(text):
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi|KiB|MiB|GiB)", text).groups()
    return int(number) * 1024 ** (1 + "KMG".index(unit[0]))


class BuildTest(unittest.TestCase):
    def test_generated_files_are_up_to_date(self):
        result = subprocess.run([sys.executable, ROOT / "tools/generate_manifests.py", "--check"],
                                capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_flat_file_is_the_base(self):
        flat = list(yaml.safe_load_all((DEPLOY / "nodevigil.yaml").read_text()))
        self.assertEqual(flat, list(build("base")))

    def test_rules_and_dashboards_are_those_of_their_sources(self):
        for file, component in (("rules", "prometheusrule"), ("anomalies", "prometheusrule-anomalies")):
            rules = yaml.safe_load((DEPLOY / f"prometheus/{file}.yaml").read_text())
            [rule] = build(f"components/{component}").of_kind("PrometheusRule")
            self.assertEqual(rule["spec"], rules)
        found = {name: content for one in build("components/grafana-dashboards").of_kind("ConfigMap")
                 if one["metadata"]["labels"].get("grafana_dashboard") == "1"
                 for name, content in one["data"].items()}
        self.assertEqual(found, {path.name: path.read_text()
                                 for path in (DEPLOY / "grafana").glob("*.json")})

    def assert_settings_win(self, kustomization, manifests):
        """What a kustomization itself sets is in the pods, whatever its components set."""
        [generator] = kustomization["configMapGenerator"]
        given = dict(one.split("=", 1) for one in generator["literals"])
        [agent] = manifests.agents().containers()
        found = manifests.environment(agent)
        self.assertEqual({name: found.get(name) for name in given}, given)

    def test_the_overlay_of_the_guide_has_the_settings_it_gives(self):
        [block] = [one for one in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
                   if "configMapGenerator" in one]
        with tempfile.TemporaryDirectory() as directory:
            here = pathlib.Path(directory).resolve()
            (here / "kustomization.yaml").write_text(
                block.replace("nodevigil/deploy", os.path.relpath(DEPLOY, here)))
            manifests = Manifests(yaml.safe_load_all(kustomize(here)))
        self.assert_settings_win(yaml.safe_load(block), manifests)

    def test_overlays_have_the_settings_they_give(self):
        for overlay in OVERLAYS:
            kustomization = yaml.safe_load((DEPLOY / overlay / "kustomization.yaml").read_text())
            if "configMapGenerator" in kustomization:
                with self.subTest(overlay):
                    self.assert_settings_win(kustomization, build(str(overlay)))

    def test_every_overlay_and_component_builds(self):
        self.assertTrue(OVERLAYS and COMPONENTS)
        for variant in VARIANTS:
            with self.subTest(variant):
                manifests = build(variant)
                identities = [(one["kind"], one["metadata"]["name"]) for one in manifests]
                self.assertEqual(len(identities), len(set(identities)))
                for one in manifests:
                    if one["kind"] not in ("Namespace", "PriorityClass"):
                        self.assertEqual(one["metadata"].get("namespace"), "nodevigil", one["metadata"]["name"])

    def test_every_component_is_explained(self):
        guide = GUIDE.read_text()
        for name in COMPONENTS:
            text = (DEPLOY / "components" / name / "kustomization.yaml").read_text()
            self.assertTrue(text.startswith("# "), f"{name} does not say what it is for")
            self.assertIn(f"`{name}`", guide)

    def test_the_image_is_of_this_version(self):
        for variant in VARIANTS:
            if variant.endswith("/kind"):
                continue
            for workload in build(variant).workloads():
                for container in filter(is_ours, workload.containers()):
                    self.assertEqual(container["image"], f"{IMAGE}:{version()}", variant)

    def test_one_entry_replaces_every_image(self):
        images = {container["image"] for workload in build("overlays/kind").workloads()
                  for container in workload.containers() if is_ours(container)}
        self.assertEqual(images, {"localhost/nodevigil:dev"})


class HardeningTest(unittest.TestCase):
    def test_every_workload_is_hardened(self):
        for variant in VARIANTS:
            manifests = build(variant)
            self.assertTrue(manifests.workloads())
            for workload in manifests.workloads():
                with self.subTest(variant, workload=str(workload)):
                    self.assertEqual(findings(workload), [])

    def loosened(self, change):
        """Each workload of all kinds with `change` made to its pod: all must be found out."""
        names = [*map(str, OVERLAYS), *(f"anomalies/{name}" for name in ANOMALIES)]
        workloads = {str(one): one for name in names for one in build(name).workloads()}
        for workload in workloads.values():
            count = change(workload)
            if count:
                self.assertTrue(findings(workload), f"{workload}: not found out")
        return workloads

    def test_each_loosened_field_of_a_pod_is_found(self):
        for path, _, looser in POD_RULES:
            for value in looser:
                with self.subTest(".".join(path), value=value):
                    self.loosened(lambda workload: exceptions_of(workload)[0].get(path, "none") != value and
                                  (assign(workload.pod, path, value) or True))

    def test_each_loosened_field_of_a_container_is_found(self):
        changes = [(path, value) for path, _, looser in CONTAINER_RULES for value in looser]
        for path, value in changes + [(path, None) for path in RESOURCES]:
            with self.subTest(".".join(path), value=value):
                self.loosened(lambda workload: assign(workload.containers()[0], path, value) or True)
                self.loosened(lambda workload: assign(workload.containers()[-1], path, value) or True)

    def test_each_loosened_volume_is_found(self):
        def writable(workload):
            mounts = [mount for one in workload.containers() for mount in one["volumeMounts"] if "readOnly" in mount]
            del mounts[0]["readOnly"]
            return True

        def host(path):
            def change(workload):
                workload.pod["volumes"][0] = {"name": workload.pod["volumes"][0]["name"], "hostPath": {"path": path}}
                return True
            return change

        def without(kind, key):
            def change(workload):
                volumes = [one for one in workload.pod["volumes"] if key in one.get(kind, {})]
                for one in volumes:
                    del one[kind][key]
                return len(volumes)
            return change

        for name, change in {"writable": writable, "root": host("/"), "socket": host("/run/containerd/containerd.sock"),
                             "secret": without("secret", "defaultMode"), "size": without("emptyDir", "sizeLimit"),
                             "port": lambda one: one.containers()[0].setdefault("ports", []).append(
                                 {"name": "x", "containerPort": 1, "hostPort": 1}) or True}.items():
            with self.subTest(name):
                self.loosened(change)

    def test_each_exception_is_needed(self):
        workloads = {str(one): one for name in ANOMALIES for one in build(f"anomalies/{name}").workloads()}
        for name, exceptions in EXCEPTIONS.items():
            for of_what in exceptions:
                for path in list(of_what):
                    value = of_what.pop(path)
                    self.assertEqual(len(findings(workloads[name])), 1, path)
                    of_what[path] = value

    def test_nothing_has_rights_in_the_cluster(self):
        for variant in VARIANTS:
            manifests = build(variant)
            self.assertEqual(manifests.of_kind("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), [])
            for account in manifests.of_kind("ServiceAccount"):
                self.assertIs(account["automountServiceAccountToken"], False)

    def test_the_namespace_is_as_strict_as_host_paths_allow(self):
        labels = build("base").get("Namespace", "nodevigil")["metadata"]["labels"]
        levels = {name.rpartition("/")[2]: value for name, value in labels.items() if "pod-security" in name}
        self.assertEqual(levels, {"enforce": "privileged", "warn": "restricted", "audit": "restricted"})

    def test_pods_are_behind_a_policy_in_both_directions(self):
        for variant in VARIANTS:
            manifests = build(variant)
            policies = [one["spec"] for one in manifests.of_kind("NetworkPolicy")]
            for workload in manifests.workloads():
                directions = {direction for policy in policies if selects(policy["podSelector"], workload.labels)
                              for direction in policy["policyTypes"]}
                self.assertEqual(directions, {"Ingress", "Egress"}, f"{variant}: {workload}")

    def test_nobody_is_let_in_from_everywhere(self):
        for variant in VARIANTS:
            for policy in build(variant).of_kind("NetworkPolicy"):
                for rule in policy["spec"].get("ingress", []):
                    self.assertTrue(rule.get("from"), f"{variant}: {policy['metadata']['name']}")
                for rule in policy["spec"].get("egress", []):
                    self.assertTrue(rule.get("ports"), f"{variant}: {policy['metadata']['name']}")


class ReferenceTest(unittest.TestCase):
    def workloads(self):
        """All there are, each with the objects it is among and a name for messages."""
        for variant in VARIANTS:
            manifests = build(variant)
            for workload in manifests.workloads():
                yield manifests, workload, f"{variant}: {workload}"

    def test_what_a_pod_names_is_there(self):
        guide = GUIDE.read_text()
        for manifests, workload, where in self.workloads():
            named = {("ServiceAccount", workload.pod["serviceAccountName"])}
            if "priorityClassName" in workload.pod:
                named.add(("PriorityClass", workload.pod["priorityClassName"]))
            for container in workload.containers():
                named |= {("ConfigMap", one["configMapRef"]["name"])
                          for one in container.get("envFrom", [])}
            for volume in workload.pod.get("volumes", []):
                if "configMap" in volume:
                    named.add(("ConfigMap", volume["configMap"]["name"]))
                if "secret" in volume:
                    named.add(("Secret", volume["secret"]["secretName"]))
            for kind, name in named:
                noun = {"Secret": "secret generic", "ConfigMap": "configmap"}.get(kind, kind)
                self.assertTrue(name in manifests.names(kind) or f"create {noun} {name} " in guide,
                                f"{where}: nobody makes {kind} {name}")

    def test_mounts_have_volumes(self):
        for _, workload, where in self.workloads():
            volumes = {volume["name"] for volume in workload.pod.get("volumes", [])}
            for container in workload.containers():
                self.assertLessEqual({one["name"] for one in container["volumeMounts"]}, volumes, where)

    def test_variables_are_settings(self):
        options = set(re.findall(r"`(NODEVIGIL_\w+)`",
                                 nodevigil("schema", "--of", "options", check=0).stdout))
        self.assertIn("NODEVIGIL_NODE", options)
        for manifests, workload, where in self.workloads():
            for container in filter(is_ours, workload.containers()):
                self.assertLessEqual(set(manifests.environment(container)), options | LIBPQ, where)

    def test_a_narrow_proc_has_every_file_that_is_read(self):
        read = set(re.findall(r"^\w+ +source (\S+)", nodevigil("doctor").stdout, re.M))
        pod = build("components/narrow-proc").agents().pod
        mounted = {volume["hostPath"]["path"].removeprefix("/proc/") for volume in pod["volumes"]
                   if volume.get("hostPath", {}).get("path", "").startswith("/proc/")}
        self.assertEqual(mounted, {"1/net" if name.startswith("net/") else name
                                   for name in read - {"statvfs"}})
        [container] = pod["containers"]
        for mount in container["volumeMounts"]:
            for volume in pod["volumes"]:
                if volume["name"] == mount["name"] and mount["mountPath"].startswith("/host/proc"):
                    self.assertEqual(mount["mountPath"], "/host" + volume["hostPath"]["path"])

    def test_paths_in_settings_are_mounted(self):
        for manifests, workload, where in self.workloads():
            for container in filter(is_ours, workload.containers()):
                variables = manifests.environment(container)
                if workload.kind != "DaemonSet":  # of the agents' settings, these read the database's
                    variables = {name: value for name, value in variables.items()
                                 if name.startswith(("PG", "NODEVIGIL_POSTGRES"))}
                mounts = [f"{one['mountPath']}/" for one in container["volumeMounts"]]
                for name, value in variables.items():
                    if value.startswith("/"):  # in a mount, or above some
                        self.assertTrue(f"{value}/".startswith(tuple(mounts)) or
                                        any(mount.startswith(f"{value}/") for mount in mounts),
                                        f"{where}: {name}={value}")

    def test_selectors_match_their_own_pods_alone(self):
        for manifests, workload, where in self.workloads():
            if workload.kind not in ("DaemonSet", "StatefulSet"):
                continue  # the others get a selector from the cluster
            taken = [str(one) for one in manifests.workloads()
                     if selects(workload.spec["selector"], one.labels)]
            self.assertEqual(taken, [str(workload)], where)

    def test_services_and_monitors_find_a_port(self):
        for variant in VARIANTS:
            manifests = build(variant)
            for service in manifests.of_kind("Service"):
                selector = {"matchLabels": service["spec"]["selector"]}
                [pods] = [one for one in manifests.workloads() if selects(selector, one.labels)]
                for port in service["spec"]["ports"]:
                    self.assertEqual(pods.ports()[port["targetPort"]], port["port"], variant)
            for monitor in manifests.of_kind("PodMonitor"):
                [pods] = [one for one in manifests.workloads() if selects(monitor["spec"]["selector"], one.labels)]
                for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                    self.assertIn(endpoint["port"], pods.ports())
            for monitor in manifests.of_kind("ServiceMonitor"):
                [service] = [one for one in manifests.of_kind("Service")
                             if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
                for endpoint in monitor["spec"]["endpoints"]:
                    self.assertIn(endpoint["port"], [port["name"] for port in service["spec"]["ports"]])

    def test_policies_let_in_to_ports_that_are_open(self):
        for variant in VARIANTS:
            manifests = build(variant)
            for policy in manifests.of_kind("NetworkPolicy"):
                pods = [one for one in manifests.workloads() if selects(policy["spec"]["podSelector"], one.labels)]
                self.assertTrue(pods, f"{variant}: {policy['metadata']['name']} is for no pod")
                open_ports = {port for one in pods for port in one.ports().values()}
                for rule in policy["spec"].get("ingress", []):
                    self.assertLessEqual({port["port"] for port in rule["ports"]}, open_ports, variant)

    def test_agents_listen_where_they_are_asked(self):
        agents = build("base").agents()
        options = nodevigil("schema", "--of", "options", check=0).stdout
        default = int(re.search(r"`NODEVIGIL_WEB_LISTEN_ADDRESS` \| `:(\d+)`", options).group(1))
        self.assertEqual(agents.ports(), {"metrics": default})
        self.assertEqual(agents.annotations["prometheus.io/port"], str(default))
        [container] = agents.containers()
        probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        self.assertEqual({probe["port"] for probe in probes}, {"metrics"})
        paths = {probe["path"] for probe in probes} | {agents.annotations["prometheus.io/path"]}
        with tempfile.TemporaryDirectory() as state, Agent(state) as agent:
            for path in paths:
                fetch(agent.url + path)  # raises for anything but 200

    def test_bounds_fit_into_each_other(self):
        base = build("base")
        agents = base.agents()
        [container] = agents.containers()
        [state] = [volume for volume in agents.pod["volumes"] if volume["name"] == "state"]
        journal = size(base.environment(container)["NODEVIGIL_JOURNAL_MAX_SIZE"])
        volume = size(state["emptyDir"]["sizeLimit"])
        storage = size(container["resources"]["limits"]["ephemeral-storage"])
        self.assertLess(journal, volume)
        self.assertLess(volume, storage)
        # The agent's bound at its end is ten seconds (docs/configuration.md).
        self.assertGreater(agents.pod["terminationGracePeriodSeconds"], 10)

    def test_a_version_that_fails_soon_stops_at_a_tenth_of_the_nodes(self):
        for variant in VARIANTS:
            spec = build(variant).agents().spec
            self.assertEqual((spec["minReadySeconds"], spec["updateStrategy"]), (60, {
                "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}), variant)


class SettingsTest(unittest.TestCase):
    def test_the_agent_takes_the_settings(self):
        for variant in VARIANTS:
            with self.subTest(variant):
                manifests = build(variant)
                [container] = manifests.agents().containers()
                variables = manifests.environment(container)
                if "NODEVIGIL_MODEL" in variables:  # the only file that is read now
                    variables["NODEVIGIL_MODEL"] = str(ROOT / "models/default.json")
                printed = nodevigil("check-config", check=0, **variables).stdout
                for name in variables:
                    if name.startswith("NODEVIGIL_"):
                        self.assertRegex(printed, rf"# {name}\b")

    def test_settings_of_a_component_roll_the_pods(self):
        def settings(variant):
            [container] = build(variant).agents().containers()
            return container["envFrom"][0]["configMapRef"]["name"]
        self.assertNotEqual(settings("base"), settings("components/model"))

    def test_a_url_that_forgets_tls_is_verified_all_the_same(self):
        manifests = build("overlays/postgres")
        [container] = manifests.agents().containers()
        variables = manifests.environment(container)
        self.assertNotIn("sslmode", variables["NODEVIGIL_POSTGRES_URL"])
        self.assertEqual(variables["PGSSLMODE"], "verify-full")
        self.assertTrue(variables["PGSSLROOTCERT"].endswith("/ca.crt"))


def seconds(text):
    """Of a duration as the program writes it: 1h2m30s."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h)", text))


class AnomaliesTest(unittest.TestCase):
    """deploy/anomalies, each of them beside the trial."""

    @staticmethod
    def jobs():
        for name in ANOMALIES:
            manifests = build(f"anomalies/{name}")
            yield name, manifests, manifests.anomaly()

    @staticmethod
    def example(name, files):
        """What the kustomization builds to that the head of a file shows."""
        text = (DEPLOY / "anomalies" / name / "kustomization.yaml").read_text()
        shown = re.search(r"(?m)^#   (?:resources|configMapGenerator):\n(?:#   .*\n)+", text)[0]
        kustomization = {"resources": [f"nodevigil/deploy/anomalies/{name}"],
                         **yaml.safe_load(re.sub(r"(?m)^#   ", "", shown))}
        with tempfile.TemporaryDirectory() as directory:
            here = pathlib.Path(directory).resolve()
            for file, content in files.items():
                (here / file).write_text(content)
            (here / "kustomization.yaml").write_text(yaml.safe_dump(kustomization).replace(
                "nodevigil/deploy", os.path.relpath(DEPLOY, here)))
            return Manifests(yaml.safe_load_all(kustomize(here)))

    def test_overlays_patch_the_base_and_are_explained(self):
        guide = (ROOT / "docs/inject.md").read_text()
        self.assertIn("memory", ANOMALIES)
        for name in ANOMALIES:
            text = (DEPLOY / "anomalies" / name / "kustomization.yaml").read_text()
            kustomization = yaml.safe_load(text)
            self.assertEqual(kustomization["resources"], ["../base"], name)
            self.assertTrue(text.startswith("# "), f"{name} does not say what it does")
            self.assertIn(f"`{name}`", guide)

    def test_a_job_runs_once_and_goes(self):
        for name, _, job in self.jobs():
            with self.subTest(name):
                self.assertEqual(str(job), f"Job/nodevigil-anomaly-{name}")
                self.assertEqual(job.labels, {"app.kubernetes.io/name": "nodevigil-anomaly",
                                              "app.kubernetes.io/part-of": "nodevigil"})
                self.assertEqual(job.spec["backoffLimit"], 0)
                self.assertEqual(job.pod["restartPolicy"], "Never")
                self.assertGreater(job.spec["ttlSecondsAfterFinished"], 0)

    def test_the_program_takes_its_arguments_and_ends_before_the_deadline(self):
        for name, manifests, job in self.jobs():
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                [container] = job.containers()
                arguments = container["args"]
                for volume in job.pod["volumes"]:
                    if "configMap" in volume:
                        for file, text in manifests.get("ConfigMap", volume["configMap"]["name"])["data"].items():
                            (pathlib.Path(directory) / file).write_text(text)
                        [at] = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == volume["name"]]
                        arguments = [one.replace(at, directory) for one in arguments]
                printed = nodevigil(*arguments, "--print", check=0, **manifests.environment(container)).stdout
                planned = seconds(re.search(r"(\S+) in all", printed)[1])
                self.assertGreaterEqual(planned, 120)
                self.assertLess(planned + 60, job.spec["activeDeadlineSeconds"])

    def test_memory_has_the_limit_that_it_is_about(self):
        [container] = build("anomalies/memory").anomaly().containers()
        self.assertEqual(container["resources"]["limits"]["memory"], "400Mi")

    def test_files_are_on_a_disk_and_have_room(self):
        options = nodevigil("schema", "--of", "options", check=0).stdout
        default = re.search(r"`NODEVIGIL_WORK_DIR` \| `(\S+)`", options)[1]
        for name, _, job in self.jobs():
            with self.subTest(name):
                [container] = job.containers()
                [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == default]
                [work] = [one["emptyDir"] for one in job.pod["volumes"] if one["name"] == mount["name"]]
                self.assertNotIn("medium", work)
                self.assertLess(size(work["sizeLimit"]),
                                size(container["resources"]["limits"]["ephemeral-storage"]))
                if name in ("disk-write", "campaign"):  # their files have 256 MiB, and a workload's 128
                    self.assertGreater(size(work["sizeLimit"]), size("384Mi"))

    def test_a_pod_has_no_secret_but_its_own(self):
        for name, _, job in self.jobs():
            secrets = [one["secret"]["secretName"] for one in job.pod["volumes"] if "secret" in one]
            self.assertEqual(secrets, ["nodevigil-postgres-labelers"], name)

    def test_the_trial_does_without_that_secret(self):
        found = [volume["secret"] for workload in build("overlays/trial").workloads()
                 for volume in workload.pod["volumes"]
                 if volume.get("secret", {}).get("secretName") == "nodevigil-postgres-labelers"]
        self.assertEqual([one.get("optional") for one in found], [True])

    def test_pods_reach_postgres_and_dns_and_nothing_else(self):
        for name, manifests, job in self.jobs():
            policies = [one["spec"] for one in manifests.of_kind("NetworkPolicy")]
            out = {port["port"] for policy in policies if selects(policy["podSelector"], job.labels)
                   for rule in policy.get("egress", []) for port in rule["ports"]}
            self.assertEqual(out, {53, 5432}, name)
            [server] = [one for one in manifests.workloads() if one.kind == "StatefulSet"]
            let_in = [source for policy in policies if selects(policy["podSelector"], server.labels)
                      for rule in policy.get("ingress", []) for source in rule["from"]
                      if {"port": 5432, "protocol": "TCP"} in rule["ports"]]
            self.assertTrue(any(selects(one["podSelector"], job.labels) for one in let_in), name)

    def test_the_overlay_that_the_base_shows_changes_what_it_says(self):
        manifests = self.example("base", {})
        job = manifests.anomaly()
        [container] = job.containers()
        self.assertEqual(job.pod["nodeName"], "worker-7")
        self.assertEqual(container["image"], f"registry.example/nodevigil:{version()}")
        variables = manifests.environment(container)
        self.assertEqual((variables["NODEVIGIL_DURATION"], variables["NODEVIGIL_INTENSITY"]), ("5m", "80"))
        # Where the URL says nothing of TLS, it is verified; the trial's does.
        self.assertEqual(variables["NODEVIGIL_POSTGRES_URL"], "postgresql://db.example/metrics")
        self.assertEqual(variables["PGSSLMODE"], "verify-full")
        self.assertTrue(variables["PGSSLROOTCERT"].startswith(container["volumeMounts"][0]["mountPath"]))

    def test_the_overlay_that_the_campaign_shows_takes_another_one(self):
        manifests = self.example("campaign", {"campaign.json": '{"steps": []}'})
        [name] = [one["configMap"]["name"] for one in manifests.anomaly().pod["volumes"] if "configMap" in one]
        self.assertEqual(manifests.get("ConfigMap", name)["data"], {"campaign.json": '{"steps": []}'})


if __name__ == "__main__":
    unittest.main()
