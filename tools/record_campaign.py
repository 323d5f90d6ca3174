#!/usr/bin/env python3
"""Records a sitting of a campaign: an agent that samples once a second, and the campaign's faults beside it.

usage: record_campaign.py NODEVIGIL CAMPAIGN SITTING

Reads datasets/campaigns/CAMPAIGN.json and adds SITTING - 1 to its seed, so that each sitting has faults of its own.
Writes datasets/CAMPAIGN-SITTING.csv.gz, the rows with labels as `nodevigil export --exact` gives them, and
datasets/CAMPAIGN-SITTING.windows.csv, the faults with all that is known of each. The node is called CAMPAIGN-SITTING.
Wants root and a machine on which nothing else runs; takes about an hour and a half. Faults that could not be done are missing in what
is saved, and it says so; of a campaign that was stopped or has lost labels, and of an agent that failed, nothing is saved.
"""

import csv
import gzip
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

DATASETS = pathlib.Path(__file__).resolve().parent.parent / "datasets"


def sitting_of(campaign, sitting):
    """The campaign as it is for one sitting."""
    schedule = json.loads((DATASETS / "campaigns" / f"{campaign}.json").read_text())
    schedule["seed"] += sitting - 1
    return schedule


def record(nodevigil, schedule, node, work_dir):
    """Runs agent and campaign; rows and windows are in work_dir/state afterwards. Returns the campaign's exit code."""
    (work_dir / "state").mkdir()  # inject may look for it before the agent does
    state = ["--state-dir", str(work_dir / "state")]
    agent = subprocess.Popen([nodevigil, "agent", "--interval", "1s", "--node", node, "--console", "off",
                              "--web.listen-address", "127.0.0.1:0", *state])
    try:
        campaign = work_dir / "campaign.json"
        campaign.write_text(json.dumps(schedule))
        code = subprocess.run([nodevigil, "inject", "campaign", campaign, "--node", node, "--work-dir", work_dir,
                               "--stop-with-parent", *state]).returncode
        if agent.poll() is not None:
            sys.exit(f"nothing is saved: the agent ended early, with {agent.returncode}")
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait()
    if agent.returncode != 0:
        sys.exit(f"nothing is saved: the agent ended with {agent.returncode}, its last rows may be missing")
    return code


def check(windows, code):
    """Ends the program where the labels are not those of a whole campaign, which had this exit code."""
    with open(windows, newline="") as file:
        campaigns = [json.loads(row["Anomaly details"]) for row in csv.DictReader(file)
                     if row["Anomaly type"] == "normal"]
    if len(campaigns) != 1:
        sys.exit(f"nothing is saved: expected the window of one campaign, there are {len(campaigns)}")
    end, refused, lost = (campaigns[0].get(key) for key in ("end", "refused", "lost"))
    if end != "time limit":
        sys.exit(f"nothing is saved: the campaign did not go on to its end: {end}")
    if lost:
        sys.exit(f"nothing is saved: {lost} labels are lost, and their rows would count as normal")
    if code != (1 if refused else 0):
        sys.exit(f"nothing is saved: the campaign ended with {code}")
    if refused:
        print(f"{refused} faults could not be done, or not to their end; the log above says why", file=sys.stderr)


def save(nodevigil, name, work_dir, code):
    state = ["--state-dir", str(work_dir / "state")]
    rows, windows = work_dir / "rows.csv", work_dir / "windows.csv"
    subprocess.run([nodevigil, "export", "--exact", "-o", rows, *state], check=True)
    subprocess.run([nodevigil, "label", "list", "--format", "csv", "-o", windows, *state], check=True)
    check(windows, code)
    # Beside, and then renamed: what is there under its name is whole, and of one sitting.
    targets = [DATASETS / f"{name}.csv.gz", DATASETS / f"{name}.windows.csv"]
    beside = [target.with_name(target.name + ".new") for target in targets]
    # Without a time and a name in its header, equal rows make an equal file.
    with open(rows, "rb") as plain, open(beside[0], "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        shutil.copyfileobj(plain, packed)
    shutil.copyfile(windows, beside[1])
    for new, target in zip(beside, targets):
        new.replace(target)


def main():
    if len(sys.argv) != 4 or not sys.argv[3].isdigit() or int(sys.argv[3]) < 1:
        sys.exit(__doc__)
    if not (DATASETS / "campaigns" / f"{sys.argv[2]}.json").is_file():
        known = ", ".join(sorted(path.stem for path in (DATASETS / "campaigns").glob("*.json")))
        sys.exit(f"record: there is no campaign {sys.argv[2]}; expected one of {known}")
    nodevigil, campaign, sitting = sys.argv[1], sys.argv[2], int(sys.argv[3])
    name = f"{campaign}-{sitting}"
    with tempfile.TemporaryDirectory(prefix="nodevigil-record.", dir="/var/tmp") as work_dir:
        work_dir = pathlib.Path(work_dir)
        code = record(nodevigil, sitting_of(campaign, sitting), name, work_dir)
        save(nodevigil, name, work_dir, code)


if __name__ == "__main__":
    main()
