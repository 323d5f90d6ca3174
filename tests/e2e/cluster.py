"""A Kubernetes cluster as the end-to-end test sees it: kubectl, overlays of deploy/, and ports of pods."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))

from support import free_port, wait_until

NAMESPACE = "nodevigil"
# Images by their names in the manifests; those of the cluster may be called otherwise.
IMAGES = {
    "ghcr.io/nodevigil/nodevigil": os.environ.get("NODEVIGIL_E2E_IMAGE", "localhost/nodevigil:dev"),
    "docker.io/library/postgres": os.environ.get("NODEVIGIL_E2E_POSTGRES_IMAGE",
                                                 "docker.io/library/postgres:17"),
    "quay.io/prometheus/alertmanager": os.environ.get("NODEVIGIL_E2E_ALERTMANAGER_IMAGE",
                                                      "quay.io/prometheus/alertmanager:v0.27.0"),
}


def kubectl(*arguments, given=None, check=True):
    """What kubectl prints; a failure is an error that says what it said."""
    done = subprocess.run(["kubectl", *map(str, arguments)], input=given, capture_output=True,
                          text=True, timeout=480)
    if check and done.returncode != 0:
        raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
    return done.stdout if done.returncode == 0 else done.stderr


def get(*arguments, namespace=NAMESPACE):
    return json.loads(kubectl("-n", namespace, "get", *arguments, "-o", "json"))


def with_images(manifests):
    """Manifests with the cluster's names of images."""
    for name, image in IMAGES.items():
        manifests = re.sub(rf"{re.escape(name)}:[\w.-]+", image, manifests)
    return manifests


def build(*components, overlay="overlays/trial", patches=(), **settings):
    """The manifests of an overlay of deploy/, or of a fault there, with more components, settings and patches."""
    directory = ROOT / "build/e2e"
    directory.mkdir(parents=True, exist_ok=True)
    deploy = os.path.relpath(ROOT / "deploy", directory)
    (directory / "kustomization.yaml").write_text(json.dumps({  # JSON is YAML
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [f"{deploy}/{overlay}"],
        "components": [f"{deploy}/components/{one}" for one in components],
        "configMapGenerator": [{"name": "nodevigil-anomaly" if overlay.startswith("anomalies/") else
                                "nodevigil-settings", "behavior": "merge", "namespace": NAMESPACE,
                                "literals": [f"{k}={v}" for k, v in settings.items()]}],
        "patches": list(patches)}))
    return with_images(subprocess.run([ROOT / "tools/kustomize", directory], check=True,
                                      capture_output=True, text=True).stdout)


def apply(manifests):
    return kubectl("apply", "-f", "-", given=manifests)


def rolled_out(seconds=420):
    kubectl("-n", NAMESPACE, "rollout", "status", "daemonset/nodevigil", f"--timeout={seconds}s")


def agent_pods():
    """Names of the agents' running pods, by node."""
    pods = get("pods", "-l", "app.kubernetes.io/name=nodevigil", "--field-selector",
               "status.phase=Running")["items"]
    return {pod["spec"]["nodeName"]: pod["metadata"]["name"] for pod in pods
            if "deletionTimestamp" not in pod["metadata"]}


@contextlib.contextmanager
def forwarded(what, port, namespace=NAMESPACE):
    """The URL of a port of a pod or service."""
    local = free_port()
    tunnel = subprocess.Popen(["kubectl", "-n", namespace, "port-forward", what, f"{local}:{port}"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = tunnel.stdout.readline()
        if "Forwarding" not in line:
            raise AssertionError(f"port-forward to {what}: {line}")
        yield f"http://127.0.0.1:{local}"
    finally:
        tunnel.terminate()
        tunnel.wait()
        tunnel.stdout.close()


def fetch(what, port, path, namespace=NAMESPACE):
    with forwarded(what, port, namespace) as url:
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            return answer.read().decode()


def status(pod):
    return json.loads(fetch(f"pod/{pod}", 9910, "/api/v1/status"))


def metrics(pod):
    """Samples of /metrics as {'name{labels}': value}."""
    lines = fetch(f"pod/{pod}", 9910, "/metrics").splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def sql(statement):
    return kubectl("-n", NAMESPACE, "exec", "nodevigil-postgres-0", "--", "psql", "-h", "/var/run/postgresql",
                   "-U", "owner", "-d", "metrics", "-At", "-c", statement).strip()


def eventually(condition, seconds, what):
    """wait_until that takes an error of kubectl for not yet: pods come and go."""
    def tried():
        try:
            return condition()
        except (AssertionError, OSError):
            return None
    return wait_until(tried, seconds, what)
