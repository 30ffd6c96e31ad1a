#!/usr/bin/env python3
# sleep: each task sleeps its own time, whatever the ranks and the technique:   run_sleep.py PLENUM MPIEXEC
import json
import os
import signal
import subprocess
import time

import h5py
import numpy as np
from run_tools import PATIENCE, Runs

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
    # A task that is done is safe although the other one of its block is still at work.
    for words in (("--executors", "2"), ("--executors", "2", "--schedule", "static")):
        process = subprocess.Popen([runs.plenum, "run", "sleep", "--list", "60,0.1", "-o", "half.h5", "--commit-interval", "0.05",
                                    "--progress", "none", *words], cwd=runs.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        done, deadline = 0, time.monotonic() + 40 * PATIENCE
        while done == 0 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
            status = runs.run("status", "half.h5", "--output-mode", "json")
            done = sum(map_["done"] for map_ in json.loads(status.stdout)["maps"]) if status.returncode == 0 else 0
        process.send_signal(signal.SIGTERM)
        runs.equal((done, process.wait(60)), (1, 75), f"done beside a long task {words}")
        runs.check((runs.folder / "half.h5.partial").exists(), f"it is kept {words}")
        for left in runs.folder.glob("half.h5*"):
            left.unlink()
    said = runs.run("run", "sleep", "--tasks", "10", "--seconds", "0.01", "--verify", ranks=2).stderr
    runs.check("verify: all 10 tasks" in said, "--verify says what it found", said)
    runs.check("slept 0.1 s in" in said, "the job says how well it slept", said)
