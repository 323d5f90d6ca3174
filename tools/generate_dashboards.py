#!/usr/bin/env python3
"""Writes deploy/grafana/*.json. The panels of metrics come from the program's table of metrics.

With --check nothing is written and the exit code is 1 where a file is out of date.
"""
import json
import os
import pathlib
import subprocess
import sys

from dashboards import fleet, node

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("NODEVIGIL_BIN", str(ROOT / "build/release/nodevigil"))


def metric_table():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NODEVIGIL_")}
    return json.loads(subprocess.run([PROGRAM, "schema", "--format", "json"], env=environment,
                                     check=True, capture_output=True, text=True).stdout)


def main():
    check = "--check" in sys.argv[1:]
    stale = []
    for name, dashboard in {"fleet": fleet.dashboard(),
                            "node": node.dashboard(metric_table())}.items():
        path = ROOT / "deploy/grafana" / f"{name}.json"
        text = json.dumps(dashboard, indent=1) + "\n"
        if not path.exists() or path.read_text() != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.write_text(text)
    print("dashboards: " + (", ".join(stale) or "none") +
          (" out of date (./dev docs writes them)" if check else " written"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
