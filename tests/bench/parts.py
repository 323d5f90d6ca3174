"""The parts of the benchmark. Each takes a Lab and yields the figures it measured."""
import contextlib
import dataclasses
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

import connections
import fleet
from meters import (Scraper, TickMeter, cpu_ns, every, median, memory_mb, node_exporter,
                    run_measured, scrape_latency)
from recording import SECONDS, write_recording
from support import PROGRAM, Agent, need_program, wait_until

# A verdict after half a minute of ticks. With so short a past a busy machine looks anomalous much
# of the time, and each such row is stored with an explanation. Next to no alarms are allowed, and
# what is new is learned at once, so that ticks are what they are on most days; the notes tell how
# many were not.
NORMAL = ("--scoring.warmup-samples", "30", "--alert-budget", "0.001", "--scoring.max-freeze", "0s")
# What a tick reads, without net/tcp, which is read only when something has changed.
TICK_FILES = ("stat", "meminfo", "vmstat", "loadavg", "diskstats", "1/net/dev", "1/net/sockstat",
              "1/net/sockstat6", "1/net/snmp", "sys/fs/file-nr")
TCP_ROW = 150  # bytes of a row of net/tcp


@dataclasses.dataclass
class Figure:
    """One row of the table."""

    part: str
    name: str
    value: float
    unit: str
    peer: float | None = None  # the peer's figure, in the same unit
    aim: float | None = None
    at_most: bool = True       # the aim is an upper bound
    note: str = ""

    @property
    def ratio(self):
        return self.value / self.peer if self.peer else None

    @property
    def met(self):
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim


@dataclasses.dataclass
class Lab:
    build: pathlib.Path
    quick: bool

    def pick(self, full, quick):
        return quick if self.quick else full

    def state_dir(self):
        """In the build directory: /tmp may be memory, and then nothing is written to a disk."""
        return tempfile.TemporaryDirectory(prefix="bench-", dir=self.build)


def flush_every_12_ticks(interval):
    """As by default (10 s and 2 min): what a transaction costs is shared by twelve rows."""
    seconds = 12 * interval
    return "--journal.flush-interval", f"{seconds * 1000:.0f}ms"


def span(values, scale):
    return f"{min(values) / scale:.3g} to {max(values) / scale:.3g} in {len(values)} rounds"


def open_journal(state_dir):
    return sqlite3.connect(f"file:{state_dir}/journal.db?mode=ro", uri=True)


def bare_reads_ns(seconds, count):
    """CPU that reading the files of a tick takes, by a loop that does nothing else."""
    files = [os.open(f"/proc/{name}", os.O_RDONLY) for name in TICK_FILES]
    buffer = [bytearray(16384)]
    spent = 0
    for turn in every(seconds, count + 1):
        begun = time.thread_time_ns()
        for file in files:
            os.preadv(file, buffer, 0)
        if turn > 0:  # the first one warms up
            spent += time.thread_time_ns() - begun
    for file in files:
        os.close(file)
    return spent / count


def tick(lab):
    """CPU per tick of the whole agent beside CPU per scrape of node_exporter."""
    paces = ((1.0, lab.pick(3, 1), lab.pick(20, 8)), (0.1, lab.pick(4, 2), lab.pick(100, 40)))
    slowest, its_rounds = None, None
    with node_exporter() as peer:
        for interval, rounds, count in paces:
            ours, theirs, bare = [], [], []
            with lab.state_dir() as state, Agent(state, *NORMAL, *flush_every_12_ticks(interval),
                                                 interval=f"{interval * 1000:.0f}ms") as agent:
                meter = TickMeter(agent, interval)
                meter.until_ready()
                for _ in range(rounds):
                    ours.append(meter.measure(count))
                    theirs.append(peer.cpu_ns_per_scrape(interval, count // 2))
                    bare.append(bare_reads_ns(interval, count // 2))
                agent.status("samples?limit=1")  # has the rows written that wait
                note = anomalous(state, ours)
            cpu = [one["cpu"] for one in ours]
            figure = Figure("tick", f"CPU per tick, a tick every {interval:g} s", median(cpu) / 1e6,
                            "ms", median(theirs) / 1e6, aim=0.35,
                            note=f"{span(cpu, 1e6)}; {note}")
            yield figure
            yield Figure("tick", f"bare reads of its files, every {interval:g} s",
                         median(bare) / 1e6, "ms",
                         note="the floor: a loop of pread in the benchmark itself")
            # Both rise when a machine is busy or slow; 0.35 ms is for one that reads in 0.14 ms.
            yield Figure("tick", "  CPU per tick against bare reads", median(cpu) / median(bare),
                         "x", aim=2.5, note="depends little on how busy the machine is")
            if slowest is None or figure.value > slowest.value:
                slowest, its_rounds = figure, ours
        yield dataclasses.replace(slowest, name="CPU per tick (headline: the slower of the two)")
        yield from tick_split(its_rounds)
        yield idle_cpu(lab, peer)


def anomalous(state_dir, rounds):
    """How many rows of these rounds were, in words. The journal is the agent's first, so that rows
    are numbered as ticks are."""
    counts = []
    with contextlib.closing(open_journal(state_dir)) as database:
        for one in rounds:
            counts.append(database.execute(
                "SELECT count(explanation), count(*) FROM samples WHERE seq > ? AND seq <= ?",
                one["rows"]).fetchone())
    explained, rows = map(sum, zip(*counts))
    return f"{explained / rows:.0%} of ticks anomalous"


def idle_cpu(lab, peer):
    """CPU per second while nothing is due: threads that wake to look around."""
    seconds = lab.pick(30, 8)
    with lab.state_dir() as state, Agent(state, interval="1h") as agent:
        time.sleep(3)
        ours, theirs = cpu_ns(agent.process.pid), cpu_ns(peer.pid)
        time.sleep(seconds)
        ours, theirs = cpu_ns(agent.process.pid) - ours, cpu_ns(peer.pid) - theirs
    return Figure("tick", "CPU per idle second, between ticks", ours / seconds / 1e6, "ms",
                  theirs / seconds / 1e6, note="nine of them belong to a tick every 10 s")


def tick_split(rounds):
    """Where the time of the slower ticks goes."""
    for role in rounds[0]["threads"]:
        share = median([one["threads"][role] for one in rounds])
        yield Figure("tick", f"- {role}", share / 1e6, "ms", note="CPU")
    for source in rounds[0]["sources"]:
        share = median([one["sources"][source] for one in rounds])
        yield Figure("tick", f"-- source {source}", share / 1e6, "ms",
                     note="elapsed, as the agent measures it, within the main thread")


def scrape(lab):
    """Latency and CPU of a scrape of /metrics, in bursts between two ticks of the agent."""
    bursts, size = lab.pick(10, 3), 20
    times, cpus, peer_times, peer_cpus = [], [], [], []
    with lab.state_dir() as state, Agent(state, *NORMAL, interval="1s") as agent, \
            node_exporter() as peer:
        meter = TickMeter(agent, 1.0)
        meter.until_ready()
        scraper = Scraper(agent.port)
        for _ in range(bursts):
            meter.wait_for_phase(0.2)
            begun = cpu_ns(meter.pid)
            times += [scrape_latency(agent.port) for _ in every(0.02, size)]
            cpus.append((cpu_ns(meter.pid) - begun) / size)
            begun = cpu_ns(peer.pid)
            peer_times += [scrape_latency(peer.port) for _ in every(0.02, size)]
            peer_cpus.append((cpu_ns(peer.pid) - begun) / size)
        scraper.scrape()
        peer.scraper.scrape()
        body = (scraper.size, peer.scraper.size)
    yield Figure("scrape", "latency of a scrape, median", median(times) * 1e3, "ms",
                 median(peer_times) * 1e3, aim=1.0,
                 note=f"{len(times)} scrapes, wall time, fastest {min(times) * 1e3:.2g}")
    yield Figure("scrape", "CPU per scrape", median(cpus) / 1e6, "ms", median(peer_cpus) / 1e6,
                 note=span(cpus, 1e6))
    yield Figure("scrape", "size of the response", body[0] / 1e3, "kB", body[1] / 1e3,
                 note="as transferred; node_exporter compresses")


def memory(lab):
    """Memory after many ticks and as many scrapes."""
    count = lab.pick(300, 100)
    with lab.state_dir() as state, Agent(state, *NORMAL, interval="20ms") as agent, \
            node_exporter() as peer:
        meter = TickMeter(agent, 0.02)
        meter.until_ready()
        begun = agent.metrics()["nodevigil_ticks_total"]
        scraper = Scraper(agent.port)
        for _ in every(0.02, count):
            scraper.scrape()
            peer.scraper.scrape()
        agent.status()
        wait_until(lambda: agent.metrics()["nodevigil_ticks_total"] > begun + count, what="ticks")
        ours, theirs = memory_mb(agent.process.pid), memory_mb(peer.pid)
    note = f"after {count} ticks and {count} scrapes"
    yield Figure("memory", "resident memory (VmRSS)", ours["VmRSS"], "MB", theirs["VmRSS"],
                 aim=12, note=note + "; aim is with Postgres connected, not so here")
    yield Figure("memory", "with shared pages by share (PSS)", ours["Pss"], "MB", theirs["Pss"])
    yield Figure("memory", "its own data (RssAnon)", ours["RssAnon"], "MB", theirs["RssAnon"])


def count_sockets(*states):
    """What ss lists: another way to the kernel (netlink) than the agent's files."""
    filters = [word for state in states for word in ("state", state)]
    listed = subprocess.run([need_program("ss"), "-Htan", *filters], check=True,
                            stdout=subprocess.PIPE).stdout
    return listed.count(b"\n")


def check_counts(agent, opened):
    """lis_conn and est_conn must be what ss counts; returns the established ones."""
    counted = {}

    def agree():
        counted["est"] = (agent.metrics()["nodevigil_node_tcp_established_connections"],
                          count_sockets("established") + count_sockets("close-wait"))
        counted["lis"] = (agent.metrics()["nodevigil_node_tcp_listening_sockets"],
                          count_sockets("listening"))
        return all(ours == theirs for ours, theirs in counted.values())

    try:
        wait_until(agree, 20, "agreement of est_conn and lis_conn with ss")
    except AssertionError as failure:
        raise AssertionError(f"{failure}; (ours, ss): {counted}") from failure
    if counted["est"][1] < 2 * opened:
        raise AssertionError(f"{counted['est'][1]} sockets connected, expected {2 * opened}")
    return counted["est"][1]


def many_connections(lab):
    """What a tick costs with many TCP connections open, against idle."""
    # Long enough for a reading of net/tcp, which is due every 90 ticks at the latest.
    opened, ticks, rounds = lab.pick(50_000, 5_000), lab.pick(180, 90), lab.pick(2, 1)
    states = {"idle": "no connections", "steady": f"{opened:,} connections",
              "churn": "the same, and 50 come and go a second"}
    ours, theirs = ({state: [] for state in states} for _ in range(2))
    with lab.state_dir() as directory, \
            Agent(directory, *NORMAL, *flush_every_12_ticks(0.1), interval="100ms") as agent, \
            node_exporter("--collector.tcpstat") as peer:
        meter = TickMeter(agent, 0.1)
        meter.until_ready()

        def measure(state):
            ours[state].append(meter.measure(ticks))
            theirs[state].append(peer.cpu_ns_per_scrape(0.1, 30))

        for _ in range(rounds):
            check_counts(agent, 0)
            measure("idle")
            with connections.held(opened):
                established = check_counts(agent, opened)
                measure("steady")
                with connections.churning(50):
                    measure("churn")
                    age = agent.metrics()["nodevigil_listeners_reading_age_seconds"]
            check_counts(agent, 0)
        agent.status("samples?limit=1")  # has the rows written that wait
        notes = {state: anomalous(directory, ours[state]) for state in states}

    notes["steady"] += f"; {established:,} sockets, est_conn and lis_conn as ss counts"
    notes["churn"] += f"; lis_conn {age:.1f} s old"
    cost = {state: median([one["cpu"] for one in ours[state]]) for state in states}
    main = {state: median([one["threads"]["main thread"] for one in ours[state]])
            for state in states}
    peer_cost = {state: median(theirs[state]) for state in states}
    for state, name in states.items():
        yield Figure("connections", f"CPU per tick, {name}", cost[state] / 1e6, "ms",
                     peer_cost[state] / 1e6, note=notes[state])
        if state == "idle":
            continue
        yield Figure("connections", "  against idle", cost[state] / cost["idle"], "x",
                     peer_cost[state] / peer_cost["idle"], aim=1.2 if state == "steady" else None)
        yield Figure("connections", "  against idle, main thread", main[state] / main["idle"], "x",
                     note="reading and scoring, without the journal's explanations")


def read_net_tcp(size, more):
    """CPU of one reading, `size` bytes at a time while `more(part)`; and how many bytes it was."""
    with open("/proc/1/net/tcp", "rb", buffering=0) as file:
        begun = time.thread_time_ns()
        total = len(file.read(TCP_ROW))  # the heading
        while (part := file.read(size)) and more(part):
            total += len(part)
        return time.thread_time_ns() - begun, total


def net_tcp(lab):
    """What a reading of net/tcp costs: as the agent does it, and to the end of the hash table."""
    turns = range(lab.pick(100, 20))
    usual = [read_net_tcp(TCP_ROW, lambda row: row.split()[3] == b"0A") for _ in turns]
    whole = [read_net_tcp(16384, lambda rows: True) for _ in turns]
    rows = median([total for _, total in whole]) // TCP_ROW - 1
    yield Figure("connections", "one reading of net/tcp, to the first connection",
                 median([spent for spent, _ in usual]) / 1e6, "ms",
                 note="only when sockets have changed, every 90 ticks at the latest")
    yield Figure("connections", "one reading of net/tcp, to the end",
                 median([spent for spent, _ in whole]) / 1e6, "ms",
                 note=f"{rows:.0f} rows; about what the first costs on a node without connections")


def all_connections(lab):
    yield from net_tcp(lab)
    yield from many_connections(lab)


def replay(lab):
    """Rows per second and core of `nodevigil replay`, and of the scoring alone."""
    rows = lab.pick(200_000, 50_000)
    with lab.state_dir() as directory:
        recording = pathlib.Path(directory) / "recording.csv"
        write_recording(recording, rows)
        seconds = [run_measured(PROGRAM, "replay", recording, "-o", "/dev/null")[0]
                   for _ in range(lab.pick(3, 1))]
    yield Figure("replay", "nodevigil replay of a CSV", rows / median(seconds) / 1e6,
                 "M rows/s", note=f"{rows:,} rows of 24 metrics; parsing and writing included")
    yield from scoring_alone(lab)


def scoring_alone(lab):
    """What tests/bench/scoring_bench.cpp measures."""
    programs = list(lab.build.rglob("nodevigil_bench"))
    if not programs:
        raise AssertionError("nodevigil_bench is not built: no figures of the scoring alone")
    output = subprocess.run(
        [programs[0], "--benchmark_format=json", "--benchmark_filter=score_row|walk_tree|moments",
         f"--benchmark_min_time={lab.pick(1, 0.2)}"],
        check=True, capture_output=True, text=True).stdout
    found = {one["name"]: one for one in json.loads(output)["benchmarks"]}
    if "score_row" not in found:
        raise AssertionError(f"{programs[0]} has no benchmark 'score_row'")
    yield Figure("replay", "z and tree alone (score_row)",
                 found["score_row"]["items_per_second"] / 1e6, "M rows/s", aim=1, at_most=False,
                 note="one core")
    for name, one in found.items():
        yield Figure("replay", f"- {name}", one["cpu_time"], one["time_unit"], note="CPU per row",
                     aim=20 if name.startswith("walk_tree") else None)


def disk_use(database):
    """Bytes of the pages that each table and index takes."""
    return dict(database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


def journal(lab):
    """Bytes per row: what stays on the disk, and what is written to get it there."""
    rows, interval = lab.pick((3000, 0.02), (1200, 0.05))
    with lab.state_dir() as state:

        def run():
            _, written = run_measured(PROGRAM, "agent", "--interval", f"{interval * 1000:.0f}ms",
                                      "--records", rows, "--state-dir", state,
                                      "--web.listen-address", "127.0.0.1:0", *NORMAL,
                                      *flush_every_12_ticks(interval))
            with contextlib.closing(open_journal(state)) as database:
                counts = database.execute("SELECT count(*), count(score), count(explanation)"
                                          " FROM samples").fetchone()
                return disk_use(database), counts, written

        # The second run alone: rows of the first are shorter until they are scored.
        before, counts_before, _ = run()
        after, counts, written = run()
    stored, scored, explained = (now - then for now, then in zip(counts, counts_before))
    if scored < 0.9 * stored:
        raise AssertionError(f"only {scored} of {stored} rows are scored")
    if written == 0:
        raise AssertionError("the kernel counts no writes: is the build directory on a disk?")

    def growth(*names):
        return sum(after[name] - before[name] for name in names)

    per_row = growth("samples", "sqlite_autoindex_samples_1") / stored
    per_day = 86_400 / SECONDS
    yield Figure("journal", "size per row", per_row, "bytes", note=f"{stored} rows, all scored")
    yield Figure("journal", f"size per node and day, a row every {SECONDS} s",
                 per_row * per_day / 1e6, "MB")
    if explained:
        yield Figure("journal", "explanation of an anomalous row",
                     growth("explanations") / explained, "bytes",
                     note=f"on top; {explained / stored:.0%} of the rows here")
    yield Figure("journal", "saved baselines", after["checkpoints"] / 1e6, "MB",
                 note="once per journal, whatever its length")
    yield Figure("journal", "written to the disk per row", written / stored / 1e3, "kB",
                 note=f"log and database; {explained / stored:.0%} of rows with an explanation")
    yield Figure("journal", "written to the disk per node and day",
                 written / stored * per_day / 1e6, "MB")


def postgres(lab):
    """What sending rows costs the agent, and what a fleet costs the server."""
    cpu, memory_used = fleet.agent_with_postgres(lab.pick(60, 30))
    yield Figure("postgres", "CPU per tick, a connection every 30 ticks", cpu / 1e6, "ms", aim=0.35,
                 note="as by default: 10 s and 5 min; a password that was made, no TLS")
    yield Figure("postgres", "resident memory (VmRSS)", memory_used["VmRSS"], "MB", aim=12)
    agents, rows, faster = lab.pick((1000, 60, 2), (100, 12, 5))
    told = fleet.fleet(agents, rows, faster)
    of = f"{agents:,} agents, {rows} rows each, {faster} times as fast as in life"
    yield Figure("postgres", "rows that arrived, each once", told["stored"], "rows", note=of)
    yield Figure("postgres", "most connections at once", told["most"], "", aim=100,
                 note=f"{told['connections']:,} in all, seen every 0.2 s")
    yield Figure("postgres", "refused, and tried again later", told["refusals"], "",
                 note=f"and {told['other_failures']} other failures")
    yield Figure("postgres", "rows per second", told["stored"] / told["seconds"], "rows/s")
    yield Figure("postgres", "server CPU per 1,000 rows", 1000 * told["cpu"] / told["stored"], "s",
                 note=f"{told['cpu'] / told['connections'] * 1e3:.3g} ms per connection")
    yield Figure("postgres", "size per row, with indexes", told["bytes"] / told["stored"], "bytes",
                 note="tables of few rows waste part of their pages")


# The sizes of the design: a year of a node, and the data set of Martinez Baselga.
TRAININGS = (("1,000,000 x 24", 1_000_000, 24, 8, 0.5, 2.5), ("10,010 x 7,062", 10_010, 7062, 2, 0.06, 8))


def train(lab):
    import training  # wants numpy and scikit-learn
    for name, rows, features, classes, rare, aim in TRAININGS:
        rows = lab.pick(rows, rows // 10)
        with lab.state_dir() as directory:
            ours, theirs = training.measure(lab.build, directory, rows, features, classes, rare)
        note = f"peer: scikit-learn; {ours['leaves']} leaves, {theirs['leaves']} of the peer"
        yield Figure("train", f"CPU to learn {name}, depth 8", ours["cpu_seconds"], "s",
                     theirs["cpu_seconds"], aim, note=note if not lab.quick else f"{note}; a tenth of the rows")
        yield Figure("train", "  accuracy on held-out rows", 100 * ours["accuracy"], "%",
                     100 * theirs["accuracy"], 100 * theirs["accuracy"] - 0.2, at_most=False)
        data = rows * 5 / 4 * features * 4 / 2**20
        yield Figure("train", "  most memory, against the data's size", ours["mebibytes"] / data, "x",
                     theirs["mebibytes"] / data, 1.5 if data > 64 else None,
                     note=f"the data are {data:.0f} MiB as floats, held-out rows included")


def detection(lab):
    import detection as measured  # wants pandas and scikit-learn
    with lab.state_dir() as directory:
        directory = pathlib.Path(directory)
        reports = {"a sitting that is not the tree's": measured.across_sittings(directory)}
        if measured.recordings("test"):
            reports["the test campaign"] = measured.on_the_test(directory)
        ours, without_zone, theirs = measured.accuracies(directory)
        servers = measured.judged_servers(directory)
    for name, judged in ((f"{name}, {node} node", judged) for name, report in reports.items()
                         for node, judged in (("new", report), ("known", report["as_known"]))):
        incidents, alarms = judged["incidents"][-1], judged["false_alarms"]
        yield Figure("detection", f"incidents of {name}: seen", 100 * incidents["recall"], "%", aim=95,
                     at_most=False, note=f"{incidents['seen']} of {incidents['incidents']}")
        yield Figure("detection", "  given the right class, of those seen", 100 * incidents["class_right_of_seen"],
                     "%", aim=90, at_most=False, note=f"{incidents['class_right']} of {incidents['seen']}")
        yield Figure("detection", "  median delay", incidents["median_delay_samples"], "samples", aim=2)
        yield Figure("detection", "  false alarms a day, in ordinary work", alarms["a_day"], "", aim=1,
                     note=f"{alarms['alarms']} in {24 * alarms['days']:.1f} hours")
    yield Figure("detection", "accuracy in rows of unseen incidents", 100 * ours, "%", 100 * theirs,
                 100 * theirs - 0.2, at_most=False, note="peer: scikit-learn, a tree of the same limits")
    yield Figure("detection", "  without a dead zone, as the peer", 100 * without_zone, "%", 100 * theirs,
                 100 * theirs - 0.2, at_most=False)
    note = f"{servers['servers']} servers"
    yield Figure("detection", "public data: AUPRC", servers["average_precision"], "", aim=0.5, at_most=False, note=note)
    yield Figure("detection", "  best F1", servers["best_f1"], "", aim=0.58, at_most=False, note=note)
    yield Figure("detection", "  incidents seen", 100 * servers["found"] / servers["incidents"], "%", aim=90,
                 at_most=False, note=f"{servers['found']} of {servers['incidents']}")
    yield Figure("detection", "  false alarms a day", servers["false_alarms_a_day"], "", aim=0.7, note=note)


PARTS = {"tick": tick, "scrape": scrape, "memory": memory, "connections": all_connections,
         "replay": replay, "journal": journal, "postgres": postgres, "train": train, "detection": detection}
