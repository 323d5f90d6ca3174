"""The image is built from what .dockerignore lets in: that must be all a build reads."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import PROGRAM, ROOT, need_program

BUILD = pathlib.Path(PROGRAM).parent


def ninja(*arguments):
    return subprocess.run([need_program("ninja"), "-C", BUILD, *arguments], capture_output=True,
                          text=True, check=True).stdout.splitlines()


class ImageContextTest(unittest.TestCase):
    def test_lets_in_all_that_a_build_reads(self):
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        rules = [line for line in lines if line and not line.startswith("#")]
        self.assertEqual(rules[0], "*")
        let_in = [ROOT / rule.removeprefix("!") for rule in rules[1:]]
        inputs = ninja("-t", "inputs", "nodevigil")
        # CMake's own files are what build.ninja is made from; headers are in the log of dependencies.
        made_from = ninja("-t", "inputs", "build.ninja")
        objects = [name for name in inputs if name.endswith(".o")]
        headers = [line.strip() for line in ninja("-t", "deps", *objects) if line.startswith(" ")]
        read = {(BUILD / name).resolve() for name in inputs + made_from + headers}
        aside = [BUILD, ROOT / "tests", ROOT / ".git"]  # of a build with tests, in a clone
        ours = {path for path in read if path.is_relative_to(ROOT) and
                not any(path.is_relative_to(other) for other in aside)}
        self.assertGreater(len(ours), 200)
        missing = [str(path) for path in ours
                   if not any(path.is_relative_to(allowed) for allowed in let_in)]
        self.assertEqual(missing, [])

    def test_dev_installs_packages_where_nothing_else_is(self):
        self.assertIn("COPY dev .\n", (ROOT / "docker" / "Dockerfile").read_text())
        with tempfile.TemporaryDirectory() as place:
            shutil.copy(ROOT / "dev", place)
            done = subprocess.run(["./dev", "packages"], cwd=place, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
