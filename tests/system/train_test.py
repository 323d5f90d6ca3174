"""train, evaluate and compile, as one types them: from labelled rows to a model that names causes."""
import array
import csv
import html.parser
import io
import json
import math
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

from support import PROGRAM, ROOT, environment, need_program, nodevigil

# What a node does when nothing is wrong: a level, or a rate per second, and the noise of it.
USUAL = {
    "cpu_sec_idle": (0.9, 0.02), "disk_av_per": (60, 0.05), "disk_read": (2e4, 1e4), "disk_write": (3e5, 5e4),
    "net_receive": (5e4, 1e4), "mem_pressure": (0.1, 0.1), "mem_av_per": (70, 0.5), "forks_total": (3, 0.7),
    "intr": (3000, 150), "load1": (0.4, 0.1), "load5": (0.4, 0.06), "load15": (0.4, 0.03), "receive_drop": (0, 0),
    "receive_errs": (0, 0), "transmit_packets": (300, 40), "tcp_sock_alloc": (60, 3), "tcp_sock_inuse": (40, 2),
    "tcp_sock_mem": (20, 4), "udp_sock_inuse": (8, 0.5), "udp_sock_mem": (4, 1), "ipv4_sock_inuse": (200, 5),
    "est_conn": (30, 3), "lis_conn": (12, 0), "open_fds": (2000, 40)}
# What attacks add. The two move different metrics.
ATTACKS = {
    "cpu": {"cpu_sec_idle": -0.85, "load1": 6, "load5": 4, "load15": 2, "intr": 4000, "forks_total": 8},
    "net-flood": {"net_receive": 4e7, "transmit_packets": 3e4, "receive_drop": 50, "est_conn": 800,
                  "tcp_sock_alloc": 900, "tcp_sock_inuse": 900, "ipv4_sock_inuse": 900}}
COUNTERS = {"cpu_sec_idle", "disk_read", "disk_write", "net_receive", "mem_pressure", "forks_total", "intr",
            "receive_drop", "receive_errs", "transmit_packets"}
STEP = 10  # seconds between rows
# Attacks are more frequent here than thresholds of a node's own past allow for by default.
BUDGET = ("--alert-budget", 100)


def plan(of_each=6, between=50, length=12, first=200):
    """What goes on in each row: nothing, or an attack."""
    rows = [""] * first
    for i in range(of_each):
        for kind in ATTACKS:
            rows += [kind] * (length + i % 3) + [""] * between
    return rows


def recording(seed, rows, node="n1"):
    """Rows of a data set, as `nodevigil export` writes them."""
    dice = random.Random(seed)
    counts = {name: dice.uniform(1e6, 1e8) for name in COUNTERS}
    for i, kind in enumerate(rows):
        row = {"ts": 1_790_000_000 + i * STEP, "node": node}
        for name, (level, noise) in USUAL.items():
            value = max(0, dice.gauss(level, noise) + ATTACKS.get(kind, {}).get(name, 0))
            if name in COUNTERS:
                counts[name] += value * STEP
                value = counts[name]
            row[name] = round(value, 6)
        row["attack"], row["attack_type"] = (1, kind) if kind else (0, "")
        yield row


def write(path, rows):
    path = pathlib.Path(path)
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="") as file:
        out = csv.DictWriter(file, ["ts", "node", *USUAL, "attack", "attack_type"])
        out.writeheader()
        out.writerows(rows)
    return path


class Page(html.parser.HTMLParser):
    """Reads a page and finds elements that are not closed, and what it wants from elsewhere."""
    VOID = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.references, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag, attributes):
        self.references += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data):
        self.texts.append(data)


def inputs():
    """Names of what a tree may look at, in their order."""
    metrics = [row["name"] for row in json.loads(nodevigil("schema", "--format", "json", check=0).stdout)]
    return [f"z.{name}" for name in metrics] + [f"fast.{name}" for name in metrics] + [
        f"direction.{name}" for name in metrics] + [f"steady.{name}" for name in metrics] + [
        "score", "score_smoothed", "largest", "mean", "over_3"]


def find_leaf(model, row):
    """Number of the leaf of a row of {input: value}, counted among leaves."""
    at = 0
    while "leaf" not in model["nodes"][at]:
        node = model["nodes"][at]
        value = row[node["feature"]]
        way = node["missing"] if math.isnan(value) else "yes" if value <= node["le"] else "no"
        at = node[way]
    return sum("leaf" in node for node in model["nodes"][:at])


def random_rows(model, count):
    """Rows of {input: value} for the inputs that a model looks at: anything, thresholds and what is next to them, and
    missing values."""
    dice = random.Random(1)
    thresholds = {}
    for node in model["nodes"]:
        if "leaf" not in node:
            thresholds.setdefault(node["feature"], []).append(node["le"])
    for _ in range(count):
        row = {}
        for name, own in thresholds.items():
            at = dice.choice(own)
            row[name] = dice.choice((math.nan, at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf),
                                     dice.uniform(-20, 20), dice.uniform(-20, 20), 0.0, -0.0, 20.0, -20.0))
        yield row


class TrainedCase(unittest.TestCase):
    """A recording with a model that was learned from it, and another recording."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.rows = write(cls.path("train.csv"), recording(1, plan()))
        cls.other = write(cls.path("other.csv"), recording(2, plan()))
        cls.model_file = cls.path("model.json")
        cls.said = nodevigil(
            "train", cls.rows, *BUDGET, "-o", cls.model_file, "--report", cls.path("report.html"), "--report",
            cls.path("report.json"), "--report", cls.path("report.txt"), "--training-rows", cls.path("rows.csv"),
            check=0).stdout
        cls.model = json.loads(cls.model_file.read_text())
        cls.report = json.loads(cls.path("report.json").read_text())

    @classmethod
    def path(cls, name):
        return cls.directory / name

    def no_parts(self):
        """Nothing half written is left."""
        self.assertEqual(list(self.directory.rglob("*.part")), [])


class TrainTest(TrainedCase):
    def test_a_model_knows_the_attacks(self):
        self.assertEqual(self.model["classes"], ["normal", "cpu", "net_flood"])
        self.assertEqual(self.model["provenance"]["data"], ["train.csv"])
        self.assertGreater(self.report["macro_f1"], 0.9)
        found = {one["type"]: one for one in self.report["incidents"]}
        for kind in ATTACKS:
            self.assertEqual(found[kind]["incidents"], 6)
            self.assertEqual(found[kind]["seen"], 6)
            self.assertGreaterEqual(found[kind]["class_right"], 5)
        self.assertEqual(found["all"]["incidents"], 12)
        version = nodevigil("check-config", "--model", self.model_file, check=0).stdout
        self.assertIn(str(self.model_file), version)

    def test_the_report_says_the_same_in_every_form(self):
        self.assertEqual(self.path("report.txt").read_text(), self.said)
        page = Page(self.path("report.html").read_text())
        self.assertEqual(page.wrong, [], "elements that are not closed")
        self.assertEqual(page.references, [], "it needs nothing but itself")
        shown = " ".join(page.texts)
        self.assertIn(self.report["model_hash"], shown)
        self.assertIn(self.report["model_hash"], self.said)
        for figure in (f"{self.report['macro_f1']:.3f}", f"{self.report['accuracy']:.3f}",
                       f"{self.report['calibration']['error']:.3f}"):
            self.assertIn(figure, self.said)
            self.assertIn(figure, shown)
        for title in ("Learning curve", "Pruning", "Beside simpler ways", "The tree"):
            self.assertIn(title, page.texts)

    def test_equal_rows_give_equal_bytes(self):
        again = self.path("again.json")
        for threads in (1, 4):
            nodevigil("train", self.rows, *BUDGET, "-o", again, "--threads", threads, "--report",
                      self.path("again_report.json"), check=0)
            self.assertEqual(again.read_bytes(), self.model_file.read_bytes())
            self.assertEqual(self.path("again_report.json").read_bytes(),
                             self.path("report.json").read_bytes())

    def test_standard_output_has_what_a_dash_sends_there_and_nothing_else(self):
        train = ("train", self.rows, *BUDGET)
        done = nodevigil(*train, "-o", "-", check=0)
        self.assertEqual(done.stdout, self.model_file.read_text())
        self.assertTrue(done.stderr.endswith(self.said), done.stderr)
        self.assertEqual(nodevigil(*train, "--report", "-", check=0).stdout, self.said)
        evaluate = ("evaluate", self.other, *BUDGET, "--model", self.model_file)
        self.assertEqual(nodevigil(*evaluate, "--report", "-", check=0).stdout,
                         nodevigil(*evaluate, check=0).stdout)
        self.assertIn("standard output can be one of these", nodevigil(*train, "-o", "-", "--report", "-", check=2).stderr)

    def test_what_was_learned_from_can_be_had(self):
        with open(self.path("rows.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["fold", "class", *inputs()])
        self.assertEqual(len(rows), self.report["data"]["used"])
        self.assertEqual({row["fold"] for row in rows}, {"0", "1", "2", "3", "4"})
        for one in self.report["classes"]:
            self.assertEqual(sum(row["class"] == one["class"] for row in rows), one["rows"])
        # The tree gives most of them their own class.
        right = 0
        for row in rows:
            values = {name: float(value or "nan") for name, value in row.items() if name not in ("fold", "class")}
            leaf = [node["leaf"] for node in self.model["nodes"] if "leaf" in node][find_leaf(self.model, values)]
            right += self.model["classes"][leaf.index(max(leaf))] == row["class"]
        self.assertGreater(right / len(rows), 0.95)

    def test_without_an_output_the_model_is_not_written(self):
        before = sorted(self.directory.iterdir())
        said = nodevigil("train", self.rows, *BUDGET, check=0).stdout
        self.assertEqual(said, self.said)
        self.assertEqual(sorted(self.directory.iterdir()), before)

    def test_thinned_rows_are_those_of_a_slower_recording(self):
        rows = list(recording(3, plan(of_each=4, between=200, length=60, first=600)))
        write(self.path("all/rows.csv"), rows)
        write(self.path("some/rows.csv"), rows[::5])
        models = []
        for name, *thin in (("all", "--thin", 5), ("some",)):
            file = self.path(f"{name}/model.json")
            nodevigil("train", self.path(f"{name}/rows.csv"), *thin, *BUDGET, "-o", file, check=0)
            models.append(json.loads(file.read_text()))
        self.assertEqual([model["provenance"]["settings"].pop("thin") for model in models], [5, 1])
        self.assertEqual(*models)

    def test_a_compressed_file_and_several_files_are_read(self):
        packed = self.path("packed.csv.gz")
        packed.write_bytes(subprocess.run(["gzip", "-c", self.rows], capture_output=True, check=True).stdout)
        second = write(self.path("second.csv"), recording(4, plan(), node="n2"))
        done = nodevigil("train", packed, second, *BUDGET, "--fold-by", "incident", "--fold-by", "node", "--fold-by",
                         "row", check=0).stdout
        self.assertIn("rows of 2 nodes", done)
        self.assertRegex(done, r"folds by node: accuracy (0\.9|1\.000)")
        self.assertRegex(done, r"folds by row: .*WARNING: rows next to each other are on both sides")


class EvaluateTest(TrainedCase):
    def evaluate(self, *arguments):
        nodevigil("evaluate", *arguments, *BUDGET, "--report", self.path("evaluation.json"), check=0)
        return json.loads(self.path("evaluation.json").read_text())

    def test_a_model_is_judged_on_rows_it_has_not_seen(self):
        judged = self.evaluate(self.other, "--model", self.model_file)
        self.assertEqual(judged["model_hash"], self.report["model_hash"])
        self.assertEqual(judged["data"]["sources"], [str(self.other)])
        self.assertGreater(judged["macro_f1"], 0.9)
        found = {one["type"]: one for one in judged["incidents"]}
        self.assertEqual(found["all"]["seen"], 12)
        self.assertGreaterEqual(found["all"]["class_right"], 11)
        self.assertNotIn("training", judged)

    def test_the_figures_are_those_that_a_replay_gives(self):
        judged = self.evaluate(self.other, "--model", self.model_file)
        replayed = csv.DictReader(io.StringIO(
            nodevigil("replay", self.other, "--model", self.model_file, *BUDGET, check=0).stdout))
        delays, before, alarmed = [], "", 0
        for kind, row in zip(plan(), replayed, strict=True):
            if kind and not before:
                delays.append((0, False))
            over = bool(row["score_raw"]) and any(
                float(row[figure]) > float(row[threshold]) for figure, threshold in
                (("score_raw", "threshold_raw"), ("score_smoothed", "threshold_smoothed"),
                 ("suspicion", "threshold_suspicion")))
            if kind and not delays[-1][1]:
                delays[-1] = (delays[-1][0] + (not over), over)
            alarmed += not kind and row["anomalous"] == "1"
            before = kind
        seen = [samples for samples, over in delays if over]
        found = judged["incidents"][-1]
        self.assertEqual((found["incidents"], found["seen"]), (len(delays), len(seen)))
        self.assertEqual(found["longest_delay_samples"], max(seen))
        self.assertEqual(judged["false_alarms"]["normal_rows_under_alarm"], alarmed)

    def test_without_a_model_the_compiled_in_one_is_judged(self):
        version = json.loads(nodevigil("version", "--json", check=0).stdout)
        judged = self.evaluate(self.other, "--leave-out", "net-flood", "--class", "cpu=cpu")
        self.assertEqual(judged["model_hash"], version["model"]["hash"])
        self.assertEqual([one["type"] for one in judged["incidents"]], ["cpu", "all"])


class UseTest(TrainedCase):
    def test_a_replay_names_causes_by_it(self):
        replayed = csv.DictReader(io.StringIO(
            nodevigil("replay", self.other, "--model", self.model_file, *BUDGET, check=0).stdout))
        named = {kind: {} for kind in ("", *ATTACKS)}
        for kind, row in zip(plan(), replayed, strict=True):
            named[kind][row["class"]] = named[kind].get(row["class"], 0) + 1
        for kind in ATTACKS:
            right = named[kind].get(kind.replace("-", "_"), 0)
            self.assertGreater(right, 0.8 * sum(named[kind].values()), named)
        self.assertGreater(named[""]["normal"], 0.5 * sum(named[""].values()), named)

    def test_an_agent_takes_it(self):
        with tempfile.TemporaryDirectory() as state:
            done = nodevigil("agent", "--model", self.model_file, "--records", 3, "--interval", "20ms", "--state-dir",
                             state, "--web.listen-address", "127.0.0.1:0", check=0)
        self.assertIn(f"model trained {self.report['model_hash']} ({self.model_file})", done.stderr)

    def build(self, model_file, name):
        """A program of the compiled model that gives a leaf for each row of doubles, and the model for an argument."""
        source = self.path(f"{name}.cpp")
        nodevigil("compile", model_file, "-o", source, check=0)
        main = self.path(f"{name}_main.cpp")
        main.write_text(f'''
            #include "{source.name}"
            #include <cstdio>
            int main(int argc, char**) {{
              if (argc > 1) {{
                const auto json = nodevigil::default_model().json;
                return std::fwrite(json.data(), 1, json.size(), stdout) == json.size() ? 0 : 1;
              }}
              double row[{len(inputs())}];
              while (std::fread(row, sizeof row, 1, stdin) == 1) {{
                std::printf("%u\\n", nodevigil::default_model().leaf(row));
              }}
            }}
            ''')
        program = self.path(name)
        done = subprocess.run(
            [need_program("g++"), "-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-O1",
             f"-I{ROOT}/include", main, "-o", program], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return program

    def test_compiled_it_finds_the_same_leaf_for_every_row(self):
        program = self.build(self.model_file, "compiled")
        names, rows = inputs(), list(random_rows(self.model, 20_000))
        values = array.array("d")
        for row in rows:
            values.extend(row.get(name, 0.0) for name in names)
        given = subprocess.run([program], input=values.tobytes(), capture_output=True, check=True).stdout.split()
        self.assertEqual(len(given), len(rows))
        reached = set()
        for row, leaf in zip(rows, given):
            self.assertEqual(find_leaf(self.model, row), int(leaf), row)
            reached.add(int(leaf))
        self.assertEqual(len(reached), sum("leaf" in node for node in self.model["nodes"]), "all leaves are tried")
        self.assertEqual(subprocess.run([program, "json"], capture_output=True, check=True).stdout,
                         self.model_file.read_bytes(), "it carries the model it was made of")

    def test_compiled_it_is_itself_whatever_it_is_called(self):
        odd = self.path("odd.json")
        name = 'a "b" \\ ??/ */ // )" \n\t\u00e4 %s'
        odd.write_text(json.dumps({**self.model, "name": name, "provenance": {'"; } */ #error': "??<\\\n"}}))
        program = self.build(odd, "odd")
        carried = json.loads(subprocess.run([program, "json"], capture_output=True, check=True).stdout)
        self.assertEqual(carried["name"], name)
        self.assertEqual(carried["nodes"], self.model["nodes"])

    def test_compiled_it_may_be_large(self):
        """Longer than what compilers look through at compile time by themselves."""
        depth = 12
        inner, names, classes = 2 ** depth - 1, inputs(), self.model["classes"]
        nodes = [{"feature": names[i % len(names)], "le": i / 7, "yes": 2 * i + 1, "no": 2 * i + 2, "missing": "no"}
                 for i in range(inner)]
        nodes += [{"leaf": [1] + [0] * (len(classes) - 1)}] * (inner + 1)
        large = self.path("large.json")
        large.write_text(json.dumps({**self.model, "nodes": nodes}))
        program = self.build(large, "large")
        carried = subprocess.run([program, "json"], capture_output=True, check=True).stdout
        self.assertGreater(len(carried), 2 ** 18)
        self.assertEqual(json.loads(carried)["nodes"], nodes)

    def test_to_standard_output_it_is_the_same_text(self):
        nodevigil("compile", self.model_file, "-o", self.path("file.cpp"), check=0)
        self.assertEqual(nodevigil("compile", self.model_file, check=0).stdout, self.path("file.cpp").read_text())


class BadInputTest(TrainedCase):
    def assert_refused(self, code, said, *arguments, **env):
        with self.subTest(arguments):
            done = nodevigil(*arguments, check=code, **env)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertLess(len(done.stderr), 2000)
            self.no_parts()

    def csv(self, name, rows):
        return write(self.path(name), rows)

    def test_no_result_takes_the_place_of_what_is_read(self):
        own = self.path("own.csv")
        model = self.path("own.json")
        linked = self.path("linked.csv")
        shutil.copy(self.rows, own)
        shutil.copy(self.model_file, model)
        linked.symlink_to(own)
        before = own.read_bytes(), model.read_bytes()
        for path, *arguments in ((own, "train", own, "-o", own), (own, "train", own, "--report", own),
                                 (own, "train", own, "--training-rows", own), (own, "replay", own, "-o", own),
                                 (linked, "train", own, "-o", linked),
                                 (model, "evaluate", own, "--model", model, "--report", model),
                                 (model, "compile", model, "-o", model)):
            self.assert_refused(2, f"{path}: is read as well", *arguments)
        self.assertEqual((own.read_bytes(), model.read_bytes()), before)
        both = self.path("both.json")
        self.assert_refused(2, f"{both}: is to be written twice", "train", own, "-o", both, "--report", both)
        self.assertFalse(both.exists())

    def test_rows_that_cannot_be_learned_from_are_named(self):
        quiet = self.csv("quiet.csv", recording(5, [""] * 300))
        once = self.csv("once.csv", recording(5, plan(of_each=2) + ["rare"] * 10 + [""] * 50))
        bad = list(recording(5, plan(of_each=2)))
        bad[250]["load5"] = "much"
        bad = self.csv("bad.csv", bad)
        late = list(recording(5, plan(of_each=2)))
        late[100]["attack"] = "perhaps"
        late = self.csv("late.csv", late)
        empty = self.path("empty.csv")
        empty.write_text("")
        header = self.csv("header.csv", [])
        few = self.path("few.csv")
        few.write_text("ts,load1,attack,attack_type\n1,2,0,\n")
        text = self.rows.read_text()
        unlabelled = self.path("unlabelled.csv")
        unlabelled.write_text(text.replace(",attack,attack_type", ",a,b", 1))
        cut = self.path("cut.csv")
        cut.write_text(text[:-40])
        packed = self.path("cut.csv.gz")
        packed.write_bytes(subprocess.run(["gzip", "-c", self.rows], capture_output=True, check=True).stdout[:-100])
        for said, file in (("no row is labelled as an attack", quiet), ("class rare has 1 run of rows", once),
                           (f"{bad}:252: column 'load5': expected a number or nothing, got 'much'", bad),
                           (f"{late}:102: column 'attack': expected 1, 0 or nothing, got 'perhaps'", late),
                           (str(empty), empty), ("there are no rows", header),
                           (f"{few}: expected a column for each of the 24 metrics", few),
                           (f"{unlabelled}: expected a column attack", unlabelled), (f"{cut}:", cut),
                           (str(packed), packed), (str(self.path("nowhere.csv")), self.path("nowhere.csv")),
                           (str(self.directory), self.directory), ("standard input", "-")):
            out = self.path("never.json")
            self.assert_refused(1, said, "train", file, "-o", out, "--report", self.path("never.html"),
                                "--training-rows", self.path("never.csv"))
            self.assertEqual(list(self.directory.glob("never.*")), [])
        # The second of two files is as good as the first.
        self.assert_refused(1, str(bad), "train", self.rows, bad)
        self.assert_refused(1, str(bad), "evaluate", self.rows, bad, "--model", self.model_file)

    def test_options_are_checked(self):
        for code, said, *options in (
                (2, "--folds: expected a number from 2 to 100, got '1'", "--folds", 1),
                (2, "--fold-by: expected one of incident, node, row", "--fold-by", "moon"),
                (2, "--max-depth: expected a number from 1 to 24", "--max-depth", 25),
                (2, "--prune: expected auto, or a number", "--prune", "much"),
                (2, "--no-such", "--no-such"),
                (2, "--feature: no feature is called 'nonsense'", "--feature", "nonsense"),
                (2, "--leave-out: no row is labelled 'gpu'; there are cpu, net-flood", "--leave-out", "gpu"),
                (1, "no class stands for attacks of type 'net-flood'", "--class", "busy=cpu"),
                (2, "--class: expected CLASS=TYPE", "--class", "busy"),
                (2, "--fold-by: node: expected rows of at least two nodes", "--fold-by", "node")):
            self.assert_refused(code, said, "train", self.rows, *options)
        self.assert_refused(2, "--folds", "evaluate", self.rows, "--folds", 3)
        self.assert_refused(2, "expected a model", "compile")
        self.assert_refused(2, "", "compile", self.model_file, self.model_file)

    def test_without_files_the_store_is_named(self):
        home = self.path("home")
        home.mkdir(exist_ok=True)
        self.assert_refused(1, str(home), "train", HOME=str(home), XDG_STATE_HOME="")
        self.assert_refused(1, str(self.path("nowhere")), "train", "--state-dir", self.path("nowhere"))
        state = self.path("state")
        nodevigil("agent", "--interval", "20ms", "--records", 150, "--state-dir", state, "--web.listen-address",
                  "127.0.0.1:0", check=0)
        nodevigil("label", "add", "--type", "normal", "--from", "1h", "--to", "now", "--state-dir", state, check=0)
        self.assert_refused(1, "no row is labelled as an attack", "train", "--state-dir", state)

    def test_a_place_that_cannot_be_written_is_named(self):
        nowhere = self.path("nowhere")
        for option, name in (("-o", "model.json"), ("--report", "x.html"), ("--training-rows", "x.csv")):
            self.assert_refused(1, str(nowhere / name), "train", self.rows, *BUDGET, option, nowhere / name)
        self.assert_refused(1, str(nowhere / "x.json"), "evaluate", self.rows, "--model", self.model_file, "--report",
                            nowhere / "x.json")
        self.assert_refused(1, str(nowhere / "x.cpp"), "compile", self.model_file, "-o", nowhere / "x.cpp")
        # Before any work is done.
        for option in ("-o", "--report", "--training-rows"):
            self.assert_refused(1, str(nowhere / "x"), "train", self.path("no.csv"), option, nowhere / "x")

    def test_a_full_disk_leaves_what_was_there(self):
        def full():
            # A file of at most 256 bytes stands for a disk that is full.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))

        old = self.path("old.json")
        old.write_text("the old one")
        for arguments in (("train", self.rows, *BUDGET, "-o", old), ("compile", self.model_file, "-o", old),
                          ("evaluate", self.rows, "--model", self.model_file, "--report", old)):
            done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                                  env=environment(), preexec_fn=full)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"{old}: cannot write", done.stderr)
            self.assertEqual(old.read_text(), "the old one")
            self.no_parts()

    def test_a_failure_to_learn_leaves_the_old_model(self):
        old = self.path("keep.json")
        shutil.copy(self.model_file, old)
        quiet = self.csv("calm.csv", recording(5, [""] * 300))
        self.assert_refused(1, "no row is labelled", "train", quiet, "-o", old)
        self.assertEqual(old.read_bytes(), self.model_file.read_bytes())

    def hostile_models(self):
        whole = self.model_file.read_bytes()
        for length in (0, 1, 2, len(whole) // 3, len(whole) // 2, len(whole) - 3):
            yield f"cut at {length}", whole[:length]
        yield "zeros", bytes(100)
        yield "brackets", b"[" * 200_000
        yield "objects", b'{"a":' * 200_000
        yield "deep, and closed again", b'{"x": ' + b"[" * 20 + b"]" * 20 + b"," + whole[1:]
        yield "not UTF-8", whole.replace(b"trained", b"\xff\xfe")
        yield "large", whole + b" " * (9 << 20)
        yield "a list", b"[]"
        yield "two documents", whole + whole
        yield "twice the same key", whole.replace(b'"version": 1,', b'"version": 1, "version": 1,')
        yield "beyond numbers", whole.replace(b'"le": ', b'"le": 1e999, "x": ', 1)

        def changed(**keys):
            return json.dumps({**self.model, **keys}).encode()

        split, leaf = self.model["nodes"][0], [1, 0, 0]
        yield "a circle", changed(nodes=[{**split, "yes": 0, "no": 1}, {"leaf": leaf}])
        yield "two parents", changed(nodes=[{**split, "yes": 1, "no": 1}, {"leaf": leaf}])
        yield "beyond the end", changed(nodes=[{**split, "yes": 1, "no": 2}, {"leaf": leaf}])
        yield "no nodes", changed(nodes=[])
        yield "too probable", changed(nodes=[{"leaf": [1, 1, 0]}])
        yield "too few", changed(nodes=[{"leaf": [1]}])
        yield "a strange input", changed(nodes=[{**split, "feature": "z.x\x1b[2J"}, {"leaf": leaf}, {"leaf": leaf}])
        yield "too many classes", changed(classes=["normal"] + [f"c{i}" for i in range(64)])
        yield "another table", changed(table_hash="0" * 16)
        yield "a newer version", changed(version=2)
        yield "too deep", changed(nodes=[
            node for i in range(25) for node in ({**split, "yes": 2 * i + 1, "no": 2 * i + 2}, {"leaf": leaf})
        ] + [{"leaf": leaf}])

    def test_hostile_models_are_refused_in_a_line_that_names_the_file(self):
        broken, out = self.path("broken.json"), self.path("never.cpp")
        for what, text in self.hostile_models():
            broken.write_bytes(text)
            for code, *arguments in ((1, "compile", broken, "-o", out),
                                     (1, "evaluate", self.rows, "--model", broken)):
                with self.subTest(f"{what}: {arguments[0]}"):
                    done = nodevigil(*arguments, check=code)
                    self.assertRegex(done.stderr, rf"\Anodevigil: {broken}: [ -~]+\n\Z")
                    self.assertLess(len(done.stderr), 600)
                    self.assertEqual(done.stdout, "")
                    self.assertFalse(out.exists())
        for missing in (self.path("nowhere.json"), self.directory):
            self.assert_refused(1, f"nodevigil: {missing}: ", "compile", missing, "-o", out)
            self.assert_refused(1, f"nodevigil: {missing}: ", "evaluate", self.rows, "--model", missing)


if __name__ == "__main__":
    unittest.main()
