#!/usr/bin/env python3
# A node that stands still: the run says so, waits, says that it is back, and ends with all results.
#   silent_node.py PLENUM NODES_MPIRUN
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
LIMIT = 100 * PATIENCE
TASKS = 1500  # of 20 ms, on 4 ranks: some seconds of work


def check(what: str, holds: bool, details: object = "") -> None:
    if not holds:
        sys.exit(f"FAILED: {what}\n{details}")


def ranks_of_second_node(output: str) -> list[int]:
    """Ranks and executors of the run on node 2."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (entry.name.isdigit() and output.encode() in (entry / "cmdline").read_bytes()
                    and b"PLENUM_EMULATED_NODE=node2" in (entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def wait_for(what: str, seen) -> None:
    end = time.monotonic() + LIMIT
    while not seen():
        check(what, time.monotonic() < end)
        time.sleep(0.02)


def main() -> None:
    plenum, nodes_mpirun = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        said, output = Path(name) / "said", str(Path(name) / "out.h5")
        with open(said, "wb") as errors:
            run = subprocess.Popen([nodes_mpirun, "-N", "2", "-s", "2", plenum, "run", "sleep", "--tasks", str(TASKS), "--seconds",
                                    "0.02", "-o", output, "--node-silence", "3"], stdout=subprocess.DEVNULL, stderr=errors,
                                   start_new_session=True)
        stopped = []
        try:
            wait_for("the run begins", lambda: Path(output + ".journal").exists() and len(ranks_of_second_node(output)) >= 4)
            time.sleep(0.3)
            check("a node that is there is not silent", "heard of" not in said.read_text(), said.read_text())
            stopped = ranks_of_second_node(output)
            for process in stopped:
                try:
                    os.kill(process, signal.SIGSTOP)
                except ProcessLookupError:
                    pass  # on its way to be another one
            wait_for("silence is noticed", lambda: "nothing was heard of node " in said.read_text())
            check("the run waits", run.poll() is None, said.read_text())
            for process in stopped:
                os.kill(process, signal.SIGCONT)
            stopped = []
            wait_for("the run ends", lambda: run.poll() is not None)
        finally:
            for process in stopped:
                os.kill(process, signal.SIGKILL)
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
        text = said.read_text()
        check("all is done", run.returncode == 0, text)
        check("it was said once", text.count("nothing was heard of node") == 1, text)
        check("its return was said", text.count("is back") == 1, text)
        check("the rank is named", "(rank 2)" in text, text)
        with h5py.File(output) as file:
            check("every task has its result", (file["tasks/slept/status"][()] == 0).all() and
                  len(file["results/slept"]) == TASKS)


if __name__ == "__main__":
    main()
