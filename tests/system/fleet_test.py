"""A fleet of forwarders on one server with max_connections = 100: the benchmark's, shortened.
`./dev bench postgres` has 1,000 of them for ten minutes."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import fleet


class FleetTest(unittest.TestCase):
    def test_a_fleet_shares_a_server_and_every_row_arrives_once(self):
        agents, rows = 150, 12
        told = fleet.fleet(agents, rows, faster=10)
        self.assertEqual(told["stored"], agents * rows)
        self.assertEqual(told["lost"], 0)
        self.assertEqual(told["duplicates"], 0)
        self.assertLessEqual(told["most"], 100)
        # Each connects for a moment only: with kept connections, 50 of them would never get in.
        self.assertGreaterEqual(told["connections"], agents)
