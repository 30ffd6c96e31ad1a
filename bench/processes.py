# The processes of a run that is under way: which belong to which rank, their memory and their CPU time.
import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def _status(pid: int) -> tuple[int, str] | None:
    """Parent and name of a process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    return int(rest.split()[1]), name


def variables(pid: int) -> dict[bytes, bytes]:
    """The environment it was started with."""
    try:
        entries = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)


def of_run(run_id: str, program: str = "") -> dict[int, int]:
    """All processes with that value of BENCH_RUN_ID that run `program` (any without one), each with its parent. (They
    need not be below mpirun: the daemons of emulated nodes detach themselves.)"""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or not (status := _status(int(entry))):
            continue
        parent, name = status
        if program and name != program[:15]:
            continue
        if variables(int(entry)).get(b"BENCH_RUN_ID") == run_id.encode():
            found[int(entry)] = parent
    return found


def ranks_of(processes: dict[int, int]) -> dict[int, int]:
    """rank -> the process that mpirun started for it; executors and fork servers are its children."""
    ranks = {}
    for pid, parent in processes.items():
        rank = variables(pid).get(b"OMPI_COMM_WORLD_RANK")
        if parent not in processes and rank is not None:  # else it has just ended
            ranks[int(rank)] = pid
    return ranks


def pss_bytes(pid: int) -> int:
    """Proportional set size: shared pages count once over all processes that map them."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads, from the scheduler's nanoseconds where the kernel has them (ticks are 10 ms)."""
    try:
        tasks = pathlib.Path(f"/proc/{pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) * 1e-9
    except OSError:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
