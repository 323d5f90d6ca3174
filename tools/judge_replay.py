#!/usr/bin/env python3
"""Judges a replay against labels, row by row and incident by incident.

usage: judge_replay.py LABELLED.csv[.gz] REPLAY.csv

LABELLED has `ts` (seconds or ISO 8601), `attack` (1, 0, or empty for rows that are not judged) and
perhaps `node`. An incident is a run of attack = 1 on one node; a false alarm is a run of anomalous = 1
that touches no such row; days are those of all judged rows. No point adjustment: a row counts as
found only if it is flagged itself.
"""
import csv
import datetime
import gzip
import itertools
import statistics
import sys
import typing


class Figures(typing.NamedTuple):
    average_precision: float
    best_f1: float
    found: int  # of the incidents
    incidents: int
    false_alarms_a_day: float
    median_delay: float  # seconds, of the incidents found; NaN where there is none


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def seconds(text):
    try:
        return float(text)
    except ValueError:
        return datetime.datetime.fromisoformat(text).timestamp()


def key(row):
    return row.get("node", ""), seconds(row["ts"])


def judged_rows(labelled, replay):
    """(ts, attacked, score, flagged, node) of every judged row, by node and in order of time."""
    for path, columns in ((labelled, {"ts", "attack"}), (replay, {"ts", "score", "anomalous"})):
        if missing := columns - set(next(read(path), {})):
            sys.exit(f"{path}: has no column {', '.join(sorted(missing))}")
    replayed = {key(row): (float(row["score"] or 0), row["anomalous"] == "1") for row in read(replay)}
    judged = [row for row in read(labelled) if row["attack"] != ""]
    if missing := sum(key(row) not in replayed for row in judged):
        sys.exit(f"{replay}: {missing} labelled rows of {labelled} are not in it")
    rows = [(seconds(row["ts"]), row["attack"] in ("1", "true"), *replayed[key(row)], row.get("node", ""))
            for row in judged]
    if not any(row[1] for row in rows):
        sys.exit(f"{labelled}: no row is labelled as an attack in the column attack")
    return sorted(rows, key=lambda row: (row[4], row[0]))


def curve(rows):
    """Average precision and the best F1 over all thresholds; equal scores share one."""
    attacks = sum(row[1] for row in rows)
    found = seen = precision_sum = best = 0
    ranked = sorted(rows, key=lambda row: -row[2])
    for _, group in itertools.groupby(ranked, key=lambda row: row[2]):
        group = list(group)
        here = sum(row[1] for row in group)
        found, seen = found + here, seen + len(group)
        precision_sum += here / attacks * found / seen
        best = max(best, 2 * found / (seen + attacks))
    return precision_sum, best


def runs(rows, column):
    """Runs of neighbouring rows of one node whose `column` is true."""
    for (_, flag), group in itertools.groupby(rows, key=lambda row: (row[4], row[column])):
        if flag:
            yield list(group)


def figures(rows):
    """The figures of rows as `judged_rows` returns them."""
    average_precision, best_f1 = curve(rows)
    incidents = list(runs(rows, 1))
    delays = [min(row[0] for row in incident if row[3]) - incident[0][0]
              for incident in incidents if any(row[3] for row in incident)]
    false_alarms = sum(not any(row[1] for row in alarm) for alarm in runs(rows, 3))
    interval = statistics.median(b[0] - a[0] for a, b in zip(rows, rows[1:]))
    days = len(rows) * interval / 86400
    return Figures(average_precision, best_f1, len(delays), len(incidents), false_alarms / days,
                   statistics.median(delays) if delays else float("nan"))


def main(labelled, replay):
    judged = figures(judged_rows(labelled, replay))
    print(f"AUPRC {judged.average_precision:.3f}  best F1 {judged.best_f1:.3f}  "
          f"incidents {judged.found} of {judged.incidents}  "
          f"false alarms a day {judged.false_alarms_a_day:.2f}  "
          f"median delay {judged.median_delay:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
