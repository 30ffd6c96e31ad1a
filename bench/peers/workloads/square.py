# x² of a long range of indices, added up (modulo 2^64).
import numpy as np
import tools
from workload import CPP, Disagreement, Output, Reach, Workload, plenum, python, serial


def start(parameters: dict) -> None:
    pass


def square(x: int) -> int:
    return x * x


def sum_squares(block: tuple[int, int]) -> int:
    x = np.arange(*block, dtype="u8")
    return int((x * x).sum())


def one(total: int) -> np.ndarray:
    return np.array([total % 2**64], "u8")


def streamed(parameters: dict):
    """imap over the range, one index a task, as the documentation shows it."""
    import multiprocessing
    import time

    with multiprocessing.Pool(parameters["workers"]) as workers:
        sum(workers.imap(square, range(1000), chunksize=1000))
        begin = time.perf_counter()
        total = sum(workers.imap(square, range(parameters["items"]), chunksize=1000))
        return time.perf_counter() - begin, one(total)


def plain(parameters: dict):
    import time

    begin = time.perf_counter()
    total = sum(x * x for x in range(parameters["items"]))
    return time.perf_counter() - begin, one(total)


def in_blocks(tool, parameters: dict, **options):
    """One NumPy expression for each block of a million."""
    items, size = parameters["items"], 1_000_000
    blocks = [(first, min(first + size, items)) for first in range(0, items, size)]
    work = tools.Work(sum_squares, blocks, blocks[: parameters["workers"]], parameters["workers"], start, parameters)
    seconds, sums = tool(work, **options)
    return seconds, one(sum(sums))


def joblib(parameters: dict):
    from joblib import delayed

    return in_blocks(tools.joblib, parameters, call=delayed(sum_squares))


TOOLS = {
    "serial": plain,
    "serial, NumPy": lambda p: in_blocks(tools.serial, p),
    "Pool.imap": streamed,
    "Pool, NumPy": lambda p: in_blocks(tools.pool, p),
    "futures, NumPy": lambda p: in_blocks(tools.futures, p),
    "joblib, NumPy": joblib,
    "mpi4py.futures, NumPy": lambda p: in_blocks(tools.mpi4py, p),
}


def check(outputs: list[Output], parameters: dict) -> None:
    for output in outputs:
        n = output.competitor.items
        totals, wanted = output.array("u8").tolist(), (n - 1) * n * (2 * n - 1) // 6 % 2**64
        if totals != [wanted]:
            raise Disagreement(f"{output.competitor.name}: the sum of {n} squares is {wanted}, not {totals}")


def workloads(short: bool, workers: int) -> list[Workload]:
    slow, medium, fast, streamed = ((10_000, 3_000_000, 5_000_000, 100_000) if short else
                                    (3_000_000, 200_000_000, 1_000_000_000, 100_000_000))

    def workload(name: str, title: str, tools: list[str], competitors: list, reach: Reach) -> Workload:
        return Workload(
            name=name, title=title, unit="squares", workers=workers, parameters={"mode": name},
            make_inputs=lambda folder, parameters: None,
            competitors=[*(python("square", tool, medium if "NumPy" in tool else slow, workers) for tool in tools),
                         *competitors],
            check=check, reaches=[reach])

    return [workload("square", f"{fast:.0e} squares, added up where they are made",
                     [tool for tool in TOOLS if tool != "Pool.imap"],
                     [serial("square", fast, f"{workers} bare loops"), plenum("square", fast, workers, "Plenum, map_reduce")],
                     Reach("≥ 0.5 × bare loops", CPP, ratio=0.5)),
            workload("square_imap", f"{streamed:.0e} squares, each streamed to who adds them up", ["serial", "Pool.imap"],
                     [plenum("square", streamed, workers, "Plenum, imap")], Reach("≥ 10 M squares/s", rate=10e6))]
