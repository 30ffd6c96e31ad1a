# Control groups with a memory limit, made below the one of this process (version 1, or version 2 where that may have groups
# below it), and removed afterwards.
#   own_group   what a group of its own would do to an executor: a process writes results into memory that it shares with its
#               parent. Shows what the group is charged, and whether the kernel ends the process for it.
#   whole_run   a run in one group, as Slurm's task/cgroup has it: tasks that eat memory are recorded as out of memory, all
#               others are right.
import mmap
import os
import pathlib
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
from campaign import HANG_SECONDS, TASKS_FAILED, Setup, Skipped, environment, launcher

MIB = 1 << 20
# By the controllers that /proc/self/cgroup names: version 1, version 2.
PLACES = {"memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control"),
          "": ("/sys/fs/cgroup", "memory.max", "memory.current", "memory.events")}
GREEDY = 10  # every tenth task, tests/reliability/greedy_job.cpp


class Group:
    """A control group with a memory limit. Raises OSError where there may be none."""

    def __init__(self, limit: int):
        lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
        groups = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
        version = "memory" if "memory" in groups else ""
        root, limit_file, self.usage_file, self.events_file = PLACES[version]
        self.folder = pathlib.Path(f"{root}{groups[version]}") / f"plenum-{os.getpid()}-{time.monotonic_ns()}"
        self.folder.mkdir()
        try:
            (self.folder / limit_file).write_text(str(limit))
        except OSError:  # without the controller the folder cannot have the file
            self.folder.rmdir()
            raise

    def add_self(self) -> None:
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def usage(self) -> int:
        return int((self.folder / self.usage_file).read_text())

    def kills(self) -> int:
        words = (self.folder / self.events_file).read_text().split()
        return int(words[words.index("oom_kill") + 1])

    def remove(self) -> None:
        for _ in range(100):  # processes that have just ended may still be in it
            try:
                return self.folder.rmdir()
            except OSError:
                time.sleep(0.05)


@contextmanager
def group(limit: int) -> Iterator[Group]:
    try:
        made = Group(limit)
    except (OSError, KeyError) as error:
        raise Skipped(f"this process may make no control group with a memory limit ({error})") from error
    try:
        yield made
    finally:
        made.remove()


def own_mib() -> int:
    """Private memory of this process."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) // 1024


def write(memory: mmap.mmap, first: int, last: int) -> None:
    for at in range(first * MIB, last * MIB, mmap.PAGESIZE):
        memory[at] = 1


def own_group(limit: int, results: int, touched: bool) -> dict:
    """A process that has little but its program returns `results` MiB in a group that may have `limit` MiB. `touched`: into
    pages that its parent has written before."""
    memory, told = mmap.mmap(-1, results * MIB), mmap.mmap(-1, mmap.PAGESIZE)
    if touched:
        write(memory, 0, results)
    with group(limit * MIB) as own:
        child = os.fork()
        if child == 0:
            try:
                own.add_self()
                before = own_mib()  # inherited: charged to whoever made it
                for at in range(0, results, 4):
                    write(memory, at, at + 4)
                    told[0], told[1] = max(own_mib() - before, 0), at // 4 + 1
            finally:
                os._exit(0)
        status = os.waitpid(child, 0)[1]
        ended = "killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and own.kills() else "done"
        return {"end": ended, "written": 4 * told[1], "own": told[0], "charged": round(own.usage() / MIB)}


def whole_run(setup: Setup, ranks: int, tasks: int) -> tuple[int, list[str]]:
    """Kills by the kernel, and what is wrong."""
    path = setup.folder / f"greedy{ranks}.h5"
    with group(400 * MIB) as shared:
        done = subprocess.run([*launcher(ranks), setup.test_program("reliability_jobs"), "run", "greedy", "--tasks", str(tasks),
                               "-o", path.name], cwd=setup.folder, env=environment(), capture_output=True, text=True,
                              timeout=HANG_SECONDS, preexec_fn=shared.add_self)
        kills = shared.kills()
    if done.returncode != TASKS_FAILED:
        return kills, [f"{ranks} ranks: exit code {done.returncode}: {done.stderr}"]
    wrong = []
    with h5py.File(path) as file:
        results, status = file["results/squares"][()].tolist(), file["tasks/squares/status"][()].tolist()
        table = file["failures/squares"]
        causes = dict(zip(table["task"][()].tolist(), table["cause"].asstr()[()].tolist()))
    for task in range(tasks):
        greedy = task % GREEDY == 3
        if causes.get(task) != ("out of memory" if greedy else None) or status[task] != int(greedy):
            wrong.append(f"{ranks} ranks, task {task}: {causes.get(task)}, status {status[task]}")
        elif not greedy and results[task] != task * task:
            wrong.append(f"{ranks} ranks, task {task}: wrong result")
    return kills, wrong


def memory_groups(setup: Setup) -> Iterator[dict]:
    limit, results = 64, 256
    fresh, touched = own_group(limit, results, False), own_group(limit, results, True)
    named = {f"{name}, {key}": value for name, found in (("fresh pages", fresh), ("pages that the rank has written", touched))
             for key, value in found.items()}
    yield setup.row("own_group", f"a process in a group of {limit} MiB returns {results} MiB through shared memory; written, own and "
                    "charged memory in MiB", named, "killed for results alone", fresh["end"] == "killed" and fresh["own"] < limit / 8,
                    nodes=1, ranks=[0])
    tasks = setup.pick(200, 40)
    counts, wrong = Counter(), []
    for ranks in (0, 2, 3):
        kills, problems = whole_run(setup, ranks, tasks)
        counts["tasks"] += tasks
        counts["kills by the kernel"] += kills
        wrong += problems
    setup.tell(wrong)
    yield setup.row("memory_groups", "runs in a group of 400 MiB; every tenth task eats all memory",
                    {**counts, "wrong": len(wrong)}, "all others right, each failure out of memory",
                    not wrong and counts["kills by the kernel"] >= 3 * tasks // GREEDY, nodes=1, ranks=[0, 2, 3])
