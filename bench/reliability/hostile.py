# Runs a job of which 5 % of the tasks do their worst (tests/reliability/hostile_job.cpp), and checks that all others
# have their result, that the file names each failure with its cause, and that nothing is left running but what has
# left its session.
import json
import os
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator

import h5py
import processes
from campaign import HANG_SECONDS, TASKS_FAILED, Setup, environment, launcher, send, wait_until

# In the order of the job: cause, and words of the message. None: nothing fails.
WAYS = [("segfault", "crash", "null pointer"), ("abort", "crash", "signal 6"), ("exit", "crash", "exit(3)"),
        ("exit at once", "crash", "exit(0)"), ("throw std", "exception", "thrown on purpose"),
        ("throw a number", "exception", "not derived from std::exception"),
        ("throw a struct", "exception", "not derived from std::exception"),
        ("throw out of noexcept", "crash", "signal 6"), ("stack overflow", "crash", "stack overflow"),
        ("hang in a loop", "timeout", "the task timeout"), ("hang asleep", "timeout", "the task timeout"),
        ("stop itself", "timeout", "the task timeout"), ("eat memory", "out of memory", ""),
        ("breed and eat memory", "out of memory", ""), ("kill itself", "crash", "signal 9"),
        ("write into the shared array", "crash", "shared array"), ("breed sleepers", "crash", "signal 6"),
        ("hang in another group", "timeout", "the task timeout"), ("close all descriptors", None, ""),
        ("use up all descriptors", None, ""), ("leave a process", None, "")]
OPTIONS = ["--task-timeout", "4", "--task-memory", "16M", "--executors", "4", "--output-mode", "json"]


def way_of(task: int):
    return WAYS[task // 20 % len(WAYS)] if task % 20 == 7 else None


def _check(path, tasks: int) -> tuple[Counter, list[str]]:
    counts, wrong = Counter(), []
    with h5py.File(path) as file:
        fixed = file["results/fixed"][()].tolist()
        values, offsets = file["results/ragged/values"][()].tolist(), file["results/ragged/offsets"][()].tolist()
        for name in ("fixed", "ragged"):
            status = file[f"tasks/{name}/status"][()].tolist()
            table = file[f"failures/{name}"]
            failures = dict(zip(table["task"][()].tolist(), zip(table["cause"].asstr()[()].tolist(),
                                                                 table["message"].asstr()[()].tolist())))
            if len(table["task"]) != len(failures) or len(status) != tasks:
                wrong.append(f"{name}: {len(table['task'])} failures of {len(failures)} tasks")
            for task in range(tasks):
                way = way_of(task)
                expected = way[1] if way else None
                cause, message = failures.get(task, (None, ""))
                if way:
                    counts[f"way: {way[0]}"] += 1
                    counts["hostile"] += 1
                if cause != expected or (way and way[2] not in message) or status[task] != int(expected is not None):
                    wrong.append(f"{name} {task} ({way}): {cause}, {message}, status {status[task]}")
                elif expected is None:
                    result = fixed[task] if name == "fixed" else values[offsets[task]:offsets[task + 1]]
                    if result != (task * task if name == "fixed" else [task] * (task % 4)):
                        wrong.append(f"{name} {task}: wrong result")
            counts["tasks"] += tasks
    return counts, wrong


def _left_running(mark: str) -> tuple[int, list[str]]:
    """Ends what is left of a run: how many processes had left its session, and what is wrong."""
    def found(strays: bool) -> list[int]:
        there = []
        for pid in processes.of_run(mark):
            try:
                if (os.getsid(pid) == pid) == strays:
                    there.append(pid)
            except ProcessLookupError:
                pass
        return there

    all_gone = wait_until(lambda: not found(strays=False), HANG_SECONDS, 0.05)
    wrong = [] if all_gone else [f"{len(found(strays=False))} processes are left"]
    strays = found(strays=True)
    send(signal.SIGKILL, [*strays, *found(strays=False)])
    return len(strays), wrong


def hostile(setup: Setup) -> Iterator[dict]:
    tasks = setup.pick(10_000, 440)
    for ranks, nodes in ((3, 1),) if setup.short else ((0, 1), (3, 1), (4, 2)):
        path, mark = setup.folder / f"hostile{ranks}.h5", str(uuid.uuid4())
        # A session of its own: a group with a process that has stopped itself is hung up when its session ends.
        done = subprocess.run([*launcher(ranks, nodes), setup.test_program("reliability_jobs"), "run", "hostile", "--tasks",
                               str(tasks), "-o", path.name, *OPTIONS], cwd=setup.folder, env=environment(mark),
                              capture_output=True, text=True, timeout=20 * HANG_SECONDS, start_new_session=True)
        counts, wrong = Counter(), [f"exit code {done.returncode}: {done.stderr[-2000:]}"]
        if done.returncode == TASKS_FAILED:
            counts, wrong = _check(path, tasks)
            summary = json.loads(done.stdout)
            if summary["failed"] != sum(way_of(task) is not None and way_of(task)[1] is not None
                                        for task in range(tasks)) * 2:
                wrong.append(f"the summary counts {summary['failed']} failures")
        strays, left = _left_running(mark)
        if strays != counts["way: leave a process"]:
            left.append(f"{strays} of {counts['way: leave a process']} processes that left the session are there")
        wrong += left
        setup.tell(wrong)
        yield setup.row("hostile", "tasks that crash, hang, eat memory, breed, leave their group, close descriptors, write into shared arrays",
                        {"tasks": counts["tasks"], "hostile": counts["hostile"],
                         "ways": sum(key.startswith("way: ") for key in counts), "left the session": strays, "wrong": len(wrong)},
                        "all others right, each failure named", not wrong, nodes=nodes, ranks=[ranks])
