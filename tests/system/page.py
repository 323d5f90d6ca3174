"""Runs the commands of pages of docs/ as a newcomer would."""
import os
import pathlib
import re
import subprocess

from support import PROGRAM, ROOT, environment


def run_pages(names, directory):
    """All shell blocks of docs/NAME for each name, one after the other, in one shell that begins in `directory`."""
    blocks = []
    for name in names:
        found = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / name).read_text(), re.DOTALL | re.MULTILINE)
        if len(found) < 4:
            raise AssertionError(f"{name}: found {len(found)} blocks of commands")
        blocks += found
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-m", "-c", "\n".join(blocks)], cwd=directory,
        env=environment(PATH=f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}", HOME=directory),
        capture_output=True, text=True, timeout=400)
