"""Runs the commands of a page of docs/ as a newcomer would."""
import os
import pathlib
import re
import subprocess

from support import PROGRAM, ROOT, environment


def run_page(name, directory):
    """All shell blocks of docs/NAME one after the other, in one shell that begins in `directory`."""
    text = (ROOT / "docs" / name).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    if len(blocks) < 6:
        raise AssertionError(f"{name}: found {len(blocks)} blocks of commands")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-m", "-c", "\n".join(blocks)], cwd=directory,
        env=environment(PATH=f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}", HOME=directory),
        capture_output=True, text=True, timeout=400)
