"""Kills and cuts at random moments: every row the journal has is in Postgres once, and no other.

NODEVIGIL_CHAOS_ROUNDS says how many rounds (12; 200 is the full run), NODEVIGIL_CHAOS_SEED repeats one.
"""
import contextlib
import os
import pathlib
import random
import sqlite3
import tempfile
import time
import unittest

from postgres_cluster import Cluster, Proxy
from support import Agent, nodevigil, wait_until

ROUNDS = int(os.environ.get("NODEVIGIL_CHAOS_ROUNDS", "12"))
SEED = int(os.environ.get("NODEVIGIL_CHAOS_SEED", random.randrange(1 << 32)))


class ChaosTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = pathlib.Path(directory.name) / "state"
        # Commits must survive a killed server, so it may not be fast by forgetting.
        self.cluster = self.enterContext(Cluster("fsync = on"))
        self.proxy = Proxy(self.cluster.port)
        self.addCleanup(self.proxy.close)
        self.url = self.cluster.url(port=self.proxy.port)
        nodevigil("db", "init", "--postgres.url", self.cluster.url(), check=0)

    def agent(self):
        return Agent(self.state, "--node", "chaos", "--postgres.url", self.url,
                     "--postgres.interval", "100ms", "--journal.flush-interval", "0s",
                     interval="10ms")

    def journal(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/journal.db?mode=ro",
                                                uri=True)) as journal:
            return [seq for (seq,) in journal.execute("SELECT seq FROM samples ORDER BY seq")]

    def test_every_row_is_there_once(self):
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        chance = random.Random(SEED)
        agent = self.agent()
        done = dict.fromkeys(("agent", "server", "connection"), 0)
        try:
            for _ in range(ROUNDS):
                time.sleep(chance.uniform(0.05, 0.8))
                victim = chance.choice(list(done))
                done[victim] += 1
                if victim == "agent":
                    agent.kill()
                    agent.log.close()
                    agent = self.agent()
                elif victim == "server":
                    self.cluster.kill()
                    time.sleep(chance.uniform(0, 0.3))
                    self.cluster.start()
                else:
                    self.proxy.cut()
            wait_until(lambda: agent.metrics().get("nodevigil_postgres_queue_rows") == 0, 90,
                       "an empty queue")
            self.assertEqual(agent.stop(), 0)
        finally:
            agent.kill()
            agent.log.close()
        stored = [int(seq) for (seq,) in self.cluster.query(
            "SELECT seq FROM nodevigil.samples ORDER BY seq")]
        journal = self.journal()
        print(f"{done}, {len(journal)} rows", flush=True)
        self.assertGreater(len(journal), 10 * ROUNDS)
        self.assertEqual(journal, list(range(1, len(journal) + 1)), "a gap in the journal")
        self.assertEqual(stored, journal)


if __name__ == "__main__":
    unittest.main()
