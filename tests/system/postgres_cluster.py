"""A throw-away Postgres cluster for a test, and a proxy that misbehaves in front of it."""
import contextlib
import csv
import glob
import io
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from support import free_port, need_program, wait_until


def server_program(name):
    """Debian keeps the server's programs out of PATH; the newest version wins."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else need_program(name)


def unprivileged(*command):
    """Postgres refuses to run as root: root becomes the user that the package made."""
    if os.geteuid() != 0:
        return list(map(str, command))
    return [need_program("runuser"), "-u", "postgres", "--", *map(str, command)]


class Cluster:
    """A server on a port and in a directory of its own. `owner` may do everything; other logins
    need a password. Settings are lines of postgresql.conf."""

    def __init__(self, *settings):
        self.directory = tempfile.mkdtemp(prefix="nodevigil-pg-")
        os.chmod(self.directory, 0o755)
        self.data = pathlib.Path(self.directory) / "data"
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.port = free_port()
        password = pathlib.Path(self.directory) / "password"
        password.write_text("secret\n")
        subprocess.run(unprivileged(server_program("initdb"), "-D", self.data, "-U", "owner",
                                    "--auth=scram-sha-256", "--auth-local=trust", "--no-sync",
                                    f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8"),
                       check=True, capture_output=True, cwd=self.directory)
        self.configure(f"port = {self.port}", "listen_addresses = '127.0.0.1'",
                       f"unix_socket_directories = '{self.directory}'", "fsync = off",
                       "max_connections = 100", "log_min_messages = fatal", *settings)
        self.process = None
        self.start()

    def owner_of_files(self):
        """User and group that the server runs as."""
        status = self.data.stat()
        return status.st_uid, status.st_gid

    def configure(self, *lines):
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        self.log = open(pathlib.Path(self.directory) / "log", "a")
        self.process = subprocess.Popen(unprivileged(server_program("postgres"), "-D", self.data),
                                        stdout=self.log, stderr=self.log, cwd=self.directory,
                                        start_new_session=True)
        wait_until(self.answers, 60, "Postgres")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError((pathlib.Path(self.directory) / "log").read_text()[-2000:])
        return subprocess.run([need_program("psql"), "-X", "-c", "", self.socket_url()],
                              capture_output=True).returncode == 0

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def stop(self):
        os.kill(self.pid(), signal.SIGINT)
        self.process.wait(30)
        self.log.close()

    def kill(self):
        """The whole server at once, as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
        with contextlib.suppress(FileNotFoundError):
            # Its children notice the death of the postmaster; the next start waits for them.
            wait_until(lambda: not pathlib.Path(f"/proc/{self.pid()}").exists(), 30, "the end")
            (self.data / "postmaster.pid").unlink()
        self.log.close()

    def socket_url(self, database="postgres"):
        return f"host={self.directory} port={self.port} user=owner dbname={database}"

    def url(self, user="owner", password="secret", port=None, options=""):
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/postgres{options}"

    def query(self, sql, url=None):
        """Rows as lists of text."""
        result = subprocess.run([need_program("psql"), "-X", "--csv", "-t", "-v", "ON_ERROR_STOP=1",
                                 "-c", sql, url or self.socket_url()],
                                capture_output=True, text=True)
        if result.returncode != 0:
            raise PermissionError(result.stderr)
        return list(csv.reader(io.StringIO(result.stdout)))

    def value(self, sql, url=None):
        return self.query(sql, url)[0][0]


class PgBouncer:
    """A pooler in front of a cluster, in transaction mode. `users` are logins, each with what it is
    to be checked by: a password or, of one that nobody here knows, its verifier."""

    def __init__(self, cluster, pool_size=5, auth="plain", users=(("owner", "secret"),)):
        self.directory = tempfile.mkdtemp(prefix="nodevigil-bouncer-")
        os.chmod(self.directory, 0o755)
        self.port = free_port()
        base = pathlib.Path(self.directory)
        (base / "users").write_text("".join(f'"{name}" "{secret}"\n' for name, secret in users))
        (base / "ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={cluster.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = {auth}\nauth_file = {base}/users\npool_mode = transaction\n"
            f"default_pool_size = {pool_size}\nmax_client_conn = 2000\n"
            f"pidfile = {base}/pid\n")
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(base, user.pw_uid, user.pw_gid)
        self.process = subprocess.Popen(unprivileged(need_program("pgbouncer"), base / "ini"),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        wait_until(self.listens, 30, "PgBouncer")

    def pid(self):
        return int((pathlib.Path(self.directory) / "pid").read_text())

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Proxy:
    """Passes bytes between agents and a server, until told to `cut`; its mode is "pass", "hang",
    "crawl" (1 kB/s), "refuse" (new connections) or "cut" (them, after some bytes)."""

    def __init__(self, port):
        self.target = port
        self.mode = "pass"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        self.cut()

    def cut(self):
        """Ends all connections with a reset, wherever they are."""
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                one.close()
        self.sockets = []

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                if self.mode == "refuse":
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                client.close()
                continue
            self.sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(100 if self.mode == "crawl" else 65536):
                while self.mode == "hang":
                    time.sleep(0.05)
                if self.mode == "crawl":
                    time.sleep(len(data) / 1000)
                if self.mode == "cut" and len(data) > 1000:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def main():
    """A server for ./dev run --postgres: prints its address and lives as long as its input."""
    with Cluster() as cluster:
        print(cluster.url(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
