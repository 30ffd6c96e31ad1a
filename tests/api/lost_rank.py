#!/usr/bin/env python3
# A rank that is killed ends the run: mpirun returns, no process of the run stays, no memory file stays but what
# Open MPI leaves when it is killed.   lost_rank.py SLEEPS MPIEXEC RANKS...    Of three ranks each once, else the last.
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
LIMIT = 60 * PATIENCE  # seconds; generous, against hangs


def processes_of(token: str) -> dict[int, int]:
    """Parent of each process whose environment holds the token."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (folder / "environ").read_bytes():
                status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                if status[0] != "Z":
                    found[int(folder.name)] = int(status[1])
        except OSError:
            continue
    return found


def wait_for(condition, what: str):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise SystemExit(f"FAILED: {what} within {LIMIT} s")


def run_and_kill(sleeps: str, mpiexec: str, count: int, victim: int) -> list[str]:
    token = f"plenum-lost-rank-{uuid.uuid4()}"
    with tempfile.TemporaryDirectory() as folder:
        started = Path(folder, "started")
        memory = Path(folder, "memory")
        memory.mkdir()
        environment = dict(os.environ, PLENUM_TEST_TOKEN=token, PLENUM_NODE_MEMORY="64M", TMPDIR=str(memory),
                           OMPI_MCA_osc_sm_backing_directory=str(memory),
                           OMPI_MCA_btl_vader_backing_directory=str(memory))
        with open(Path(folder, "output"), "w+b") as output:
            run = subprocess.Popen([mpiexec, "-n", str(count), sleeps, str(started)], env=environment,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                wait_for(started.exists, "no task started")
                children = processes_of(token)
                ranks = {}
                for pid, parent in children.items():
                    if parent == run.pid:
                        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                        rank = [word for word in words if word.startswith(b"OMPI_COMM_WORLD_RANK=")]
                        if rank:
                            ranks[int(rank[0].split(b"=")[1])] = pid
                if sorted(ranks) != list(range(count)):
                    return [f"found ranks {sorted(ranks)} among {len(children)} processes"]
                if len(children) < 1 + 3 * count:
                    return [f"only {len(children)} processes: no executors and fork servers seen"]
                os.kill(ranks[victim], signal.SIGKILL)
                try:
                    code = run.wait(timeout=LIMIT)
                except subprocess.TimeoutExpired:
                    return [f"mpirun did not end {LIMIT} s after rank {victim} was killed"]
                problems = [] if code != 0 else ["mpirun returned 0 though a rank was killed"]
                wait_for(lambda: not processes_of(token), "processes of the run were not gone")
            finally:
                for pid in processes_of(token):
                    os.kill(pid, signal.SIGKILL)
        left = [path.name for path in memory.rglob("*") if path.is_file()]
        left = [name for name in left if not name.startswith("vader_segment.")]
        return problems + ([f"files stayed: {left}"] if left else [])


def main() -> int:
    sleeps, mpiexec, *counts = sys.argv[1:]
    failed = False
    for count in map(int, counts):
        for victim in range(count) if count == 3 else [count - 1]:
            for problem in run_and_kill(sleeps, mpiexec, count, victim):
                print(f"FAILED: {count} ranks, rank {victim} killed: {problem}")
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
