# A body may end whatever is under way: its exit code is the program's, callbacks run, nothing hangs.
#   unfinished.py PROGRAM [MPIEXEC RANKS...]
import subprocess
import sys

CALLBACKS = {"callbacks": 50, "all": 50, "cancel": 50, "chain": 1}
CODES = {"throws": 3, "imap_thrown": 3}
WAYS = ["futures", "map_async", "imap", "imap_thrown", "callbacks", "all", "chain", "throws", "cancel"]


def problem(way: str, command: list[str]) -> str:
    try:
        run = subprocess.run(command + [way], capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        return f"{way}: still running after 100 s"
    callbacks, code = run.stdout.split().count("callback"), CODES.get(way, 5)
    if run.returncode != code:
        return f"{way}: exit code {run.returncode}, not {code}\n{run.stdout}{run.stderr}"
    if callbacks != CALLBACKS.get(way, 0):
        return f"{way}: {callbacks} callbacks ran, not {CALLBACKS.get(way, 0)}"
    return ""


def main() -> None:
    program, *mpi = sys.argv[1:]
    commands = [[mpi[0], "-n", ranks, program] for ranks in mpi[1:]] if mpi else [[program]]
    problems = [f"{' '.join(command)} {found}" for command in commands for way in WAYS
                if (found := problem(way, command))]
    sys.exit("\n".join(problems) if problems else 0)


main()
