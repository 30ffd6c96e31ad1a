#!/usr/bin/env python3
# A task that takes its whole run down is quarantined and named after so many deaths; other ends charge nobody.
#   deadly_runs.py PROGRAM MPIRUN RANKS [outside]      0: without mpirun; outside: only kills from outside
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

TASKS = 24
PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
LIMIT = 100 * PATIENCE


def check(what: str, holds: bool, details: str = "") -> None:
    if not holds:
        sys.exit(f"FAILED: {what}\n{details}")


class Place:
    """One run: its folder of attempts, and how it is started."""

    def __init__(self, program: str, mpirun: str, ranks: int, folder: Path, way: str, *more: str, wrapper=()):
        self.what = f"{ranks} ranks, {way} {' '.join(more)}"
        self.launcher = [mpirun, "-n", str(ranks), *wrapper] if ranks else []
        self.program, self.ranks = program, ranks
        self.folder = folder / f"{way}{ranks}{len(list(folder.iterdir()))}"
        self.folder.mkdir()
        self.output = self.folder / "out.h5"
        (self.folder / "armed").touch()
        self.job = ["run", "deadly", "--folder", str(self.folder), "--way", way, "-o", str(self.output), *more]

    def start(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen([*self.launcher, self.program, *words, "--progress", "none", "--output-mode", "json"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                env={**os.environ, "DEADLY_RUN": str(self.output)})

    def end(self, run: subprocess.Popen) -> tuple[int, str, str]:
        try:
            out, err = run.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            check(f"{self.what}: it ends", False)
        # Who notes the deaths outlives the run for a moment, as do ranks whose launcher was killed.
        end = time.monotonic() + LIMIT
        while self.is_alive() and time.monotonic() < end:
            time.sleep(0.02)
        return run.returncode, out, err

    def processes(self) -> dict[int, str]:
        """Those that were started with the file's name, and the daemons of emulated nodes: number and name."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (str(self.output).encode() in (entry / "cmdline").read_bytes()
                                             or f"DEADLY_RUN={self.output}\0".encode() in (entry / "environ").read_bytes()):
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                pass
        return found

    def is_alive(self) -> bool:
        return bool(self.processes())

    def wait_for_attempt(self, task: int) -> None:
        before = self.attempts_of(task)
        end = time.monotonic() + LIMIT
        while self.attempts_of(task) == before and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.2)

    def attempts_of(self, task: int) -> int:
        file = self.folder / str(task)
        return file.stat().st_size if file.exists() else 0

    def files_beside(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("out.h5?*"))

    def failures(self, name: str) -> dict[int, list]:
        rows = {}
        with h5py.File(self.output) as h5:
            table = h5[f"failures/{name}"]
            for task, attempt, cause, message in zip(table["task"][...], table["attempt"][...],
                                                     table["cause"].asstr()[...], table["message"].asstr()[...]):
                rows.setdefault(int(task), []).append((int(attempt), cause, message))
        return rows

    def require_results(self, missing: set[int]) -> None:
        with h5py.File(self.output) as h5:
            for name in ("fixed", "ragged"):
                status = h5[f"tasks/{name}/status"][...].tolist()
                check(f"{self.what}: status of {name}", status == [int(t in missing) for t in range(TASKS)], str(status))
            values = h5["results/fixed"][...]
            check(f"{self.what}: results", all(values[t] == t for t in range(TASKS) if t not in missing))
            flat, offsets = h5["results/ragged/values"][...], h5["results/ragged/offsets"][...]
            for task in range(TASKS):
                wanted = [] if task in missing else [task] * (task % 3)
                check(f"{self.what}: ragged result {task}", flat[offsets[task]:offsets[task + 1]].tolist() == wanted)

    def require_fine_end(self, what: str) -> None:
        """Once no task is deadly any more."""
        (self.folder / "armed").unlink()
        code, out, err = self.end(self.start(*self.job, "--crash-limit", "1"))
        check(f"{self.what}: the end", code == 0, f"{code}\n{out}{err}")
        self.require_results(set())
        check(f"{self.what}: no failed attempts", not self.failures("fixed") and not self.failures("ragged"))
        print(f"{self.what}: {what}", flush=True)


def try_deaths(place: Place, limit: int, others: bool = False) -> None:
    """`others`: tasks of other ranks may be at work at a death."""
    what = place.what
    deaths = 0
    while True:
        code, out, err = place.end(place.start(*place.job, "--crash-limit", str(limit)))
        if code == 4 or deaths > 2 * limit:
            break
        check(f"{what}: no other end than a death", code not in (0, 2, 3), f"{code}\n{out}{err}")
        deaths += 1
    check(f"{what}: {deaths} deaths, exit code {code}", (deaths, code) == (2 * limit, 4), out + err)
    summary = json.loads(out)
    # The task of the first map was given up by an earlier process.
    check(f"{what}: summary", (summary["failed"], summary["quarantined"]) == (2, 1), out)
    check(f"{what}: named", all(f["task"] == 3 and f["cause"] == "crash"
                                and f"(quarantined after {limit} crashes)" in f["message"]
                                for f in summary["failures"]) and len(summary["failures"]) == 2, out)
    check(f"{what}: nothing is left", place.files_beside() == [], str(place.files_beside()))
    place.require_results({3})
    for name, start in (("fixed", 0), ("ragged", 1000)):
        rows = place.failures(name)
        check(f"{what}: only that task is charged", others or list(rows) == [3], str(rows))
        check(f"{what}: attempts of {name}", [row[:2] for row in rows[3]] == [(i + 1, "crash") for i in range(limit)]
              and place.attempts_of(start + 3) == limit, str(rows))
        check(f"{what}: each death has words of its own", len({row[2] for row in rows[3]}) == limit
              and all("died while the task was at work" in row[2] for row in rows[3]), str(rows))
    # Whoever asks for it gets it again, with fresh counts.
    if limit > 1:
        code, out, err = place.end(place.start("retry", str(place.output)))
        check(f"{what}: another death", code not in (0, 2, 3, 4), f"{code}\n{out}{err}")
    (place.folder / "armed").unlink()
    code, out, err = place.end(place.start("retry", str(place.output)))
    check(f"{what}: retry of what is mended", code == 0, f"{code}\n{out}{err}")
    place.require_results(set())
    check(f"{what}: attempts go on", len(place.failures("fixed")[3]) == limit + (1 if limit > 1 else 0),
          str(place.failures("fixed")))
    check(f"{what}: nothing is left after retry", place.files_beside() == [], str(place.files_beside()))
    print(f"{what}: quarantined after {limit} deaths of each map", flush=True)


def ranks_of(run: subprocess.Popen) -> list[int]:
    """The processes that the launcher has started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == run.pid:
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def try_orderly_ends(place: Place) -> None:
    """A task at work when the run ends in order is charged with nothing: one crash would be too many."""
    limits = {"SIGUSR1": ("--grace", "0.5"), "limit": ("--time-limit", "1.5", "--grace", "0.5")}
    for way in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "limit", "rank", "at once"):
        run = place.start(*place.job, "--crash-limit", "1", *limits.get(way, ()))
        place.wait_for_attempt(3)
        if way.startswith("SIG"):
            os.kill(run.pid, getattr(signal, way))
        elif way != "limit":
            victim = (ranks_of(run) if place.launcher else [run.pid])[-1]
            for number in {"rank": [signal.SIGTERM], "at once": [signal.SIGINT, signal.SIGINT]}[way]:
                try:
                    os.kill(victim, number)
                except ProcessLookupError:
                    pass  # the first one was enough
        code, out, err = place.end(run)
        check(f"{place.what}, {way}: exit code {code}", code not in (0, 2, 3, 4), out + err)
        check(f"{place.what}, {way}: nobody is charged", "out.h5.deaths" not in place.files_beside(), out + err)
    place.require_fine_end("orderly ends charge nobody")


def try_kills_from_outside(place: Place, daemons: bool) -> None:
    """Whoever ends the launcher, too, is no task: one crash would be too many. `daemons`: of emulated nodes."""
    def named(name: str) -> list[int]:
        return [number for number, each in place.processes().items() if each == name]

    def ranks(run: subprocess.Popen) -> list[int]:
        return ranks_of(run) if place.launcher else [run.pid]

    def is_executor(number: int, all_of_them: dict[int, str]) -> bool:
        """A child of a rank that writes to a pipe of it; its fork server writes nowhere."""
        try:
            parent = int(Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1])
            return all_of_them.get(parent) == all_of_them[number] and os.readlink(f"/proc/{number}/fd/1").startswith("pipe:")
        except OSError:
            return False

    def shuffled() -> list[int]:
        """Executors last: one that dies alone has crashed, which its rank may note, and commit when the launcher dies."""
        found = place.processes()
        return sorted(random.sample(list(found), len(found)), key=lambda number: is_executor(number, found))

    ways = {"everything": lambda run: [*ranks(run), *shuffled()], "everything in any order": lambda run: shuffled()}
    if daemons:
        ways = {"the launcher": lambda run: named("mpirun"), "a daemon": lambda run: named("orted")[-1:],
                "everything in any order": ways["everything in any order"]}
    elif place.launcher:
        ways |= {"the launcher": lambda run: [run.pid], "the launcher, then the ranks": lambda run: [run.pid, *ranks(run)],
                 "the ranks, then the launcher": lambda run: [*ranks(run), run.pid]}
    for way, victims in ways.items():
        for _ in range(20):
            # Without a commit: the rank may note the crash of an executor that was killed before it.
            run = place.start(*place.job, "--crash-limit", "1", "--commit-interval", "60")
            place.wait_for_attempt(3)
            chosen = victims(run)
            check(f"{place.what}: {way} is there", len(chosen) > 0)
            start = time.monotonic()
            for number in chosen:
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # with another one
                if number == chosen[0]:
                    time.sleep(0.005)
            took = time.monotonic() - start
            code, out, err = place.end(run)
            check(f"{place.what}, SIGKILL of {way}: exit code {code}", code not in (0, 2, 3, 4), out + err)
            if took < 0.05:  # else a busy machine has made two ends of it, and the first may have been charged
                break
            for left in place.files_beside():
                (place.folder / left).unlink()
        check(f"{place.what}, SIGKILL of {way}: nobody is charged", "out.h5.deaths" not in place.files_beside(), out + err)
    place.require_fine_end("kills from outside charge nobody")


def try_launcher_killed_by_task(place: Place) -> None:
    """It cannot be told from a kill from outside."""
    for _ in range(2):
        code, out, err = place.end(place.start(*place.job, "--crash-limit", "1"))
        check(f"{place.what}: a death", code not in (0, 2, 3, 4), f"{code}\n{out}{err}")
        check(f"{place.what}: nobody is charged", "out.h5.deaths" not in place.files_beside(), out + err)
    place.require_fine_end("a task that kills the launcher is not charged")


def try_wrapped(place: Place) -> None:
    """A shell between launcher and rank ends with the rank: that says nothing about the launcher."""
    code, out, err = place.end(place.start(*place.job, "--crash-limit", "1"))
    check(f"{place.what}: a death that is charged", code not in (0, 2, 3, 4) and "out.h5.deaths" in place.files_beside(),
          f"{code}\n{out}{err}")
    code, out, err = place.end(place.start(*place.job, "--crash-limit", "1"))
    # The deadly task of the second map is another one.
    check(f"{place.what}: the task is given up", code not in (0, 2, 3) and place.attempts_of(3) == 1, f"{code}\n{out}{err}")
    print(f"{place.what}: charged below a wrapper", flush=True)


# Stands for slurmstepd, which Plenum knows by its name: it has no rank's number in its environment.
STEPD = """
import os, subprocess, sys
open("/proc/self/comm", "w").write("slurmstepd")
sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "OMPI_COMM_WORLD_RANK": "0"}).returncode & 0x7f)
"""


def below_stepd() -> tuple:
    return "env", "-u", "OMPI_COMM_WORLD_RANK", sys.executable, "-c", STEPD


def try_stepd_killed_by_task(place: Place) -> None:
    """When slurmstepd has ended before the rank, somebody else ended both."""
    code, out, err = place.end(place.start(*place.job, "--crash-limit", "1"))
    check(f"{place.what}: a death", code not in (0, 2, 3, 4), f"{code}\n{out}{err}")
    check(f"{place.what}: nobody is charged below slurmstepd", "out.h5.deaths" not in place.files_beside(), out + err)
    place.require_fine_end("a task that kills slurmstepd is not charged")


def try_strangers(place: Place, other: Place) -> None:
    """Deaths of another run, or of one that is discarded, do not count."""
    code, out, err = place.end(place.start(*place.job, "--crash-limit", "1"))
    check(f"{place.what}: a death", code not in (0, 2, 3, 4) and "out.h5.deaths" in place.files_beside(), f"{code}\n{err}")
    (place.folder / "armed").unlink()
    code, out, err = place.end(place.start(*place.job, "--crash-limit", "1", "--restart"))
    check(f"{place.what}: --restart forgets", code == 0 and place.files_beside() == [], f"{code}\n{out}{err}")
    code, out, err = other.end(other.start(*other.job, "--crash-limit", "1"))
    check(f"{other.what}: a death", code not in (0, 2, 3, 4) and "out.h5.deaths" in other.files_beside(), f"{code}\n{err}")
    (other.folder / "armed").unlink()
    code, out, err = other.end(other.start(*other.job, "--crash-limit", "1", "--seed", "1"))
    check(f"{other.what}: another run", code == 0 and other.files_beside() == [], f"{code}\n{out}{err}")


def main() -> None:
    program, mpirun, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="plenum-deadly-runs-") as name:
        def place(*words: str, **more) -> Place:
            return Place(program, mpirun, ranks, Path(name), *words, **more)
        if "outside" in sys.argv:
            return try_kills_from_outside(place("wait"), daemons=True)
        try_deaths(place("rank"), 3 if ranks == 0 else 2)
        try_deaths(place("group", "--commit-interval", "0"), 1)
        try_deaths(place("fault", "--isolation", "none"), 2)
        if ranks == 1:
            try_deaths(place("rank", "--executors", "2"), 3, others=True)
        if ranks > 0:
            try_launcher_killed_by_task(place("all"))
            try_wrapped(place("rank", wrapper=("sh", "-c", '"$@"; exit $?', "sh")))
            try_wrapped(place("rank", wrapper=("sh", "-c", 'timeout 1000 "$@"; exit $?', "sh")))  # leads a process group
        if ranks == 1:
            try_wrapped(place("rank", wrapper=below_stepd()))
            try_stepd_killed_by_task(place("ordered", wrapper=below_stepd()))
        try_kills_from_outside(place("wait"), daemons=False)
        try_orderly_ends(place("wait"))
        try_orderly_ends(place("wait", "--isolation", "none"))
        if ranks == 0:
            try_strangers(place("rank"), place("group"))


if __name__ == "__main__":
    main()
