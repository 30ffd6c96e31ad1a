#!/usr/bin/env python3
# sleep: each task sleeps its own time, whatever the ranks and the technique:   run_sleep.py PLENUM MPIEXEC
import h5py
import numpy as np
from run_tools import Runs

LIST = [0.05, 0.01, 0.03, 0, 0.02, 0.001, 0.04]

with Runs() as runs:
    def slept(output: str, requested: list[float], *words, **where) -> None:
        what = f"{words} {where}"
        summary = runs.job("sleep", output, *words, **where)
        runs.equal((summary["tasks"], summary["done"]), (len(requested), len(requested)), f"{what}: tasks")
        runs.check(0 < summary["parallel_efficiency"] <= 1.001, f"{what}: efficiency", str(summary))
        with h5py.File(runs.folder / output) as h5:
            times = h5["results/slept"]
            runs.equal((times.shape, times.attrs["units"]), ((len(requested),), "s"), f"{what}: results")
            runs.check(bool((times[...] >= requested).all()), f"{what}: nobody sleeps less than asked")
            runs.check(bool((times[...] <= np.add(requested, 10)).all()), f"{what}: nor forever")
            duration = h5["tasks/slept/duration"][...]
            runs.check(duration.sum() >= sum(requested), f"{what}: durations of the tasks hold the sleep", str(duration))
            runs.check(abs(times.attrs["requested_total"] - sum(requested)) < 1e-9, f"{what}: requested total")
            if "--tasks" in words:
                runs.equal(times.attrs["requested"], requested[0], f"{what}: requested")
                runs.equal(list(times.dims[0]["task"][...]), list(range(len(requested))), f"{what}: scale")
            else:
                runs.equal(list(times.dims[0]["requested"][...]), requested, f"{what}: scale")

    listed = ("--list", ",".join(map(str, LIST)))
    slept("alone.h5", LIST, *listed, "--verify")
    runs.xarray("alone.h5", {"slept": ("requested",)})
    for ranks in (1, 2, 3, 8):
        slept(f"list{ranks}.h5", LIST, *listed, ranks=ranks)
        slept(f"equal{ranks}.h5", [0.002] * 100, "--tasks", 100, "--seconds", 0.002, "--verify", ranks=ranks)
    for technique in ("static", "ss", "gss", "tss", "fac2", "awf"):
        slept(f"{technique}.h5", LIST, *listed, "--schedule", technique, ranks=3)
    uneven = [1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1]
    slept("uneven.h5", uneven, "--pattern", "uneven16", ranks=8)
    said = runs.run("run", "sleep", "--tasks", "10", "--seconds", "0.01", "--verify", ranks=2).stderr
    runs.check("verify: all 10 tasks" in said, "--verify says what it found", said)
    runs.check("slept 0.1 s in" in said, "the job says how well it slept", said)
