# One large array of integers, shared by many tasks that each add all of it up.
import pathlib

import numpy as np
import tools
from workload import CPP, Output, Reach, Workload, agree, plenum, python, serial


def make_inputs(folder: pathlib.Path, parameters: dict) -> None:
    np.random.default_rng(1).integers(-1000, 1000, parameters["count"], dtype="i8").tofile(folder / "blob.i64")


def load(parameters: dict) -> np.ndarray:
    return np.fromfile(pathlib.Path(parameters["folder"]) / "blob.i64", "i8")


def start(parameters: dict) -> None:
    global blob
    if "shared" in parameters:  # a multiprocessing.shared_memory block that the parent has filled
        from multiprocessing import shared_memory

        global memory  # the array needs it for as long as it lives
        memory = shared_memory.SharedMemory(parameters["shared"])
        blob = np.ndarray(parameters["count"], "i8", memory.buf)
    else:
        blob = load(parameters)


def start_mapped(parameters: dict) -> None:
    global blob
    blob = np.memmap(pathlib.Path(parameters["folder"]) / "blob.i64", "i8", "r")


def add_up(i: int) -> int:
    return int(blob.sum())


def add_up_array(array: np.ndarray) -> int:
    return int(array.sum())


def work_of(parameters: dict, begin=start) -> tools.Work:
    return tools.Work(add_up, list(range(parameters["items"])), list(range(min(2 * parameters["workers"], parameters["items"]))),
                      parameters["workers"], begin, parameters)


def saved(measured: tuple[float, list]):
    return measured[0], np.array(measured[1], "i8")


def in_shared_memory(tool, parameters: dict):
    from multiprocessing import shared_memory

    block = shared_memory.SharedMemory(create=True, size=8 * parameters["count"])
    try:
        np.ndarray(parameters["count"], "i8", block.buf)[:] = load(parameters)
        return saved(tool(work_of({**parameters, "shared": block.name})))
    finally:
        block.close()
        block.unlink()


def inherited(parameters: dict):
    """A global made before the fork: pages are shared until somebody writes."""
    start(parameters)
    return saved(tools.pool(work_of(parameters, lambda _: None), chunk_size=1))


def joblib(parameters: dict):
    from joblib import delayed

    return saved(tools.joblib(work_of(parameters), call=lambda i: delayed(add_up_array)(blob)))


TOOLS = {
    "serial": lambda p: saved(tools.serial(work_of(p))),
    "Pool, shared_memory": lambda p: in_shared_memory(lambda work: tools.pool(work, chunk_size=1), p),
    "Pool, inherited": inherited,
    "futures, shared_memory": lambda p: in_shared_memory(tools.futures, p),
    "joblib": joblib,
    "mpi4py.futures, memmap": lambda p: saved(tools.mpi4py(work_of(p, start_mapped))),
}


def check(outputs: list[Output], parameters: dict) -> None:
    agree(outputs, "i8", 1)


def workloads(short: bool, workers: int) -> list[Workload]:
    count, tasks = (100_000, 8) if short else (128_000_000, 100)
    return [Workload(
        name="blob_sum", title=f"{tasks} sums of one shared array of {count:,} integers", unit="sums", workers=workers,
        parameters={"count": count}, make_inputs=make_inputs,
        competitors=[*(python("blob_sum", tool, tasks, workers) for tool in TOOLS),
                     serial("blob_sum", tasks, "plain C++ processes"), plenum("blob_sum", tasks, workers)],
        check=check, reaches=[Reach("≥ 0.95 × plain processes", CPP, ratio=0.95)])]
