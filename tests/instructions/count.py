#!/usr/bin/env python3
"""How many instructions three hot paths of the edit engine take, counted by valgrind: a figure that other work on
the machine does not change, so that a regression shows without a quiet one.

    count.py PROGRAM            compares with counts.json; PROGRAM is the release build of the example `jsonl`
    count.py PROGRAM --write    writes counts.json

Each path is run once and then eleven times in one process. The difference is ten times its cost, without what the
process costs to start. More than a tenth above what is written down is a failure.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

COUNTS = pathlib.Path(__file__).with_name("counts.json")
REPEATS = 10
TOLERANCE = 1.1


def line(at):
    return f'    let value_{at} = compute({at}, "text {at % 97}");\n'


def program(lines):
    """Functions of a hundred lines."""
    parts = []
    for start in range(0, lines, 100):
        parts.append(f"fn part_{start}() {{\n")
        parts.extend(line(at) for at in range(start + 1, start + 99))
        parts.append("}\n")
    return "".join(parts)


def block(path, old, new):
    return f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def requests():
    """The paths, each with its request and the rung that it must land on."""
    text = "".join(line(at) for at in range(10_000))
    old = "".join(line(at) for at in range(5_000, 5_005))
    misspelt = old.replace("compute(5000", "compte(5000")
    code = program(1_000)
    inside = "".join(line(at) for at in range(540, 545))
    return {
        "an exact edit of 10,000 lines of text": ("exact", {"a.txt": text}, block("a.txt", old, old.replace("value_5002 ", "other "))),
        "a misspelt edit of 10,000 lines of text": ("similar", {"a.txt": text}, block("a.txt", misspelt, misspelt.replace("value_5002 ", "other "))),
        "an edit of 1,000 lines of Rust, with the gate": ("exact", {"a.rs": code}, block("a.rs", inside, inside.replace("compute(542", "other(542"))),
    }


def instructions(server, request, times, rung):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", server],
            input=(json.dumps(request) + "\n") * times,
            capture_output=True,
            text=True,
            check=False,
        )
    answers = [json.loads(answer) for answer in run.stdout.splitlines()]
    counted = re.search(r"Collected : (\d+)", run.stderr)
    if len(answers) != times or not counted or any(answer.get("rungs") != [rung] for answer in answers):
        sys.exit(f"{times} requests, {len(answers)} answers:\n{run.stdout[-500:]}\n{run.stderr[-2000:]}")
    return int(counted.group(1))


def main():
    server = sys.argv[1]
    counts = {}
    for name, (rung, files, edit) in requests().items():
        request = {"id": 1, "files": files, "edit": edit}
        once = instructions(server, request, 1, rung)
        often = instructions(server, request, 1 + REPEATS, rung)
        counts[name] = (often - once) // REPEATS
    if "--write" in sys.argv:
        COUNTS.write_text(json.dumps(counts, indent=2) + "\n")
    written = json.loads(COUNTS.read_text())
    failed = counts.keys() != written.keys()
    for name, count in counts.items():
        before = written.get(name, 0)
        ratio = count / max(before, 1)
        failed |= ratio > TOLERANCE
        print(f"{name}: {count:,} instructions, {ratio:.3f} times the {before:,} written down")
        if ratio < 1 / TOLERANCE:
            print("  less than written down: record it with --write")
    sys.exit(failed)


main()
