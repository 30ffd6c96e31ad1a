#!/usr/bin/env python3
# Compressed results are those of a run that compresses nothing, for any ranks and nodes, after kills, and when only one
# of two processes of a run was to compress: large ones are compressed by executors, small ones at the end.
#   run_compress.py PLENUM MPIEXEC
import json
import os
import signal
import subprocess
import time

import h5py
import numpy
from run_tools import PATIENCE, Runs

JOBS = {
    "segment": ("--synthetic", "19", "--size", "600x601"),  # masks, small numbers, lists of varying length
    "convolve": ("--synthetic", "300x200", "--filters", "100", "--stride", "1"),
}
# Some seconds of compressing at the end on a slow machine, some tenths on a fast one.
SMALL = ("--synthetic", "300x300", "--filters", "2500", "--seed", "3")
# Some seconds of computing and compressing.
LARGE = ("--synthetic", "1500x1500", "--filters", "100", "--filter-size", "32x32", "--seed", "3")


def datasets(path) -> dict[str, numpy.ndarray]:
    found = {}
    with h5py.File(path) as file:
        for group in ("results", "inputs"):
            if group in file:
                file[group].visititems(lambda name, each: found.update({f"{group}/{name}": each[()]})
                                       if isinstance(each, h5py.Dataset) else None)
    return found


def differences(path, reference) -> list[str]:
    ours, theirs = datasets(path), datasets(reference)
    if ours.keys() != theirs.keys():
        return sorted(ours.keys() ^ theirs.keys())
    return [name for name, values in theirs.items() if values.tobytes() != ours[name].tobytes()]


def filters_of(path, dataset: str) -> tuple:
    with h5py.File(path) as file:
        return file[dataset].compression, file[dataset].compression_opts, file[dataset].shuffle


def same_results(runs: Runs) -> None:
    for job, words in JOBS.items():
        reference = runs.folder / f"{job}.h5"
        runs.job(job, reference.name, *words, ranks=2)
        packed = "results/mask" if job == "segment" else "results/filtered"
        for number, (more, where) in enumerate((
                ((), {"ranks": 1}), ((), {"ranks": 2}), ((), {"ranks": 3}), ((), {"ranks": 8}),
                (("--isolation", "none"), {}), (("--executors", "4"), {}),
                (("--executors", "2", "--node-memory", "16M"), {"ranks": 2}),  # too little for packed results on their way
                ((), {"nodes": (2, 2)}))):
            path = runs.folder / f"{job}{number}.h5"
            runs.job(job, path.name, *words, "--compress", "gzip:1", *more, **where)
            what = f"{job} {more} {where}"
            runs.equal(differences(path, reference), [], f"{what}: datasets that differ")
            runs.equal(filters_of(path, packed), ("gzip", 1, True), f"{what}: filters")
            runs.check(path.stat().st_size < reference.stat().st_size, f"{what}: not smaller",
                       f"{path.stat().st_size} and {reference.stat().st_size} bytes")
        checked = runs.run("validate", path.name)
        runs.equal(checked.returncode, 0, f"{job}: validate ({checked.stdout[-300:]})")
    with h5py.File(runs.folder / "segment0.h5") as file:
        runs.equal(file["results/areas/values"].compression, "gzip", "lists are compressed")


def kill(runs: Runs, ranks: int, words: tuple, path, is_time, delay: float) -> None:
    """Kills the run of convolve when is_time() and `delay` seconds later, unless it has ended."""
    command = [*runs.command(ranks), runs.plenum, "run", "convolve", *words, "-o", path.name, "--progress", "none"]
    run = subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           start_new_session=True)
    end = time.monotonic() + 60 * PATIENCE
    while not is_time() and run.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(delay)
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60 * PATIENCE)


def interrupted_at_the_end(runs: Runs) -> None:
    reference = runs.folder / "small.h5"
    runs.job("convolve", reference.name, *SMALL)
    for ranks in (0, 3):
        path = runs.folder / f"killed{ranks}.h5"
        packed = runs.folder / f"{path.name}.packed"
        hits = 0
        for delay in (0, 0.1):
            packed.unlink(missing_ok=True)  # of the kill before
            kill(runs, ranks, (*SMALL, "--compress", "gzip:6"), path, packed.exists, delay)
            hits += packed.exists()
            runs.check(not path.exists() or not packed.exists(), f"ranks {ranks}: a file and what it was made from")
        runs.check(hits > 0, f"ranks {ranks}: no kill came while results were compressed")
        runs.job("convolve", path.name, *SMALL, "--compress", "gzip:6", ranks=ranks)
        runs.equal(differences(path, reference), [], f"ranks {ranks}: datasets that differ after kills")
        runs.equal([left.name for left in runs.folder.glob(f"{path.name}.*")], [], f"ranks {ranks}: files that stayed")


def interrupted_at_work(runs: Runs) -> None:
    reference = runs.folder / "large.h5"
    runs.job("convolve", reference.name, *LARGE)
    often = ("--commit-interval", "0.05")
    for ranks, first, second in ((0, "gzip:9", "gzip:9"), (3, "gzip:9", "gzip:1"), (2, "gzip:9", "none"),
                                 (1, "none", "gzip:9")):
        what = f"{ranks} ranks, {first}, then {second}"
        path = runs.folder / f"{ranks}{first[0]}{second[0]}.h5"
        journal = runs.folder / f"{path.name}.journal"
        partial = runs.folder / f"{path.name}.partial"
        # Some MiB of packed results, or the first commit.
        kill(runs, ranks, (*LARGE, "--compress", first, *often), path,
             lambda: journal.exists() and journal.stat().st_size > (4 << 20 if first != "none" else 0), 0.1)
        runs.check(partial.exists(), f"{what}: killed too late")
        if first != "none":
            room = 512 * partial.stat().st_blocks
            runs.check(room < partial.stat().st_size / 2, f"{what}: packed results have room as they are, too: {room} bytes")
        found = runs.run("validate", partial.name)
        runs.equal(found.returncode, 0, f"{what}: validate after the kill ({found.stdout} {found.stderr})")
        listed = runs.run("export", partial.name, "--format", "jsonl", "--values")
        runs.equal(listed.returncode, 0, f"{what}: export after the kill ({listed.stderr})")
        done = {row["task"]: row["result"] for row in map(json.loads, listed.stdout.splitlines()) if row["status"] == "done"}
        runs.check(0 < len(done) < 100, f"{what}: {len(done)} tasks done after the kill")
        with h5py.File(reference) as file:
            differ = [task for task, result in done.items()
                      if numpy.float32(result).tobytes() != file["results/filtered"][task].tobytes()]
        runs.equal(differ, [], f"{what}: exported results that differ after the kill")
        ended = runs.run("run", "convolve", *LARGE, "--compress", second, "-o", path.name, ranks=ranks)
        runs.equal(ended.returncode, 0, f"{what}: resume ({ended.stderr})")
        runs.check("resum" in ended.stdout + ended.stderr, f"{what}: began anew", ended.stdout + ended.stderr)
        runs.equal(differences(path, reference), [], f"{what}: datasets that differ")
        runs.equal(filters_of(path, "results/filtered")[0], None if second == "none" else "gzip", f"{what}: filter")
        runs.equal(runs.run("validate", path.name).returncode, 0, f"{what}: validate")


with Runs() as every:
    same_results(every)
    interrupted_at_the_end(every)
    interrupted_at_work(every)
