#!/usr/bin/env python3
# Nothing stays in the scratch folder, however a run ends:   scratch_removed.py SCRATCHES MPIEXEC
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXECUTORS = 3  # of each rank


def wait_for(what: str, holds, seconds: float = 60) -> list[str]:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return [f"{what} has not come within {seconds} s"]
        time.sleep(0.02)
    return []


def start(program: str, mpiexec: str, kind: str, ranks: int, root: Path, **environment) -> subprocess.Popen:
    command = ([mpiexec, "-n", str(ranks)] if ranks else []) + [program, kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                            env=dict(os.environ, PLENUM_SCRATCH=str(root), PLENUM_EXECUTORS=str(EXECUTORS), **environment))


def ended(process: subprocess.Popen, root: Path) -> list[str]:
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return ["it hangs"]
    problems = wait_for("the end of the scratch folders", lambda: not os.listdir(root), 10)
    return [f"{problem}: {sorted(map(str, root.rglob('*')))}" for problem in problems]


def runs_to_its_end(program: str, mpiexec: str, root: Path, kind: str, ranks: int, failed: int, **environment) -> list[str]:
    process = start(program, mpiexec, kind, ranks, root, **environment)
    out, error = process.communicate(timeout=60)
    problems = []
    if process.returncode != 0 or not out.endswith(f"{failed} failed\n"):
        problems.append(f"exit code {process.returncode}, {out!r} {error!r}")
    if left := sorted(map(str, root.rglob("*"))):
        problems.append(f"left: {left}")
    return problems


def is_interrupted(program: str, mpiexec: str, root: Path, ranks: int, number: signal.Signals, one_rank: bool,
                   **environment) -> list[str]:
    process = start(program, mpiexec, "sleep", ranks, root, **environment)
    at_work = max(ranks, 1) * EXECUTORS
    problems = wait_for("the files of all executors", lambda: len(list(root.glob("plenum-*/*/a/*"))) == at_work)
    if one_rank:  # as its folder names it
        os.kill(int(sorted(root.glob("plenum-*"))[-1].name.split("-")[1]), number)
    else:
        os.kill(process.pid, number)
    return problems + ended(process, root)


def main() -> int:
    program, mpiexec = sys.argv[1:3]
    failures = 0

    def check(name: str, run, *arguments, **environment):
        nonlocal failures
        with tempfile.TemporaryDirectory(prefix="plenum-scratch-") as folder:
            for problem in run(program, mpiexec, Path(folder), *arguments, **environment):
                failures += 1
                print(f"FAILED: {name}: {problem}", flush=True)

    for ranks in (0, 2):
        for kind, failed in (("end", 0), ("crash", 8)):
            check(f"{kind}, {ranks} ranks", runs_to_its_end, kind, ranks, failed)
        check(f"isolation none, {ranks} ranks", runs_to_its_end, "end", ranks, 0, PLENUM_ISOLATION="none")
        for number in (signal.SIGINT, signal.SIGTERM):
            check(f"{number.name}, {ranks} ranks", is_interrupted, ranks, number, False)
        check(f"SIGTERM, isolation none, {ranks} ranks", is_interrupted, ranks, signal.SIGTERM, False,
              PLENUM_ISOLATION="none")
        check(f"one rank is killed, {ranks} ranks", is_interrupted, ranks, signal.SIGKILL, True)

    # A folder that cannot be used is the tasks' failure, and says what to do.
    process = start(program, mpiexec, "end", 0, Path("/proc/no-such-folder"))
    out, _ = process.communicate(timeout=60)
    if "24 failed" not in out or "/proc/no-such-folder" not in out or "PLENUM_SCRATCH" not in out:
        failures += 1
        print(f"FAILED: a folder that cannot be used: {out!r}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
