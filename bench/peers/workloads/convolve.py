# Convolution: one image, many filters, every 5th pixel of each full convolution; whole results or their power.
import pathlib

import numpy as np
import tools
from workload import CPP, PYTHON, Output, Reach, Workload, agree, plenum, python, serial

STRIDE, TAPS = 5, 4


def make_inputs(folder: pathlib.Path, parameters: dict) -> None:
    random = np.random.default_rng(1)
    random.random((parameters["side"], parameters["side"]), dtype="f4").tofile(folder / "image.f32")
    random.standard_normal((parameters["bank"], TAPS, TAPS), dtype="f4").tofile(folder / "filters.f32")


# As users write it.

def convolve(image: np.ndarray, taps: np.ndarray) -> np.ndarray:
    from scipy.signal import convolve2d  # here, so that the comparison can be looked at without SciPy

    return convolve2d(image, taps)[::STRIDE, ::STRIDE]


def convolve_kept(image: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Only the pixels that are kept: a sum of shifted, strided images."""
    reach = TAPS - 1
    padded = np.pad(image, reach)
    rows, columns = ((extent + reach + STRIDE - 1) // STRIDE for extent in image.shape)
    kept = np.zeros((rows, columns), dtype="f4")
    for a in range(TAPS):
        for b in range(TAPS):
            kept += taps[a, b] * padded[reach - a :: STRIDE, reach - b :: STRIDE][:rows, :columns]
    return kept


def power(kept: np.ndarray) -> float:
    return float(np.square(kept, dtype="f8").sum())


def start(parameters: dict) -> None:
    global image, filters
    folder = pathlib.Path(parameters["folder"])
    image = np.fromfile(folder / "image.f32", "f4").reshape(parameters["side"], -1)
    filters = np.fromfile(folder / "filters.f32", "f4").reshape(-1, TAPS, TAPS)
    import scipy.signal  # noqa: F401  (not in the time of the first task)


def whole(i: int) -> np.ndarray:
    return convolve(image, filters[i])


def whole_kept(i: int) -> np.ndarray:
    return convolve_kept(image, filters[i])


def reduced(i: int) -> float:
    return power(convolve(image, filters[i]))


def reduce_one(one_image: np.ndarray, taps: np.ndarray) -> float:
    return power(convolve(one_image, taps))


def with_tool(tool, parameters: dict, task, **options):
    work = tools.Work(task, list(range(parameters["items"])), list(range(min(2 * parameters["workers"], parameters["items"]))),
                      parameters["workers"], start, parameters)
    seconds, results = tool(work, **options)
    return seconds, np.array(results, dtype="f8" if task is reduced else "f4")


def joblib(parameters: dict):
    from joblib import delayed

    function = reduce_one if parameters["mode"] == "reduced" else convolve
    return with_tool(tools.joblib, parameters, reduced if parameters["mode"] == "reduced" else whole,
                     call=lambda i: delayed(function)(image, filters[i]))


def task_of(parameters: dict):
    return reduced if parameters["mode"] == "reduced" else whole


TOOLS = {
    "serial": lambda p: with_tool(tools.serial, p, task_of(p)),
    "Pool": lambda p: with_tool(tools.pool, p, task_of(p), chunk_size=1),
    "Pool, kept pixels": lambda p: with_tool(tools.pool, p, whole_kept, chunk_size=1),
    "futures": lambda p: with_tool(tools.futures, p, task_of(p)),
    "joblib": joblib,
    "mpi4py.futures": lambda p: with_tool(tools.mpi4py, p, task_of(p)),
}


# The comparison.

def check(outputs: list[Output], parameters: dict) -> None:
    if parameters["mode"] == "reduced":
        agree(outputs, "f8", 1, relative=1e-5)
    else:
        kept = (parameters["side"] + TAPS - 1 + STRIDE - 1) // STRIDE
        agree(outputs, "f4", kept * kept, relative=1e-5)


def workloads(short: bool, workers: int) -> list[Workload]:
    side, slow = (200, 6) if short else (3000, 8)
    found = []
    for mode, fast in (("whole", 12 if short else 400), ("reduced", 12 if short else 2000)):
        tuned = [python("convolve", "Pool, kept pixels", slow, modules=("scipy",), as_written=False)]
        found.append(Workload(
            name=f"convolve_{mode}", title=f"convolve, {side}×{side}, every 5th pixel, results {mode}", unit="filters",
            workers=workers, parameters={"side": side, "bank": fast, "saved": slow, "mode": mode}, make_inputs=make_inputs,
            competitors=[*(python("convolve", tool, slow, workers, modules=("scipy",))
                           for tool in ("serial", "Pool", "futures", "joblib", "mpi4py.futures")),
                         *(tuned if mode == "whole" else []),
                         serial("convolve", fast, "serial C++"), plenum("convolve", fast, workers)],
            check=check,
            reaches=[Reach("≥ 1.9 × serial C++", CPP, ratio=1.9)] if mode == "reduced" else
                    [Reach("≥ 100 × Python", PYTHON, ratio=100)]))
    return found
