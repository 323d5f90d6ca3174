"""Runs the commands of docs/datasets.md as a newcomer would, in one shell."""
import csv
import pathlib
import tempfile
import unittest

from page import run_page


class DatasetsPageTest(unittest.TestCase):
    def test_the_page_leads_to_labelled_rows(self):
        with tempfile.TemporaryDirectory() as directory:
            done = run_page("datasets.md", directory)
            self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
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
