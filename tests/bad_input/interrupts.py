#!/usr/bin/env python3
# Ctrl-C and requests to end: the run says where it was, keeps what it has or leaves nothing, and ends soon, whenever
# the signal comes.
#   interrupts.py --plenum PROGRAM --bad-disk LIBRARY [--only NAME] [--verbose]
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from running import PATIENCE, Run, bad_disk, marked_processes, run

# Minutes of work.
LONG = "run convolve --synthetic 1000x1000 --filters 400 --filter-size 128x128 --stride 1 -o out.h5"
SHORT = "run convolve --synthetic 40x60 --filters 3 -o out.h5"
# Some time in which the image is made, before any task, and then half a minute of work: mpirun passes signals
# on late.
LONG_START = "run convolve --synthetic 9000x9000 --filters 40 --filter-size 64x64 -o out.h5"
# Some seconds of compressing, after all tasks are done: the results are too small for executors to do it.
PACKED = "run convolve --synthetic 400x400 --filters 12000 --compress gzip:9 -o out.h5"
# Half a minute of work and of compressing by executors.
PACKED_AT_ONCE = "run convolve --synthetic 1000x1000 --filters 400 --filter-size 128x128 --stride 1 --compress gzip:9 -o out.h5"
LINE = re.compile(
    r"plenum: interrupted by SIG[A-Z]+ (after \d+ of \d+ tasks|before any task); "
    r"(nothing of it is kept|the same command resumes)")
INCOMPLETE = 75
NODES = Path(__file__).resolve().parent.parent / "cluster" / "nodes-mpirun"
# Who gets the signal: the foreground group as from a terminal, the process that was started, or one rank.
GROUP, STARTED, RANK_0, LAST_RANK = "group", "started", "rank 0", "last rank"


@dataclass(frozen=True)
class Case:
    name: str
    ranks: int
    number: signal.Signals
    receiver: str = STARTED
    args: str = LONG
    when: str = "tasks"  # "tasks", "start", "sync" or "compressing"
    status: int | None = None  # mpirun's own says nothing
    nodes: int = 1  # emulated ones
    most_seconds: float = 10  # from the signal to the end; a second on a machine with nothing else to do


CASES = [
    Case("Ctrl-C", 1, signal.SIGINT, GROUP, status=INCOMPLETE),
    Case("termination", 1, signal.SIGTERM, status=INCOMPLETE),
    Case("hang-up", 1, signal.SIGHUP, status=INCOMPLETE),
    Case("without isolation", 1, signal.SIGTERM, args=LONG + " --isolation none", status=INCOMPLETE),
    Case("while the input is read", 1, signal.SIGTERM, args=LONG_START, when="start", status=INCOMPLETE),
    Case("while the file is synced", 1, signal.SIGTERM, args=SHORT, when="sync", status=INCOMPLETE),
    Case("while results are compressed", 1, signal.SIGTERM, args=PACKED, when="compressing", status=INCOMPLETE),
    Case("while executors compress results", 1, signal.SIGTERM, args=PACKED_AT_ONCE, status=INCOMPLETE),
    Case("mpirun while executors compress results", 3, signal.SIGTERM, args=PACKED_AT_ONCE),
    Case("Ctrl-C for mpirun", 3, signal.SIGINT, GROUP),
    Case("termination of mpirun", 3, signal.SIGTERM),
    Case("mpirun while the input is read", 3, signal.SIGTERM, args=LONG_START, when="start"),
    Case("mpirun while the file is synced", 3, signal.SIGTERM, args=SHORT, when="sync"),
    Case("mpirun while results are compressed", 3, signal.SIGTERM, args=PACKED, when="compressing"),
    Case("termination of rank 0", 3, signal.SIGTERM, RANK_0),
    Case("termination of the last rank", 3, signal.SIGTERM, LAST_RANK),
    # Had the rank only left by itself, the others would have got SIGTERM from mpirun.
    Case("interruption of the last rank", 3, signal.SIGINT, LAST_RANK),
    Case("interruption of the last rank on the second node", 4, signal.SIGINT, LAST_RANK, nodes=2),
]


def wait_until(what: str, condition: Callable[[], bool], process: subprocess.Popen) -> None:
    end = time.monotonic() + 50 * PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what} never came")
        time.sleep(0.01)


def process_of_rank(rank: int, mark: str) -> int:
    """The rank's own process: its children have its variables too."""
    parents = {}
    for number in marked_processes(mark):
        try:
            variables = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
            if f"OMPI_COMM_WORLD_RANK={rank}".encode() in variables:
                parents[number] = int(Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass  # it has ended
    for number, parent in parents.items():
        if parent not in parents:
            return number
    raise RuntimeError(f"no process of rank {rank}")


@dataclass
class Sender:
    """Waits for the moment of the case, then sends the signal."""

    case: Case
    here: Path
    scratch: Path
    sent: float = field(default=0)

    def __call__(self, process: subprocess.Popen, mark: str) -> None:
        case = self.case
        if case.when == "start":
            wait_until("the unfinished file", lambda: (self.here / "out.h5.partial").exists(), process)
        elif case.when == "sync":
            wait_until("the sync", lambda: (self.scratch / "syncs").exists(), process)
        elif case.when == "compressing":
            wait_until("the compressed file", lambda: (self.here / "out.h5.packed").exists(), process)
            time.sleep(0.3)
        else:
            said = self.scratch / "stderr"
            wait_until("the line before the tasks", lambda: b"filters of" in said.read_bytes(), process)
            time.sleep(0.3)
        receiver = process.pid
        if case.receiver in (RANK_0, LAST_RANK):
            receiver = process_of_rank(0 if case.receiver == RANK_0 else case.ranks - 1, mark)
        self.sent = time.monotonic()
        if case.receiver == GROUP:
            os.killpg(receiver, case.number)
        else:
            os.kill(receiver, case.number)


def problems_of(case: Case, result: Run, here: Path, seconds: float) -> list[str]:
    problems = list(result.problems)
    lines = [line for line in result.stderr.splitlines() if LINE.fullmatch(line)]
    if len(lines) != 1:
        problems.append("not one line about the interruption")
    elif case.receiver in (RANK_0, LAST_RANK) and case.number.name not in lines[0]:
        problems.append(f"another signal than {case.number.name}")
    if result.stdout:
        problems.append(f"text on standard output: {result.stdout!r}")
    left = sorted(path.name for path in here.iterdir())
    keeps = any(line.endswith("resumes") for line in lines)
    allowed = [["out.h5.journal", "out.h5.partial"], ["out.h5.journal", "out.h5.lock", "out.h5.partial"]]
    if left not in (allowed if keeps else [[], ["out.h5.lock"]]):
        problems.append(f"left in the folder: {left}")
    if case.when in ("tasks", "compressing") and lines and not keeps and " 0 of " not in lines[0] and "before" not in lines[0]:
        problems.append("nothing was kept of what was done")
    if case.status not in (None, result.status) or result.status == 0:
        problems.append(f"exit status {result.status} instead of {case.status or 'one that is not 0'}")
    if seconds > case.most_seconds * PATIENCE:
        problems.append(f"it took {seconds:.1f} s to end")
    return problems


def try_case(case: Case, setup: argparse.Namespace, scratch: Path) -> list[str]:
    here = scratch / "here"
    here.mkdir()
    command = [str(setup.plenum), *case.args.split()]
    environment = {}
    if case.nodes > 1:
        command = [str(NODES), "-N", str(case.nodes), "-s", str(case.ranks // case.nodes), *command]
        # Each has a folder of its own.
        environment = {f"OMPI_MCA_{part}_backing_directory": None for part in ("osc_sm", "btl_vader")}
    elif case.ranks > 1:
        command = ["mpirun", "-n", str(case.ranks), *command]
    if case.when == "sync":
        environment = bad_disk(setup.bad_disk, here) | {"SLOW_SYNC": str(scratch / "syncs")}
    sender = Sender(case, here, scratch)
    result = run(command, here, environment, scratch, during=sender)
    seconds = time.monotonic() - sender.sent
    problems = problems_of(case, result, here, seconds)
    if setup.verbose or problems:
        print(f"{'FAILED: ' if problems else ''}{case.name}: {result.status} after {seconds:.1f} s")
        print("".join(f"    {problem}\n" for problem in problems), end="")
        print("".join(f"    | {line}\n" for line in result.stderr.splitlines()), end="", flush=True)
    return problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plenum", type=Path, required=True)
    parser.add_argument("--bad-disk", type=Path, required=True)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--verbose", action="store_true", help="print what each case said")
    setup = parser.parse_args()
    cases = [case for case in CASES if setup.only in case.name]
    if not cases:
        parser.error("no such case")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="plenum-interrupts-") as name:
        for number, case in enumerate(cases):
            scratch = Path(name) / str(number)
            scratch.mkdir()
            failed += 1 if try_case(case, setup, scratch) else 0
            shutil.rmtree(scratch)  # results that were kept are large
    print(f"{len(cases)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
