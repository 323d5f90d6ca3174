"""Every fault visibly moves the metrics that the list says it moves, measured by the agent itself."""
import csv
import io
import json
import os
import statistics
import tempfile
import time
import unittest

from support import Agent, nodevigil

# What makes the effect plain within seconds on a machine of any size.
INTENSITY = {"memory": "20", "memory-leak": "60000", "cpu": "100", "miner": "80", "disk-fill": "20"}
SECONDS = {"cpu": 15}  # load1 follows slowly
OTHERS = 4
QUIET = 12
ROWS = 2  # a second


class EffectsTest(unittest.TestCase):
    def test_every_fault_moves_what_it_claims(self):
        scenarios = json.loads(nodevigil("inject", "--list", "--json", check=0).stdout)["scenarios"]
        metrics = {m["name"]: m for m in
                   json.loads(nodevigil("schema", "--format", "json", check=0).stdout)}
        with tempfile.TemporaryDirectory() as directory:
            state = os.path.join(directory, "state")
            # What ran before this test is still in the average, and a full load lowers a higher one.
            for _ in range(60):
                if os.getloadavg()[0] < 0.6 * os.cpu_count():
                    break
                time.sleep(1)
            with Agent(state, "--node", "n", "--journal.flush-interval", "0s", interval="500ms"):
                time.sleep(QUIET)
                for scenario in scenarios:
                    name = scenario["name"]
                    intensity = ("--intensity", INTENSITY[name]) if name in INTENSITY else ()
                    nodevigil("inject", name, "--duration", f"{SECONDS.get(name, OTHERS)}s", *intensity, "--node", "n",
                              "--state-dir", state, "--work-dir", directory, check=0)
                    time.sleep(1.5)
            rows = list(csv.DictReader(io.StringIO(nodevigil(
                "export", "--state-dir", state, "--values", "rates", check=0).stdout)))
        quiet = [row for row in rows[2:] if row["ts"] < next(
            r["ts"] for r in rows if r["attack"] == "1")]
        self.assertGreater(len(quiet), QUIET)

        def values(some, metric):
            return [float(row[metric]) for row in some if row[metric]]

        failures = []
        for scenario in scenarios:
            its = [i for i, row in enumerate(rows) if row["attack_type"] == scenario["name"]]
            self.assertGreaterEqual(len(its), ROWS * OTHERS - 2, scenario["name"])
            during = [rows[i] for i in its[len(its) // 2:]]
            for effect in scenario["effects"]:
                if effect["needs_link"] and os.geteuid() != 0:
                    continue
                metric, up = effect["metric"], effect["direction"] == "up"
                if metric == "load1" and float(rows[its[0] - 1]["load1"]) > 0.8 * os.cpu_count():
                    print("load1 is too high already to be raised: not looked at", flush=True)
                    continue
                before = values(quiet, metric)
                spec = metrics[metric]
                # Levels drift, and averages of minutes hold what was before.
                mean = (float(rows[its[0] - 1][metric]) if spec["kind"] == "gauge"
                        else statistics.fmean(before))
                deviation = max(statistics.pstdev(before), spec["floor_absolute"],
                                spec["floor_relative"] * abs(mean))
                z = (statistics.fmean(values(during, metric)) - mean) / deviation
                said = f"{scenario['name']}: {metric} {effect['direction']}: z {z:+.1f}"
                print(said, flush=True)
                if (z if up else -z) < 2:
                    failures.append(said)
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
