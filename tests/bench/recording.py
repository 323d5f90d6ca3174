"""A made-up recording of the 24 metrics: random walks that look like a node at work."""
import csv
import json
import random

from support import nodevigil

SECONDS = 10
# Where a level starts and how far it goes in a step; anything else starts at 50 and moves by 2 %.
LEVELS = {"load1": 0.8, "load5": 0.8, "load15": 0.8, "disk_av_per": 61.0, "mem_av_per": 74.0}
# Per second; counters that are not named here stand still most of the time.
RATES = {"cpu_sec_idle": 0.8, "disk_read": 120_000, "disk_write": 450_000, "net_receive": 90_000,
         "forks_total": 4, "intr": 2_500, "transmit_packets": 300}
FRACTIONS = {"cpu_sec_idle": 2, "disk_av_per": 6, "mem_av_per": 6, "load1": 2, "load5": 2,
             "load15": 2}


def write_recording(path, rows, seed=1):
    """`rows` rows, 10 s apart, with the columns that `nodevigil replay` scores as a node."""
    table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
    counters = {row["name"] for row in table if row["kind"] == "counter"}
    names = [row["name"] for row in table]
    dice = random.Random(seed)
    values = {name: 1e6 if name in counters else LEVELS.get(name, 50.0) for name in names}
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["ts", *names])
        for row in range(rows):
            for name in names:
                if name in RATES:
                    values[name] += RATES[name] * SECONDS * dice.uniform(0.5, 1.5)
                elif name in counters:
                    values[name] += dice.random() < 0.02
                else:
                    usual = LEVELS.get(name, 50.0)
                    values[name] += 0.1 * (usual - values[name]) + 0.02 * usual * dice.gauss(0, 1)
            out.writerow([1_700_000_000 + row * SECONDS,
                          *(f"{values[name]:.{FRACTIONS.get(name, 0)}f}" for name in names)])
