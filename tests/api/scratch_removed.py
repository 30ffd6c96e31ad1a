#!/usr/bin/env python3
# Nothing stays in the scratch folder, however a run ends, nor elsewhere in TMPDIR and where shared memory has its files:
#   scratch_removed.py SCRATCHES MPIEXEC
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
EXECUTORS = 3  # of each rank


def wait_for(what: str, holds, seconds: float = 60) -> list[str]:
    end = time.monotonic() + seconds * PATIENCE
    while not holds():
        if time.monotonic() > end:
            return [f"{what} has not come within {seconds * PATIENCE} s"]
        time.sleep(0.02)
    return []


def start(program: str, mpiexec: str, kind: str, ranks: int, root: Path, **environment) -> subprocess.Popen:
    command = ([mpiexec, "-n", str(ranks)] if ranks else []) + [program, kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                            env=dict(os.environ, PLENUM_SCRATCH=str(root), PLENUM_EXECUTORS=str(EXECUTORS), **environment))


def ended(process: subprocess.Popen, root: Path) -> list[str]:
    try:
        process.communicate(timeout=60 * PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return ["it hangs"]
    problems = wait_for("the end of the scratch folders", lambda: not os.listdir(root), 10)
    return [f"{problem}: {sorted(map(str, root.rglob('*')))}" for problem in problems]


def runs_to_its_end(program: str, mpiexec: str, root: Path, kind: str, ranks: int, failed: int, **environment) -> list[str]:
    process = start(program, mpiexec, kind, ranks, root, **environment)
    out, error = process.communicate(timeout=60 * PATIENCE)
    problems = []
    if process.returncode != 0 or not out.endswith(f"{failed} failed\n"):
        problems.append(f"exit code {process.returncode}, {out!r} {error!r}")
    if left := sorted(map(str, root.rglob("*"))):
        problems.append(f"left: {left}")
    return problems


def is_interrupted(program: str, mpiexec: str, root: Path, ranks: int, number: signal.Signals, one_rank: bool,
                   **environment) -> list[str]:
    process = start(program, mpiexec, "sleep", ranks, root, **environment)
    at_work = max(ranks, 1) * EXECUTORS
    problems = wait_for("the files of all executors", lambda: len(list(root.glob("plenum-*/*/a/*"))) == at_work)
    if one_rank:  # as its folder names it
        os.kill(int(sorted(root.glob("plenum-*"))[-1].name.split("-")[1]), number)
    else:
        os.kill(process.pid, number)
    return problems + ended(process, root)


class Node:
    """Folders in place of /tmp and /dev/shm, so that what other programs do there is not seen."""

    def __init__(self, root: Path):
        self.temporary, self.memory = root / "tmp", root / "shm"
        for folder in (self.temporary, self.memory):
            folder.mkdir()
        # The same in a run's environment; PLENUM_SCRATCH counts more than TMPDIR where it is set.
        self.variables = {"TMPDIR": str(self.temporary), "OMPI_MCA_btl_vader_backing_directory": str(self.memory),
                          "OMPI_MCA_osc_sm_backing_directory": str(self.memory)}

    def left(self) -> list[str]:
        """But for what belongs to Open MPI, which nobody removes when mpirun was killed."""
        return sorted([each.name for each in self.temporary.iterdir() if not each.name.startswith("ompi.")] +
                      [each.name for each in self.memory.iterdir() if not each.name.startswith("vader_segment.")])

    def of_launcher(self) -> list[str]:
        return sorted(str(each) for folder in (self.temporary, self.memory) for each in folder.iterdir()
                      if each.name.startswith(("ompi.", "vader_segment.")))

    def processes(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"TMPDIR={self.temporary}\0".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def files_in_memory(self) -> list[str]:
        """Names in /dev/shm that its processes have mapped."""
        found = set()
        for process in self.processes():
            try:
                found |= {line.split(maxsplit=5)[5] for line in Path(f"/proc/{process}/maps").read_text().splitlines()
                          if "/dev/shm/" in line and not line.endswith("(deleted)")}
            except OSError:
                pass
        return sorted(found)


def is_killed(program: str, mpiexec: str, root: Path, ranks: int, whom: str) -> list[str]:
    node = Node(root)
    process = start(program, mpiexec, "sleep", ranks, node.temporary, **node.variables)
    at_work = max(ranks, 1) * EXECUTORS
    problems = wait_for("the files of all executors", lambda: len(list(node.temporary.glob("plenum-*/*/a/*"))) == at_work)
    if mapped := node.files_in_memory():
        problems.append(f"it has files in /dev/shm: {mapped}")
    folders = sorted(node.temporary.glob("plenum-*"))
    if whom == "an executor":
        victim = sorted(folders[-1].iterdir())[0]
        os.kill(int(victim.name), signal.SIGKILL)
        problems += wait_for("the end of the executor's folder", lambda: not victim.exists())
    victims = {"the launcher": [process.pid], "a rank": [int(folders[-1].name.split("-")[1])],
               "an executor": [], "everything": node.processes()}[whom]
    # All at the same time: whoever saw another one die would begin to clean up.
    for number in (signal.SIGSTOP, signal.SIGKILL) if whom == "everything" else (signal.SIGKILL,):
        for victim in victims:
            os.kill(victim, number)
    if whom == "an executor":
        os.kill(process.pid, signal.SIGTERM)  # or it would sleep on
    process.communicate(timeout=60 * PATIENCE)
    problems += wait_for("the end of all processes", lambda: not node.processes())
    if whom == "everything":
        # Nobody is there to remove them: the scratch folders of its ranks stay, and nothing else.
        stays = [folder.name for folder in folders]
        if node.left() != stays:
            problems.append(f"left: {node.left()}, not {stays}")
    elif node.left():
        problems.append(f"left: {node.left()}")
    if whom in ("a rank", "an executor") and node.of_launcher():
        problems.append(f"left by a launcher that was not killed: {node.of_launcher()}")
    before, of_launcher = node.left(), node.of_launcher()
    process = start(program, mpiexec, "end", ranks, node.temporary, **node.variables)
    out, error = process.communicate(timeout=60 * PATIENCE)
    if process.returncode != 0 or not out.endswith("0 failed\n"):
        problems.append(f"the next run: exit code {process.returncode}, {out!r} {error!r}")
    if node.left() != before or node.of_launcher() != of_launcher:
        problems.append(f"the next run has left {node.left()}, {node.of_launcher()}")
    return problems


def main() -> int:
    program, mpiexec = sys.argv[1:3]
    failures = 0

    def check(name: str, run, *arguments, **environment):
        nonlocal failures
        with tempfile.TemporaryDirectory(prefix="plenum-scratch-") as folder:
            for problem in run(program, mpiexec, Path(folder), *arguments, **environment):
                failures += 1
                print(f"FAILED: {name}: {problem}", flush=True)

    for ranks in (0, 2):
        for kind, failed in (("end", 0), ("crash", 8)):
            check(f"{kind}, {ranks} ranks", runs_to_its_end, kind, ranks, failed)
        check(f"isolation none, {ranks} ranks", runs_to_its_end, "end", ranks, 0, PLENUM_ISOLATION="none")
        for number in (signal.SIGINT, signal.SIGTERM):
            check(f"{number.name}, {ranks} ranks", is_interrupted, ranks, number, False)
        check(f"SIGTERM, isolation none, {ranks} ranks", is_interrupted, ranks, signal.SIGTERM, False,
              PLENUM_ISOLATION="none")
        check(f"one rank is killed, {ranks} ranks", is_interrupted, ranks, signal.SIGKILL, True)
        for whom in ("the launcher", "a rank", "an executor", "everything") if ranks else ("a rank", "an executor", "everything"):
            check(f"SIGKILL of {whom}, {ranks} ranks", is_killed, ranks, whom)

    # A folder that cannot be used is the tasks' failure, and says what to do.
    process = start(program, mpiexec, "end", 0, Path("/proc/no-such-folder"))
    out, _ = process.communicate(timeout=60 * PATIENCE)
    if "24 failed" not in out or "/proc/no-such-folder" not in out or "PLENUM_SCRATCH" not in out:
        failures += 1
        print(f"FAILED: a folder that cannot be used: {out!r}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
