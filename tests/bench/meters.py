"""What is measured with: clocks of other processes, their memory, and the peer beside us."""
import contextlib
import http.client
import os
import platform
import statistics
import subprocess
import time

from support import answers, free_port, need_program, running, wait_until

# What Prometheus sends with each scrape. An exporter that can compress does so in production, too.
SCRAPE_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.6",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
}


def cpu_ns(pid):
    """CPU time of a process so far, user and system, threads that ended included."""
    # The clock of a process: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel.
    return time.clock_gettime_ns((~pid << 3) | 2)


def thread_cpu_ns(pid):
    """CPU time of the agent's threads by what they do. The main thread samples and scores."""
    roles = dict.fromkeys(("main thread", "journal thread", "server threads", "statvfs thread",
                           "other threads"), 0)
    named = {"nv-journal": "journal thread", "nv-statvfs": "statvfs thread",
             "nv-http": "server threads", "nv-http-wait": "server threads"}
    for tid in os.listdir(f"/proc/{pid}/task"):
        task = f"/proc/{pid}/task/{tid}"
        if int(tid) == pid:
            role = "main thread"
        else:
            role = named.get(read_text(f"{task}/comm").strip(), "other threads")
        roles[role] += int(read_text(f"{task}/schedstat").split()[0])
    return roles


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def field(path, name):
    """The number after 'name:' in a file such as /proc/PID/status."""
    for line in read_text(path).splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise AssertionError(f"{path} has no line '{name}:'")


def memory_mb(pid):
    """Memory of a process in MB of 10^6 bytes: all, shared pages by share, its own data."""
    status = f"/proc/{pid}/status"
    kib = {"VmRSS": field(status, "VmRSS"), "Pss": field(f"/proc/{pid}/smaps_rollup", "Pss"),
           "RssAnon": field(status, "RssAnon")}
    return {name: value * 1024 / 1e6 for name, value in kib.items()}


def machine():
    """What the figures depend on."""
    models = {line.partition(":")[2].strip() for line in read_text("/proc/cpuinfo").splitlines()
              if line.startswith("model name")}
    return {
        "cores": os.cpu_count(),
        "cpu": ", ".join(sorted(models)) or platform.machine(),
        "kernel": platform.release(),
        "memory_gb": round(field("/proc/meminfo", "MemTotal") * 1024 / 1e9, 1),
        "load_at_start": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def run_measured(*command):
    """Runs a command to its end; returns CPU seconds and bytes it had written to disks."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    with process.stderr:
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n"
                             + said[-1000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_oublock * 512


def every(seconds, count):
    """Yields `count` times, `seconds` apart, whatever the caller does in between."""
    due = time.monotonic()
    for index in range(count):
        yield index
        due += seconds
        time.sleep(max(0.0, due - time.monotonic()))


def median(values):
    return statistics.median(values)


class Scraper:
    """Scrapes as Prometheus does: over one connection, if the server keeps it open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.size = 0

    def scrape(self):
        """Seconds from the request to the last byte of the response."""
        begun = time.perf_counter()
        self.connection.request("GET", "/metrics", headers=SCRAPE_HEADERS)
        response = self.connection.getresponse()
        self.size = len(response.read())
        took = time.perf_counter() - begun
        if response.status != 200:
            raise AssertionError(f"/metrics answered {response.status}")
        return took

    def close(self):
        self.connection.close()


def scrape_latency(port):
    """Seconds that curl takes for /metrics over a connection of its own. The client is a small C
    program, so that next to nothing of it is the client's own time."""
    headers = [word for name, value in SCRAPE_HEADERS.items()
               for word in ("--header", f"{name}: {value}")]
    took = subprocess.run(
        [need_program("curl"), "--silent", "--fail", "--output", "/dev/null", "--write-out",
         "%{time_total}", *headers, f"http://127.0.0.1:{port}/metrics"],
        capture_output=True, text=True, check=True)
    return float(took.stdout)


class NodeExporter:
    """A running node_exporter with its default collectors, and a scraper for it."""

    def __init__(self, process, port):
        self.pid, self.port = process.pid, port
        self.scraper = Scraper(port)

    def cpu_ns_per_scrape(self, seconds, count):
        """CPU per scrape over `count` scrapes that are `seconds` apart."""
        begun = cpu_ns(self.pid)
        for _ in every(seconds, count):
            self.scraper.scrape()
        return (cpu_ns(self.pid) - begun) / count


@contextlib.contextmanager
def node_exporter(*options):
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    with running(need_program("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{port}",
                 *options) as process:
        wait_until(lambda: answers(url), what="node_exporter")
        peer = NodeExporter(process, port)
        for _ in range(5):  # its first scrapes set things up
            peer.scraper.scrape()
        yield peer
        peer.scraper.close()


class TickMeter:
    """CPU of an agent over whole ticks: both ends of a span lie between two ticks."""

    def __init__(self, agent, interval):
        self.agent = agent
        self.pid = agent.process.pid
        self.interval = interval

    def until_ready(self):
        """Warm baselines, and the first verdicts given."""
        wait_until(lambda: self.agent.status()["phase"] == "ready", 120, "warm baselines")
        time.sleep(5 * self.interval)

    def wait_for_phase(self, part):
        """Sleeps until this part of the way between two ticks."""
        newest = self.agent.metrics()["nodevigil_last_tick_timestamp_seconds"]
        time.sleep((newest + part * self.interval - time.time()) % self.interval)

    def measure(self, count):
        """Lets `count` ticks go by. Returns what one of them took, in ns: CPU of the process,
        CPU by thread, and time by source as the agent itself measures it; and which rows they
        are (after the first number, up to the second)."""
        self.wait_for_phase(0.2)
        before = self.agent.metrics()
        time.sleep(0.4 * self.interval)
        cpu, threads = cpu_ns(self.pid), thread_cpu_ns(self.pid)
        time.sleep(count * self.interval)
        cpu, threads_after = cpu_ns(self.pid) - cpu, thread_cpu_ns(self.pid)
        after = self.agent.metrics()
        rows = (before["nodevigil_ticks_total"], after["nodevigil_ticks_total"])
        ticks = rows[1] - rows[0]
        if abs(ticks - count) > max(1, count / 20):
            raise AssertionError(f"{ticks:.0f} ticks instead of {count}: the machine is too busy")
        sources = {name.split('"')[1]: (after[name] - before[name]) * 1e9 / ticks
                   for name in after if name.startswith("nodevigil_source_read_seconds_total")}
        return {"cpu": cpu / ticks, "rows": rows, "sources": sources,
                "threads": {role: (threads_after[role] - threads[role]) / ticks
                            for role in threads}}
