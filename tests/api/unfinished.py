# A body may end whatever is under way: its exit code is the program's, callbacks run, nothing hangs, and no shared
# memory stays.   unfinished.py PROGRAM [MPIEXEC RANKS...]
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
CALLBACKS = {"callbacks": 50, "all": 50, "cancel": 50, "chain": 1}
CODES = {"throws": 3, "imap_thrown": 3}
WAYS = ["futures", "map_async", "imap", "imap_thrown", "callbacks", "all", "chain", "throws", "cancel"]


def problem(way: str, command: list[str]) -> str:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as memory:
        environment = dict(os.environ, OMPI_MCA_osc_sm_backing_directory=memory,
                           OMPI_MCA_btl_vader_backing_directory=memory)
        try:
            run = subprocess.run(command + [way], capture_output=True, text=True, timeout=100 * PATIENCE, env=environment)
        except subprocess.TimeoutExpired:
            return f"{way}: still running after {100 * PATIENCE} s"
        left = sorted(path.name for path in Path(memory).rglob("*"))
    callbacks, code = run.stdout.split().count("callback"), CODES.get(way, 5)
    if run.returncode != code:
        return f"{way}: exit code {run.returncode}, not {code}\n{run.stdout}{run.stderr}"
    if callbacks != CALLBACKS.get(way, 0):
        return f"{way}: {callbacks} callbacks ran, not {CALLBACKS.get(way, 0)}"
    return f"{way}: left in the memory of the node: {left}" if left else ""


def main() -> None:
    program, *mpi = sys.argv[1:]
    commands = [[mpi[0], "-n", ranks, program] for ranks in mpi[1:]] if mpi else [[program]]
    runs = [(way, command) for command in commands for way in WAYS]
    with ThreadPoolExecutor(4) as threads:  # most of the time they wait for mpirun to end
        found = threads.map(lambda run: problem(*run), runs)
        problems = [f"{' '.join(command)} {text}" for (_, command), text in zip(runs, found) if text]
    sys.exit("\n".join(problems) if problems else 0)


main()
