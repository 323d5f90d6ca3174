"""tools/record_campaign.py: which sittings it saves. The program under it is a stand-in: what matters is how that ends."""
import contextlib
import gzip
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from support import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import record_campaign  # noqa: E402

# An agent that runs until it is told to end, a campaign that ends as told, and a store.
STAND_IN = """#!/bin/sh
case $1 in
  agent) trap 'exit {agent}' TERM; while :; do sleep 0.05; done ;;
  inject) sleep 0.3; exit {campaign} ;;
  export) printf 'rows\\n' >"$4" ;;
  label) printf 'Anomaly type,Anomaly details\\n%s\\n' '{window}' >"$6" ;;
esac
"""


def window(details):
    return 'normal,"' + details.replace('"', '""') + '"'


WHOLE = '{"end":"time limit"}'


class RecordTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.datasets = pathlib.Path(directory.name)
        (self.datasets / "campaigns").mkdir()
        (self.datasets / "campaigns" / "short.json").write_text('{"seed": 1}')

    def record(self, details=WHOLE, campaign=0, agent=0):
        """What it says, and the files that are there then, beside the schedules."""
        program = self.datasets / "campaigns" / "program"
        program.write_text(STAND_IN.format(agent=agent, campaign=campaign, window=window(details)))
        program.chmod(0o755)
        said = io.StringIO()
        with mock.patch.object(record_campaign, "DATASETS", self.datasets), \
                mock.patch.object(sys, "argv", ["record", str(program), "short", "2"]), \
                contextlib.redirect_stderr(said):
            try:
                record_campaign.main()
            except SystemExit as end:
                said.write(str(end.code))
        return said.getvalue(), sorted(path.name for path in self.datasets.iterdir() if path.is_file())

    def test_saves_a_whole_campaign(self):
        said, files = self.record()
        self.assertEqual((said, files), ("", ["short-2.csv.gz", "short-2.windows.csv"]))
        self.assertEqual(gzip.decompress((self.datasets / files[0]).read_bytes()), b"rows\n")

    def test_saves_one_with_faults_that_were_refused_and_says_so(self):
        said, files = self.record('{"refused":2,"end":"time limit"}', campaign=1)
        self.assertIn("2 faults could not be done", said)
        self.assertEqual(len(files), 2)

    def test_saves_nothing_of_a_campaign_that_was_stopped(self):
        for code in (0, 1):
            said, files = self.record('{"end":"stopped"}', campaign=code)
            self.assertIn("did not go on to its end: stopped", said)
            self.assertEqual(files, [])

    def test_saves_nothing_where_labels_are_lost(self):
        said, files = self.record('{"lost":1,"end":"time limit"}', campaign=1)
        self.assertIn("1 labels are lost", said)
        self.assertEqual(files, [])

    def test_saves_nothing_of_what_failed_otherwise(self):
        for code in (1, 2, 137):
            said, files = self.record(campaign=code)
            self.assertIn(f"the campaign ended with {code}", said)
            self.assertEqual(files, [])

    def test_saves_nothing_where_the_agent_could_not_write_its_last_rows(self):
        said, files = self.record(agent=4)
        self.assertIn("the agent ended with 4", said)
        self.assertEqual(files, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
