# The ways in which users of Python spread calls over processes. Each gives (seconds, results in order).
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Work:
    """What is to be done: task(item) for each item, after start(parameters) in every process."""
    task: Callable
    items: list
    warm_up: list  # a few items; not timed
    workers: int
    start: Callable
    parameters: dict


def timed(do: Callable, work: Work) -> tuple[float, list]:
    do(work.warm_up)
    begin = time.perf_counter()
    results = do(work.items)
    return time.perf_counter() - begin, results


def serial(work: Work) -> tuple[float, list]:
    work.start(work.parameters)
    return timed(lambda items: [work.task(item) for item in items], work)


def pool(work: Work, chunk_size: int | None = None) -> tuple[float, list]:
    import multiprocessing

    with multiprocessing.Pool(work.workers, initializer=work.start, initargs=(work.parameters,)) as workers:
        return timed(lambda items: workers.map(work.task, items, chunksize=chunk_size), work)


def futures(work: Work, chunk_size: int = 1) -> tuple[float, list]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(work.workers, initializer=work.start, initargs=(work.parameters,)) as workers:
        return timed(lambda items: list(workers.map(work.task, items, chunksize=chunk_size)), work)


def joblib(work: Work, call: Callable) -> tuple[float, list]:
    """`call(item)` is delayed(function)(arguments): large arrays among them are memory-mapped by joblib."""
    from joblib import Parallel

    work.start(work.parameters)
    with Parallel(n_jobs=work.workers) as workers:
        return timed(lambda items: workers(call(item) for item in items), work)


def mpi4py(work: Work, chunk_size: int = 1) -> tuple[float, list]:
    """Under mpirun -n WORKERS+1 python3 -m mpi4py.futures."""
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor(initializer=work.start, initargs=(work.parameters,)) as workers:
        return timed(lambda items: list(workers.map(work.task, items, chunksize=chunk_size)), work)
