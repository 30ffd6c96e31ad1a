#!/usr/bin/env python3
# monte_carlo: the same bits for any ranks, technique and isolation; a file that says what it holds:
#   run_monte_carlo.py PLENUM MPIEXEC
import math

import h5py
import numpy as np
from run_tools import Runs

PROBLEMS = {
    "pi": (("--samples", "20k"), math.pi),
    "gauss": (("--integrand", "gauss", "--samples", "20k"), math.sqrt(math.pi) / 2 * math.erf(1)),
    "ball6": (("--integrand", "ball6", "--samples", "20k"), math.pi**3 / 6),
    "eigen": (("--problem", "eigen", "--size", "5", "--samples", "200"), 30.0),
}
TASKS = 50


def content(file) -> dict:
    with h5py.File(file) as h5:
        return {name: h5[name][...].tobytes() for name in ("results/estimates", "combined")}


with Runs() as runs:
    for name, (words, known) in PROBLEMS.items():
        def run(output: str, *more, **where):
            summary = runs.job("monte_carlo", output, "--tasks", str(TASKS), "--seed", "3", *words, *more, **where)
            runs.equal((summary.get("tasks"), summary.get("done")), (TASKS, TASKS), f"{name} {more} {where}: tasks")
            return runs.folder / output

        alone = run(f"{name}.h5", "--verify")
        runs.xarray(f"{name}.h5", {"estimates": ("task", "observable", "statistic")})
        reference = content(alone)
        with h5py.File(alone) as h5:
            estimates, combined = h5["results/estimates"][...], h5["combined"]
            observables = 7 if name == "eigen" else 1
            runs.equal((estimates.shape, estimates.dtype), ((TASKS, observables, 2), np.float64), f"{name}: results")
            runs.equal([dimension.label for dimension in h5["results/estimates"].dims],
                       ["task", "observable", "statistic"], f"{name}: dimensions")
            runs.equal([dimension[0].shape for dimension in h5["results/estimates"].dims],
                       [(extent,) for extent in estimates.shape], f"{name}: each dimension has a scale")
            error = np.sqrt((estimates[:, :, 1] ** 2).sum(axis=0)) / TASKS
            runs.check(np.allclose(combined[:, 0], estimates[:, :, 0].mean(axis=0), rtol=1e-12, atol=1e-14),
                       f"{name}: the combined estimate is the mean of the tasks")
            runs.check(np.allclose(combined[:, 1], error, rtol=1e-12), f"{name}: the combined standard error")
            spread = estimates[:, :, 0].std(axis=0, ddof=1) / math.sqrt(TASKS)
            runs.check(bool((abs(spread / error - 1) < 0.5).all()), f"{name}: tasks spread as their errors say",
                       f"{spread} {error}")
            attributes = combined.attrs
            runs.equal(attributes["known_value"], known, f"{name}: known value")
            runs.equal((attributes["estimate"], attributes["standard_error"]), tuple(combined[-1]), f"{name}: attributes")
            runs.check(abs(attributes["estimate"] - known) < 6 * attributes["standard_error"], f"{name}: estimate")
            runs.equal(len(attributes["observables"].split(", ")), observables, f"{name}: observables")
        for ranks in (1, 2, 3, 8):
            more = ("--verify",) if ranks == 3 else ()
            runs.check(content(run(f"{name}{ranks}.h5", *more, ranks=ranks)) == reference, f"{name}: {ranks} ranks")
    for number, (more, where) in enumerate([*((("--schedule", technique), {"ranks": 2})
                                              for technique in ("static", "ss", "gss", "tss", "fac2", "awf")),
                                            (("--isolation", "none"), {"ranks": 2}), ((), {"nodes": (2, 2)}),
                                            (("--chunk-size", "7"), {"nodes": (3, 1)})]):
        runs.check(content(run(f"eigen-way{number}.h5", *more, **where)) == reference, f"eigen {more} {where}")
    runs.job("monte_carlo", "other.h5", "--tasks", str(TASKS), "--seed", "4", *words)
    runs.check(content(runs.folder / "other.h5") != reference, "another seed gives other results")

    said = runs.run("run", "monte_carlo", "--tasks", "20", "--samples", "1k", "--verify", ranks=2)
    runs.check("pi: 3." in said.stderr and "known: 3.14159" in said.stderr, "the estimate is printed", said.stderr)
    runs.check("verify: 8 of 8" in said.stderr, "--verify says what it found", said.stderr)
    dry = runs.run("run", "monte_carlo", "--dry-run", "--verify", "-o", "dry.h5")
    runs.equal(dry.returncode, 0, f"dry run ({dry.stderr})")
    runs.check(not (runs.folder / "dry.h5").exists(), "a dry run leaves no file")
