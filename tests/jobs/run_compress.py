#!/usr/bin/env python3
# Results that are compressed at the end are those of a run that compresses nothing, for any ranks and nodes, and
# after kills while they are being compressed.
#   run_compress.py PLENUM MPIEXEC
import os
import signal
import subprocess
import time

import h5py
import numpy
from run_tools import Runs

JOBS = {
    "segment": ("--synthetic", "19", "--size", "600x601"),  # masks, small numbers, lists of varying length
    "convolve": ("--synthetic", "300x200", "--filters", "100", "--stride", "1"),
}
# Some seconds of compressing on a slow machine, some tenths on a fast one.
LARGE = ("--synthetic", "1500x1500", "--filters", "100", "--seed", "3")


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


def interrupted(runs: Runs) -> None:
    reference = runs.folder / "large.h5"
    runs.job("convolve", reference.name, *LARGE)
    for ranks in (0, 3):
        path = runs.folder / f"killed{ranks}.h5"
        command = [*runs.command(ranks), runs.plenum, "run", "convolve", *LARGE, "--compress", "gzip:6", "-o", path.name,
                   "--progress", "none"]
        hits = 0
        for delay in (0, 0.1):
            run = subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
            packed = runs.folder / f"{path.name}.packed"
            packed.unlink(missing_ok=True)  # of the kill before
            end = time.monotonic() + 60
            while not packed.exists() and run.poll() is None and time.monotonic() < end:
                time.sleep(0.002)
            time.sleep(delay)
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
            run.communicate(timeout=60)
            hits += packed.exists()
            runs.check(not path.exists() or not packed.exists(), f"ranks {ranks}: a file and what it was made from")
        runs.check(hits > 0, f"ranks {ranks}: no kill came while results were compressed")
        runs.job("convolve", path.name, *LARGE, "--compress", "gzip:6", ranks=ranks)
        runs.equal(differences(path, reference), [], f"ranks {ranks}: datasets that differ after kills")
        runs.equal([left.name for left in runs.folder.glob(f"{path.name}.*")], [], f"ranks {ranks}: files that stayed")


with Runs() as every:
    same_results(every)
    interrupted(every)
