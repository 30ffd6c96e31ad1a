#!/usr/bin/env python3
# Tasks that fail in maps whose results executors compress: the file says of them, and of all others, what it says without
# compression; a result that has no room in --task-memory is out of memory, and what follows has all of it again.
#   packed_runs.py PROGRAM MPIRUN NODES_MPIRUN
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
PROGRAM, MPIRUN, NODES = sys.argv[1:4]
WAYS = {"alone": [], "1 rank": [MPIRUN, "-n", "1"], "3 ranks": [MPIRUN, "-n", "3"], "8 ranks": [MPIRUN, "-n", "8"],
        "2 nodes": [NODES, "-N", "2", "-s", "2"]}
MAPS = ("written", "returned", "large", "after")
SOME_FAILED = 4


def fail(what: str, details: object = "") -> None:
    sys.exit(f"FAILED: {what}\n{details}")


def run(folder: Path, way: str, name: str, *words: str) -> Path:
    path = folder / f"{name}.h5"
    done = subprocess.run([*WAYS[way], PROGRAM, "run", "packed", "-o", str(path), "--progress", "none", "--task-timeout",
                           str(2 * PATIENCE), *words], capture_output=True, text=True, timeout=200 * PATIENCE,
                          cwd=folder, env=os.environ)
    if done.returncode != SOME_FAILED and not (WAYS[way] and done.returncode != 0):
        fail(f"{way} {words}: exit code {done.returncode}", done.stdout + done.stderr)
    if not path.exists():
        fail(f"{way} {words}: no file", done.stdout + done.stderr)
    checked = subprocess.run([PROGRAM, "validate", str(path)], capture_output=True, text=True)
    if checked.returncode != 0:
        fail(f"{way} {words}: validate", checked.stdout + checked.stderr)
    return path


def content(path: Path) -> dict:
    found = {}
    with h5py.File(path) as file:
        for name in MAPS:
            failures = file[f"failures/{name}"]
            causes = sorted(zip(failures["task"][()].tolist(), failures["cause"].asstr()[()].tolist(),
                                failures["message"].asstr()[()].tolist()))
            found[name] = (file[f"results/{name}"][()].tobytes(), file[f"tasks/{name}/status"][()].tolist(), causes)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = content(run(folder, "alone", "plain"))
        # 3, 13; 5, 15; 7, 17; 9, 19
        if sum(status != 0 for status in plain["written"][1]) != 8 or numpy.isnan(
                numpy.frombuffer(plain["written"][0]).reshape(20, -1)).all(axis=1).sum() != 8:
            fail("eight tasks of the uncompressed run have failed", plain["written"][1])
        for way in WAYS:
            packed = content(run(folder, way, way.replace(" ", ""), "--compress", "gzip:1"))
            for each in MAPS:
                if packed[each] != plain[each]:
                    fail(f"{way}: map {each} differs", f"{packed[each][1:]}\n{plain[each][1:]}")
        large = ("--large", "50000000", "--node-memory", "2G", "--compress", "gzip:1", "--task-memory")
        tight = run(folder, "alone", "tight", *large, "40M")
        with h5py.File(tight) as file:
            causes = [cause.decode() for cause in file["failures/large/cause"][()]]
            if len(causes) != 3 or not all("memory" in cause for cause in causes):
                fail("results without room in --task-memory", causes)
            if file["tasks/after/status"][()].any():
                fail("the map after it lacks memory", file["tasks/after/status"][()])
        roomy = run(folder, "alone", "roomy", *large, "400M")
        with h5py.File(roomy) as file:
            if [int(file["results/large"][task].max()) for task in range(3)] != [1, 2, 3]:
                fail("large results")


main()
