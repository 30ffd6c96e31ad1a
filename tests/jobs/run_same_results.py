#!/usr/bin/env python3
# The results of convolve are the same bits for any ranks, nodes, technique, chunk size and isolation:
#   run_same_results.py PLENUM MPIEXEC
import os

import h5py
from run_tools import Runs

JOB = ("--synthetic", "150x130", "--filters", "61", "--filter-size", "5x3", "--seed", "7")
TECHNIQUES = ("auto", "static", "ss", "gss", "tss", "fac2", "awf")


def content(file) -> dict:
    """Every byte that a user reads as a result or an input."""
    with h5py.File(file) as h5:
        return {name: h5[name][...].tobytes() for name in ("results/filtered", "results/y", "results/x", "inputs/filters")}


with Runs() as runs:
    number = 0

    def compare(*words, **where) -> dict:
        global number
        number += 1
        output = f"run{number}.h5"
        summary = runs.convolve(output, *JOB, *words, **where)
        what = f"{' '.join(words)} {where}"
        runs.equal((summary.get("tasks"), summary.get("done"), summary.get("failed")), (61, 61, 0), f"{what}: tasks")
        runs.check(content(runs.folder / output) == reference, f"{what}: the results differ from those of one process")
        return summary

    runs.convolve("reference.h5", *JOB)
    reference = content(runs.folder / "reference.h5")
    runs.equal(len(reference["results/filtered"]), 61 * 31 * 27 * 4, "bytes of all results")
    runs.convolve("other.h5", *JOB[:-1], "8")
    runs.check(content(runs.folder / "other.h5")["results/filtered"] != reference["results/filtered"],
               "another seed gives other results")

    for ranks in (1, 2, 3, 8):
        compare("--verify", ranks=ranks)
    compare("--verify", nodes=(2, 2))
    compare(nodes=(3, 1))
    for technique in TECHNIQUES:
        for chunk_size in ("auto", "1", "7"):
            compare("--schedule", technique, "--chunk-size", chunk_size, ranks=2)
    compare("--schedule", "gss", ranks=4)
    compare("--isolation", "none")
    compare("--isolation", "none", ranks=3)
    for words in ((), ("--schedule", "gss"), ("--schedule", "ss", "--isolation", "none")):
        summary = compare("--executors", "6", *words, ranks=2)
        runs.equal([rank["executors"] for rank in summary["ranks"]], [6, 6], f"{words}: executors of each rank")
        runs.equal(sum(rank["tasks"] for rank in summary["ranks"]), 61, f"{words}: tasks of all ranks")
        runs.check(all(rank["busy_share"] <= 1.001 for rank in summary["ranks"]), f"{words}: busy shares",
                   str(summary["ranks"]))
        runs.check(any("12 threads at once" in text for text in summary["warnings"]) or os.cpu_count() >= 12,
                   f"{words}: a warning about cores", str(summary["warnings"]))
    compare("--executors", "12")
    for words in ((), ("--schedule", "gss"), ("--chunk-size", "7"), ("--isolation", "none")):
        compare("--tasks-per-executor", "3", *words, ranks=2)
    compare("--executors", "2", nodes=(2, 2))
    compare("--node-memory", "16M", ranks=3)
    compare("--node-memory", "16M", nodes=(2, 1))
    compare(ranks=2, PLENUM_SCHEDULE="tss", PLENUM_CHUNK_SIZE="2")
