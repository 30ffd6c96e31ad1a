# The campaigns that need no processes to be killed: states of the disk replayed from recorded changes, and damaged
# journals and partial files. The programs are those of the test suite.
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from campaign import ROOT, Setup


def _run(command: list[str]) -> tuple[int, dict]:
    """Its exit status, and the counts it prints as a line of JSON; the rest goes on to the reader."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    counts = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            counts = json.loads(line)
        else:
            print(line, file=sys.stderr)
    return done.returncode, counts


def states(setup: Setup) -> Iterator[dict]:
    number = setup.pick(2000, 80)
    status, counts = _run([sys.executable, str(ROOT / "tests" / "reliability" / "crash_states.py"),
                           setup.test_program("resumable_run"), setup.test_program("record_writes.so"), str(number),
                           str(setup.seed)])
    yield setup.row("states", "every change of the files replayed as crash states, torn writes, losses of power", counts,
                    f">= {number} states, 0 bad", status == 0, nodes=1, ranks=[1])


def mutations(setup: Setup) -> Iterator[dict]:
    number = setup.pick(10_000, 300)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(setup.folder)
    status, counts = _run([setup.test_program("mutations"), str(number), str(setup.seed), memory])
    yield setup.row("mutations", "journals and partial files damaged at random", counts,
                    f">= {number} mutations, detected or harmless", status == 0, nodes=1, ranks=[1])
