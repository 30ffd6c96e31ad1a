#!/usr/bin/env python3
# Runs whose tasks take long compared with the time that is left: none starts that is unlikely to end, so none is cut
# off, and the run can be finished later.   timed_runs.py PROGRAM MPIRUN RANKS...      0 ranks: without mpirun
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # all takes longer with sanitizers
TASKS, SECONDS = 12, 3 * PATIENCE
LINE = re.compile(r"plenum: stopped at the end of its time after (\d+) of 12 tasks, (\d+) are left; the same command goes on")
GRACE = ("--grace", "0.5")


@dataclass
class Case:
    name: str
    options: tuple[str, ...] = GRACE
    slurm_seconds: int = 0  # until the end of the job
    rounds: tuple[int, ...] = ()  # how many tasks an executor may have come to
    seconds: float = SECONDS  # of a task


# The limits come in the middle of a second or third task. That may begin late on a busy machine, but by then it is
# known how long one takes.
CASES = [
    Case("measured", (*GRACE, "--time-limit", str(8 * PATIENCE)), rounds=(1, 2)),
    # The second task of an executor would not end: it has measured that itself, long before rank 0 can know.
    Case("measured once", (*GRACE, "--time-limit", str(10 * PATIENCE)), rounds=(1,), seconds=2 * SECONDS),
    Case("measured once, in one chunk", (*GRACE, "--time-limit", str(10 * PATIENCE), "--schedule", "static"), rounds=(1,),
         seconds=2 * SECONDS),
    Case("Slurm", GRACE, slurm_seconds=9 * PATIENCE, rounds=(1, 2)),
    Case("requested", (*GRACE, "--time-limit", "1:00:00", "--time-request", "2:00:00"), rounds=(0,)),
    Case("requested, and it fits", (*GRACE, "--time-limit", str(8 * PATIENCE), "--time-request", str(SECONDS)), rounds=(1, 2)),
]


def finish(command: list[str], log: Path, seconds: float, **more: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    environment |= {"TIMED_LOG": str(log), "TIMED_SECONDS": str(seconds), "PLENUM_PROGRESS": "none", **more}
    return subprocess.run(command, capture_output=True, text=True, timeout=100 * PATIENCE, env=environment)


def results(path: Path) -> list:
    with h5py.File(path) as file:
        return [file["results/timed"][()].tolist(), file["tasks/timed/status"][()].tolist()]


def problem(case: Case, launcher: list[str], ranks: int, program: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        output, log = Path(name) / "out.h5", Path(name) / "log"
        command = [*launcher, program, "run", "timed", "-o", str(output), *case.options]
        slurm = {"SLURM_JOB_END_TIME": str(int(time.time()) + case.slurm_seconds)} if case.slurm_seconds else {}
        run = finish(command, log, case.seconds, **slurm)
        said = run.stdout + run.stderr
        told = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        begun, ended = ({task for what, task in told if what == wanted} for wanted in ("begin", "end"))
        counts = LINE.findall(said)
        if run.returncode != 75 or len(counts) != 1:
            return f"exit code {run.returncode}: {said}"
        if begun != ended:
            return f"{sorted(begun - ended)} were cut off: {said}"
        if counts[0] != (str(len(ended)), str(TASKS - len(ended))):
            return f"{len(ended)} have ended: {said}"
        if len(ended) not in range(min(case.rounds) * max(ranks, 1), max(case.rounds) * max(ranks, 1) + 1):
            return f"{len(ended)} tasks on {ranks} ranks: {said}"
        again = finish([*launcher, program, "run", "timed", "-o", str(output)], log, 0)
        if again.returncode != 0 or results(output) != [[3 * task for task in range(TASKS)], [0] * TASKS]:
            return f"resumed: exit code {again.returncode}: {again.stdout}{again.stderr}"
        if len(log.read_text().splitlines()) != 2 * TASKS:
            return "some tasks ran twice"
    return ""


def main() -> int:
    program, mpirun = sys.argv[1:3]
    failed = 0
    for ranks in map(int, sys.argv[3:]):
        launcher = [mpirun, "-n", str(ranks)] if ranks > 0 else []
        with ThreadPoolExecutor(len(CASES)) as pool:  # they sleep
            for case, wrong in zip(CASES, pool.map(lambda each: problem(each, launcher, ranks, program), CASES)):
                if wrong:
                    failed += 1
                    print(f"FAILED: {case.name}, {ranks} ranks: {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
