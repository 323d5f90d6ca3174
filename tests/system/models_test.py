"""The compiled-in model, its reports and what the pages say of it are what ./dev train and ./dev evaluate make of the recordings."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import ROOT, environment, nodevigil

MODELS = ROOT / "models"


def share(part, whole):
    return f"{part} of {whole} ({100 * part / whole:.0f} %)"


class ModelsTest(unittest.TestCase):
    def dev(self, *arguments):
        done = subprocess.run([ROOT / "dev", *arguments], env=environment(), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_same(self, made, kept):
        self.assertEqual(made.read_bytes(), (MODELS / kept).read_bytes(), f"{kept} is another")

    def test_training_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as name:
            model, report = (pathlib.Path(name) / each for each in ("model.json", "report.json"))
            self.dev("train", "--output", model, "--report", report)
            self.assert_same(model, "default.json")
            self.assert_same(report, "training.json")

    def test_and_so_does_judging(self):
        with tempfile.TemporaryDirectory() as name:
            report = pathlib.Path(name) / "report.json"
            self.dev("evaluate", "--report", report)
            self.assert_same(report, "evaluation.json")

    def test_reports_are_of_the_model_that_is_compiled_in(self):
        for name in ("training.json", "evaluation.json"):
            report = json.loads((MODELS / name).read_text())
            self.assertIn(f"{report['model']} {report['model_hash']}", nodevigil("version", check=0).stdout)

    def test_pages_quote_the_reports(self):
        card, readme = (path.read_text() for path in (MODELS / "README.md", ROOT / "README.md"))
        for name in ("training.json", "evaluation.json"):
            report = json.loads((MODELS / name).read_text())
            views = [report["incidents"][-1], report["as_known"]["incidents"][-1]]
            self.assertIn("| incidents seen | " + " | ".join(
                share(one["seen"], one["incidents"]) for one in views) + " |", card)
            self.assertIn("| of these, the right class | " + " | ".join(
                share(one["class_right"], one["seen"]) for one in views) + " |", card)
            self.assertIn("| median delay, samples | " + " | ".join(
                f"{one['median_delay_samples']:g}" for one in views) + " |", card)
            false_alarms = [report["false_alarms"], report["as_known"]["false_alarms"]]
            self.assertIn("| false alarms in ordinary work | " + " | ".join(
                f"{one['alarms']} in {24 * one['days']:.1f} hours" for one in false_alarms) + " |", card)
            self.assertRegex(card, rf"accuracy\s+{report['accuracy']:.3f}, macro F1\s+{report['macro_f1']:.3f}")
        # The worked example goes by the tree as it is.
        nodes = json.loads((MODELS / "default.json").read_text())["nodes"]
        inputs = {"largest": 20, "direction.forks_total": 20 / 25.9}  # sockets and the disk as usual
        node, asked = nodes[0], []
        while "leaf" not in node:
            asked.append((node["feature"], node["le"]))
            node = nodes[node["yes" if inputs.get(node["feature"], 0) <= node["le"] else "no"]]
        example = (ROOT / "docs" / "scoring.md").read_text()
        self.assertEqual([name for name, _ in asked], ["largest", "direction.tcp_sock_inuse",
                                                       "direction.tcp_sock_alloc", "direction.forks_total"])
        for said in (f"`largest` 20 > {asked[0][1]:.2f}", f"= 0.77 > {asked[3][1]:.3f}", f"with {max(node['leaf']):g}:"):
            self.assertIn(said, example)
        # README has those of the recording that is for judging.
        new, known = views
        for said in (f"| {new['seen']} and {known['seen']} of {new['incidents']} |",
                     f"| {new['class_right']} of {new['seen']}, {known['class_right']} of {known['seen']} |",
                     f"| {new['median_delay_samples']:g} and {known['median_delay_samples']:g} samples |",
                     "| " + ", ".join(f"{one['alarms']} in {24 * one['days']:.1f} hours"
                                      for one in false_alarms) + " |"):
            self.assertIn(said, readme)
        limits = re.sub(r"\s+", " ", readme)
        self.assertIn(f"saw {new['seen']} of {new['incidents']} faults and named {new['class_right']} of them right, "
                      f"with {false_alarms[0]['alarms']} false alarms", limits)
        self.assertIn(f"saw {known['seen']}, named {known['class_right']} and", limits)

    def test_the_example_of_judging_a_replay_is_what_it_gives(self):
        rows = ROOT / "tests" / "fixtures" / "smd" / "machine-1-4.csv.gz"
        with tempfile.TemporaryDirectory() as directory:
            scores = pathlib.Path(directory) / "scores.csv"
            nodevigil("replay", rows, "-o", scores, check=0)
            judged = subprocess.run([sys.executable, ROOT / "tools" / "judge_replay.py", rows, scores],
                                    capture_output=True, text=True, check=True)
        self.assertIn(f"\n    {judged.stdout.strip()}\n", (ROOT / "docs" / "replay.md").read_text())


if __name__ == "__main__":
    unittest.main()
