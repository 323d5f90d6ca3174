"""The database part of the benchmark: one agent with Postgres connected, and a fleet of 1,000."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

from meters import TickMeter, cpu_ns, memory_mb, median
from postgres_cluster import Cluster
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


def fleet(agents, rows, faster):
    """What a fleet costs one server; times are compressed by `faster`."""
    with Cluster() as cluster, tempfile.TemporaryDirectory() as journals:
        nodevigil("db", "init", "--postgres.url", cluster.url(), check=0)
        begun = server_cpu_seconds(cluster)
        counter = ConnectionCounter(cluster)
        began = time.monotonic()
        try:
            run = subprocess.run([FLEET, cluster.url(), journals, str(agents), str(rows),
                                  str(faster)], capture_output=True, text=True, check=True)
        finally:
            most = counter.stop()
        seconds = time.monotonic() - began
        cpu = server_cpu_seconds(cluster) - begun
        told = json.loads(run.stdout)
        stored = int(cluster.value("SELECT count(*) FROM nodevigil.samples"))
        size = int(cluster.value("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN "
                                 "nodevigil.nodes ON relname = table_name"))
        if stored != told["rows"] or told["lost"] or told["duplicates"]:
            raise AssertionError(f"{stored} of {told['rows']} rows arrived; {told}")
        return {**told, "seconds": seconds, "cpu": cpu, "most": most, "stored": stored,
                "bytes": size}


def agent_with_postgres(count):
    """CPU per tick and memory of an agent that sends its rows every six of them, as by default."""
    with Cluster() as cluster, tempfile.TemporaryDirectory() as state:
        nodevigil("db", "init", "--postgres.url", cluster.url(), check=0)
        with Agent(state, "--postgres.url", cluster.url(), "--postgres.interval", "6s",
                   "--journal.flush-interval", "3s", "--scoring.warmup-samples", "30",
                   "--alert-budget", "0.001", "--scoring.max-freeze", "0s", interval="1s") as agent:
            meter = TickMeter(agent, 1.0)
            meter.until_ready()
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0, 30, "rows")
            cpu = [meter.measure(count)["cpu"] for _ in range(3)]
            return median(cpu), memory_mb(agent.process.pid)
