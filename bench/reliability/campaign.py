# What the campaigns of bench/reliability share: where the programs are, processes and their ends, what is in result
# files and journals, and the rows of the table.
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODES_MPIRUN = ROOT / "tests" / "cluster" / "nodes-mpirun"
HANG_SECONDS = 120  # nothing that a campaign starts takes that long, however loaded the machine
DONE, ENVIRONMENT, TASKS_FAILED, INCOMPLETE = 0, 3, 4, 75
LOCKED = "is writing it"  # what a run says when another one holds the lock


class Skipped(Exception):
    """This machine does not allow the campaign."""


@dataclass
class Setup:
    build: pathlib.Path
    folder: pathlib.Path  # scratch
    short: bool
    seed: int
    count: int | None = None  # of kills, states or mutations
    versions: dict = field(default_factory=dict)

    def __post_init__(self):
        told = subprocess.run([self.plenum, "--version"], capture_output=True, text=True, check=True).stdout.split()
        mpi = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        self.versions = {"version": told[1], "git": told[2].strip("()"), "mpi": mpi.replace("mpirun (", "").replace(")", "")}

    @property
    def plenum(self) -> str:
        return str(self.build / "plenum")

    def test_program(self, name: str) -> str:
        return str(self.build / "tests" / "reliability" / name)

    def pick(self, full: int, short: int) -> int:
        return self.count or (short if self.short else full)

    @staticmethod
    def tell(problems: list[str]) -> None:
        for problem in problems[:20]:
            print(f"  {problem}", file=sys.stderr, flush=True)

    def row(self, name: str, what: str, measured: dict, reach: str, met: bool, *, nodes: int, ranks) -> dict:
        """One line of JSON and one row of the table. `measured`: counts by name."""
        return {"name": name, "what": what, "measured": measured, "reach": reach, "met": met, **self.versions,
                "nodes": nodes, "ranks": ranks, "seed": self.seed}


def environment(run: str = "") -> dict[str, str]:
    """For more ranks than cores, and for root. `run`: what processes.of_run finds its processes by."""
    settings = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                "OMPI_MCA_hwloc_base_binding_policy": "none", "PLENUM_PROGRESS": "none", "BENCH_RUN_ID": run}
    if os.geteuid() == 0:
        settings |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**os.environ, **settings}


def launcher(ranks: int, nodes: int = 1) -> list[str]:
    """0 ranks: without mpirun."""
    if nodes > 1:
        return [str(NODES_MPIRUN), "-N", str(nodes), "-s", str(ranks // nodes)]
    return ["mpirun", "-n", str(ranks)] if ranks > 0 else []


# ---- processes ----

def output_of(process: int) -> str:
    try:
        return os.readlink(f"/proc/{process}/fd/1")
    except OSError:
        return ""


def executors_of(rank: int) -> list[int]:
    """Children of a rank's process that write to a pipe of the rank; its fork server writes nowhere."""
    try:
        with open(f"/proc/{rank}/task/{rank}/children") as file:
            return [child for child in map(int, file.read().split()) if output_of(child).startswith("pipe:")]
    except OSError:
        return []


def send(signal_number: int, processes: list[int]) -> None:
    for number in processes:
        try:
            os.kill(number, signal_number)
        except ProcessLookupError:
            pass


def end_group(process: subprocess.Popen) -> None:
    """Of a process that was started in a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


def wait_until(condition, seconds: float, pause: float = 0.01) -> bool:
    """Time in which this process was stopped does not count: others stop all that is not theirs while they measure."""
    waited, before = 0.0, time.monotonic()
    while not condition():
        if waited > seconds:
            return False
        time.sleep(pause)
        now = time.monotonic()
        waited, before = waited + min(now - before, pause + 1), now
    return True


def wait_for_end(process: subprocess.Popen, seconds: float = HANG_SECONDS) -> str | None:
    """What it said on standard error, which is a pipe or nothing; None when it does not end."""
    if not wait_until(lambda: process.poll() is not None, seconds):
        return None
    return process.communicate()[1] or ""


# ---- files ----

def contents(path: pathlib.Path) -> dict[str, numpy.ndarray]:
    """Results and status of each task of a published file."""
    found = {}

    def keep(name: str, item) -> None:
        if isinstance(item, h5py.Dataset) and (name.startswith("results/") or name.endswith("/status")):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def differences(ours: dict, theirs: dict) -> list[str]:
    names = sorted(ours.keys() | theirs.keys())
    return [name for name in names if name not in ours or name not in theirs or not numpy.array_equal(
        ours[name], theirs[name], equal_nan=ours[name].dtype.kind == "f")]


def told_twice(path: pathlib.Path) -> list[str]:
    """Maps of a published file in which checksums or failures of a task stand twice, or checksums are missing."""
    wrong = []
    with h5py.File(path) as file:
        for name, table in file.get("integrity", {}).items():
            if "first" not in table:
                continue
            spans = sorted(zip(table["first"][()].tolist(), table["count"][()].tolist()))
            done = int((file[f"tasks/{name}/status"][()] == 0).sum())
            if sum(count for _, count in spans) != done or any(
                    first + count > following for (first, count), (following, _) in zip(spans, spans[1:])):
                wrong.append(f"integrity/{name}")
        for name, table in file.get("failures", {}).items():
            rows = list(zip(table["task"][()].tolist(), table["attempt"][()].tolist(), table["rank"][()].tolist()))
            if len(rows) != len(set(rows)):
                wrong.append(f"failures/{name}")
    return wrong


def opens(path: pathlib.Path) -> bool:
    """Whether h5py can read the file; in a child, as HDF5 does not survive every broken file."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            contents(path)
            status = 0
        except Exception:  # noqa: BLE001 - any failure to read is the answer
            pass
        finally:
            os._exit(status)
    if not wait_until(lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None, 60):
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0


class Journal:
    """The records of a journal as far as they count: whole groups only. Knows the frame of the records and no payload."""
    HEADER, RECORD, MAGIC = 32, struct.Struct("<IIQQII"), 0x43455250
    COMMIT, MAP, RESULTS, RAGGED, UNDO = 1, 4, 6, 7, 10

    def __init__(self, path: pathlib.Path):
        try:
            self.bytes = path.read_bytes()
        except OSError:
            self.bytes = b""
        self.kinds: list[int] = []  # of records that are not commits, whether or not their group is whole
        self.whole = 0              # bytes that count
        self.synced = 0             # of these, what is on the disk for certain: a later group has begun
        at = self.HEADER
        while at + self.RECORD.size <= len(self.bytes):
            magic, kind, _, length, _, _ = self.RECORD.unpack_from(self.bytes, at)
            at += self.RECORD.size + length
            if magic != self.MAGIC or at > len(self.bytes):
                break
            self.synced = self.whole
            if kind == self.COMMIT:
                self.whole = at
            else:
                self.kinds.append(kind)

    @property
    def committed(self) -> bytes:
        return self.bytes[:self.whole]

    @property
    def changing(self) -> bool:
        """HDF5 was at work on the partial file."""
        return self.kinds[-1:] == [self.UNDO]

    @property
    def has_results(self) -> bool:
        return self.RESULTS in self.kinds or self.RAGGED in self.kinds

    @property
    def maps(self) -> int:
        return self.kinds.count(self.MAP)
