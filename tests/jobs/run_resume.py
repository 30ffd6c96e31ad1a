#!/usr/bin/env python3
# Runs that are killed, stopped or fail go on with the same command, and end with the results of an undisturbed run.
#   run_resume.py PLENUM MPIEXEC
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy

PLENUM, MPIEXEC = sys.argv[1:3]
INCOMPLETE = 75
PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
LIMIT = 120 * PATIENCE
KILOS = 40 // PATIENCE  # of samples: a task takes as long with sanitizers as without
SAMPLES, OTHER_SAMPLES = f"{KILOS}k", f"{KILOS + 1}k"
JOB = ["run", "monte_carlo", "--tasks", "3000", "--samples", SAMPLES]


def command(ranks: int, *args: str) -> list[str]:
    return ([MPIEXEC, "-n", str(ranks)] if ranks > 0 else []) + [PLENUM, *args, "--progress", "none"]


def run(ranks: int, *args: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(command(ranks, *args), cwd=cwd, capture_output=True, text=True, timeout=LIMIT)


def start(ranks: int, *args: str, cwd: Path) -> subprocess.Popen:
    return subprocess.Popen(command(ranks, *args), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)


def datasets(path: Path) -> dict[str, numpy.ndarray]:
    found = {}
    with h5py.File(path) as file:
        for top in ("results", "combined"):
            if top not in file:
                continue
            item = file[top]
            if isinstance(item, h5py.Dataset):
                found[top] = item[()]
            else:
                item.visititems(lambda name, each, top=top: found.update({f"{top}/{name}": each[()]})
                                if isinstance(each, h5py.Dataset) else None)
        for name in file["tasks"]:
            found[f"tasks/{name}/status"] = file[f"tasks/{name}/status"][()]
    return found


def require_same(path: Path, reference: Path) -> None:
    ours, theirs = datasets(path), datasets(reference)
    assert ours.keys() == theirs.keys(), (sorted(ours), sorted(theirs))
    for name, values in theirs.items():
        assert numpy.array_equal(ours[name], values, equal_nan=values.dtype.kind == "f"), f"{name} differs"


def wait_for_results(path: Path, process: subprocess.Popen, more_than: int) -> None:
    """Until the journal has grown: something is committed."""
    journal = Path(f"{path}.journal")
    end = time.monotonic() + LIMIT
    while not (journal.exists() and journal.stat().st_size > more_than):
        assert time.monotonic() < end, "nothing was ever committed"
        if process.poll() is not None:
            return
        time.sleep(0.005)


def processes_below(parent: int) -> list[int]:
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                children.setdefault(int(stat[1]), []).append(int(entry.name))
            except OSError:
                pass
    below, found = [parent], []
    while below:
        for child in children.get(below.pop(), []):
            found.append(child)
            below.append(child)
    return found


def require_no_files_in_children(process: subprocess.Popen, path: Path) -> None:
    """Only one process holds the files of the run: children of it must not keep its lock."""
    holders = set()
    for number in [process.pid, *processes_below(process.pid)]:
        try:
            for link in Path(f"/proc/{number}/fd").iterdir():
                if os.readlink(link).startswith(f"{path}."):
                    holders.add(number)
        except OSError:
            pass
    assert len(holders) <= 1, f"processes {holders} all hold files of the run"


def finish(path: Path, ranks: int, *job: str, cwd: Path) -> None:
    result = run(ranks, *job, "-o", path.name, cwd=cwd)
    assert result.returncode == 0, (result.returncode, result.stderr)
    left = [name.name for name in cwd.iterdir() if name.name.startswith(f"{path.name}.")]
    assert not left, left


def kills(here: Path, reference: Path) -> None:
    for ranks in (0, 1, 2, 3, 8):
        path = here / f"killed{ranks}.h5"
        args = [*JOB, "-o", path.name, "--commit-interval", "0.05"]
        size = 0
        for victim in ("started", "rank", "all"):
            process = start(ranks, *args, cwd=here)
            wait_for_results(path, process, size)
            require_no_files_in_children(process, path)
            time.sleep(random.uniform(0, 0.2))
            victims = {"started": [process.pid], "all": [process.pid, *processes_below(process.pid)],
                       "rank": random.sample(processes_below(process.pid) or [process.pid], 1)}[victim]
            for number in victims:
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                process.communicate(timeout=LIMIT)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            # Orphans of a killed launcher end by themselves; until then they hold the lock.
            end = time.monotonic() + 20 * PATIENCE
            while run(0, *args, "--dry-run", cwd=here).returncode == 3 and time.monotonic() < end:
                time.sleep(0.1)
            size = Path(f"{path}.journal").stat().st_size if Path(f"{path}.journal").exists() else 0
            if path.exists():
                break
        for _ in range(100):  # the same
            result = run(ranks, *args, "--retry-failed", cwd=here)  # an executor that is killed costs its task
            if "another run" not in result.stderr:
                break
            time.sleep(0.1)
        assert result.returncode == 0, (ranks, result.returncode, result.stderr)
        require_same(path, reference)
        print(f"killed at {ranks} ranks: same results", flush=True)


def long_chunks(here: Path) -> None:
    """What is finished of a chunk at work is safe too, however long the chunk takes."""
    for ranks in (0, 2):
        path = here / f"chunks{ranks}.h5"
        args = ["run", "sleep", "--tasks", "200", "--seconds", "0.2", "-o", path.name, "--commit-interval", "0.1",
                "--schedule", "static"]
        process = start(ranks, *args, cwd=here)
        done = 0
        while done < 6 and process.poll() is None:
            told = subprocess.run([PLENUM, "status", path.name, "--output-mode", "json"], cwd=here, capture_output=True,
                                  text=True, timeout=LIMIT)
            done = sum(each["done"] for each in json.loads(told.stdout)["maps"]) if told.returncode == 0 else 0
            time.sleep(0.1)
        assert process.poll() is None and done < 200, f"{ranks} ranks: the run ended before anything was safe"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        print(f"{done} tasks of long chunks were safe at {ranks} ranks", flush=True)


def other_ways(here: Path, reference: Path) -> None:
    """Begun one way, finished another."""
    path = here / "other.h5"
    ways = [(3, ["--schedule", "ss"]), (1, ["--isolation", "none"]), (0, ["--executors", "3", "--schedule", "gss"])]
    for ranks, options in ways:
        process = start(ranks, *JOB, "-o", path.name, "--commit-interval", "0.02", *options, cwd=here)
        before = Path(f"{path}.journal").stat().st_size if Path(f"{path}.journal").exists() else 0
        wait_for_results(path, process, before)
        for number in processes_below(process.pid) if ranks > 0 else [process.pid]:
            try:
                os.kill(number, signal.SIGTERM)
            except ProcessLookupError:
                pass
        _, said = process.communicate(timeout=LIMIT)
        if ranks == 0:
            assert process.returncode in (0, INCOMPLETE), (process.returncode, said)
        assert path.exists() or "the same command resumes" in said, said
        if path.exists():
            break
    if not path.exists():
        refused = run(0, *JOB[:-1], OTHER_SAMPLES, "-o", path.name, cwd=here)
        assert refused.returncode == 2 and f"--samples was {SAMPLES} and is {OTHER_SAMPLES} now" in refused.stderr, refused.stderr
        refused = run(0, *JOB, "-o", path.name, "--seed", "5", cwd=here)
        assert refused.returncode == 2 and "--seed was 0 and is 5 now" in refused.stderr, refused.stderr
        told = run(0, *JOB, "-o", path.name, "--dry-run", cwd=here)
        assert told.returncode == 0 and re.search(r"would run \d+ of \d+ tasks of map '\w+' \(\d+ done\)", told.stderr), told.stderr
        result = run(2, "resume", path.name, "--executors", "2", "--compress", "gzip:1", cwd=here)
        assert result.returncode == 0, result.stderr
    require_same(path, reference)
    again = run(0, *JOB, "-o", path.name, cwd=here)
    assert again.returncode == 0 and "is complete" in again.stderr, again.stderr
    assert run(0, *JOB[:-1], OTHER_SAMPLES, "-o", path.name, cwd=here).returncode == 2
    assert run(0, "resume", path.name, cwd=here).returncode == 0
    print("begun one way, finished another: same results", flush=True)


def several_maps(here: Path) -> None:
    job = ["run", "segment", "--synthetic", "150", "--size", "300x300"]
    reference = here / "segments.h5"
    finish(reference, 0, *job, cwd=here)
    path = here / "segments-killed.h5"
    size, attempts = 0, 0
    while not path.exists() and attempts < 6:
        attempts += 1
        process = start(2, *job, "-o", path.name, "--commit-interval", "0", cwd=here)
        wait_for_results(path, process, size)
        time.sleep(random.uniform(0, 0.15))
        process.kill()
        process.communicate(timeout=LIMIT)
        size = Path(f"{path}.journal").stat().st_size if Path(f"{path}.journal").exists() else 0
    if not path.exists():
        for _ in range(100):
            result = run(3, *job, "-o", path.name, cwd=here)
            if "another run" not in result.stderr:
                break
            time.sleep(0.1)
        assert result.returncode == 0, result.stderr
    require_same(path, reference)
    print(f"a job of several maps, killed {attempts} times: same results", flush=True)


def main() -> None:
    random.seed()
    with tempfile.TemporaryDirectory(prefix="plenum-resume-") as name:
        here = Path(name)
        reference = here / "reference.h5"
        finish(reference, 0, *JOB, cwd=here)
        kills(here, reference)
        long_chunks(here)
        other_ways(here, reference)
        several_maps(here)


main()
