#!/usr/bin/env python3
"""Records a sitting of a campaign: an agent that samples once a second, and the campaign's faults beside it.

usage: record_campaign.py NODEVIGIL CAMPAIGN SITTING

Reads datasets/campaigns/CAMPAIGN.json and adds SITTING - 1 to its seed, so that each sitting has faults of its own.
Writes datasets/CAMPAIGN-SITTING.csv.gz, the rows with labels as `nodevigil export --exact` gives them, and
datasets/CAMPAIGN-SITTING.windows.csv, the faults with all that is known of each. The node is called CAMPAIGN-SITTING.
Wants root and a machine on which nothing else runs; takes about an hour.
"""

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
    """Runs agent and campaign; rows and windows are in work_dir/state afterwards."""
    state = ["--state-dir", str(work_dir / "state")]
    agent = subprocess.Popen([nodevigil, "agent", "--interval", "1s", "--node", node, "--console", "off",
                              "--web.listen-address", "127.0.0.1:0", *state])
    try:
        campaign = work_dir / "campaign.json"
        campaign.write_text(json.dumps(schedule))
        subprocess.run([nodevigil, "inject", "campaign", campaign, "--node", node, "--work-dir", work_dir,
                        "--stop-with-parent", *state], check=True)
        if agent.poll() is not None:
            sys.exit(f"the agent ended early, with {agent.returncode}")
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait()


def save(nodevigil, name, work_dir):
    state = ["--state-dir", str(work_dir / "state")]
    rows = work_dir / "rows.csv"
    subprocess.run([nodevigil, "export", "--exact", "-o", rows, *state], check=True)
    # Without a time and a name in its header, equal rows make an equal file.
    with open(rows, "rb") as plain, open(DATASETS / f"{name}.csv.gz", "wb") as target, \
            gzip.GzipFile("", "wb", 9, target, mtime=0) as packed:
        shutil.copyfileobj(plain, packed)
    subprocess.run([nodevigil, "label", "list", "--format", "csv", "-o", DATASETS / f"{name}.windows.csv", *state],
                   check=True)


def main():
    if len(sys.argv) != 4 or not sys.argv[3].isdigit() or int(sys.argv[3]) < 1:
        sys.exit(__doc__)
    nodevigil, campaign, sitting = sys.argv[1], sys.argv[2], int(sys.argv[3])
    name = f"{campaign}-{sitting}"
    with tempfile.TemporaryDirectory(prefix="nodevigil-record.", dir="/var/tmp") as work_dir:
        work_dir = pathlib.Path(work_dir)
        record(nodevigil, sitting_of(campaign, sitting), name, work_dir)
        save(nodevigil, name, work_dir)


if __name__ == "__main__":
    main()
