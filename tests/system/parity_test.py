"""Readings beside a real node_exporter and ss: equal where nothing moved, bracketed where it did."""
import datetime
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import unittest

from support import PROGRAM, answers, free_port, need_program, nodevigil, running, wait_until

# Of the metric table: how node_exporter's series make the same figure. The sums use our default
# patterns for devices, which node_exporter is started with.
IDLE = "node_cpu_seconds_total"


class NodeExporter:
    def __init__(self):
        options = json.loads(OPTIONS)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/metrics"
        self.command = [
            need_program("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{self.port}",
            "--collector.tcpstat", "--collector.interrupts", "--collector.vmstat.fields=^pgmajfault$",
            "--collector.netdev.device-exclude=" + options["net.device-exclude"],
            "--collector.diskstats.device-exclude=" + options["disk.device-exclude"]]

    def connect(self):
        """Scrapes use one connection that stays open, so that it is in all readings or in none."""
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def read(self):
        """Series of one scrape: name -> [(labels, value)]."""
        self.connection.request("GET", "/metrics")
        series = {}
        for line in self.connection.getresponse().read().decode().splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
            if match and not line.startswith("#"):
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
                series.setdefault(match.group(1), []).append((labels, float(match.group(3))))
        return series


def default_options():
    """Defaults of the options, from the program's own table."""
    table = nodevigil("schema", "--of", "options", check=0).stdout
    rows = re.findall(r"^\| `--([\w.-]+)[^|]*\| [^|]* \| `(.*?)` \| (?:agent|sample)", table, re.M)
    return {name: value.replace("\\|", "|") for name, value in rows}


OPTIONS = json.dumps(default_options())


def one(series, name):
    return series[name][0][1]


def total(series, name, **labels):
    return sum(value for have, value in series.get(name, [])
               if all(have.get(k) == v for k, v in labels.items()))


def whole_disks(series, name):
    """node_exporter lists partitions and stacked devices too; count as /sys/block tells."""
    return sum(value for labels, value in series.get(name, [])
               if os.path.isdir("/sys/block/" + labels["device"])
               and not os.listdir(f"/sys/block/{labels['device']}/slaves"))


def idle_mean(series):
    per_cpu = [value for labels, value in series[IDLE] if labels["mode"] == "idle"]
    return sum(per_cpu) / len(per_cpu)


def root_available(series):
    size = total(series, "node_filesystem_size_bytes", mountpoint="/")
    return 100 * total(series, "node_filesystem_avail_bytes", mountpoint="/") / size


EXPECTED = {
    "cpu_sec_idle": idle_mean,
    "disk_av_per": root_available,
    "disk_read": lambda s: whole_disks(s, "node_disk_read_bytes_total"),
    "disk_write": lambda s: whole_disks(s, "node_disk_written_bytes_total"),
    "net_receive": lambda s: total(s, "node_network_receive_bytes_total"),
    "mem_pressure": lambda s: one(s, "node_vmstat_pgmajfault"),
    "mem_av_per": lambda s: 100 * one(s, "node_memory_MemAvailable_bytes")
    / one(s, "node_memory_MemTotal_bytes"),
    "forks_total": lambda s: one(s, "node_forks_total"),
    "intr": lambda s: one(s, "node_intr_total"),
    "load1": lambda s: one(s, "node_load1"),
    "load5": lambda s: one(s, "node_load5"),
    "load15": lambda s: one(s, "node_load15"),
    "receive_drop": lambda s: total(s, "node_network_receive_drop_total"),
    "receive_errs": lambda s: total(s, "node_network_receive_errs_total"),
    "transmit_packets": lambda s: total(s, "node_network_transmit_packets_total"),
    "tcp_sock_alloc": lambda s: one(s, "node_sockstat_TCP_alloc"),
    "tcp_sock_inuse": lambda s: one(s, "node_sockstat_TCP_inuse"),
    "tcp_sock_mem": lambda s: one(s, "node_sockstat_TCP_mem"),
    "udp_sock_inuse": lambda s: one(s, "node_sockstat_UDP_inuse"),
    "udp_sock_mem": lambda s: one(s, "node_sockstat_UDP_mem"),
    "ipv4_sock_inuse": lambda s: one(s, "node_sockstat_sockets_used"),
    "est_conn": lambda s: one(s, "node_netstat_Tcp_CurrEstab"),
    "lis_conn": lambda s: total(s, "node_tcp_connection_states", state="listen"),
    "open_fds": lambda s: one(s, "node_filefd_allocated"),
}


def our_sample():
    return json.loads(nodevigil("sample", "--json", check=0).stdout)["values"]


class OurSamples:
    """One long-running `nodevigil sample --watch`: its own files and sockets stay the same."""

    def __init__(self):
        self.process = subprocess.Popen([PROGRAM, "sample", "--watch", "--json", "--interval",
                                         "10ms"], stdout=subprocess.PIPE, text=True)
        self.rows = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            row = json.loads(line)
            when = datetime.datetime.fromisoformat(row["ts"].replace("Z", "+00:00")).timestamp()
            self.rows.append((when, row["values"]))

    def around(self, begin, end):
        """The last reading before `begin`, those until `end` and the first one after it."""
        wait_until(lambda: self.rows and self.rows[-1][0] > end + 0.002, what="a later reading")
        rows = list(self.rows)
        # Times are printed in milliseconds: keep clear of the edges.
        first = max(i for i, row in enumerate(rows) if row[0] < begin - 0.002)
        last = min(i for i, row in enumerate(rows) if row[0] > end + 0.001)
        return [values for _, values in rows[first:last + 1]]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


# What a scrape itself adds while it reads: the files that node_exporter has open at that moment.
EXPORTERS_OWN = {"open_fds": 16}

# The kernel may take idle time back; node_exporter keeps the old value then.
MAY_FALL = {"cpu_sec_idle"}

COUNTERS = {row["name"] for row in json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
            if row["kind"] == "counter"}


class ParityTest(unittest.TestCase):
    def compare(self, exporter, ours, rounds):
        """Holds each metric of ours against node_exporter's.

        Their reading lies between readings of ours, so it must be equal where ours stand still and
        between them where they move. A counter can only rise, so that holds in every round; a
        gauge may go up and down again in between, so it must hold in most rounds.
        """
        agreed = dict.fromkeys(EXPECTED, 0)
        outside = {}
        for _ in range(rounds):
            time.sleep(0.1)
            begin = time.time()
            theirs = exporter.read()
            around = ours.around(begin, time.time())
            for name, expected in EXPECTED.items():
                value = expected(theirs)
                low, high = (pick(values[name] for values in around) for pick in (min, max))
                slack = 1e-9 * abs(value)  # sums and means of floating point numbers
                own = EXPORTERS_OWN.get(name, 0)
                if low - slack <= value <= high + slack + own:
                    agreed[name] += 1
                else:
                    outside[name] = (low, value, high)
        wrong = {name: f"agreed in {count} of {rounds}; last (low, theirs, high): {outside[name]}"
                 for name, count in agreed.items()
                 if count < (rounds if name in COUNTERS - MAY_FALL else rounds / 2)}
        self.assertFalse(wrong)

    def test_all_24_agree_with_node_exporter(self):
        self.assertEqual(list(EXPECTED), list(our_sample()), "the table of metrics has changed")
        exporter = NodeExporter()
        with running(*exporter.command):
            wait_until(lambda: answers(exporter.url), what="node_exporter")
            exporter.connect()
            self.addCleanup(exporter.connection.close)
            ours = OurSamples()
            self.addCleanup(ours.stop)
            wait_until(lambda: ours.rows, what="our first reading")
            with self.subTest("idle"):
                self.compare(exporter, ours, rounds=12)
            with self.subTest("under stress"), running(
                    need_program("stress-ng"), "--cpu", "1", "--fork", "1", "--sock", "1", "--udp",
                    "1", "--open", "1", "--hdd", "1", "--hdd-bytes", "16M", "--timeout", "60",
                    cwd="/tmp"):
                self.compare(exporter, ours, rounds=12)

    def test_open_files_are_counted_one_by_one(self):
        def rise():
            before = our_sample()["open_fds"]
            files = [open("/dev/null") for _ in range(500)]
            after = our_sample()["open_fds"]
            for file in files:
                file.close()
            return after - before == 500
        wait_until(rise, what="a moment in which nobody else opens a file")

    def test_connections_agree_with_ss(self):
        def count(*arguments):
            output = subprocess.run([need_program("ss"), "-Htan", *arguments], check=True,
                                    capture_output=True, text=True).stdout
            return len(output.splitlines())

        def both_agree():
            before = our_sample()
            listening = count("state", "listening")
            connected = count("state", "established") + count("state", "close-wait")
            after = our_sample()
            if before["lis_conn"] != after["lis_conn"] or before["est_conn"] != after["est_conn"]:
                return False  # something moved; look again
            self.assertEqual((listening, connected), (after["lis_conn"], after["est_conn"]))
            return True

        with socket.create_server(("127.0.0.1", 0)) as server:
            clients = [socket.create_connection(server.getsockname()) for _ in range(20)]
            wait_until(both_agree, what="a quiet moment")
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main()
