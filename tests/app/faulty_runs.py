#!/usr/bin/env python3
# Failures, attempts and limits in `plenum run`: what the file and the summary say of them.
#   faulty_runs.py PROGRAM MPIRUN RANKS...      0 ranks: without mpirun
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
TASKS = 40
CAUSES = {3: "exception", 4: "crash"}


def check(what: str, holds: bool, details: str = "") -> None:
    if not holds:
        sys.exit(f"FAILED: {what}\n{details}")


class Place:
    def __init__(self, program: str, mpirun: str, ranks: int, folder: Path):
        self.command = [*([mpirun, "-n", str(ranks)] if ranks > 0 else []), program, "run", "faulty"]
        self.folder, self.ranks, self.number = folder, ranks, 0

    def start(self, *more: str) -> subprocess.Popen:
        self.number += 1
        attempts = self.folder / f"attempts{self.ranks}-{self.number}"
        attempts.mkdir()
        self.attempts, self.output = attempts, self.folder / f"out{self.ranks}-{self.number}.h5"
        return subprocess.Popen([*self.command, "--folder", str(attempts), "-o", str(self.output), "--output-mode",
                                 "json", "--progress", "none", *more], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def end(self, run: subprocess.Popen, status: int) -> tuple[dict, str]:
        out, err = run.communicate(timeout=100 * PATIENCE)
        check(f"{self.ranks} ranks: exit code {run.returncode}, not {status}", run.returncode == status, out + err)
        return json.loads(out), err

    def attempts_of(self, task: int) -> int:
        file = self.attempts / str(task)
        return file.stat().st_size if file.exists() else 0


def try_retries(place: Place) -> None:
    what = f"{place.ranks} ranks, retries"
    run = place.start("--retries", "exception=2,crash=9,timeout=1", "--task-timeout", str(0.5 * PATIENCE), "--crash-limit", "4")
    summary, _ = place.end(run, 4)
    per_map = TASKS // 10
    # Of ten tasks: 1, 2 and 5 run twice, 3 three times, 4 four times.
    check(f"{what}: counts", (summary["done"], summary["failed"], summary["not_run"])
          == (2 * 8 * per_map, 2 * 2 * per_map, 0), str(summary))
    check(f"{what}: attempts", (summary["retried"], summary["timed_out"], summary["quarantined"])
          == (2 * per_map * (3 + 2 + 3), 2 * per_map, 2 * per_map), str(summary))
    for failure in summary["failures"]:
        way = failure["task"] % 10
        check(f"{what}: {failure}", (failure["cause"], failure["attempt"], failure["quarantined"])
              == (CAUSES.get(way), way, way == 4))
    with h5py.File(place.output) as h5:
        for name, offset in (("fixed", 0), ("ragged", 1000)):
            rows = {}
            table = h5[f"failures/{name}"]
            for task, attempt, cause in zip(table["task"][...], table["attempt"][...], table["cause"].asstr()[...]):
                rows.setdefault(int(task), []).append((int(attempt), cause))
            expected = {}
            for task in range(TASKS):
                if kind := {1: ["exception"], 2: ["crash"], 3: ["exception"] * 3, 4: ["crash"] * 4,
                            5: ["timeout"]}.get(task % 10):
                    expected[task] = list(enumerate(kind, 1))
            check(f"{what}: rows of /failures/{name}", {t: sorted(r) for t, r in rows.items()} == expected, str(rows))
            attempts = h5[f"tasks/{name}/attempts"][...].tolist()
            check(f"{what}: attempts of {name}",
                  attempts == [{1: 2, 2: 2, 3: 3, 4: 4, 5: 2}.get(task % 10, 1) for task in range(TASKS)], str(attempts))
            check(f"{what}: attempts that ran of {name}",
                  all(place.attempts_of(offset + t) == attempts[t] for t in range(TASKS) if 1 <= t % 10 <= 5))
            status = h5[f"tasks/{name}/status"][...].tolist()
            check(f"{what}: status of {name}", status == [int(task % 10 in (3, 4)) for task in range(TASKS)])
        values = h5["results/fixed"][...]
        check(f"{what}: results", all(values[t] == t for t in range(TASKS) if t % 10 not in (3, 4)))
        flat, offsets = h5["results/ragged/values"][...], h5["results/ragged/offsets"][...]
        for task in range(TASKS):
            wanted = [] if task % 10 in (3, 4) else [task] * (task % 3)
            check(f"{what}: ragged result {task}", flat[offsets[task]:offsets[task + 1]].tolist() == wanted)


def stopped(place: Place, run: subprocess.Popen, why: str, what: str) -> dict:
    summary, err = place.end(run, 75)
    check(f"{what}: the reason", summary["stopped"] == why, str(summary))
    check(f"{what}: tasks are left", summary["not_run"] > 0 and summary["tasks"] == TASKS_OF_STOPPED
          and summary["done"] + summary["failed"] + summary["not_run"] == summary["tasks"], str(summary))
    line = (f"plenum: {why} after {summary['done'] + summary['failed']} of {summary['tasks']} tasks, "
            f"{summary['not_run']} are left; the same command goes on")
    own = [text for text in err.splitlines() if text.startswith("plenum: ")]  # mpirun has words of its own
    check(f"{what}: the last line", own[-1:] == [line], f"{err}\n{line}")
    check(f"{what}: the job does not go on", "came to its end" not in err, err)
    check(f"{what}: nothing is published", not place.output.exists())
    return summary


TASKS_OF_STOPPED = 5000
SLOW = ("--tasks", str(TASKS_OF_STOPPED), "--seconds", "0.02")


def try_stops(place: Place) -> None:
    what = f"{place.ranks} ranks"
    run = place.start(*SLOW, "--time-limit", "1.5", "--grace", "0.8", "--task-timeout", "50")
    stopped(place, run, "stopped at the end of its time", f"{what}, time limit")
    run = place.start(*SLOW, "--max-failures", "4", "--task-timeout", str(0.5 * PATIENCE))
    summary = stopped(place, run, "stopped by too many failed tasks", f"{what}, failures")
    check(f"{what}: failures are counted", summary["failed"] >= 5, str(summary))
    run = place.start(*SLOW, "--grace", "1")
    end = time.monotonic() + 50 * PATIENCE
    while not any(place.attempts.iterdir()) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGUSR1)
    stopped(place, run, "stopped by SIGUSR1", f"{what}, SIGUSR1")


def rows_of_failures(output: Path, name: str) -> dict[int, list]:
    rows = {}
    with h5py.File(output) as h5:
        table = h5[f"failures/{name}"]
        for task, attempt, cause in zip(table["task"][...], table["attempt"][...], table["cause"].asstr()[...]):
            rows.setdefault(int(task), []).append((int(attempt), cause))
    return rows


def try_processes(place: Place) -> None:
    """A run that is stopped between the attempts of a task, and goes on: retries and crashes count over all of it."""
    what = f"{place.ranks} ranks, several processes"
    options = ("--tasks", "10", "--seconds", "0.25", "--retries", "exception=5,crash=9", "--crash-limit", "4",
               "--commit-interval", "0", "--grace", "1")
    limits = ("--time-limit", "1.8", "--progress", "none", "--output-mode", "json")
    run = place.start(*options, *limits[:2])
    output, cut = place.output, 0
    for _ in range(40):
        out, err = run.communicate(timeout=100 * PATIENCE)
        check(f"{what}: exit code {run.returncode}", run.returncode in (4, 75), out + err)
        if run.returncode == 4:
            break
        cut += any(0 < place.attempts_of(start + task) < most for start in (0, 1000) for task, most in ((3, 6), (4, 4)))
        again = [*place.command[:-2], "resume"] if place.ranks % 2 else [*place.command, "--folder", str(place.attempts),
                                                                        *options, "-o"]
        run = subprocess.Popen([*again, str(output), *limits], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(f"{what}: it ended", run.returncode == 4)
    check(f"{what}: it was cut between attempts", cut > 0)
    for name, start in (("fixed", 0), ("ragged", 1000)):
        rows = rows_of_failures(output, name)
        check(f"{what}: failures of {name}", rows.get(3) == [(i, "exception") for i in range(1, 7)]
              and rows.get(4) == [(i, "crash") for i in range(1, 5)], str(rows))
        check(f"{what}: attempts that ran of {name}",
              (place.attempts_of(start + 3), place.attempts_of(start + 4)) == (6, 4))


def main() -> None:
    program, mpirun, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="plenum-faulty-runs-") as name:
        for ranks in map(int, numbers):
            place = Place(program, mpirun, ranks, Path(name))
            try_retries(place)
            try_stops(place)
            if ranks in (0, 3):
                try_processes(place)


if __name__ == "__main__":
    main()
