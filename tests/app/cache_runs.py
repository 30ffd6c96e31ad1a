#!/usr/bin/env python3
# Programs that share a cache: two at the same time get right values and write one file, a third calls nothing,
# and the summary counts hits.   cache_runs.py PROGRAM MPIRUN RANKS...
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
TASKS = 1000


def command(program: str, mpirun: str, ranks: int, cache: Path, *more: str) -> list[str]:
    launcher = [mpirun, "-n", str(ranks)] if ranks > 0 else []
    return [*launcher, program, "run", "rows", "--cache", str(cache), "--progress", "none", *more]


def check(what: str, holds: bool) -> None:
    if not holds:
        sys.exit(f"FAILED: {what}")


def try_ranks(program: str, mpirun: str, ranks: int, folder: Path) -> None:
    cache = folder / f"cache{ranks}"
    calls = folder / f"cache{ranks}-calls"
    both = [subprocess.Popen(command(program, mpirun, ranks, cache, "-o", f"{name}.h5", "--output-mode", "json"),
                             cwd=folder, text=True, stdout=subprocess.PIPE) for name in ("one", "other")]
    summaries = [json.loads(run.communicate(timeout=100 * PATIENCE)[0]) for run in both]
    check(f"{ranks} ranks: two programs at the same time end well", all(run.returncode == 0 for run in both))
    misses = sum(summary["cache"]["calls"] - summary["cache"]["hits"] for summary in summaries)
    check(f"{ranks} ranks: misses are calls", misses == calls.stat().st_size)
    check(f"{ranks} ranks: each result is computed once or twice", TASKS <= misses <= 2 * TASKS)
    check(f"{ranks} ranks: one file", len(list(cache.iterdir())) == 1)
    text = subprocess.run(command(program, mpirun, ranks, cache, "--executors", "3"), cwd=folder, text=True, stdout=subprocess.PIPE,
                          timeout=100 * PATIENCE, check=True).stdout
    check(f"{ranks} ranks: a third program calls nothing", misses == calls.stat().st_size)
    check(f"{ranks} ranks: the summary says so: {text}", f"{TASKS} hits of {TASKS} (100 %)" in text)


def main() -> None:
    program, mpirun, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="plenum-cache-runs-") as name:
        for ranks in map(int, numbers):
            try_ranks(program, mpirun, ranks, Path(name))


if __name__ == "__main__":
    main()
