"""Logins of agents, and of those who label, that `nodevigil db` lets in, on a real Postgres."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from postgres_cluster import Cluster, PgBouncer
from support import PROGRAM, Agent, environment, need_program, nodevigil, wait_until


class PostgresLoginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster("log_statement = all", "log_min_messages = log"))
        nodevigil("db", "init", "--postgres.url", cls.cluster.url(), check=0)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.file = self.directory / "password"
        self.login = self._testMethodName[-63:]  # Postgres' limit

    def grant(self, *arguments, check=0, login=None, file=None, user="owner", action="grant-agent"):
        return nodevigil("db", action, "--login", login or self.login, "--make-password",
                         file or self.file, *arguments, "--postgres.url",
                         self.cluster.url(user=user), check=check)

    def exists(self, login):
        return self.cluster.value(
            f"SELECT count(*) FROM pg_roles WHERE rolname = '{login}'") == "1"

    def verifier(self):
        return self.cluster.value(
            f"SELECT rolpassword FROM pg_authid WHERE rolname = '{self.login}'")

    def log_in(self, password, port=None):
        return self.cluster.value("SELECT session_user",
                                  self.cluster.url(self.login, password, port))

    def rows_arrive(self, url):
        with Agent(self.directory / "state", "--node", "node-1", "--postgres.url", url,
                   "--postgres.password-file", self.file, "--postgres.interval", "150ms",
                   "--journal.flush-interval", "0s") as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")

    def address(self, port):
        """Without a password."""
        return f"host=127.0.0.1 port={port} user={self.login} dbname=postgres"

    def test_an_agent_logs_in_with_the_file(self):
        said = self.grant("--node", "node-1").stdout
        self.assertIn(f"is in {self.file}", said)
        self.assertIn("of node node-1 alone", said)
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(os.listdir(self.directory), ["password"])
        self.assertRegex(self.file.read_text(), r"\A[0-9a-f]{64}\n\Z")
        self.rows_arrive(self.address(self.cluster.port))

    def test_an_agent_logs_in_through_pgbouncer_that_knows_the_verifier(self):
        self.grant()
        users = [(self.login, self.verifier())]
        with PgBouncer(self.cluster, auth="scram-sha-256", users=users) as pooler:
            self.rows_arrive(self.address(pooler.port))

    def test_a_wrong_password_is_refused(self):
        self.grant()
        right = self.file.read_text().strip()
        self.assertEqual(self.log_in(right), self.login)
        wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
        with self.assertRaisesRegex(PermissionError, "password authentication failed"):
            self.log_in(wrong)

    def test_the_server_is_told_the_verifier_and_never_the_password(self):
        said = self.grant()
        password = self.file.read_text().strip()
        self.assertRegex(self.verifier(), r"\ASCRAM-SHA-256\$1:[A-Za-z0-9+/]{22}==\$"
                                          r"[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=\Z")
        self.log_in(password)
        log = (pathlib.Path(self.cluster.directory) / "log").read_text()
        self.assertIn(f'CREATE ROLE "{self.login}" LOGIN PASSWORD \'SCRAM-SHA-256$', log)
        self.assertNotIn(password, log)
        self.assertNotIn(password, said.stdout + said.stderr)

    def test_a_login_that_is_there_gets_another_password(self):
        self.cluster.query(f"CREATE ROLE {self.login} LOGIN PASSWORD 'secret'")
        self.grant()
        self.assertEqual(self.log_in(self.file.read_text().strip()), self.login)
        with self.assertRaisesRegex(PermissionError, "password authentication failed"):
            self.log_in("secret")

    def test_a_running_agent_takes_up_a_file_that_replaces_another(self):
        self.grant()
        with Agent(self.directory / "state", "--node", "node-1", "--postgres.url",
                   self.address(self.cluster.port), "--postgres.password-file", self.file,
                   "--postgres.interval", "150ms", "--journal.flush-interval", "0s") as agent:
            healthy = "nodevigil_postgres_healthy"
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0, what="rows")
            newer = self.directory / "newer"
            self.grant(file=newer)
            wait_until(lambda: agent.metrics()[healthy] == 0, what="the old one to be refused")
            newer.replace(self.file)
            wait_until(lambda: agent.metrics()[healthy] == 1, what="the new one to be taken up")

    def test_a_login_of_any_name(self):
        for name in ("worker-7.example", 'od"d na\'me', "$1"):
            with self.subTest(name):
                file = self.directory / str(len(name))
                self.grant(login=name, file=file)
                self.assertEqual(self.cluster.value("SELECT count(*) FROM pg_authid WHERE rolname = "
                                                    f"$q${name}$q$ AND rolpassword <> ''"), "1")

    def test_each_password_and_salt_is_another(self):
        salts, passwords = set(), set()
        for i in range(3):
            self.grant(file=self.directory / str(i))
            salts.add(re.search(r":(.*)\$", self.verifier())[1])
            passwords.add((self.directory / str(i)).read_text())
        self.assertEqual((len(salts), len(passwords)), (3, 3))

    def test_where_the_file_cannot_be_made_the_login_stays_as_it_is(self):
        self.file.write_text("older\n")
        for file, text in ((self.file, f"{self.file}: exists already"),
                           (self.directory / "none" / "password", "No such file or directory")):
            with self.subTest(text):
                self.assertIn(text, self.grant(file=file, check=1).stderr)
                self.assertFalse(self.exists(self.login))
        self.assertEqual(self.file.read_text(), "older\n")
        self.cluster.query(f"CREATE ROLE {self.login} LOGIN PASSWORD 'secret'")
        before = self.verifier()
        self.grant(check=1)
        self.assertEqual(self.verifier(), before)
        self.assertEqual(os.listdir(self.directory), ["password"])

    def test_a_file_that_comes_meanwhile_stays_and_the_login_is_not_made(self):
        holder = subprocess.Popen([need_program("psql"), "-X", "-q", self.cluster.socket_url()],
                                  stdin=subprocess.PIPE, text=True)
        self.addCleanup(holder.wait)
        locks = "SELECT count(*) FROM pg_locks WHERE relation = 'nodevigil.node_logins'::regclass"
        with holder.stdin:
            print("BEGIN; LOCK nodevigil.node_logins;", file=holder.stdin, flush=True)
            wait_until(lambda: self.cluster.value(locks) == "1", what="the lock")
            with subprocess.Popen([PROGRAM, "db", "grant-agent", "--login", self.login,
                                   "--make-password", self.file, "--postgres.url",
                                   self.cluster.url()], stderr=subprocess.PIPE, text=True,
                                  env=environment()) as late:
                wait_until(lambda: self.cluster.value(locks) == "2", what="one who waits for it")
                self.file.write_text("older\n")
                print("ROLLBACK;", file=holder.stdin, flush=True)
                said = late.communicate(timeout=30)[1]
        self.assertEqual(late.returncode, 1)
        self.assertIn("exists already", said)
        self.assertFalse(self.exists(self.login))
        self.assertEqual(self.file.read_text(), "older\n")
        self.assertEqual(os.listdir(self.directory), ["password"])

    def test_without_the_right_to_make_logins_it_says_what_to_do(self):
        self.cluster.query("CREATE ROLE unprivileged LOGIN PASSWORD 'secret'")
        self.addCleanup(self.cluster.query, "DROP ROLE unprivileged")
        self.cluster.query("CREATE ROLE there LOGIN")
        self.addCleanup(self.cluster.query, "DROP ROLE there")
        for login in (self.login, "there"):
            with self.subTest(login):
                said = self.grant(login=login, user="unprivileged", check=1).stderr
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn("permission denied", said)
                self.assertIn("CREATEROLE", said)
                self.assertEqual("WITH ADMIN OPTION" in said, login == "there")
                self.assertNotIn("SCRAM", said)
        self.assertFalse(self.exists(self.login))
        self.assertEqual(os.listdir(self.directory), [])

    def test_what_the_server_refuses_later_leaves_neither_login_nor_file(self):
        self.cluster.query("CREATE ROLE makes_logins LOGIN CREATEROLE PASSWORD 'secret'")
        self.addCleanup(self.cluster.query, "DROP ROLE makes_logins")
        # It may make the login, but owns nothing of the schema.
        self.assertIn("permission denied", self.grant(user="makes_logins", check=1).stderr)
        self.assertFalse(self.exists(self.login))
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_commit_that_fails_leaves_neither_login_nor_file(self):
        self.cluster.query(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE 'not today'; END$$;"
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON nodevigil.node_logins "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()")
        self.addCleanup(self.cluster.query, "DROP FUNCTION fail CASCADE")
        self.assertIn("not today", self.grant("--node", "node-1", check=1).stderr)
        self.assertFalse(self.exists(self.login))
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_group_gets_no_password(self):
        self.assertIn("is a group", self.grant(login="nodevigil_reader", check=1).stderr)
        self.assertEqual(os.listdir(self.directory), [])

    def test_a_name_that_the_server_would_cut_is_refused(self):
        self.assertIn("at most 63 bytes", self.grant("--node", "n", login="n" * 64, check=2).stderr)
        self.assertFalse(self.exists("n" * 63))
        self.assertEqual(os.listdir(self.directory), [])

    def test_who_labels_logs_in_with_the_file_and_adds_no_rows(self):
        said = self.grant(action="grant-labeler").stdout
        self.assertIn(f"is in {self.file}", said)
        self.assertIn("may keep windows and label rows", said)
        store = ("--postgres.url", self.address(self.cluster.port), "--postgres.password-file", self.file)
        nodevigil("label", "add", "--type", "cpu", "--node", self.login, "--from", "2m", "--to", "1m",
                  *store, check=0)
        self.assertIn("cpu", nodevigil("label", "list", "--node", self.login, *store, check=0).stdout)
        login = self.cluster.url(self.login, self.file.read_text().strip())
        self.cluster.query("UPDATE nodevigil.samples SET attack = NULL, attack_type = NULL", login)
        for sql in ("SELECT nodevigil.register_node('node-1')", "SELECT * FROM nodevigil.node_logins",
                    "DELETE FROM nodevigil.samples", "UPDATE nodevigil.samples SET load1 = 0"):
            with self.subTest(sql), self.assertRaisesRegex(PermissionError, "permission denied"):
                self.cluster.query(sql, login)

    def test_an_agent_that_gets_to_label_stays_the_agent_of_its_node(self):
        self.grant("--node", "node-1")
        nodevigil("db", "grant-labeler", "--login", self.login, "--postgres.url", self.cluster.url(), check=0)
        self.assertEqual(self.cluster.value(
            f"SELECT node FROM nodevigil.node_logins WHERE login = '{self.login}'"), "node-1")
        roles = self.cluster.query("SELECT roleid::regrole FROM pg_auth_members WHERE member = "
                                   f"'{self.login}'::regrole ORDER BY 1")
        self.assertEqual(sorted(name for [name] in roles), ["nodevigil_agent", "nodevigil_labeler"])
        self.rows_arrive(self.address(self.cluster.port))

    def test_who_labels_has_no_node_and_needs_a_name(self):
        said = self.grant("--node", "node-1", action="grant-labeler", check=2).stderr
        self.assertIn("takes no --node", said)
        self.assertFalse(self.exists(self.login))
        self.assertEqual(os.listdir(self.directory), [])
        said = nodevigil("db", "grant-labeler", "--postgres.url", self.cluster.url(), check=2).stderr
        self.assertIn("db grant-labeler needs --login NAME", said)


if __name__ == "__main__":
    unittest.main()
