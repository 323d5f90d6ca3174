"""The agent with a real Postgres: rows, rights, restarts, and what it says when it cannot."""
import concurrent.futures
import contextlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from postgres_cluster import Cluster, PgBouncer, Proxy
from support import Agent, fetch, need_program, nodevigil, wait_until

QUICK = ("--postgres.interval", "150ms", "--journal.flush-interval", "0s")


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = pathlib.Path(directory.name)
        self.cluster.query("DROP SCHEMA IF EXISTS nodevigil CASCADE")
        self.password_file = self.state / "password"
        self.password_file.write_text("secret\n")

    def db(self, *arguments, check=0, user="owner"):
        return nodevigil("db", *arguments, "--postgres.url", self.cluster.url(user=user),
                         check=check)

    def login(self, name):
        self.cluster.query(f"DROP ROLE IF EXISTS {name}")
        self.cluster.query(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
        return self.cluster.url(user=name)

    def agent(self, *arguments, url=None, node="node-1", state="state", **more):
        return Agent(self.state / state, "--node", node, "--postgres.url",
                     url or self.cluster.url(), *QUICK, *arguments, **more)

    def journal_rows(self, state="state", columns="seq"):
        with contextlib.closing(sqlite3.connect(f"file:{self.state / state}/journal.db?mode=ro",
                                                uri=True)) as journal:
            return journal.execute(f"SELECT {columns} FROM samples ORDER BY seq").fetchall()

    def seqs(self, node="node-1"):
        return [int(seq) for (seq,) in self.cluster.query(
            f"SELECT seq FROM nodevigil.samples WHERE node = '{node}' ORDER BY seq")]


class RowsTest(PostgresTest):
    def test_rows_arrive_with_the_values_of_the_journal(self):
        self.db("init")
        with self.agent("--scoring.warmup-samples", "30", "--scoring.fast-horizon", "60s") as agent:
            wait_until(lambda: agent.status()["row"]["score"] is not None, what="a score")
            sent = "nodevigil_postgres_sent_rows_total"
            wait_until(lambda: agent.metrics()[sent] >= 60, what="rows in Postgres")
            agent.stop()
        table = json.loads(nodevigil("schema", "--format", "json", check=0).stdout)
        raw = ", ".join(metric["name"] for metric in table)
        columns = f"seq, elapsed_ns, score, threshold, verdict, {raw}"
        ours = self.journal_rows(columns=f"ts_us, {columns}")
        theirs = self.cluster.query("SELECT (extract(epoch FROM ts) * 1000000)::bigint, "
                                    f"{columns} FROM nodevigil.samples ORDER BY seq")
        self.assertEqual(len(theirs), len(ours))
        for there, here in zip(theirs, ours):
            self.assertEqual([None if text == "" else text for text in there[5:6]],
                             [here[5] or None])
            self.assertEqual([float(text) if text else None for text in there[:5] + there[6:]],
                             [*here[:5], *here[6:]])
        self.assertEqual(self.cluster.value("SELECT count(DISTINCT context) FROM nodevigil.samples"
                                            " JOIN nodevigil.contexts USING (context)"), "1")
        z = self.cluster.value("SELECT count(z_load1) FROM nodevigil.samples")
        self.assertGreater(int(z), 0)

    def test_restarts_send_each_row_once(self):
        for stop in (Agent.stop, Agent.kill, Agent.kill, Agent.stop):
            with self.agent("--postgres.migrate", interval="20ms") as agent:
                begun = agent.status()["row"]["seq"]
                wait_until(lambda: agent.status()["row"]["seq"] > begun + 80, what="80 rows")
                stop(agent)
        self.assertEqual(self.seqs(), [seq for (seq,) in self.journal_rows()])
        self.assertEqual(self.seqs(), list(range(1, len(self.seqs()) + 1)))

    def test_an_outage_loses_nothing_and_is_told(self):
        self.db("init")
        with self.agent() as agent:
            wait_until(lambda: agent.metrics().get("nodevigil_postgres_queue_rows") is not None,
                       what="a first pass")
            self.cluster.kill()
            failures = 'nodevigil_postgres_failures_total{kind="unavailable"}'
            try:
                wait_until(lambda: agent.metrics()[failures] >= 1, what="a failure")
                wait_until(lambda: agent.metrics()["nodevigil_postgres_queue_rows"] > 20,
                           what="a queue")
                self.assertEqual(agent.metrics()["nodevigil_postgres_healthy"], 0)
                self.assertIn("postgres: ", fetch(agent.url + "/readyz"))
                self.assertIn("rows wait in the journal", fetch(agent.url + "/readyz"))
            finally:
                self.cluster.start()
            wait_until(lambda: agent.metrics()["nodevigil_postgres_healthy"] == 1, 60, "health")
            log = agent.logged()
            agent.stop()
        self.assertEqual(self.seqs(), [seq for (seq,) in self.journal_rows()])
        self.assertEqual(log.count("rows are sent again"), 1)
        self.assertNotIn("secret", log)

    def test_rows_that_a_server_has_lost_are_sent_again(self):
        self.db("init")
        with self.agent() as agent:
            wait_until(lambda: len(self.seqs()) >= 20, what="rows")
            # What a fail-over to a standby that was behind looks like: rows and progress, which
            # are written together, go back together.
            self.cluster.query("BEGIN; DELETE FROM nodevigil.samples WHERE seq > 10;"
                               "UPDATE nodevigil.progress SET seq = 10; COMMIT")
            wait_until(lambda: len(self.seqs()) >= 30, what="all rows")
            agent.stop()
        self.assertEqual(self.seqs(), [seq for (seq,) in self.journal_rows()])

    def test_an_agent_whose_journal_is_gone_is_warm_from_its_table(self):
        self.db("init")
        settings = ("--scoring.warmup-samples", "30", "--scoring.fast-horizon", "60s")
        with self.agent(*settings) as agent:
            wait_until(lambda: agent.status()["row"]["score"] is not None, what="a score")
            agent.stop()
        with self.agent(*settings, state="other") as agent:
            self.assertIn("rows in Postgres", agent.logged())
            wait_until(lambda: agent.status()["row"]["seq"] > 0, what="a row")
            self.assertEqual(agent.status()["phase"], "ready")
            agent.stop()
        rows = len(self.journal_rows()) + len(self.journal_rows("other"))
        self.assertEqual(self.cluster.value("SELECT count(*) FROM nodevigil.samples"), str(rows))


class SchemaTest(PostgresTest):
    def test_many_make_the_schema_at_once_and_it_is_made_once(self):
        with concurrent.futures.ThreadPoolExecutor(25) as pool:
            said = list(pool.map(lambda _: self.db("init").stdout, range(25)))
        self.assertEqual(sum("was made" in text for text in said), 1)
        self.assertEqual(sum("is up to date" in text for text in said), 24)
        self.assertEqual(self.cluster.query("SELECT version FROM nodevigil.schema_version"), [["1"]])
        self.assertIn("schema version    1", self.db("status").stdout)

    def test_the_printed_sql_makes_the_same_schema(self):
        self.db("init")
        columns = ("SELECT table_name, column_name, data_type FROM information_schema.columns "
                   "WHERE table_schema = 'nodevigil' ORDER BY 1, ordinal_position")
        made = self.cluster.query(columns)
        self.cluster.query("DROP SCHEMA nodevigil CASCADE")
        sql = nodevigil("db", "init", "--print", check=0).stdout
        self.cluster.query(sql)
        self.assertEqual(self.cluster.query(columns), made)
        self.assertIn("is up to date", self.db("migrate").stdout)

    def test_any_node_name_gets_a_table_of_its_own(self):
        self.db("init")
        names = ["node-1", "node.1", "NODE-1", "node_1", 'no"de\'; DROP SCHEMA nodevigil; --',
                 "kn\u00f6ten", "n" * 200, "n" * 201]
        for name in names:
            self.cluster.query(f"SELECT nodevigil.register_node($q${name}$q$)")
            self.cluster.query(f"SELECT nodevigil.register_node($q${name}$q$)")
        tables = self.cluster.query("SELECT node, table_name FROM nodevigil.nodes")
        self.assertEqual({node for node, _ in tables}, set(names))
        self.assertEqual(len({name for _, name in tables}), len(names))
        self.assertEqual(dict(tables)["node_1"], "samples_node_1")
        with self.agent(node=names[4]) as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")

    def test_old_rows_are_removed_in_batches(self):
        self.db("init")
        self.cluster.query("SELECT nodevigil.register_node('old')")
        self.cluster.query(
            "INSERT INTO nodevigil.samples (node, ts, seq, breaks, context, ready, frozen,"
            " relearning, over, anomalous, verdict) SELECT 'old', now() - i * interval '1 hour', i,"
            " 0, 1, false, false, false, false, false, '' FROM generate_series(1, 12000) AS i")
        self.assertIn("11000 samples", self.db("prune", "--postgres.retention", "1000h30m").stdout)
        self.assertEqual(self.cluster.value("SELECT count(*) FROM nodevigil.samples"), "1000")


class RightsTest(PostgresTest):
    def denied(self, sql, url):
        with self.assertRaises(PermissionError) as raised:
            self.cluster.query(sql, url)
        self.assertIn("ERROR", str(raised.exception))

    def test_an_agent_adds_and_reads_but_changes_nothing(self):
        self.db("init")
        url = self.login("all_nodes")
        self.db("grant-agent", "--login", "all_nodes")
        with self.agent(url=url) as agent:
            wait_until(lambda: len(self.seqs()) >= 3, what="rows")
            agent.stop()
        self.assertEqual(self.cluster.value("SELECT count(*) > 0 FROM nodevigil.samples", url), "t")
        for sql in ("UPDATE nodevigil.samples SET score = 0", "DELETE FROM nodevigil.samples",
                    "TRUNCATE nodevigil.samples", "DROP TABLE nodevigil.samples",
                    "SELECT * FROM nodevigil.samples_node_1_c1", "DELETE FROM nodevigil.progress",
                    "INSERT INTO nodevigil.node_logins VALUES ('all_nodes', 'x')",
                    "INSERT INTO nodevigil.schema_version VALUES (99, 99)"):
            with self.subTest(sql):
                self.denied(sql, url)

    def test_the_login_of_one_node_sees_nothing_of_others(self):
        self.db("init")
        self.login("first")
        self.login("second")
        self.db("grant-agent", "--login", "first", "--node", "node-1")
        self.db("grant-agent", "--login", "second", "--node", "node-2")
        for user, node in (("first", "node-1"), ("second", "node-2")):
            with self.agent(url=self.cluster.url(user=user), node=node, state=node) as agent:
                wait_until(lambda: len(self.seqs(node)) >= 3, what="rows")
                agent.stop()
        url = self.cluster.url(user="first")
        self.assertEqual(self.cluster.query("SELECT DISTINCT node FROM nodevigil.samples", url),
                         [["node-1"]])
        self.assertEqual(self.cluster.query("SELECT DISTINCT node FROM nodevigil.progress", url),
                         [["node-1"]])
        self.denied("SELECT nodevigil.register_node('node-3')", url)
        self.denied("INSERT INTO nodevigil.progress VALUES ('node-2', 'x', 9)", url)
        self.denied("INSERT INTO nodevigil.samples (node, ts, seq, breaks, context, ready, frozen, "
                    "relearning, over, anomalous, verdict) VALUES ('node-2', now(), 1, 0, 1, true, "
                    "false, false, false, false, '')", url)
        table = self.cluster.value(
            "SELECT table_name FROM nodevigil.nodes WHERE node = 'node-1'")
        self.denied(f"SELECT * FROM nodevigil.{table}", url)

    def test_the_login_of_one_node_is_refused_for_another(self):
        self.db("init")
        self.login("first")
        self.db("grant-agent", "--login", "first", "--node", "node-1")
        with self.agent(url=self.cluster.url(user="first"), node="node-2") as agent:
            wait_until(lambda: "belongs to node node-1, not to node-2" in agent.logged(),
                       what="the refusal")
            failures = agent.metrics()
        self.assertGreaterEqual(
            failures['nodevigil_postgres_failures_total{kind="permission"}'], 1)


class TroubleTest(PostgresTest):
    """Each gives one clear line in the log, a counter and a finding of doctor; the journal keeps
    the rows."""

    def trouble(self, url, text, kind, *arguments):
        with self.agent(*arguments, url=url) as agent:
            failures = f'nodevigil_postgres_failures_total{{kind="{kind}"}}'
            wait_until(lambda: agent.metrics()[failures] >= 2, what=f"failures of kind {kind}")
            lines = [line for line in agent.logged().splitlines() if "postgres: " in line]
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(text, lines[0])
            self.assertNotIn("secret", agent.logged())
            self.assertGreater(agent.status()["row"]["seq"], 0)
            agent.stop()
        self.assertGreater(len(self.journal_rows()), 0)
        found = nodevigil("doctor", "--postgres.url", url, "--node", "node-1", "--state-dir",
                          self.state / "state", "--web.listen-address", "127.0.0.1:0", *arguments)
        self.assertEqual(found.returncode, 1, found.stdout)
        self.assertIn(text, found.stdout)

    def test_wrong_password(self):
        self.trouble(self.cluster.url(password="wrong-one"), "password authentication failed",
                     "unauthenticated")

    def test_nobody_listens(self):
        self.trouble(self.cluster.url(port=1), "refused", "unavailable")

    def test_missing_schema(self):
        self.trouble(self.cluster.url(), "nodevigil db init", "not_found")

    def test_newer_schema(self):
        self.db("init")
        self.cluster.query("INSERT INTO nodevigil.schema_version VALUES (7, 7, now(), 'later')")
        self.trouble(self.cluster.url(), "use a newer program", "invalid")
        self.assertIn("use a newer program", self.db("migrate", check=1).stderr)

    def test_no_permission(self):
        self.db("init")
        self.trouble(self.login("nobody_much"), "permission denied", "permission")

    def test_an_altered_table(self):
        self.db("init")
        self.cluster.query("ALTER TABLE nodevigil.samples DROP COLUMN load5 CASCADE")
        self.trouble(self.cluster.url(), "has no column load5", "invalid")
        self.assertIn("is up to date", self.db("migrate").stdout)
        with self.agent() as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")

    def test_a_password_file_is_read(self):
        self.db("init")
        url = f"host=127.0.0.1 port={self.cluster.port} user=owner dbname=postgres"
        with self.agent("--postgres.password-file", self.password_file, url=url) as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")


class PoolerTest(PostgresTest):
    def test_pgbouncer_in_transaction_mode_serves_as_well(self):
        self.db("init")
        with PgBouncer(self.cluster) as pooler:
            with self.agent(url=self.cluster.url(port=pooler.port)) as agent:
                wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] >= 30,
                           what="rows")
                self.assertEqual(agent.metrics()["nodevigil_postgres_healthy"], 1)
                agent.stop()
        self.assertEqual(self.seqs(), [seq for (seq,) in self.journal_rows()])


class TlsTest(unittest.TestCase):
    """verify-full: the server must have a certificate for its name from an authority we know."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        base = cls.base = pathlib.Path(directory.name)
        base.chmod(0o755)

        def openssl(*arguments):
            subprocess.run([need_program("openssl"), *map(str, arguments)], check=True,
                           capture_output=True, cwd=base)

        for name in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
                "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-out", "server.pem")
        cls.cluster = cls.enterClassContext(Cluster())
        cls.cluster.stop()
        for name in ("server.key", "server.pem"):
            shutil.copy(base / name, cls.cluster.data / name)
            shutil.chown(cls.cluster.data / name, *cls.cluster.owner_of_files())
            (cls.cluster.data / name).chmod(0o600)
        cls.cluster.configure("ssl = on", "ssl_cert_file = 'server.pem'",
                              "ssl_key_file = 'server.key'")
        (cls.cluster.data / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all all all scram-sha-256\n")
        cls.cluster.start()

    def agent(self, state, host, authority):
        url = (f"postgresql://owner:secret@{host}:{self.cluster.port}/postgres"
               f"?sslmode=verify-full&sslrootcert={self.base}/{authority}.pem")
        return Agent(self.base / state, "--postgres.migrate", "--postgres.url", url, *QUICK)

    def test_a_good_certificate_is_believed(self):
        with self.agent("good", "localhost", "ca") as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")
        self.assertGreater(int(self.cluster.value("SELECT count(*) FROM nodevigil.samples")), 0)

    def test_another_name_or_authority_is_not(self):
        for state, host, authority in (("name", "127.0.0.1", "ca"),
                                       ("authority", "localhost", "other")):
            with self.subTest(state), self.agent(state, host, authority) as agent:
                failures = 'nodevigil_postgres_failures_total{kind="unauthenticated"}'
                wait_until(lambda: agent.metrics()[failures] >= 1, what="a refusal")
                self.assertIn("certificate", agent.logged())
                self.assertEqual(agent.metrics()["nodevigil_postgres_sent_rows_total"], 0)


class ScheduleTest(PostgresTest):
    def test_ticks_stay_on_schedule_whatever_the_server_does(self):
        self.db("init")
        proxy = Proxy(self.cluster.port)
        self.addCleanup(proxy.close)
        url = self.cluster.url(port=proxy.port)
        with self.agent(url=url, interval="50ms") as agent:
            wait_until(lambda: agent.metrics()["nodevigil_postgres_sent_rows_total"] > 0,
                       what="rows")
            for mode in ("hang", "crawl", "cut"):
                with self.subTest(mode):
                    before = agent.metrics()
                    if mode == "cut":
                        proxy.mode = "pass"
                    else:
                        proxy.mode = mode
                    wait_until(lambda: (proxy.cut() if mode == "cut" else None) or
                               agent.metrics()["nodevigil_ticks_total"] >=
                               before["nodevigil_ticks_total"] + 60, what="60 ticks")
                    after = agent.metrics()
                    # Late is more than a tenth of the interval: 5 ms.
                    late = after["nodevigil_ticks_late_total"] - before["nodevigil_ticks_late_total"]
                    self.assertLessEqual(late, 2)
                    self.assertEqual(after["nodevigil_ticks_missed_total"],
                                     before["nodevigil_ticks_missed_total"])
            proxy.mode = "pass"
            proxy.cut()
            agent.stop()
        with self.agent() as agent:  # what a slow line left is sent in the end
            wait_until(lambda: agent.metrics().get("nodevigil_postgres_queue_rows") == 0, 60, "all")
            agent.stop()
        self.assertEqual(self.seqs(), [seq for (seq,) in self.journal_rows()])


if __name__ == "__main__":
    unittest.main()
