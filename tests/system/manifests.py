"""Built Kubernetes manifests, and the questions tests ask them."""
import copy
import functools
import os
import pathlib
import subprocess
import tempfile

import yaml

from support import ROOT

DEPLOY = ROOT / "deploy"
OVERLAYS = sorted(path.parent.relative_to(DEPLOY) for path in DEPLOY.glob("overlays/*/kustomization.yaml"))
COMPONENTS = sorted(path.parent.name for path in DEPLOY.glob("components/*/kustomization.yaml"))
# Faults on purpose: each is looked at beside the trial, which has all that they need.
ANOMALIES = sorted(path.parent.name for path in DEPLOY.glob("anomalies/*/kustomization.yaml")
                   if path.parent.name != "base")
# What is of use only with another component before it.
NEEDS_POSTGRES = {"postgres-trial", "postgres-prune", "node-logins"}
VARIANTS = ["base", *map(str, OVERLAYS), *(f"components/{name}" for name in COMPONENTS),
            *(f"anomalies/{name}" for name in ANOMALIES)]


def kustomize(directory):
    result = subprocess.run([ROOT / "tools/kustomize", directory], capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise AssertionError(f"{directory} does not build:\n{result.stderr}")
    return result.stdout


def kustomized(resources, components=()):
    """What a kustomization of these directories of deploy/ builds to."""
    with tempfile.TemporaryDirectory() as directory:
        here = pathlib.Path(directory).resolve()
        (here / "kustomization.yaml").write_text(yaml.safe_dump({
            "resources": [os.path.relpath(DEPLOY / one, here) for one in resources],
            "components": [os.path.relpath(DEPLOY / "components" / one, here) for one in components]}))
        return kustomize(here)


@functools.cache
def built(variant):
    parent, _, name = variant.partition("/")
    if parent == "components":
        text = kustomized(["base"], (["postgres"] if name in NEEDS_POSTGRES else []) + [name])
    elif parent == "anomalies":
        text = kustomized(["overlays/trial", variant])
    else:
        text = kustomize(DEPLOY / variant)
    return Manifests(yaml.safe_load_all(text))


def build(variant):
    """The objects of `base` or an overlay, of the base with a component, or of the trial with a fault, as one's own
    copy."""
    return built(variant).copy()


class Workload:
    """What runs pods: its template, wherever its kind keeps it."""

    def __init__(self, manifest):
        self.manifest = manifest
        self.kind = manifest["kind"]
        self.name = manifest["metadata"]["name"]
        spec = manifest["spec"]
        if self.kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        self.spec = spec
        self.labels = spec["template"]["metadata"]["labels"]
        self.annotations = spec["template"]["metadata"].get("annotations", {})
        self.pod = spec["template"]["spec"]

    def __str__(self):
        return f"{self.kind}/{self.name}"

    def containers(self):
        return self.pod.get("initContainers", []) + self.pod["containers"]

    def ports(self):
        return {port["name"]: port["containerPort"]
                for container in self.containers() for port in container.get("ports", [])}


def selects(selector, labels):
    """Whether a label selector takes pods with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for rule in selector.get("matchExpressions", []):
        if rule["operator"] != "In":
            raise AssertionError(f"operator {rule['operator']} is not known here")
        wanted = wanted and labels.get(rule["key"]) in rule["values"]
    return wanted


class Manifests(list):
    def of_kind(self, *kinds):
        return [one for one in self if one["kind"] in kinds]

    def names(self, kind):
        return {one["metadata"]["name"] for one in self.of_kind(kind)}

    def get(self, kind, name):
        [found] = [one for one in self.of_kind(kind) if one["metadata"]["name"] == name]
        return found

    def workloads(self):
        return [Workload(one) for one in self.of_kind("DaemonSet", "StatefulSet", "Deployment", "Job", "CronJob")]

    def agents(self):
        return Workload(self.get("DaemonSet", "nodevigil"))

    def anomaly(self):
        """The one Job that makes a fault."""
        [found] = [one for one in self.workloads() if one.name.startswith("nodevigil-anomaly")]
        return found

    def environment(self, container, node="worker-7"):
        """The variables a container gets on a node of that name."""
        fields = {"spec.nodeName": node}
        variables = {}
        for source in container.get("envFrom", []):
            variables.update(self.get("ConfigMap", source["configMapRef"]["name"])["data"])
        for one in container.get("env", []):
            variables[one["name"]] = one["value"] if "value" in one else fields[
                one["valueFrom"]["fieldRef"]["fieldPath"]]
        return variables

    def copy(self):
        return Manifests(copy.deepcopy(list(self)))
