#!/usr/bin/env python3
"""Checks that every #include of a layer's header is allowed by the architecture in CMakeLists.txt.

The linker already refuses calls into a layer that is not linked; this also sees headers that need
no linking.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def allowed_layers():
    """Layer name -> all layers it may include, from the nodevigil_layer(NAME DEPS ...) lines."""
    text = (ROOT / "CMakeLists.txt").read_text()
    direct = {}
    for name, rest in re.findall(r"nodevigil_layer\((\w+)([^)]*)\)", text):
        deps = re.search(r"DEPS ([\w\s]+?)(?:LIBS|$)", rest)
        direct[name] = deps.group(1).split() if deps else []

    def closure(name):
        return {name}.union(*(closure(dep) for dep in direct[name])) if direct[name] else {name}

    return {name: closure(name) for name in direct}


def main():
    allowed = allowed_layers()
    allowed["cli"] = set(allowed) | {"cli"}
    wrong = []
    for kind in ("include/nodevigil", "src"):
        for path in sorted((ROOT / kind).rglob("*.*")):
            layer = path.relative_to(ROOT / kind).parts[0]
            if layer not in allowed:
                wrong.append(f"{path}: layer '{layer}' is not in CMakeLists.txt")
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                used = re.match(r'#include "nodevigil/(\w+)/', line)
                if used and used.group(1) not in allowed[layer]:
                    wrong.append(f"{path.relative_to(ROOT)}:{number}: layer '{layer}' may not use "
                                 f"'{used.group(1)}'")
    print("\n".join(wrong) or f"layers: {len(allowed)} layers, all includes allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
