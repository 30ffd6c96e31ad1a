# A run that stops before its tasks do ends in order: exit code 75 on every rank, one line that says why and how many
# tasks are left, nothing that hangs.   stops.py PROGRAM CLUSTER [MPIEXEC RANKS...]     CLUSTER: tests/cluster
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
LINE = re.compile(r"plenum: (stopped [^;]*) after (\d+) of (\d+) tasks, (\d+) are left; start it again")
FAILED = "stopped by too many failed tasks"
SIGNAL = "stopped by SIGUSR1"
TIME = "stopped at the end of its time"
ENDS = {"PLENUM_TIME_LIMIT": "1.5", "PLENUM_GRACE": "0.6"}
# way, environment, who gets SIGUSR1 ("started", "last" rank, or nobody), why the run stops
CASES = [
    *[(way, {}, "started", SIGNAL)
      for way in ("map", "static", "collect", "imap", "futures", "map_async", "caught")],
    ("map", {}, "last", SIGNAL),
    ("hang", {"PLENUM_GRACE": "0.5"}, "started", SIGNAL),
    ("static", {"PLENUM_ISOLATION": "none"}, "started", SIGNAL),
    ("hang", {"PLENUM_GRACE": "0.5", "PLENUM_ISOLATION": "none"}, "started", SIGNAL),
    ("map", ENDS, "", TIME),
    ("hang", ENDS, "", TIME),
    ("imap", {"SLURM_JOB_END_TIME": "soon"}, "", TIME),
    ("map", {"PLENUM_TIME_LIMIT": "0:01:00", "PLENUM_TIME_REQUEST": "1h"}, "", TIME),
    ("failures", {"PLENUM_MAX_FAILURES": "10"}, "", FAILED),
    ("failures", {"PLENUM_MAX_FAILURES": "1%"}, "", FAILED),
    ("short", ENDS, "", ""),
    ("short", {"PLENUM_TIME_LIMIT": "1:00:00", "PLENUM_MAX_FAILURES": "0"}, "", ""),
]
# Of each kind one: for the other numbers of ranks.
FEW = [case for case in CASES if case[0] in ("map_async", "hang", "failures") or case[2] == "last"][:6]


def last_rank(mark: str, program: str) -> int:
    """The process of the last rank: of those with the mark, the one whose parent is another program."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            programs = [os.path.realpath(path) for path in (f"{entry}/exe", f"/proc/{parent}/exe")]
        except (OSError, IndexError):
            continue
        if f"STOPS_MARK={mark}".encode() in environment and programs[0] == os.path.realpath(program) != programs[1]:
            numbers = [int(text[21:]) for text in environment if text.startswith(b"OMPI_COMM_WORLD_RANK=")]
            found[numbers[0] if numbers else 0] = int(entry.name)
    return found[max(found)]


def problem(case, command: list[str], ranks: int, program: str, cluster: str) -> str:
    way, environment, receiver, why = case
    environment = dict(environment)
    if environment.get("SLURM_JOB_END_TIME") == "soon":
        environment["SLURM_JOB_END_TIME"] = str(int(time.time()) + 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [*command, f"{cluster}/rank-status", name, program, way]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, STOPS_MARK=name, **environment))
        said = process.stdout.readline()
        if receiver:
            time.sleep(0.3)
            to_launcher = command and receiver == "started"
            os.kill(process.pid if to_launcher else last_rank(name, program), signal.SIGUSR1)
        try:
            out, err = process.communicate(timeout=60 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"still running after {60 * PATIENCE} s"
        codes = [int(file.read_text()) for file in folder.glob("rank.*")]
    lines = LINE.findall(err)
    wanted = 75 if why else 0
    if said != "begun\n" or codes != [wanted] * ranks:
        return f"exit codes {codes} instead of {wanted}\n{said}{out}{err}"
    if not why:
        return f"it says that it stopped: {err}" if lines else ""
    if len(lines) != 1 or lines[0][0] != why:
        return f"not one line with '{why}'\n{err}"
    over, tasks, left = map(int, lines[0][1:])
    if over + left != tasks or left == 0:
        return f"the numbers do not fit: {lines[0]}"
    if way == "caught" and "refused" not in out:
        return "the run took another map after it had stopped"
    if way == "failures" and over > 2000:
        return f"{over} tasks ran although few failures were allowed"
    return ""


def main() -> None:
    program, cluster, *mpi = sys.argv[1:]
    places = [([mpi[0], "-n", ranks], int(ranks)) for ranks in mpi[1:] if "x" not in ranks] if mpi else [([], 1)]
    for nodes, slots in (text.split("x") for text in mpi[1:] if "x" in text):
        places.append(([f"{cluster}/nodes-mpirun", "-N", nodes, "-s", slots], int(nodes) * int(slots)))
    jobs = [(case, command, ranks) for command, ranks in places for case in CASES
            if not command or ranks == 3 or case in FEW]
    with ThreadPoolExecutor(2) as threads:  # most of the time they wait
        found = threads.map(lambda job: problem(*job, program, cluster), jobs)
        problems = [f"{' '.join(command)} {case}: {text}"
                    for (case, command, _), text in zip(jobs, found) if text]
    sys.exit("\n".join(problems) if problems else 0)


main()
