#!/usr/bin/env python3
"""Measures CPU, memory and speed of nodevigil beside a peer; ./dev bench runs it.

The peer is node_exporter, and scikit-learn where trees are learned.

Exits with 1 when a part could not be measured, and with --strict also when an aim is not met.
docs/performance.md tells how the figures come about and what they mean.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
PART_NAMES = ("tick", "scrape", "memory", "connections", "replay", "journal", "postgres", "train",
              "detection")
HEADER = ("part", "name", "figure", "unit", "peer", "ratio", "aim", "met")


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def cells(figure):
    aim = "" if figure.aim is None else f"{'<=' if figure.at_most else '>='} {figure.aim:g}"
    met = {None: "", True: "yes", False: "no"}[figure.met]
    return (figure.part, figure.name, number(figure.value), figure.unit, number(figure.peer),
            number(figure.ratio), aim, met)


def line(columns, markdown):
    if markdown:
        return "| " + " | ".join(columns) + " |"
    widths = (12, 54, 9, 9, 13, 8, 8, 3)
    return " ".join(text.ljust(width) for text, width in zip(columns, widths)).rstrip()


def measure(names, lab, parts, markdown):
    """Prints the figures as they come. Returns them and what could not be measured."""
    figures, failures = [], {}
    print(line(HEADER + ("note",), markdown))
    if markdown:
        print("|" + "---|" * (len(HEADER) + 1))
    for name in names:
        try:
            for figure in parts[name](lab):
                figures.append(figure)
                print(line(cells(figure) + (figure.note,), markdown), flush=True)
        except Exception as failure:  # pylint: disable=broad-except
            # A part that fails must not keep the others from being measured.
            failures[name] = f"{type(failure).__name__}: {failure}"
            print(f"bench: {name}: could not measure: {failures[name]}", file=sys.stderr)
    return figures, failures


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=f"{', '.join(PART_NAMES)}; all if none is given")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"),
                        help="directory that the program was built in")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="save the figures")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--quick", action="store_true",
                        help="fewer repetitions, and 5,000 connections instead of 50,000")
    parser.add_argument("--strict", action="store_true", help="exit 1 when an aim is not met")
    given = parser.parse_args()
    for part in given.parts:
        if part not in PART_NAMES:
            parser.error(f"no part is called '{part}'; expected {', '.join(PART_NAMES)}")
    given.build = given.build.resolve()
    if not (given.build / "nodevigil").exists():
        parser.error(f"{given.build}/nodevigil does not exist; ./dev build makes it")
    return given


def main():
    given = arguments()
    os.environ["NODEVIGIL_BIN"] = str(given.build / "nodevigil")  # support.py reads it
    import meters
    import parts
    facts = meters.machine()
    for name, value in facts.items():
        print(f"{'- ' if given.markdown else ''}{name.replace('_', ' ')}: {value}")
    print()
    lab = parts.Lab(given.build, given.quick)
    names = given.parts or PART_NAMES
    figures, failures = measure(names, lab, parts.PARTS, given.markdown)
    if given.json:
        rows = [dataclasses.asdict(one) | {"ratio": one.ratio, "met": one.met} for one in figures]
        text = json.dumps({"machine": facts, "quick": given.quick, "figures": rows,
                           "not_measured": failures}, indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    missed = [one.name for one in figures if one.met is False]
    if missed:
        print(f"bench: aims not met: {'; '.join(missed)}", file=sys.stderr)
    return 1 if failures or (given.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
