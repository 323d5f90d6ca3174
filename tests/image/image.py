"""A built image, as docker, podman or buildah has it: its files, its configuration, and its program run."""
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile

NAME = os.environ.get("NODEVIGIL_IMAGE", "localhost/nodevigil:dev")
TOOL = os.environ["NODEVIGIL_IMAGE_TOOL"]
MOUNTS = ["-v", "/proc:/host/proc:ro", "-v", "/sys:/host/sys:ro"]


def run_tool(*arguments, check=True):
    result = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if check and result.returncode != 0:
        raise AssertionError(f"{TOOL} {' '.join(map(str, arguments))}: {result.stderr[-2000:]}")
    return result


class Image:
    """The image's files below `root`, as `entries` {path: TarInfo}; `config` as OCI has it."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        archive = directory / "image.tar"
        if TOOL == "buildah":
            run_tool("push", NAME, f"docker-archive:{archive}:{NAME}")
        else:
            run_tool("save", "--output", archive, NAME)
        self.root = directory / "root"
        self.entries = {}
        with tarfile.open(archive) as saved:
            manifest, = json.load(saved.extractfile("manifest.json"))
            self.config = json.load(saved.extractfile(manifest["Config"]))["config"]
            for name in manifest["Layers"]:
                with tarfile.open(fileobj=saved.extractfile(name)) as layer:
                    self.entries |= {"/" + m.name.strip("./"): m for m in layer.getmembers()}
                    layer.extractall(self.root, filter="tar")

    def files(self):
        return {path: entry for path, entry in self.entries.items() if entry.isfile()}

    def run(self, *arguments):
        """Runs the program as a user would, with the host's /proc and /sys."""
        if TOOL != "buildah":
            return run_tool("run", "--rm", "--read-only", *MOUNTS, NAME, *arguments, check=False)
        # buildah runs containers that are being made: it does not know entry points.
        container = run_tool("from", NAME).stdout.strip()
        try:
            return run_tool("run", *MOUNTS, container, "--", *self.config["Entrypoint"], *arguments,
                            check=False)
        finally:
            run_tool("rm", container)


def load():
    """The image and the temporary directory that its files go with."""
    directory = tempfile.TemporaryDirectory()
    return Image(directory.name), directory
