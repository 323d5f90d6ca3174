"""How well incidents are found and named: the recordings under datasets/, and servers of a public data set."""
import json
import os
import pathlib
import statistics
import sys

from meters import run_measured
from support import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tools"))
from judge_replay import figures, judged_rows

FLAGS = (ROOT / "datasets/flags").read_text().split()
GROWN = (ROOT / "models/flags").read_text().split()


def recordings(*campaigns):
    return [path for one in campaigns for path in sorted((ROOT / "datasets").glob(f"{one}-*.csv.gz"))]


LEARNED = recordings("train", "quiet")


def servers():
    """Labelled CSVs: those of NODEVIGIL_BENCH_SERVERS, else the two that are kept here, shortened."""
    directory = pathlib.Path(os.environ.get("NODEVIGIL_BENCH_SERVERS", ROOT / "tests/fixtures/smd"))
    return sorted(directory.glob("*.csv.gz"))


def across_sittings(directory):
    """The report on the training campaigns, where each sitting is judged by a tree of the others."""
    report = directory / "across.json"
    run(["train", *LEARNED, *FLAGS, *GROWN, "--report", report])
    return json.loads(report.read_text())


def on_the_test(directory):
    """The report of the learned model on the recordings that it was neither learned from nor chosen by."""
    report = directory / "evaluation.json"
    run(["evaluate", *recordings("test"), *FLAGS, "--model", ROOT / "models/default.json", "--report", report])
    return json.loads(report.read_text())


def accuracies(directory):
    """Of this program's tree, of the same without a dead zone, which scikit-learn does not know, and of scikit-learn's
    with the same limits, each on rows of incidents it has not seen."""
    report, rows = directory / "training.json", directory / "rows.csv"

    def accuracy(*more):
        run(["train", *LEARNED, *FLAGS, "--balance=none", "--prune=0", *more, "--report", report, "--training-rows", rows])
        return json.loads(report.read_text())["accuracy"]
    return accuracy(), accuracy("--dead-zone=0"), peers_accuracy(rows)


def peers_accuracy(path):
    import compare_models
    import pandas
    from sklearn.tree import DecisionTreeClassifier
    rows = pandas.read_csv(path)
    given = compare_models.judged(
        lambda _: DecisionTreeClassifier(max_depth=8, min_samples_leaf=5, random_state=1),
        rows.drop(columns=["fold", "class"]), rows["class"], rows["fold"])
    return (given == rows["class"]).mean()


def judged_servers(directory):
    judged = []
    for path in servers():
        replayed = directory / path.stem
        run(["replay", path, "-o", replayed])
        judged.append(figures(judged_rows(str(path), str(replayed))))
    return {"average_precision": statistics.mean(one.average_precision for one in judged),
            "best_f1": statistics.mean(one.best_f1 for one in judged),
            "found": sum(one.found for one in judged), "incidents": sum(one.incidents for one in judged),
            "false_alarms_a_day": statistics.mean(one.false_alarms_a_day for one in judged),
            "servers": len(judged)}


def run(arguments):
    run_measured(PROGRAM, *arguments)
