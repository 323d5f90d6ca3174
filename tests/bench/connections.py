"""Holds TCP connections over loopback: `python3 connections.py hold COUNT CHILD`, or makes
and closes some every second: `python3 connections.py churn PER_SECOND`. Says "ready"; ends when its
standard input does. A process of its own, because each may have only so many open files."""
import contextlib
import resource
import select
import socket
import struct
import subprocess
import sys
import time

# Ports of one pair of addresses run out (ip_local_port_range); each server takes its own address.
PER_ADDRESS = 10_000
# Closing resets the connection, or 50,000 sockets would stay in TIME-WAIT for a minute.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def raise_file_limit(files):
    """As far as this process may; returns how many files it can open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limits in ((files, max(files, hard)), (min(files, hard), hard)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connect_pair(server):
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return client, accepted


def listen(address):
    return socket.create_server((address, 0), backlog=64)


def hold(count, child):
    raise_file_limit(2 * count + 100)
    pairs = []
    servers = [listen(f"127.1.{child}.{1 + i}") for i in range(-(-count // PER_ADDRESS))]
    for i in range(count):
        pairs.append(connect_pair(servers[i // PER_ADDRESS]))
    print("ready", flush=True)
    sys.stdin.read()
    for client, _ in pairs:
        client.close()


def churn(per_second):
    server = listen("127.2.0.1")
    print("ready", flush=True)
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        client.close()
        accepted.close()
        due += 1 / per_second


class Child:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, __file__, *map(str, arguments)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_ready(self):
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("connections.py: the connections could not be made")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@contextlib.contextmanager
def held(count):
    """`count` connections are open inside the block: twice as many sockets, both ends are here."""
    per_child = min(count, (raise_file_limit(2 * count + 100) - 100) // 2)
    children = []
    try:
        done = 0
        while done < count:
            part = min(per_child, count - done)
            children.append(Child("hold", part, len(children)))
            done += part
        for child in children:
            child.wait_ready()
        yield
    finally:
        for child in children:
            child.stop()


@contextlib.contextmanager
def churning(per_second):
    child = Child("churn", per_second)
    try:
        child.wait_ready()
        yield
    finally:
        child.stop()


if __name__ == "__main__":
    {"hold": hold, "churn": churn}[sys.argv[1]](*map(int, sys.argv[2:]))
