"""Runs the commands of docs/training.md as a newcomer would, in one shell."""
import csv
import json
import pathlib
import tempfile
import unittest

from page import run_page


class TrainingPageTest(unittest.TestCase):
    def test_the_page_leads_to_a_model_that_names_causes(self):
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            done = run_page("training.md", directory)
            self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
            model = json.loads((directory / "model.json").read_text())
            self.assertEqual(model["classes"], ["normal", "fd_leak", "fork_storm"])
            report = json.loads((directory / "evaluation.json").read_text())
            found = {one["type"]: one for one in report["incidents"]}
            for kind in ("fd-leak", "fork-storm"):
                self.assertEqual(found[kind]["incidents"], 2, done.stdout)
                self.assertEqual(found[kind]["class_right"], 2, done.stdout)
            with open(directory / "verdicts.csv", newline="") as file:
                named = {row["class"] for row in csv.DictReader(file)}
            self.assertLessEqual({"fd_leak", "fork_storm"}, named)
            self.assertIn("<svg", (directory / "report.html").read_text())
            self.assertIn("// z.", (directory / "model.cpp").read_text())


if __name__ == "__main__":
    unittest.main()
