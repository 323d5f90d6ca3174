#!/usr/bin/env python3
"""Writes the manifests under deploy/ that are made from other files; with --check, only tells whether they are up to date.

    nodevigil.yaml                                   the base, for `kubectl apply -f`
    components/prometheusrule*/prometheusrule.yaml   prometheus/*.yaml, for the Prometheus Operator
    components/grafana-dashboards/dashboards.yaml    grafana/*.json, for Grafana's sidecar
"""
import argparse
import pathlib
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def metadata(name, *labels):
    """The metadata of a generated object, as YAML."""
    lines = ["metadata:", f"  name: {name}", "  namespace: nodevigil", "  labels:"]
    lines += [f"    {label}" for label in ("app.kubernetes.io/name: nodevigil",
                                           "app.kubernetes.io/part-of: nodevigil", *labels)]
    return "\n".join(lines) + "\n"


def flat():
    built = subprocess.run([ROOT / "tools/kustomize", DEPLOY / "base"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    return ("# The agent on every node, without kustomize: kubectl apply -f nodevigil.yaml\n"
            "# Made from deploy/base by tools/generate_manifests.py; change it there.\n" + built)


def prometheus_rule(file, name):
    rules = (DEPLOY / "prometheus" / file).read_text()
    return (f"# Made from deploy/prometheus/{file} by tools/generate_manifests.py; change it there.\n"
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n" + metadata(name) +
            "spec:\n" + textwrap.indent(rules, "  "))


def dashboard(path):
    return ("apiVersion: v1\nkind: ConfigMap\n" +
            metadata(f"nodevigil-dashboard-{path.stem}", 'grafana_dashboard: "1"') +
            f"data:\n  {path.name}: |\n" + textwrap.indent(path.read_text(), "    "))


def dashboards():
    files = sorted((DEPLOY / "grafana").glob("*.json"))
    if not files:
        raise FileNotFoundError(f"no dashboards in {DEPLOY / 'grafana'}")
    return ("# Made from deploy/grafana by tools/generate_manifests.py; change it there.\n" +
            "---\n".join(map(dashboard, files)))


GENERATED = {
    DEPLOY / "nodevigil.yaml": flat,
    DEPLOY / "components/prometheusrule/prometheusrule.yaml":
        lambda: prometheus_rule("rules.yaml", "nodevigil"),
    DEPLOY / "components/prometheusrule-anomalies/prometheusrule.yaml":
        lambda: prometheus_rule("anomalies.yaml", "nodevigil-anomalies"),
    DEPLOY / "components/grafana-dashboards/dashboards.yaml": dashboards,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything would change")
    check = parser.parse_args().check
    stale = []
    for path, make in GENERATED.items():
        text = make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.write_text(text)
    if stale:
        print(("stale, run tools/generate_manifests.py: " if check else "wrote ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
