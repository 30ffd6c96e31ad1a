# Runs the competitors of a workload one after the other, again and again, and makes a record of each.
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import processes
from harness import QUIET_CORES, Failure, Load, Running, log, short_number
from workload import PLENUM, Competitor, Disagreement, Output, Place, Reach, Workload

PEERS = pathlib.Path(__file__).resolve().parent
SAMPLE_SECONDS = 0.05
ATTEMPTS = 3  # of a run, for a quiet moment


@dataclass
class Measured:
    competitor: Competitor
    seconds: list[float]
    memory_mib: float  # largest sum of PSS over all processes
    others: float = 0  # cores that other programs used during these runs, at most

    @property
    def rate(self) -> float:
        return self.competitor.items / statistics.median(self.seconds)


class MemoryWatch:
    """The largest sum of the proportional set sizes of a run's processes, looked at again and again. Looking costs time
    in these processes too, so a run that is watched is not timed."""

    def __init__(self, run_id: str):
        self.run_id, self.largest = run_id, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemoryWatch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.over.wait(SAMPLE_SECONDS):
            found = processes.of_run(self.run_id)
            self.largest = max(self.largest, sum(processes.pss_bytes(pid) for pid in found))


class Measurement:
    """One workload on this machine. Without repetitions the first run of each competitor counts, in which its memory
    was watched. `patience` (seconds, for all of the workload): how long to wait for moments in which other programs are
    quiet, and to repeat runs that they have disturbed."""

    def __init__(self, workload: Workload, place: Place, folder: pathlib.Path, repetitions: int, patience: float):
        self.workload, self.place, self.folder, self.repetitions = workload, place, folder, repetitions
        self.deadline = time.monotonic() + patience
        self.competitors = [each for each in workload.competitors if self._is_there(each)]

    def _is_there(self, competitor: Competitor) -> bool:
        needed = [each for each in ("numpy", *competitor.modules) if not has_module(self.place.python, each)]
        if competitor.ranks and not shutil.which("mpirun"):
            needed.append("mpirun")
        if needed:
            log(f"bench/peers/run: {self.workload.name}: {competitor.name} is left out ({', '.join(needed)} not "
                "installed); run bench/peers/setup")
        return not needed

    def run(self) -> Iterator[dict]:
        if not self.competitors:
            return
        inputs = self.folder / self.workload.name
        inputs.mkdir()
        try:
            self.workload.make_inputs(inputs, self.workload.parameters)
            measured = []
            for each in self.competitors:
                load = Load()
                seconds, memory = self._once(each, inputs, watch=True)
                measured.append(Measured(each, [], memory) if self.repetitions else
                                Measured(each, [seconds], memory, load.others()))
            self._check(inputs)
            for _ in range(self.repetitions):
                for each in measured:
                    others, seconds = self._quietly(each.competitor, inputs)
                    each.seconds.append(seconds)
                    each.others = max(each.others, others)
                self._check(inputs)
        finally:
            shutil.rmtree(inputs)
        yield from (self._record(each, measured) for each in measured)

    def _quietly(self, competitor: Competitor, inputs: pathlib.Path) -> tuple[float, float]:
        """(cores that other programs used, seconds) of the attempt that was disturbed least."""
        attempts = []
        for _ in range(ATTEMPTS):
            while time.monotonic() < self.deadline and Load().after(0.25) > QUIET_CORES:
                pass
            load = Load()
            seconds, _ = self._once(competitor, inputs)
            attempts.append((load.others(), seconds))
            if attempts[-1][0] <= QUIET_CORES or time.monotonic() >= self.deadline:
                break
        return min(attempts)

    def _output(self, competitor: Competitor, inputs: pathlib.Path) -> pathlib.Path:
        return inputs / f"output.{self.competitors.index(competitor)}"

    def _once(self, competitor: Competitor, inputs: pathlib.Path, watch: bool = False) -> tuple[float, float]:
        """(seconds, MiB)"""
        output = self._output(competitor, inputs)
        output.unlink(missing_ok=True)
        parameters = {"folder": inputs, "save": output, "items": competitor.items, "workers": self.workload.workers,
                      **self.workload.parameters, **competitor.parameters}
        command = [*self._launcher(competitor), *competitor.program(self.place),
                   *(str(word) for name, value in parameters.items() for word in (f"--{name}", value))]
        running = Running(command, {**self._environment(), **competitor.environment})
        if watch:
            with MemoryWatch(running.run_id) as memory:
                seconds = running.report()["seconds"]
                running.finish()
            return seconds, memory.largest / 2**20
        seconds = running.report()["seconds"]
        running.finish()
        return seconds, 0.0

    def _launcher(self, competitor: Competitor) -> list[str]:
        return ["mpirun", "-n", str(competitor.ranks), "--mca", "pml", "ob1"] if competitor.ranks else []

    def _environment(self) -> dict[str, str]:
        """More ranks than cores is normal for sleepers and for mpi4py, whose first rank computes nothing."""
        path = os.pathsep.join(filter(None, (str(PEERS), os.environ.get("PYTHONPATH"))))
        settings = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PLENUM_PROGRESS": "none",
                    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                    "OMPI_MCA_hwloc_base_binding_policy": "none"}
        if os.geteuid() == 0:
            settings |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return {**os.environ, **settings}

    def _check(self, inputs: pathlib.Path) -> None:
        outputs = [Output(each, self._output(each, inputs)) for each in self.competitors]
        try:
            self.workload.check(outputs, self.workload.parameters)
        except Disagreement as problem:
            raise Failure(f"{self.workload.name}: {problem}") from problem

    def _record(self, one: Measured, all_of_them: list[Measured]) -> dict:
        median = statistics.median(one.seconds)
        record = {"workload": self.workload.name, "title": self.workload.title, "competitor": one.competitor.name,
                  "kind": one.competitor.kind, "as_written": one.competitor.as_written, "workers": self.workload.workers,
                  "items": one.competitor.items, "unit": f"{self.workload.unit}/s", "rate": one.rate, "seconds": median,
                  "seconds_range": [min(one.seconds), max(one.seconds)], "memory_mib": one.memory_mib,
                  "repetitions": len(one.seconds), "other_load": one.others}
        if one.competitor.kind == PLENUM:
            best = {kind: max(each.rate for each in all_of_them
                              if each.competitor.kind == kind and each.competitor.as_written)
                    for kind in {each.competitor.kind for each in all_of_them} - {PLENUM}}
            record["ratios"] = {kind: one.rate / rate for kind, rate in sorted(best.items())}
            record["reaches"] = [{"text": each.text, "met": met(each, one, record["ratios"])}
                                 for each in self.workload.reaches]
        return {key: rounded(value) for key, value in record.items()}


def met(reach: Reach, plenum: Measured, ratios: dict[str, float]) -> bool | None:
    """None when there is nothing to compare with."""
    if reach.kind:
        return ratios[reach.kind] >= reach.ratio if reach.kind in ratios else None
    if reach.seconds:
        return statistics.median(plenum.seconds) <= reach.seconds
    return plenum.rate >= reach.rate


def rounded(value: object) -> object:
    return {key: short_number(each) for key, each in value.items()} if isinstance(value, dict) else short_number(value)


_modules: dict[tuple[str, str], bool] = {}


def has_module(python: str, module: str) -> bool:
    if (python, module) not in _modules:
        found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, timeout=120)
        _modules[python, module] = found.returncode == 0
    return _modules[python, module]


def measure(workload: Workload, place: Place, repetitions: int, folder: pathlib.Path, patience: float) -> Iterator[dict]:
    with tempfile.TemporaryDirectory(prefix="peers-", dir=folder) as own:
        here = os.getcwd()
        os.chdir(own)  # jobs leave their result files where they run
        try:
            yield from Measurement(workload, place, pathlib.Path(own), repetitions, patience).run()
        finally:
            os.chdir(here)
