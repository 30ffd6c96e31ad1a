# What a workload of bench/peers is: its inputs, its competitors, and when their outputs agree.
import pathlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

PEERS = pathlib.Path(__file__).resolve().parent
PYTHON, CPP, PLENUM = "python", "c++", "plenum"


class Disagreement(Exception):
    """Competitors gave different outputs."""


@dataclass(frozen=True)
class Competitor:
    """One way to do the work: a program that reads the inputs, warms up, does `items` of the work, says the seconds
    that these took in a line of JSON, and saves its output."""
    name: str
    kind: str  # PYTHON, CPP or PLENUM
    program: Callable[["Place"], list[str]]  # the command line without arguments
    items: int
    modules: tuple[str, ...] = ()  # of Python, without which it is left out
    environment: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, object] = field(default_factory=dict)  # beside those of the workload
    as_written: bool = True  # as users write it; False: a tuned variant, which does not count as the best peer
    ranks: int = 0  # of mpirun; 0: without


@dataclass(frozen=True)
class Place:
    """Where the programs are."""
    build: pathlib.Path
    python: str = sys.executable


@dataclass(frozen=True)
class Output:
    """What one competitor saved."""
    competitor: Competitor
    path: pathlib.Path

    def array(self, dtype: str) -> np.ndarray:
        return np.fromfile(self.path, dtype=dtype)


@dataclass(frozen=True)
class Reach:
    """What Plenum is to attain: a ratio to the best of one kind, or a limit."""
    text: str
    kind: str = ""
    ratio: float = 0  # of rates, at least
    seconds: float = 0  # of all items, at most
    rate: float = 0  # at least


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    unit: str  # of items, as in "filters"
    workers: int
    parameters: dict[str, object]
    make_inputs: Callable[[pathlib.Path, dict], None]
    competitors: list[Competitor]
    check: Callable[[list[Output], dict], None]  # raises Disagreement
    reaches: list[Reach] = field(default_factory=list)


def python(module: str, tool: str, items: int, workers: int = 0, *, name: str = "", **more) -> Competitor:
    """The function TOOLS[tool] of workloads/<module>.py. mpi4py.futures has one rank more, which hands out tasks."""
    mpi = tool.startswith("mpi4py")
    modules = tuple(each for each in ("joblib", "mpi4py") if tool.startswith(each))
    return Competitor(name or tool, PYTHON, lambda place: [
        place.python, *(["-m", "mpi4py.futures"] if mpi else []), str(PEERS / "peer.py"), module, tool,
    ], items, modules=(*modules, *more.pop("modules", ())), ranks=workers + 1 if mpi else 0, **more)


def serial(program: str, items: int, name: str, **more) -> Competitor:
    """A function of bench_peers_serial."""
    return Competitor(name, CPP, lambda place: [str(place.build / "bench/peers/bench_peers_serial"), program], items, **more)


def plenum(job: str, items: int, ranks: int, name: str = "Plenum", *, options: tuple[str, ...] = (), **more) -> Competitor:
    """A job of bench_peers. The first one of a workload is what reaches are about."""
    return Competitor(name, PLENUM, lambda place: [str(place.build / "bench/peers/bench_peers"), "run", job, *options],
                      items, ranks=ranks, **more)


def agree(outputs: list[Output], dtype: str, numbers_per_item: int, relative: float = 0, absolute: float = 0) -> None:
    """The items that all competitors have done are equal, or nearly so (relative to the largest number)."""
    items = min(output.competitor.items for output in outputs)
    first = None
    for output in outputs:
        array = output.array(dtype)[: items * numbers_per_item]
        if array.size != items * numbers_per_item or not np.isfinite(array).all():
            raise Disagreement(f"{output.competitor.name} saved {array.size} finite numbers for {items} items, "
                               f"not {items * numbers_per_item}")
        first = array if first is None else first
        error = np.abs(array.astype("f8") - first).max()
        if error > absolute + relative * np.abs(first.astype("f8")).max() or (not relative + absolute and
                                                                             (array != first).any()):
            raise Disagreement(f"{output.competitor.name} and {outputs[0].competitor.name} differ by {error}")
