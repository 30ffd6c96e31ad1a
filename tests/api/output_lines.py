#!/usr/bin/env python3
# What tasks print arrives once, in whole lines, each with the task that wrote it:
#   output_lines.py PRINTS [MPIEXEC RANKS...]     Without ranks one process is run without mpirun.
import os
import re
import subprocess
import sys
from collections import Counter

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
TASKS = 200
STARTS = (0, 100_000, 200_000)
LINE = re.compile(r"\[task (\d+)\] (.*)", re.DOTALL)


def expected() -> tuple[Counter, Counter]:
    """Lines on standard output and standard error, as (task, text)."""
    out, error = Counter(), Counter()
    for start in STARTS:
        for task in range(TASKS):
            way = task % 10
            line = (task, f"way {way} of {task + start}")
            if start == STARTS[2] and way == 0:
                error[task, f"last words of {task + start}"] += 1
                continue
            if way not in (6, 7):
                out[line] += 5 if way == 8 else 1
            if way in (6, 7, 9):
                error[line] += 1
    for task in range(4):
        out[task, f"long {task + 300_000} " + "x" * 200_000] += 1
        out[task, ""] += 1
    return out, error


def differences(name: str, text: str, wanted: Counter, plain: set[str]) -> list[str]:
    found, problems = Counter(), []
    for line in text.split("\n")[:-1]:
        match = LINE.fullmatch(line)
        if match:
            found[int(match[1]), match[2]] += 1
        elif line not in plain:
            problems.append(f"{name}: not the line of one task: {line[:100]!r}")
    if text and not text.endswith("\n"):
        problems.append(f"{name}: ends within a line")
    for (task, line), count in (wanted - found).items():
        problems.append(f"{name}: {count} missing of task {task}: {line[:100]!r}")
    for (task, line), count in (found - wanted).items():
        problems.append(f"{name}: {count} too many of task {task}: {line[:100]!r}")
    return problems


def main() -> int:
    prints, *launcher = sys.argv[1:]
    commands = [[prints, str(TASKS)]]
    if launcher:
        commands = [[launcher[0], "-n", ranks, prints, str(TASKS)] for ranks in launcher[1:]]
    failed = False
    for command in commands:
        run = subprocess.run(command, capture_output=True, text=True, timeout=100 * PATIENCE)
        out, error = expected()
        problems = differences("stdout", run.stdout, out, {f"failed {TASKS // 10}"})
        warnings = {line for line in run.stderr.split("\n") if line.startswith("plenum: warning: ")}
        problems += differences("stderr", run.stderr, error, warnings)
        if f"failed {TASKS // 10}\n" not in run.stdout:
            problems.append("the program's own line is missing")
        if run.returncode != 0:
            problems.append(f"exit code {run.returncode}")
        for problem in problems[:20]:
            print(f"FAILED: {' '.join(command[:-2])}: {problem}")
        failed = failed or bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
