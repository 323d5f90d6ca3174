"""Runs the commands of docs/datasets.md as a newcomer would, in one shell."""
import csv
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import PROGRAM, ROOT, environment


class DatasetsPageTest(unittest.TestCase):
    def test_the_page_leads_to_labelled_rows(self):
        page = (ROOT / "docs/datasets.md").read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        self.assertGreater(len(blocks), 6)
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-m", "-c", "\n".join(blocks)], cwd=directory,
                env=environment(PATH=f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}",
                                HOME=directory),
                capture_output=True, text=True, timeout=300)
            said = f"{done.stdout}\n{done.stderr}"
            self.assertEqual(done.returncode, 0, said)
            self.assertRegex(done.stdout, r"(?m)^1,cpu,\d+,")
            self.assertRegex(done.stdout, r"(?m)^1,fork-storm,\d+,")
            self.assertRegex(done.stdout, r"(?m)^0,\"\",\d+,")
            with open(pathlib.Path(directory) / "data.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            idle = {}
            for before, row in zip(rows, rows[1:]):
                idle.setdefault(row["attack_type"], []).append(
                    float(row["cpu_sec_idle"]) - float(before["cpu_sec_idle"]))
            mean = {kind: sum(values) / len(values) for kind, values in idle.items()}
            self.assertAlmostEqual(len(idle["cpu"]), 10, delta=1)
            self.assertLess(mean["cpu"], mean[""] - 0.3, "the label is where the load was")
            with open(pathlib.Path(directory) / "part.csv", newline="") as file:
                storm = [float(row["forks_total"]) for row in csv.DictReader(file)
                         if row["attack_type"] == "fork-storm" and row["forks_total"]]
            self.assertGreater(sorted(storm)[len(storm) // 2], 150)


if __name__ == "__main__":
    unittest.main()
