"""How well labelled incidents are found with default settings, so that a change does not cost it.

A replay is deterministic: a figure moves only when the program or the recording does.
"""
import csv
import json
import math
import pathlib
import random
import statistics
import sys
import tempfile
import typing
import unittest

from support import ROOT, nodevigil

sys.path.insert(0, str(ROOT / "tools"))
from judge_replay import figures, judged_rows, read

SERVERS = sorted((ROOT / "tests/fixtures/smd").glob("*.csv.gz"))
DAY = 1440  # rows: one a minute


class Floors(typing.NamedTuple):
    average_precision: float
    best_f1: float
    found: float  # share of the incidents
    false_alarms_a_day: float  # a ceiling, in fact

    def missed(self, judged):
        """Names of the floors that the figures of some recordings, taken together, do not reach."""
        reached = {
            "average_precision": statistics.mean(one.average_precision for one in judged)
            >= self.average_precision,
            "best_f1": statistics.mean(one.best_f1 for one in judged) >= self.best_f1,
            "found": sum(one.found for one in judged) / sum(one.incidents for one in judged)
            >= self.found,
            "false_alarms_a_day": statistics.mean(one.false_alarms_a_day for one in judged)
            <= self.false_alarms_a_day}
        return {name for name, is_reached in reached.items() if not is_reached}


# What the node does when nothing is wrong: the level, or the rate per second, when it is busiest;
# the share of that which goes when it is idle; the deviation of the noise, as a share as well.
USUAL = {
    "cpu_sec_idle": (0.7, -0.2, 0.05), "disk_av_per": (70, 0, 0.0005),
    "disk_read": (2e5, 0.5, 0.5), "disk_write": (8e5, 0.4, 0.3), "net_receive": (5e5, 0.7, 0.15),
    "mem_pressure": (0.05, 0, 1), "mem_av_per": (60, -0.1, 0.01), "forks_total": (5, 0.3, 0.1),
    "intr": (4000, 0.5, 0.05), "load1": (1.2, 0.5, 0.25), "load5": (1.2, 0.5, 0.12),
    "load15": (1.2, 0.5, 0.07), "receive_drop": (0.001, 0, 1), "receive_errs": (0, 0, 0),
    "transmit_packets": (900, 0.7, 0.12), "tcp_sock_alloc": (260, 0.4, 0.03),
    "tcp_sock_inuse": (220, 0.4, 0.03), "tcp_sock_mem": (90, 0.4, 0.2),
    "udp_sock_inuse": (6, 0, 0.02), "udp_sock_mem": (3, 0, 0.1),
    "ipv4_sock_inuse": (420, 0.3, 0.02), "est_conn": (150, 0.5, 0.05), "lis_conn": (18, 0, 0),
    "open_fds": (3000, 0.2, 0.01)}

# How many minutes an incident takes, and what it multiplies the metrics by at full strength.
INCIDENTS = {
    "spike": (8, {"forks_total": 40, "intr": 4, "load1": 8, "load5": 3, "cpu_sec_idle": 0.2}),
    "rise": (90, {"disk_read": 6, "disk_write": 4, "load1": 2.5, "load5": 2.5, "load15": 2.5}),
    "drop": (45, {"net_receive": 0, "transmit_packets": 0, "est_conn": 0, "tcp_sock_inuse": 0.2}),
    "leak": (180, {"mem_av_per": 0.3, "tcp_sock_mem": 6, "tcp_sock_alloc": 3, "open_fds": 3})}
EACH = 5  # incidents of a kind
# What has normal bursts a few times a day: most of them are small, a few are large.
BURSTING = ("disk_read", "disk_write", "mem_pressure")
# The past before the first label, and the days with labels.
PAST, JUDGED = 8, 20
# From this day on another service runs there: levels change for good, which is normal.
NEW_SERVICE, NEW_LEVELS = PAST + 9, {"mem_av_per": 0.8, "tcp_sock_alloc": 1.3, "open_fds": 1.3}


def busyness(row):
    """How busy the node is, 0 to 1, by the hour and the day of the week."""
    hour = 0.5 - 0.5 * math.cos(2 * math.pi * (row % DAY) / DAY)
    return hour * (0.5 if row // DAY % 7 >= 5 else 1)


def plan_incidents(dice):
    """{row: {metric: factor}} of incidents of every kind, in slots of their own."""
    kinds = [kind for kind in INCIDENTS for _ in range(EACH)]
    dice.shuffle(kinds)
    slot = JUDGED * DAY // len(kinds)
    plan = {}
    for number, kind in enumerate(kinds):
        minutes, factors = INCIDENTS[kind]
        begin = PAST * DAY + number * slot + dice.randrange(slot - minutes)
        strength = dice.uniform(0.5, 1)
        for minute in range(minutes):
            # A leak grows, the others are there at once; nothing is left where the factor is 0.
            part = strength * (minute / minutes if kind == "leak" else 1)
            plan[begin + minute] = {name: 1 + (factor - 1) * part if factor else 0.0
                                    for name, factor in factors.items()}
    return plan


def write_server(path, counters, seed):
    """A made-up node with daily and weekly cycles, bursts, drift, a new level, and incidents."""
    dice = random.Random(seed)
    plan = plan_incidents(dice)
    noise = dict.fromkeys(USUAL, 0.0)
    total = dict.fromkeys(counters, 0.0)
    burst_ends, strength = 0, 0.0
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["ts", *USUAL, "attack"])
        for row in range((PAST + JUDGED) * DAY):
            if row >= burst_ends and dice.random() < 4 / DAY:
                burst_ends, strength = row + dice.randint(1, 6), min(dice.paretovariate(1.5), 30)
            idle = 1 - busyness(row)
            values = []
            for name, (level, follows, share) in USUAL.items():
                # Noise that lasts some minutes, as on real nodes; its deviation is `share`.
                noise[name] = 0.8 * noise[name] + 0.6 * share * dice.gauss(0, 1)
                value = level * max(0.0, 1 - follows * idle + noise[name])
                if row < burst_ends and name in BURSTING:
                    value *= 1 + strength
                if name == "disk_av_per":
                    value -= 0.4 * row / DAY
                if row >= NEW_SERVICE * DAY:
                    value *= NEW_LEVELS.get(name, 1)
                value *= plan.get(row, {}).get(name, 1)
                if name in counters:
                    total[name] += 60 * value
                    value = total[name]
                values.append(f"{value:.3f}")
            attack = "" if row < PAST * DAY else int(row in plan)
            out.writerow([1_700_000_000 + 60 * row, *values, attack])


def shuffled(rows):
    """The rows with scores and flags that belong to other rows."""
    said = [row[2:] for row in rows]
    random.Random(1).shuffle(said)
    return [(*row[:2], *other) for row, other in zip(rows, said)]


def shifted(rows):
    """The rows with the scores and flags of three days later: runs stay what they are."""
    return [(*row[:2], *later[2:])
            for row, later in zip(rows, rows[3 * DAY:] + rows[:3 * DAY])]


class DetectionTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def replay(self, recording, *arguments):
        """Rows of the recording as the default settings judge them."""
        replayed = self.directory / "replayed.csv"
        nodevigil("replay", recording, "-o", replayed, *arguments, check=0)
        return judged_rows(str(recording), str(replayed))

    def with_first_metric_only(self, recording):
        path = self.directory / "first.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            rows = read(str(recording))
            row = next(rows)
            out = csv.DictWriter(file, ["ts", list(row)[1], "attack"], extrasaction="ignore")
            out.writeheader()
            out.writerow(row)
            out.writerows(rows)
        return path

    def assert_detects(self, floors, servers, poor_servers):
        """The figures of the servers reach the floors, and those of what knows little do not."""
        judged = [figures(rows) for rows in servers]
        self.assertEqual(floors.missed(judged), set(), judged)
        ranking = {"average_precision", "best_f1"}
        for name, poor, misses in (
                ("shuffled", map(shuffled, servers), ranking | {"false_alarms_a_day"}),
                ("shifted", map(shifted, servers), ranking | {"found"}),
                ("first metric only", poor_servers, ranking | {"found"})):
            with self.subTest(name):
                judged = [figures(rows) for rows in poor]
                self.assertLessEqual(misses, floors.missed(judged), judged)

    def test_incidents_of_real_servers_are_found(self):
        self.assertEqual(len(SERVERS), 2)
        # The least that was asked of the four servers of docs/scoring.md, of which these are two, was
        # 0.41, 0.49, 0.85 and 1.3.
        self.assert_detects(Floors(0.50, 0.55, 0.85, 1.0), [self.replay(path) for path in SERVERS],
                            [self.replay(self.with_first_metric_only(path)) for path in SERVERS])

    def test_incidents_of_made_up_servers_are_found(self):
        table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        self.assertEqual(list(USUAL), [metric["name"] for metric in table])
        counters = [metric["name"] for metric in table if metric["kind"] == "counter"]
        first = next(iter(USUAL))
        servers, poor_servers = [], []
        for seed in (1, 2, 3):
            path = self.directory / "made_up.csv"
            write_server(path, counters, seed)
            servers.append(self.replay(path, *(f"--counters={name}" for name in counters)))
            poor_servers.append(
                self.replay(self.with_first_metric_only(path), f"--counters={first}"))
        # docs/scoring.md has what was measured.
        self.assert_detects(Floors(0.54, 0.53, 0.82, 0.6), servers, poor_servers)


if __name__ == "__main__":
    unittest.main()
