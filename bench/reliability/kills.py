# Kills runs with SIGKILL at chosen moments, looks at what is left, and lets the same command go on, at another number
# of ranks, until the file is there. Each kill is one of
#   whom:  the launcher, rank 0, another rank, an executor, an emulated node with all that runs on it, everything
#   when:  at any moment, while the run takes over what an earlier one has left, while it publishes
# Executors that die cost an attempt of their task, which --retries gives back: so every file has to end like that of
# an undisturbed run.
import json
import pathlib
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator

import processes
from campaign import (DONE, HANG_SECONDS, LOCKED, Journal, Setup, contents, differences, end_group, environment,
                      executors_of, launcher, opens, send, told_twice, wait_for_end, wait_until)

JOBS = {
    "fixed": ["monte_carlo", "--tasks", "2000", "--samples", "30k"],
    "several maps, ragged": ["segment", "--synthetic", "120", "--size", "200x200"],
    # More than a MiB each: the disk takes them directly, where the scratch folder is on ext4 or XFS.
    "large": ["convolve", "--synthetic", "2600x2600", "--filters", "60", "--filter-size", "30x30"],
}
SHAPES = [(0, 1), (1, 1), (2, 1), (2, 1), (3, 1), (8, 1), (4, 2), (4, 2), (3, 3)]  # ranks, nodes
OPTIONS = ["--commit-interval", "0.02", "--retries", "crash=20", "--crash-limit", "20"]
NODE = b"PLENUM_EMULATED_NODE"
# PMIx 4.2 deadlocks now and then in mpirun's own end (PMIx_server_finalize), when all ranks have gone.
LAUNCHER_HANGS = "mpirun hangs without ranks"
BAD = ("results lost", "duplicates", "other results", "unreadable files", "hangs", "errors")


class Attempt:
    """One run of the command that may be killed."""

    def __init__(self, setup: Setup, job: list[str], path: pathlib.Path, shape: tuple[int, int], compress: bool):
        self.mark = str(uuid.uuid4())
        self.shape = shape
        command = [*launcher(*shape), setup.plenum, "run", *job, "-o", path.name, *OPTIONS,
                   *(["--compress", "gzip:1"] if compress else [])]
        self.process = subprocess.Popen(command, cwd=path.parent, env=environment(self.mark), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, start_new_session=True)

    def alive(self) -> bool:
        return self.process.poll() is None

    def victims(self, whom: str) -> list[int]:
        everybody = processes.of_run(self.mark)
        plenums = processes.of_run(self.mark, "plenum")
        if whom == "everything":
            return list(everybody)
        if whom == "the launcher":  # mpirun below the script of the emulated nodes
            return [pid for pid in everybody if self.command(pid) == "mpirun"] or [self.process.pid]
        if whom == "a node":
            nodes = {pid: processes.variables(pid).get(NODE) for pid in everybody}
            # Those with ranks: mpirun waits for ever for the daemon of a node that dies before it has reported.
            named = sorted({nodes[pid] for pid in plenums if nodes.get(pid)})
            chosen = random.choice(named) if named else b""
            return [pid for pid, name in nodes.items() if name and name == chosen]
        ranks = processes.ranks_of(plenums) if self.shape[0] > 0 else {0: self.process.pid}
        if whom == "rank 0":
            return [ranks[0]] if 0 in ranks else []
        if whom == "another rank":
            others = [pid for rank, pid in ranks.items() if rank != 0]
            return [random.choice(others)] if others else []
        executors = [child for pid in ranks.values() for child in executors_of(pid)]
        return [random.choice(executors)] if executors else []

    @staticmethod
    def command(pid: int) -> str:
        try:
            return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""

    def end(self) -> tuple[str, str]:
        """How it ended, and what it said: by itself, or not: then whether there were still processes of the program."""
        said = wait_for_end(self.process)
        if said is not None:
            return "ended", said
        how = "hangs" if processes.of_run(self.mark, "plenum") else LAUNCHER_HANGS
        send(signal.SIGKILL, list(processes.of_run(self.mark)))
        end_group(self.process)
        return how, ""

    def all_gone(self) -> bool:
        if wait_until(lambda: not processes.of_run(self.mark), HANG_SECONDS, 0.05):
            return True
        send(signal.SIGKILL, list(processes.of_run(self.mark)))
        return False


def choose(when: str) -> tuple[str, tuple[int, int]]:
    """Whom to kill, and on what ranks and nodes."""
    fits = {"the launcher": lambda ranks, nodes: ranks > 0, "rank 0": lambda ranks, nodes: True,
            "another rank": lambda ranks, nodes: ranks > 1, "an executor": lambda ranks, nodes: True,
            "a node": lambda ranks, nodes: nodes > 1, "everything": lambda ranks, nodes: True}
    # Executors have left when a run publishes.
    whom = random.choice([each for each in fits if when != "publishing" or each != "an executor"])
    return whom, random.choice([shape for shape in SHAPES if fits[whom](*shape)])


class Campaign:
    def __init__(self, setup: Setup):
        self.setup = setup
        self.counts: Counter = Counter()
        self.references: dict[str, tuple[dict, float, int]] = {}

    def complain(self, what: str, text: str) -> None:
        self.counts[what] += 1
        print(f"kill: {what}: {text}", file=sys.stderr, flush=True)

    def plenum(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.setup.plenum, *arguments], cwd=self.setup.folder, env=environment(),
                              capture_output=True, text=True, timeout=10 * HANG_SECONDS)

    def done_of(self, path: pathlib.Path) -> int:
        told = self.plenum("status", path.name, "--output-mode", "json")
        return sum(each["done"] for each in json.loads(told.stdout)["maps"]) if told.returncode == 0 else 0

    def wait_for_moment(self, when: str, whom: str, attempt: Attempt, path: pathlib.Path, usual: float, maps: int,
                        lock_before: bytes, publishing: float) -> tuple[list[int], bytes]:
        """Returns who is to be killed now, and what has been committed. `publishing`: seconds that may take."""
        limit = time.monotonic() + usual + 20
        if when == "at any moment":
            time.sleep(random.uniform(0, usual + (0.5 if attempt.shape[0] > 0 else 0)))
            victims = attempt.victims(whom)
            while not victims and attempt.alive() and time.monotonic() < limit:  # it is not there yet
                victims = attempt.victims(whom)
            return victims, Journal(pathlib.Path(f"{path}.journal")).committed
        lock, journal = pathlib.Path(f"{path}.lock"), pathlib.Path(f"{path}.journal")

        def wait_for(moment) -> None:
            while attempt.alive() and time.monotonic() < limit:
                try:
                    if moment():
                        return
                except OSError:
                    pass
                time.sleep(0.0005)

        if when == "recovery":
            wait_for(lambda: lock.read_bytes() != lock_before)
            time.sleep(random.uniform(0, 0.05))
            return attempt.victims(whom), Journal(journal).committed
        # Publishing takes milliseconds: who is to be killed has to be known before.
        seen = Journal(journal)

        def look() -> Journal:
            nonlocal seen
            seen = Journal(journal)
            return seen

        wait_for(lambda: path.exists() or look().maps == maps)
        victims = attempt.victims(whom)
        packed = pathlib.Path(f"{path}.packed")
        wait_for(lambda: path.exists() or packed.exists() or look().changing)
        time.sleep(random.uniform(0, publishing))
        return victims, seen.committed

    def look(self, path: pathlib.Path, committed: bytes, done: int) -> tuple[bytes, int]:
        """At what a killed run has left; what has to be there from now on."""
        journal = Journal(pathlib.Path(f"{path}.journal"))
        if not journal.committed.startswith(committed):
            self.complain("results lost", f"{len(committed)} bytes of the journal had been committed")
        now = self.done_of(path)
        if now < done:
            self.complain("results lost", f"{done} were done, {now} are")
        partial = pathlib.Path(f"{path}.partial")
        if partial.exists() and not opens(partial):
            # What is promised: but for the moments in which HDF5 changes it, and before anything is committed.
            if journal.changing or journal.whole == 0:
                self.counts["partial file closed for the moment"] += 1
            else:
                self.complain("unreadable files", f"records {journal.kinds[-5:]}")
        return journal.committed, now

    def one_file(self, name: str, most: int) -> None:
        reference, usual, maps = self.references[name]
        job, path = JOBS[name], self.setup.folder / "killed.h5"
        for left in self.setup.folder.glob("killed.h5*"):
            left.unlink()
        committed, done = b"", 0
        lock = pathlib.Path(f"{path}.lock")
        for number in range(random.randint(2, 7)):
            if number >= most or path.exists():
                break
            begun = pathlib.Path(f"{path}.partial").exists()
            when = random.choice(["at any moment", "publishing"] + (["recovery", "at any moment"] if begun else []))
            whom, shape = choose(when)
            compress = random.random() < (0.6 if when == "publishing" else 0.2)  # that takes longer to publish
            before = lock.read_bytes() if lock.exists() else b""
            attempt = Attempt(self.setup, job, path, shape, compress)
            longest = 0.1 if compress else 0.002
            victims, seen = self.wait_for_moment(when, whom, attempt, path, usual, maps, before, longest)
            send(signal.SIGKILL, victims)
            committed = max(committed, seen, key=len)
            if victims:
                self.counts["kills"] += 1
                self.counts[f"killed: {whom}"] += 1
                self.counts[f"when: {when}"] += 1
                self.counts[f"job: {name}"] += 1
            how, said = attempt.end()
            if how != "ended":
                self.complain(how, f"{whom} killed {when}, {shape}")
                continue
            if random.random() < 0.25:  # the next one comes while others of this one may still be ending
                continue
            if not attempt.all_gone():
                self.complain("hangs", f"processes are left: {whom} killed {when}, {shape}")
            if LOCKED in said:
                self.counts["refused by the lock"] += 1
            if not path.exists():
                half = Journal(pathlib.Path(f"{path}.journal")).changing or pathlib.Path(f"{path}.packed").exists()
                if when == "publishing" and half:
                    self.counts["when: in the midst of publishing"] += 1
                committed, done = self.look(path, committed, done)
        self.finish(name, path, reference)

    def finish(self, name: str, path: pathlib.Path, reference: dict) -> None:
        said = ""
        for _ in range(100):
            attempt = Attempt(self.setup, JOBS[name], path, random.choice(SHAPES), random.random() < 0.2)
            how, said = attempt.end()
            if how != "ended":
                return self.complain("hangs", "the run that was left alone")
            attempt.all_gone()
            if LOCKED not in said:
                break
            self.counts["refused by the lock"] += 1
            time.sleep(0.1)
        self.counts["files"] += 1
        if attempt.process.returncode != DONE or not path.exists():
            return self.complain("errors", f"exit code {attempt.process.returncode}: {said}")
        if wrong := differences(contents(path), reference):
            self.complain("other results", f"{', '.join(wrong)} differ: {said}")
        if wrong := told_twice(path):
            self.complain("duplicates", ", ".join(wrong))
        validated = self.plenum("validate", path.name)
        if validated.returncode != DONE:
            self.complain("errors", f"validate: {validated.stdout}{validated.stderr}")
        left = [each.name for each in self.setup.folder.glob("killed.h5*") if each != path]
        if left:
            self.complain("errors", f"left behind: {left}")

    def run(self, kills: int) -> None:
        for name, job in JOBS.items():
            path = self.setup.folder / "reference.h5"
            started = time.monotonic()
            told = self.plenum("run", *job, "-o", path.name, "--force", *OPTIONS)
            if told.returncode != DONE:
                raise RuntimeError(f"the undisturbed run fails: {told.stderr}")
            usual = time.monotonic() - started
            found = contents(path)
            maps = sum(each.endswith("/status") for each in found)
            self.references[name] = (found, usual, maps)
        while self.counts["kills"] < kills:
            before = self.counts["kills"]
            self.one_file(random.choice(list(JOBS)), kills - before)
            if self.counts["kills"] // 25 != before // 25:
                print(f"kill: {dict(self.counts)}", file=sys.stderr, flush=True)


def kill(setup: Setup) -> Iterator[dict]:
    random.seed(setup.seed)
    kills = setup.pick(500, 12)
    campaign = Campaign(setup)
    campaign.run(kills)
    counts = campaign.counts
    keys = ["kills", "files", *sorted(key for key in counts if ": " in key), "partial file closed for the moment",
            "refused by the lock", LAUNCHER_HANGS, *BAD]
    yield setup.row("kill", "SIGKILL of launcher, ranks, executors, nodes and all; also in recovery and publishing",
                    {key: counts[key] for key in keys}, f">= {kills} kills, 0 bad",
                    counts["kills"] >= kills and not any(counts[key] for key in BAD),
                    nodes=max(nodes for _, nodes in SHAPES), ranks=sorted({ranks for ranks, _ in SHAPES}))
