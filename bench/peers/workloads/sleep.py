# Sleeping tasks on twelve executors: what handing out tasks costs.
import time

import numpy as np
import tools
from workload import Disagreement, Output, Reach, Workload, plenum, python


def start(parameters: dict) -> None:
    pass


def sleep(seconds: float) -> float:
    begin = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - begin


def with_tool(tool, parameters: dict, **options):
    seconds = [float(parameters["seconds"])] * parameters["items"]
    work = tools.Work(sleep, seconds, seconds[: parameters["workers"]], parameters["workers"], start, parameters)
    elapsed, results = tool(work, **options)
    return elapsed, np.array(results)


def joblib(parameters: dict):
    from joblib import delayed

    return with_tool(tools.joblib, parameters, call=delayed(sleep))


TOOLS = {
    "Pool": lambda p: with_tool(tools.pool, p),
    "Pool, chunks of 1": lambda p: with_tool(tools.pool, p, chunk_size=1),
    "futures": lambda p: with_tool(tools.futures, p),
    "joblib": joblib,
    "mpi4py.futures": lambda p: with_tool(tools.mpi4py, p),
}


def check(outputs: list[Output], parameters: dict) -> None:
    for output in outputs:
        slept = output.array("f8")
        if slept.size != output.competitor.items or not (slept >= parameters["seconds"]).all():
            raise Disagreement(f"{output.competitor.name}: {(slept >= parameters['seconds']).sum()} of "
                               f"{output.competitor.items} tasks slept as long as asked")


def workloads(short: bool, workers: int) -> list[Workload]:
    executors = 3 if short else 12
    cases = [("sleep_100ms", 6, 0.01, 1)] if short else [("sleep_100ms", 1000, 0.1, 8.43), ("sleep_1ms", 12_000, 0.001, 1.1)]
    return [Workload(
        name=name, title=f"{tasks} sleeps of {seconds:g} s on {executors} executors", unit="tasks", workers=executors,
        parameters={"seconds": seconds}, make_inputs=lambda folder, parameters: None,
        competitors=[*(python("sleep", tool, tasks, executors) for tool in TOOLS), plenum("sleep", tasks, 1, options=("--executors", str(executors)))],
        check=check, reaches=[Reach(f"≤ {limit} s", seconds=limit)]) for name, tasks, seconds, limit in cases]
