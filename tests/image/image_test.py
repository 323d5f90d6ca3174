"""What an image must be: small, unprivileged, complete, and able to read a node."""
import json
import re
import stat
import subprocess
import unittest

from image import load

SIZE_LIMIT = 30_000_000
STATE = "/var/lib/nodevigil"
PROGRAM = "/usr/bin/nodevigil"


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.image, directory = load()
        cls.addClassCleanup(directory.cleanup)

    def needed(self, path):
        """The libraries that a file of the image names, empty for what is no program or library."""
        result = subprocess.run(["readelf", "--dynamic", f"{self.image.root}{path}"],
                                capture_output=True, text=True)
        return set(re.findall(r"\(NEEDED\).*\[(.*)\]", result.stdout))

    def output(self, *arguments):
        result = self.image.run(*arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def test_is_small(self):
        size = sum(entry.size for entry in self.image.files().values())
        print(f"\n{size / 1e6:.1f} MB in {len(self.image.files())} files")
        self.assertLessEqual(size, SIZE_LIMIT)

    def test_runs_as_a_user_without_rights_who_may_write_its_state_only(self):
        self.assertEqual(self.image.config["User"], "65532:65532")
        owned = [path for path, entry in self.image.entries.items() if (entry.uid, entry.gid) != (0, 0)]
        self.assertEqual(owned, [STATE])
        state = self.image.entries[STATE]
        self.assertEqual((state.uid, state.gid, state.mode & 0o777), (65532, 65532, 0o755))
        loose = [path for path, entry in self.image.entries.items() if not entry.issym() and
                 entry.mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)]
        self.assertEqual(loose, [])

    def test_holds_no_program_but_the_agent(self):
        programs = [path for path, entry in self.image.files().items()
                    if entry.mode & 0o111 and ".so" not in path]
        self.assertEqual(programs, [PROGRAM])

    def test_holds_the_libraries_that_are_needed_and_no_others(self):
        libraries = {path.rsplit("/", 1)[1]: path for path in self.image.files() if ".so" in path}
        needed = set().union(*map(self.needed, [PROGRAM, *libraries.values()]))
        self.assertGreater(len(needed), 10)
        self.assertEqual(needed, set(libraries))

    def test_has_labels(self):
        labels = self.image.config["Labels"]
        for key in ("title", "description", "licenses", "source", "version", "revision", "created"):
            self.assertTrue(labels.get(f"org.opencontainers.image.{key}"), key)
        result = self.output("version")
        self.assertEqual(result["version"], labels["org.opencontainers.image.version"])
        self.assertEqual(result["revision"], labels["org.opencontainers.image.revision"])

    def test_tells_the_packages_it_is_made_of_with_their_licences(self):
        packages = {path.rsplit("/", 1)[1] for path in self.image.files()
                    if path.startswith("/var/lib/dpkg/status.d/")}
        self.assertLess({"libc6", "libpq5", "libssl3t64", "ca-certificates"}, packages)
        without = [package for package in packages | {"nodevigil"}
                   if f"/usr/share/doc/{package}/copyright" not in self.image.files()]
        self.assertEqual(without, [])

    def test_has_certificates_where_openssl_looks(self):
        link = self.image.entries["/usr/lib/ssl/cert.pem"]
        text = (self.image.root / link.linkname.lstrip("/")).read_text()
        self.assertGreater(text.count("BEGIN CERTIFICATE"), 50)

    def test_doctor_finds_the_node_readable(self):
        findings = {finding["check"]: finding for finding in self.output("doctor")}
        self.assertEqual(findings["state directory"]["detail"], STATE)
        self.assertEqual([f for f in findings.values() if f["status"] == "FAIL"], [])

    def test_samples_all_metrics(self):
        values = self.output("sample")["values"]
        self.assertEqual(len(values), 24)
        self.assertNotIn(None, values.values())
