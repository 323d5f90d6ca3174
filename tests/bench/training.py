"""The training part of the benchmark: nodevigil's tree beside scikit-learn's, on the same made-up data.

`python3 training.py FILE ROWS FEATURES LEARNED DEPTH` is scikit-learn's side, in a process of its own.
"""
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy

PROGRAM = pathlib.Path("tests/nodevigil_train_bench")


def make_data(rows, features, classes, rare, seed):
    """Columns of floats and labels: each class moves a few columns, which overlap with the others'. `rare`: the share
    of rows that are not of class 0."""
    random = numpy.random.default_rng(seed)
    labels = numpy.where(random.random(rows) < rare, random.integers(1, classes, rows), 0).astype(numpy.uint16)
    values = random.standard_normal((features, rows), dtype=numpy.float32)
    for one in range(1, classes):
        moved = random.choice(features, 4, replace=False)
        for column in moved:
            values[column, labels == one] += numpy.float32(random.choice((-1.5, 1, 2, 3)))
    return values, labels


def learn(path, rows, features, learned, depth):
    """What scikit-learn's tree of the same limits costs and is worth."""
    from sklearn.tree import DecisionTreeClassifier
    values = numpy.fromfile(path, dtype=numpy.float32, count=rows * features).reshape(features, rows)
    labels = numpy.fromfile(path, dtype=numpy.uint16, offset=values.nbytes)
    inputs = numpy.ascontiguousarray(values.T)
    del values
    begun = time.process_time()
    tree = DecisionTreeClassifier(max_depth=depth, random_state=1).fit(inputs[:learned], labels[:learned])
    seconds = time.process_time() - begun
    return {"cpu_seconds": seconds,
            "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "leaves": int(tree.get_n_leaves()),
            "accuracy": float((tree.predict(inputs[learned:]) == labels[learned:]).mean())}


def measure(build, directory, rows, features, classes, rare, depth=8):
    """Both sides' figures."""
    learned, rows = rows, rows * 5 // 4  # a fifth is held out to judge by
    values, labels = make_data(rows, features, classes, rare, seed=rows)
    path = pathlib.Path(directory) / "data"
    with open(path, "wb") as file:
        values.tofile(file)
        labels.tofile(file)
    del values, labels
    arguments = list(map(str, (path, rows, features, learned, depth)))
    sides = ([build / PROGRAM], [sys.executable, __file__])
    return [json.loads(subprocess.run([*side, *arguments], check=True, capture_output=True, text=True).stdout)
            for side in sides]


if __name__ == "__main__":
    print(json.dumps(learn(sys.argv[1], *map(int, sys.argv[2:]))))
