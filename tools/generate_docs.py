#!/usr/bin/env python3
"""Writes the parts of the documentation that derive from the program's tables.

A generated part stands between a line `<!-- generated: nodevigil ARGUMENTS -->` and the next line
`<!-- end of generated part -->`; it is what that command prints. With --check nothing is written and
the exit code is 1 where a file is out of date.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("NODEVIGIL_BIN", str(ROOT / "build/release/nodevigil"))
PART = re.compile(r"(<!-- generated: nodevigil (.+?) -->\n)(.*?)(<!-- end of generated part -->)",
                  re.DOTALL)


def fresh(match):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NODEVIGIL_")}
    output = subprocess.run([PROGRAM, *match.group(2).split()], env=environment, check=True,
                            capture_output=True, text=True).stdout
    if match.group(2).endswith("--help"):
        output = "```\n" + output + "```\n"
    return match.group(1) + "\n" + output + "\n" + match.group(4)


def main():
    check = "--check" in sys.argv[1:]
    stale, parts = [], 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text()
        parts += len(PART.findall(text))
        new = PART.sub(fresh, text)
        if new != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(new)
    if parts == 0:
        sys.exit("no generated parts found: the markers are gone")
    print(f"{parts} generated parts; " + (", ".join(map(str, stale)) or "none") +
          (" out of date (./dev docs writes them)" if check else " written"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
