#!/usr/bin/env python3
# The file that `plenum run convolve` leaves, as h5py reads it, from synthetic and from HDF5 inputs:
#   run_file_layout.py PLENUM MPIEXEC
import datetime

import h5py
import numpy as np
from run_tools import Runs


def text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def check_layout(runs: Runs, file: h5py.File, ranks: int, tasks: int, shape: tuple, stride: int):
    root = file.attrs
    for name in ("format", "format_version", "software", "version", "git", "created", "job", "command_line",
                 "history", "Conventions"):
        runs.check(name in root, f"/ has the attribute {name}")
    runs.equal((text(root["format"]), text(root["job"])), ("plenum", "convolve"), "format and job")
    runs.check("run convolve" in text(root["command_line"]), "the command line is recorded", text(root["command_line"]))
    created = datetime.datetime.fromisoformat(text(root["created"]).replace("Z", "+00:00"))
    age = datetime.datetime.now(datetime.timezone.utc) - created
    runs.check(abs(age) < datetime.timedelta(days=1), "created is now", str(created))

    results = file["results/filtered"]
    runs.equal((results.shape, results.dtype), ((tasks, *shape), np.dtype("f4")), "shape and type of the results")
    runs.check(bool(np.isfinite(results[...]).all()), "all results are numbers")
    runs.check(float(np.ptp(results[...])) > 0, "the results are not all equal")
    runs.equal([dim.label for dim in results.dims], ["filter", "y", "x"], "names of the dimensions")
    runs.equal(results.dims[0][0][...].tolist(), list(range(tasks)), "scale of dimension 0")
    for dimension, name in ((1, "y"), (2, "x")):
        scale = results.dims[dimension][0]
        runs.equal(scale.name, f"/results/{name}", f"scale of dimension {dimension}")
        runs.check(bool((scale[...] == np.arange(shape[dimension - 1]) * stride).all()), f"values of scale {name}")
        runs.equal(text(scale.attrs["units"]), "pixel", f"units of scale {name}")
    runs.equal((results.chunks, results.compression), (None, None), "storage of the results is contiguous")
    runs.equal(int(results.attrs["version"]), 1, "version of the map")
    runs.check({"units", "long_name", "stride"} <= set(results.attrs), "attributes of the results")

    table = file["tasks/filtered"]
    for column in ("status", "attempts"):
        runs.equal(table[column].shape, (tasks,), f"/tasks/filtered/{column}")
    runs.check(not table["status"][...].any(), "every task is done")
    runs.check(bool((table["attempts"][...] == 1).all()), "every task was tried once")
    if "rank" in table:
        who, when, lasts = table["rank"][...], table["start"][...], table["duration"][...]
        runs.equal(table["peak_rss"].shape, (tasks,), "peak memory per task")
    else:
        chunks = table["chunks"]
        who = np.repeat(chunks["rank"][...], chunks["count"][...])
        when, lasts = chunks["start"][...], chunks["duration"][...]
        covered = sorted(zip(chunks["first"][...].tolist(), chunks["count"][...].tolist()))
        runs.equal(sum(count for _, count in covered), tasks, "tasks in all chunks")
        ends = [0] + [first + count for first, count in covered]
        runs.equal([first for first, _ in covered], ends[:-1], "chunks cover every task once")
    runs.check(bool(((who >= 0) & (who < ranks)).all()), "ranks of the tasks", str(set(who.tolist())))
    runs.check(bool((when >= 0).all() and (lasts >= 0).all()), "times of the tasks")
    for column in ("task", "attempt", "cause", "message"):
        runs.equal(file["failures/filtered"][column].shape, (0,), f"/failures/filtered/{column}")

    workers = file["workers"]
    for column in ("rank", "host", "cores", "executors", "startup", "init", "working", "waiting", "commit", "tasks"):
        runs.equal(workers[column].shape, (ranks,), f"/workers/{column}")
    runs.equal(workers["rank"][...].tolist(), list(range(ranks)), "ranks of /workers")
    runs.equal(int(workers["tasks"][...].sum()), tasks, "tasks of all workers")
    options = file["provenance/options"].attrs
    runs.equal(int(options["ranks"]), ranks, "number of ranks in /provenance")
    runs.check({"schedule", "seed", "chunk-size", "nodes", "mpi", "stride"} <= set(options), "recorded options")


def convolution(image: np.ndarray, taps: np.ndarray, stride: int) -> np.ndarray:
    """Full two-dimensional convolution, every stride-th pixel."""
    rows, columns = (image.shape[k] + taps.shape[k] - 1 for k in (0, 1))
    full = np.zeros((rows, columns))
    for r in range(taps.shape[0]):
        for c in range(taps.shape[1]):
            full[r : r + image.shape[0], c : c + image.shape[1]] += float(taps[r, c]) * image
    return full[::stride, ::stride]


with Runs() as runs:
    for name, where, ranks in (("one", {}, 1), ("three", {"ranks": 3}, 3), ("nodes", {"nodes": (2, 2)}, 4)):
        summary = runs.convolve(f"{name}.h5", "--synthetic", "64x81", "--filters", "40", "--stride", "4", **where)
        with h5py.File(runs.folder / f"{name}.h5") as file:
            check_layout(runs, file, ranks, 40, (17, 21), 4)
            runs.equal(file["inputs/filters"].shape, (40, 4, 4), "shape of /inputs/filters")
        runs.xarray(f"{name}.h5", {"filtered": ("filter", "y", "x")})
        runs.equal(summary["tasks"], 40, "tasks in the summary")
        runs.equal(summary["bytes_written"], 40 * 17 * 21 * 4, "bytes in the summary")
        runs.equal([rank["rank"] for rank in summary["ranks"]], list(range(ranks)), "ranks in the summary")
        runs.equal(sum(rank["tasks"] for rank in summary["ranks"]), 40, "tasks of all ranks in the summary")
        runs.equal(summary["output"], f"{name}.h5", "output in the summary")
        runs.check(summary["wall_seconds"] > 0 and summary["failures"] == [], "times and failures in the summary")

    random = np.random.default_rng(3)
    image, bank = random.random((50, 60)), random.standard_normal((9, 3, 6)).astype("f4")
    with h5py.File(runs.folder / "inputs.h5", "w") as file:
        file["pictures/image"] = image  # float64: converted
        file["pictures/bytes"] = (image * 255).astype("u1")
        file["bank"] = bank
    for dataset, pixels in (("image", image.astype("f4")), ("bytes", (image * 255).astype("u1"))):
        runs.convolve(f"{dataset}.h5", "--image", f"inputs.h5:/pictures/{dataset}", "--bank", "inputs.h5:bank",
                      "--stride", "3", "--verify", ranks=2)
        with h5py.File(runs.folder / f"{dataset}.h5") as file:
            check_layout(runs, file, 2, 9, (18, 22), 3)
            runs.check(bool((file["inputs/filters"][...] == bank).all()), "the bank is kept as input")
            wanted = np.stack([convolution(pixels.astype("f8"), taps, 3) for taps in bank])
            error = np.abs(file["results/filtered"][...] - wanted).max() / np.abs(wanted).max()
            runs.check(bool(error < 1e-5), f"results from {dataset} agree with NumPy", f"relative error {error}")
