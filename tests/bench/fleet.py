"""The database part of the benchmark: one agent with Postgres connected, and a fleet of 1,000.

`python3 fleet.py AGENTS ROWS SPEED-UP [pooler]` measures a fleet alone; 1000 60 1 is ten minutes of life.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

from meters import TickMeter, cpu_ns, memory_mb, median
from postgres_cluster import Cluster, PgBouncer
from support import PROGRAM, Agent, nodevigil, wait_until

FLEET = pathlib.Path(PROGRAM).parent / "tests/nodevigil_fleet"


def server_cpu_seconds(cluster):
    """CPU of the postmaster, its children, and those of them that have ended."""
    ticks = 0
    postmaster = cluster.pid()
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid, parent = int(stat.parent.name), int(fields[1])
        if pid == postmaster:
            ticks += sum(map(int, fields[11:15]))  # user, system, and those of ended children
        elif parent == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def make_login(cluster):
    """A login for agents, as the documentation has it made; returns its password."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "password"
        nodevigil("db", "init", "--postgres.url", cluster.url(), check=0)
        nodevigil("db", "grant-agent", "--login", "agents", "--make-password", file,
                  "--postgres.url", cluster.url(), check=0)
        return file.read_text().strip()


class ConnectionCounter:
    """The most connections of the fleet that were seen at once."""

    def __init__(self, cluster):
        self.cluster, self.most, self.ended = cluster, 0, False
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self):
        while not self.ended:
            # A server that is full refuses the watcher, too.
            with contextlib.suppress(PermissionError):
                self.most = max(self.most, int(self.cluster.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nodevigil'")))
            time.sleep(0.2)

    def stop(self):
        self.ended = True
        self.thread.join()
        return self.most


def fleet(agents, rows, faster, pooler=False):
    """What a fleet costs one server; times are compressed by `faster`. The agents log in with a
    password that was made for them (SCRAM), to PgBouncer in transaction mode where it is to be the
    `pooler`."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        journals = stack.enter_context(tempfile.TemporaryDirectory())
        password, pooler_pid = make_login(cluster), None
        url = cluster.url("agents", password)
        if pooler:
            verifier = cluster.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'agents'")
            bouncer = stack.enter_context(PgBouncer(cluster, 20, "scram-sha-256",
                                                    [("agents", verifier)]))
            url, pooler_pid = cluster.url("agents", password, bouncer.port), bouncer.pid()
        begun = server_cpu_seconds(cluster)
        pooler_begun = cpu_ns(pooler_pid) if pooler else 0
        counter = ConnectionCounter(cluster)
        began = time.monotonic()
        try:
            run = subprocess.run([FLEET, url, journals, str(agents), str(rows), str(faster)],
                                 capture_output=True, text=True, check=True)
        finally:
            most = counter.stop()
        seconds = time.monotonic() - began
        cpu = server_cpu_seconds(cluster) - begun
        pooler_cpu = (cpu_ns(pooler_pid) - pooler_begun) / 1e9 if pooler else 0
        told = json.loads(run.stdout)
        stored = int(cluster.value("SELECT count(*) FROM nodevigil.samples"))
        size = int(cluster.value("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN "
                                 "nodevigil.nodes ON relname = table_name"))
        if stored != told["rows"] or told["lost"] or told["duplicates"]:
            raise AssertionError(f"{stored} of {told['rows']} rows arrived; {told}")
        return {**told, "seconds": seconds, "cpu": cpu, "pooler_cpu": pooler_cpu, "most": most,
                "stored": stored, "bytes": size}


def agent_with_postgres(count):
    """CPU per tick and memory of an agent that sends its rows every 30 of them, as by default."""
    with Cluster() as cluster, tempfile.TemporaryDirectory() as state:
        url = cluster.url("agents", make_login(cluster))
        with Agent(state, "--postgres.url", url, "--postgres.interval", "30s",
                   "--journal.flush-interval", "12s", "--scoring.warmup-samples", "30",
                   "--alert-budget", "0.001", "--scoring.max-freeze", "0s", interval="1s") as agent:
            meter = TickMeter(agent, 1.0)
            meter.until_ready()
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0, 30, "rows")
            cpu = [meter.measure(count)["cpu"] for _ in range(3)]
            return median(cpu), memory_mb(agent.process.pid)


def main(agents, rows, faster, pooler=""):
    load = os.getloadavg()[0]
    told = fleet(int(agents), int(rows), int(faster), pooler == "pooler")
    print(json.dumps({**told, "rows_per_second": told["stored"] / told["seconds"],
                      "server_cpu_seconds_per_1000_rows": 1000 * told["cpu"] / told["stored"],
                      "server_cpu_ms_per_connection": 1000 * told["cpu"] / told["connections"],
                      "load_before_and_after": [load, os.getloadavg()[0]]}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
