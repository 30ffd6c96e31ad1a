# Single calls: a round trip with one task in flight, and the rate with a thousand in flight.
import time

import numpy as np
from workload import Output, Reach, Workload, agree, plenum, python


def square(x: int) -> int:
    return x * x


def measured(parameters: dict, submit):
    """`submit(x)` gives what is called for the result."""
    in_flight = parameters["window"]

    def run(items: int) -> list[int]:
        results = []
        for first in range(0, items, in_flight):
            waiting = [submit(x) for x in range(first, min(first + in_flight, items))]
            results += [get() for get in waiting]
        return results

    run(min(200, parameters["items"]))
    begin = time.perf_counter()
    results = run(parameters["items"])
    return time.perf_counter() - begin, np.array(results, "i8")


def pool(parameters: dict):
    import multiprocessing

    with multiprocessing.Pool(parameters["workers"]) as workers:
        return measured(parameters, lambda x: workers.apply_async(square, (x,)).get)


def futures(parameters: dict):
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(parameters["workers"]) as workers:
        return measured(parameters, lambda x: workers.submit(square, x).result)


def mpi4py(parameters: dict):
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as workers:
        return measured(parameters, lambda x: workers.submit(square, x).result)


TOOLS = {"Pool.apply_async": pool, "futures": futures, "mpi4py.futures": mpi4py}


def check(outputs: list[Output], parameters: dict) -> None:
    agree(outputs, "i8", 1)


def workloads(short: bool, workers: int) -> list[Workload]:
    cases = [("round_trip", 1, 30 if short else 3000, Reach("≥ 10,000 round trips/s (< 100 µs)", rate=10_000)),
             ("in_flight", 1000, 300 if short else 30_000, Reach("≥ 200,000 tasks/s", rate=200_000))]
    fast = 600 if short else 500_000
    return [Workload(
        name=f"apply_async_{name}", title=f"apply_async, {in_flight} in flight", unit="calls", workers=workers,
        parameters={"window": in_flight}, make_inputs=lambda folder, parameters: None,
        competitors=[*(python("apply_async", tool, calls, workers) for tool in TOOLS),
                     plenum("apply_async", calls if in_flight == 1 else fast, workers)],
        check=check, reaches=[reach]) for name, in_flight, calls, reach in cases]
