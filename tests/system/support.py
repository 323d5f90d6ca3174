"""What the system tests share: the program under test, real peers, and waiting without sleeping blindly."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("NODEVIGIL_BIN", str(ROOT / "build/release/nodevigil"))


def environment(**extra):
    """The environment without settings of whoever runs the tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("NODEVIGIL_")}
    env.update(extra)
    return env


def need_program(name):
    """The path of a program the tests need; its absence is a failure, not a reason to skip."""
    path = shutil.which(name)
    if path is None:
        raise AssertionError(f"{name} is not installed; ./dev test installs it")
    return path


def nodevigil(*arguments, check=None, **env):
    """Runs a subcommand to its end. With `check`, the exit code must be that."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                            env=environment(**env), timeout=120)
    if check is not None and result.returncode != check:
        raise AssertionError(f"nodevigil {' '.join(map(str, arguments))}: exit code "
                             f"{result.returncode}, expected {check}\n{result.stdout[-2000:]}"
                             f"\n{result.stderr[-2000:]}")
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=30, what="the condition"):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.05)


def fetch(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read().decode()


def answers(url):
    try:
        fetch(url, timeout=1)
        return True
    except OSError:
        return False


@contextlib.contextmanager
def running(*command, **options):
    """A peer process that is ended with the block."""
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT,
                               **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


class Agent:
    """A running `nodevigil agent` with its own state directory and port."""

    def __init__(self, state_dir, *arguments, interval="100ms", **env):
        self.state_dir = str(state_dir)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [PROGRAM, "agent", "--interval", interval, "--state-dir", self.state_dir,
             "--web.listen-address", f"127.0.0.1:{self.port}", *map(str, arguments)],
            stdout=subprocess.DEVNULL, stderr=self.log, env=environment(**env))
        try:
            wait_until(lambda: self.process.poll() is not None or answers(self.url + "/readyz"),
                       what="the agent's first answer")
            if self.process.poll() is not None:
                raise AssertionError("the agent ended: " + self.logged())
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()

    def status(self, what="status"):
        return json.loads(fetch(f"{self.url}/api/v1/{what}"))

    def metrics(self):
        """Samples of /metrics as {'name{labels}': value}."""
        lines = fetch(self.url + "/metrics").splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends the agent as Kubernetes does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
