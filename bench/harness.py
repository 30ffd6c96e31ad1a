# Runs the programs of the figures and turns what they say into records.
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM_SECONDS = 300  # no program of a figure takes this long, however loaded the machine


QUIET_CORES = 0.1  # of other programs


class Failure(Exception):
    """A figure has no honest value: a program failed, or both sides disagree."""


class Bench:
    """Where the programs are, how long the figures take and what they are told."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path, short: bool, repetitions: int | None,
                 patience: float = 0):
        self.programs = build / "bench"
        self.folder = folder  # for result files
        self.short = short
        self.patience = patience  # seconds that a figure may wait for the other programs of the machine
        self.repetitions = repetitions or (2 if short else 5)
        version = self._output([str(self.programs / "bench_plenum"), "--version"]).split()
        self.version, self.git = version[1], version[2].strip("()")
        self.mpi = self._output(["mpirun", "--version"]).splitlines()[0].replace("mpirun (", "").replace(")", "")

    @staticmethod
    def _output(command: list[str]) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def pick(self, full: int, short: int) -> int:
        return short if self.short else full

    def environment(self, ranks: int) -> dict[str, str]:
        settings = {"PLENUM_PROGRESS": "none", "PLENUM_OUTPUT_MODE": "json"}
        if os.geteuid() == 0:
            settings |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        if ranks > len(os.sched_getaffinity(0)):
            settings |= {
                "OMPI_MCA_rmaps_base_oversubscribe": "1",
                "OMPI_MCA_mpi_yield_when_idle": "1",
                "OMPI_MCA_hwloc_base_binding_policy": "none",
            }
        return {**os.environ, **settings}

    def mpirun(self, ranks: int, nodes: int = 1) -> list[str]:
        """One node as quickstart and the scripts start it; several are emulated ones."""
        if nodes == 1:
            return ["mpirun", "-n", str(ranks), "--mca", "pml", "ob1"]
        emulator = ROOT / "tests" / "cluster" / "nodes-mpirun"
        return [str(emulator), "-N", str(nodes), "-s", str(ranks // nodes)]

    def plenum(self, ranks: int, job: str, *arguments: object, nodes: int = 1) -> "Running":
        program = [str(self.programs / "bench_plenum"), "run", job]
        command = self.mpirun(ranks, nodes) + program + [str(a) for a in arguments]
        return Running(command, self.environment(ranks))

    def reference(self, *arguments: object) -> dict:
        """What a plain program reports."""
        command = [str(self.programs / "bench_reference")] + [str(a) for a in arguments]
        running = Running(command, dict(os.environ))
        report = running.report()
        running.finish()
        return report

    def done_in(self, path: pathlib.Path) -> int:
        """Tasks of a run, alive or not, whose results are committed."""
        told = subprocess.run([str(self.programs / "bench_plenum"), "status", str(path), "--output-mode", "json"],
                              capture_output=True, text=True, timeout=60)
        return sum(each["done"] for each in json.loads(told.stdout)["maps"]) if told.returncode == 0 else 0

    @staticmethod
    def wait_for(condition, what: str) -> None:
        end = time.monotonic() + PROGRAM_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{what} never came")
            time.sleep(0.01)

    def quiet(self, measure, times: int) -> tuple[list, float]:
        """Results of `times` measurements, and how many cores other programs used meanwhile, at most. With patience,
        waits for quiet moments and repeats what was disturbed; then those that were disturbed least count."""
        deadline = time.monotonic() + self.patience
        found = []
        while len(found) < times or (time.monotonic() < deadline and found[times - 1][0] > QUIET_CORES):
            while time.monotonic() < deadline and Load().after(0.25) > QUIET_CORES:
                pass
            load = Load()
            result = measure()
            found.append((load.others(), result))
            found.sort(key=lambda each: each[0])
        return [result for _, result in found[:times]], found[times - 1][0]

    def record(self, name: str, value: float, unit: str, reference: float, ratio: float, *, ranks: int,
               reach: str, met: bool, nodes: int = 1, repetitions: int = 1, **more: object) -> dict:
        fixed = {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio,
                 "reach": reach, "met": met, "version": self.version, "git": self.git, "mpi": self.mpi,
                 "nodes": nodes, "ranks": ranks, "repetitions": repetitions}
        return {key: short_number(item) for key, item in {**fixed, **more}.items()}

    def compare(self, name: str, unit: str, work: float, reach: float, plenum, reference, *, ranks: int = 2,
                **more: object) -> dict:
        """Alternates both sides. Each returns (seconds, checksum); the value is work / seconds. The ratio is the
        median of those of neighbouring runs, as the speed of a machine drifts."""
        sums: set[str] = set()

        def pair() -> tuple[float, float]:
            (their, their_sum), (my, my_sum) = reference(), plenum()
            sums.update((my_sum, their_sum))
            return my, their

        pairs, others = self.quiet(pair, self.repetitions)
        mine, theirs = [my for my, _ in pairs], [their for _, their in pairs]
        if len(sums) != 1:
            raise Failure(f"{name}: the results of both sides differ (checksums {', '.join(sorted(sums))})")
        ratios = [their / my for my, their in zip(mine, theirs)]
        ratio = statistics.median(ratios)
        values = [work / seconds for seconds in mine]
        references = [work / seconds for seconds in theirs]
        return self.record(name, statistics.median(values), unit, statistics.median(references), ratio, ranks=ranks,
                           reach=f"ratio >= {reach}", met=ratio >= reach, repetitions=self.repetitions,
                           value_range=[min(values), max(values)],
                           reference_range=[min(references), max(references)],
                           ratio_range=[min(ratios), max(ratios)], other_load=others, **more)


def short_number(item: object) -> object:
    """Four digits that mean something, and no more."""
    if isinstance(item, float):
        return float(f"{item:.4g}")
    return [short_number(each) for each in item] if isinstance(item, list) else item


class Load:
    """How many cores other programs have used since this was made."""

    def __init__(self):
        self.start, self.busy, self.own = time.monotonic(), self._busy(), self._own()

    @staticmethod
    def _busy() -> float:
        """CPU seconds of the machine, those that a hypervisor gave to others included."""
        fields = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _own() -> float:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def others(self) -> float:
        busy, own = self._busy() - self.busy, self._own() - self.own
        return max(0.0, busy - own) / (time.monotonic() - self.start)

    def after(self, seconds: float) -> float:
        time.sleep(seconds)
        return self.others()


class Running:
    """A program that is under way and reports in lines of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self.command = command
        self.run_id = str(uuid.uuid4())
        environment = {**environment, "BENCH_RUN_ID": self.run_id}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.errors,
                                        stdin=subprocess.DEVNULL, text=True)
        self.limit = threading.Timer(PROGRAM_SECONDS, self.process.terminate)
        self.limit.daemon = True
        self.limit.start()
        self.summary: dict = {}
        self.end_ns = 0

    def report(self) -> dict:
        """The next line of JSON."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.finish()
        raise Failure(f"{' '.join(self.command)}: said nothing")

    def finish(self) -> "Running":
        """Waits for the end. `summary` is the last line, `end_ns` when it came: after publishing, before the end of
        MPI."""
        for line in self.process.stdout:
            if line.startswith("{"):
                self.end_ns = time.monotonic_ns()
                self.summary = json.loads(line)
        status = self.process.wait()
        self.limit.cancel()
        self.errors.seek(0)
        if status != 0:
            raise Failure(f"{' '.join(self.command)}: status {status}\n{self.errors.read()}")
        return self


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
