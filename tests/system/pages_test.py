"""Runs the commands of docs/datasets.md and then docs/training.md as a newcomer would, in one shell."""
import csv
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import PROGRAM, ROOT, environment


def run_pages(names, directory):
    """All shell blocks of docs/NAME for each name, one after the other, in one shell that begins in `directory`."""
    blocks = []
    for name in names:
        found = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / name).read_text(), re.DOTALL | re.MULTILINE)
        if len(found) < 4:
            raise AssertionError(f"{name}: found {len(found)} blocks of commands")
        blocks += found
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-m", "-c", "\n".join(blocks)], cwd=directory,
        env=environment(PATH=f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}", HOME=directory),
        capture_output=True, text=True, timeout=400)


class PagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.directory = pathlib.Path(place.name) / "nodevigil-demo"
        cls.done = run_pages(["datasets.md", "training.md"], place.name)
        if cls.done.returncode != 0:
            raise AssertionError(f"{cls.done.stdout}\n{cls.done.stderr}")

    def rows(self, name):
        with open(self.directory / name, newline="") as file:
            return list(csv.DictReader(file))

    def test_the_pages_lead_to_labelled_rows(self):
        self.assertRegex(self.done.stdout, r"(?m)^1,cpu,\d+,")
        self.assertRegex(self.done.stdout, r"(?m)^1,fork-storm,\d+,")
        self.assertRegex(self.done.stdout, r"(?m)^0,\"\",\d+,")
        rows = self.rows("data.csv")
        idle = {}
        for before, row in zip(rows, rows[1:]):
            idle.setdefault(row["attack_type"], []).append(
                float(row["cpu_sec_idle"]) - float(before["cpu_sec_idle"]))
        mean = {kind: sum(values) / len(values) for kind, values in idle.items()}
        self.assertAlmostEqual(len(idle["cpu"]), 30, delta=2)
        self.assertLess(mean["cpu"], mean[""] - 0.3, "the label is where the load was")
        storm = [float(row["forks_total"]) for row in self.rows("part.csv")
                 if row["attack_type"] == "fork-storm" and row["forks_total"]]
        self.assertGreater(sorted(storm)[len(storm) // 2], 150)

    def test_and_to_a_model_that_names_causes(self):
        model = json.loads((self.directory / "model.json").read_text())
        self.assertEqual(model["classes"], ["normal", "cpu", "fork_storm"])
        report = json.loads((self.directory / "evaluation.json").read_text())
        found = {one["type"]: one for one in report["as_known"]["incidents"]}
        for kind in ("cpu", "fork-storm"):
            self.assertEqual(found[kind]["incidents"], 2, self.done.stdout)
            self.assertEqual(found[kind]["class_right"], 2, self.done.stdout)
        self.assertLessEqual({"cpu", "fork_storm"}, {row["class"] for row in self.rows("verdicts.csv")})
        self.assertRegex(self.done.stderr, r"model trained [0-9a-f]{16} \(.*model\.json\)")
        self.assertIn("<svg", (self.directory / "report.html").read_text())
        asked = {node["feature"] for node in model["nodes"] if "feature" in node}
        self.assertTrue(asked)
        for name in asked:
            self.assertIn(f"// {name}\n", (self.directory / "model.cpp").read_text())


if __name__ == "__main__":
    unittest.main()
