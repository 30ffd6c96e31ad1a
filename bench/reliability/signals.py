# Sends SIGTERM or SIGINT to runs at random moments, now and then a second SIGINT on the heels of the first, and measures
# how long it takes until the last process of the program has gone. What was committed before has to be there afterwards,
# the exit code has to say that the run is not complete, and the same command has to finish it at another number of ranks.
# mpirun keeps a pace of its own: after a signal it waits for a second, sends SIGTERM to the ranks, waits for another and
# sends SIGKILL. Its first second does not count, where the ranks hear of the end from mpirun, and no rank may have to be killed.
import os
import pathlib
import random
import select
import signal
import statistics
import subprocess
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator

import processes
from campaign import (DONE, HANG_SECONDS, INCOMPLETE, Journal, Setup, contents, differences, end_group, environment,
                      launcher, opens, send, told_twice, wait_until)
from harness import Load
from kills import LAUNCHER_HANGS

LONG = ["slow", "--tasks", "8", "--seconds", "10", "--hurry", "hurry"]
JOBS = {
    "short tasks": ["monte_carlo", "--tasks", "20000", "--samples", "5k"],
    "long tasks": LONG,
    "long tasks that block signals and loop": [*LONG, "--stubborn"],
    "large results": ["convolve", "--synthetic", "1000x1000", "--stride", "1", "--filters", "100"],
    "large ragged results": ["slow", "--tasks", "300", "--seconds", "0", "--values", "50000"],
}
RANKS = [0, 1, 2, 4]  # 0: without mpirun
REACH = 1.0           # s
PACE = 1.0            # s that mpirun waits before it tells the ranks (odls_base_sigkill_timeout)
OTHERS_MEDDLE = 0.5   # s without a turn on a processor: whatever is measured then is not the program
BAD = ("results lost", "other results", "unreadable files", "wrong exit codes", "hangs", "errors")


class Ends:
    """When the processes of a run end, each seen through a descriptor."""

    def __init__(self, mark: str):
        self.mark, self.poll = mark, select.poll()
        self.running: dict[int, tuple[int, str]] = {}  # descriptor -> process, program
        self.at: dict[str | int, float] = {}           # when a process, or the last one of a program, ended
        self.disturbed = False
        self.look()

    def look(self) -> None:
        known = {pid for pid, _ in self.running.values()}
        for pid in processes.of_run(self.mark).keys() - known:
            try:
                name, descriptor = pathlib.Path(f"/proc/{pid}/comm").read_text().strip(), os.pidfd_open(pid)
            except OSError:
                continue
            self.running[descriptor] = pid, name
            self.poll.register(descriptor, select.POLLIN)

    def wait(self) -> bool:
        """Also for processes that are started meanwhile. False: some do not end."""
        before = time.monotonic()
        limit = before + HANG_SECONDS
        while before < limit:
            for descriptor, _ in self.poll.poll(20):
                pid, program = self.running.pop(descriptor)
                self.at[program] = self.at[pid] = time.monotonic()
                self.poll.unregister(descriptor)
                os.close(descriptor)
            self.look()
            if not self.running:
                return True
            now = time.monotonic()
            self.disturbed |= now - before > OTHERS_MEDDLE or any(self.stopped(pid) for pid, _ in self.running.values())
            before = now
        return False

    @staticmethod
    def stopped(pid: int) -> bool:
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "Tt"
        except OSError:
            return False


class Signals:
    def __init__(self, setup: Setup):
        self.setup = setup
        self.counts: Counter = Counter()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.load: list[float] = []
        self.references = {}
        (setup.folder / "hurry").touch()
        for name, job in JOBS.items():
            path = setup.folder / "reference.h5"
            started = time.monotonic()
            done = subprocess.run([self.program(job), "run", *job, "-o", path.name, "--force"], cwd=setup.folder,
                                  env=environment(), capture_output=True, text=True, timeout=10 * HANG_SECONDS)
            if done.returncode != DONE:
                raise RuntimeError(f"the undisturbed run fails: {done.stderr}")
            self.references[name] = contents(path), time.monotonic() - started

    def program(self, job: list[str]) -> str:
        return self.setup.test_program("reliability_jobs") if job[0] == "slow" else self.setup.plenum

    def complain(self, what: str, text: str) -> None:
        self.counts[what] += 1
        self.setup.tell([f"signals: {what}: {text}"])

    def start(self, name: str, path: pathlib.Path, ranks: int) -> tuple[subprocess.Popen, str]:
        mark = str(uuid.uuid4())
        command = [*launcher(ranks), self.program(JOBS[name]), "run", *JOBS[name], "-o", path.name]
        return subprocess.Popen(command, cwd=path.parent, env=environment(mark), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, start_new_session=True), mark

    def receiver(self, process: subprocess.Popen, mark: str, whom: str, name: str) -> int | None:
        if whom in ("the program alone", "mpirun"):
            return process.pid
        ranks = processes.ranks_of(processes.of_run(mark, os.path.basename(self.program(JOBS[name]))))
        fitting = [pid for rank, pid in ranks.items() if (rank == 0) == (whom == "rank 0")]
        return random.choice(fitting) if fitting else None

    def one_signal(self, name: str, path: pathlib.Path, committed: bytes) -> bytes:
        """Returns what has been committed before. A run that has ended before its signal, or which others have
        stopped meanwhile, does not count."""
        ranks = random.choice(RANKS)
        whom = random.choice(["the program alone"] if ranks == 0 else ["mpirun", "rank 0"] + ["another rank"] * (ranks > 1))
        number = random.choice([signal.SIGTERM, signal.SIGINT])
        twice = number == signal.SIGINT and random.random() < 0.3
        process, mark = self.start(name, path, ranks)
        lock = pathlib.Path(f"{path}.lock")
        wait_until(lambda: lock.exists() or process.poll() is not None, HANG_SECONDS)
        time.sleep(random.uniform(0, min(self.references[name][1], 2)))
        receiver = self.receiver(process, mark, whom, name)
        ends = Ends(mark)
        before = Journal(pathlib.Path(f"{path}.journal")).committed
        load, sent = Load(), time.monotonic()
        if receiver is not None and process.poll() is None:
            send(number, [receiver])
            if twice:
                time.sleep(random.uniform(0.02, 0.1))  # closer ones become one
                sent = time.monotonic()
                send(number, [receiver])
        else:
            receiver = None
        case = f"{number.name}{' twice' * twice} to {whom}, {ranks} ranks, {name}"
        if not ends.wait():
            left = {program for _, program in ends.running.values()}
            self.complain(LAUNCHER_HANGS if left == {"mpirun"} else "hangs", f"{case}: {', '.join(left)}")
            send(signal.SIGKILL, list(processes.of_run(mark)))
            end_group(process)
            self.counts["signals"] += 1
            return committed
        said = process.communicate(timeout=HANG_SECONDS)[1]
        program = max((at for each, at in ends.at.items() if isinstance(each, str) and each != "mpirun"), default=0) - sent
        self.look(path, max(committed, before, key=len), case)
        if receiver is None or program < 0:
            return before
        if ends.disturbed:
            self.counts["disturbed by others"] += 1
            return before
        if process.returncode != INCOMPLETE and whom != "mpirun" and not path.exists() and not twice:
            self.complain("wrong exit codes", f"{process.returncode}: {case}: {said}")
        self.counts["signals"] += 1
        self.load.append(load.others())
        row = "a second SIGINT to " + ("mpirun" if whom == "mpirun" else "the program") if twice else whom
        if twice and whom != "mpirun":  # the others get to know it from mpirun
            program = max(0.0, ends.at.get(receiver, sent) - sent)
        if not twice and whom in ("rank 0", "another rank") and "exited on signal" in said and program >= PACE:
            row, program = f"{whom} while MPI starts", program - PACE  # it dies of it; the others hear of it from mpirun
        if whom == "mpirun" and not twice:
            if program < PACE:
                self.counts["ended before mpirun told them"] += 1
                return before
            self.seconds["mpirun itself"].append(ends.at.get("mpirun", sent) - sent)
            program -= PACE
        self.seconds[row].append(program)
        if program > REACH:
            self.setup.tell([f"signals: {program:.2f} s: {case}: {said[-300:]}"])
        return before

    def look(self, path: pathlib.Path, committed: bytes, case: str) -> None:
        """At what a run has left. One without any result leaves nothing."""
        if path.exists():
            return
        journal, partial = Journal(pathlib.Path(f"{path}.journal")), pathlib.Path(f"{path}.partial")
        if not journal.committed.startswith(committed) and (journal.whole > 0 or self.holds_results(committed)):
            self.complain("results lost", f"{len(committed)} bytes of the journal had been committed: {case}")
        # Reading all of a large one takes longer than the run.
        if random.random() < 0.25 and partial.exists() and not opens(partial) and not journal.changing and journal.whole > 0:
            self.complain("unreadable files", case)

    def holds_results(self, committed: bytes) -> bool:
        path = self.setup.folder / "committed.journal"
        path.write_bytes(committed)
        return Journal(path).has_results

    def one_file(self, most: int) -> None:
        name, path = random.choice(list(JOBS)), self.setup.folder / "signalled.h5"
        for left in self.setup.folder.glob("signalled.h5*"):
            left.unlink()
        hurry, committed = self.setup.folder / "hurry", b""
        for _ in range(random.randint(1, 4)):
            if path.exists() or self.counts["signals"] >= most:
                break
            hurry.unlink(missing_ok=True)
            committed = self.one_signal(name, path, committed)
        hurry.touch()
        process, _ = self.start(name, path, random.choice(RANKS))
        try:
            said = process.communicate(timeout=HANG_SECONDS)[1]
        except subprocess.TimeoutExpired:
            self.complain("hangs", f"the run that was left alone, {name}")
            return end_group(process)
        self.counts["files"] += 1
        if process.returncode != DONE or not path.exists():
            return self.complain("errors", f"exit code {process.returncode}: {said}")
        if wrong := differences(contents(path), self.references[name][0]) + told_twice(path):
            self.complain("other results", ", ".join(wrong))


def in_ms(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    ends = ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]
    return " / ".join(f"{1000 * each:.0f}" for each in (statistics.median(ordered), *ends))


def signals(setup: Setup) -> Iterator[dict]:
    random.seed(setup.seed)
    # Ignored in what a shell has started in the background, and then in all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    count = setup.pick(400, 10)
    campaign = Signals(setup)
    for _ in range(10 * count):  # few runs end before their signal
        if campaign.counts["signals"] >= count:
            break
        campaign.one_file(count)
    counts, seconds = campaign.counts, campaign.seconds
    keys = ["signals", "files", "ended before mpirun told them", "disturbed by others", LAUNCHER_HANGS, *BAD]
    measured = {key: counts[key] for key in keys}
    slowest = max((max(each) for name, each in seconds.items() if name != "mpirun itself"), default=0)
    fine = counts["signals"] >= count and not any(counts[key] for key in BAD)
    if setup.short:  # a machine that tests something else at the same time says nothing about durations
        reach = "0 bad"
    else:
        measured |= {f"ms to {name} (median / 95 % / largest of {len(each)})": in_ms(each) for name, each in seconds.items()}
        measured["cores used by others meanwhile (median)"] = round(statistics.median(campaign.load or [0]), 1)
        reach, fine = "0 bad, all gone in under 1 s", fine and slowest < REACH
    yield setup.row("signals", "SIGTERM and SIGINT at random moments, until the last process of the program has gone",
                    measured, reach, fine, nodes=1, ranks=RANKS)
