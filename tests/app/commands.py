#!/usr/bin/env python3
# The commands on files: finished, alive, interrupted and damaged runs; shards and retries.
#   commands.py PLENUM MPIEXEC PART      PART: one of PARTS
import csv
import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "jobs"))
from run_tools import PATIENCE, Runs  # noqa: E402

QUIET = ("--progress", "none")


def rows_of(run) -> list[dict]:
    return list(csv.DictReader(io.StringIO(run.stdout)))


def finished(runs: Runs, ranks: int):
    where = f"at {ranks} ranks"
    (runs.folder / "broken").touch()
    run = runs.run("run", "mixed", "--fails-while", "broken", "-o", "f.h5", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 4, f"a run with failures {where} ({run.stderr[-200:]})")
    failed = [task for task in range(40) if task % 7 == 3]

    text = runs.run("status", "f.h5").stdout
    runs.check(text.startswith("f.h5: finished\n") and f"squares: {40 - len(failed)} of 40 done, {len(failed)} failed, 0 not run"
               in text and f"{len(failed)} exception" in text, f"status {where}", text)
    status = json.loads(runs.run("status", "f.h5", "--output-mode", "json").stdout)
    runs.equal([(m["name"], m["done"], m["failed"], m["not_run"]) for m in status["maps"]],
               [("squares", 40 - len(failed), len(failed), 0), ("lists", 40, 0, 0)], f"status as JSON {where}")
    runs.check(len(status["slowest"]) == 5, f"slowest tasks {where}")
    quiet = runs.run("status", "--exit-code", "f.h5")
    runs.equal((quiet.returncode, quiet.stdout, quiet.stderr), (4, "", ""), f"status --exit-code {where}")

    run = runs.run("validate", "f.h5")
    runs.equal(run.returncode, 0, f"validate {where} ({run.stdout})")
    runs.check("sound" in run.stdout and f"{80 - len(failed)} of 80 tasks" in run.stdout, f"validate {where}", run.stdout)

    rows = rows_of(runs.run("export", "f.h5", "--map", "squares"))
    runs.equal([row["status"] for row in rows], ["failed" if t in failed else "done" for t in range(40)], f"export {where}")
    runs.equal([row["result"] for row in rows], ["" if t in failed else str(t * t) for t in range(40)], f"results {where}")
    runs.equal((rows[3]["cause"], rows[3]["message"]), ("exception", 'no root for "3", sorry'), f"quoted message {where}")
    runs.check(all(0 <= int(row["rank"]) < ranks and row["host"] and float(row["start"]) > 0 for row in rows
                   if row["status"] == "done"), f"where tasks ran {where}")
    run = runs.run("export", "f.h5", "--map", "lists", "--format", "jsonl", "-o", "lists.jsonl")
    lists = [json.loads(line) for line in (runs.folder / "lists.jsonl").read_text().splitlines()]
    runs.equal([row["result"] for row in lists], [list(range(t, t + t % 4)) for t in range(40)], f"lists {where}")
    again = runs.run("export", "f.h5", "--map", "lists", "-o", "lists.jsonl")
    runs.equal(again.returncode, 2, "export overwrites nothing")
    runs.equal(runs.run("export", "f.h5").returncode, 2, "export of a file with two maps asks which")

    shown = runs.run("show", "f.h5", "--task", "10", "--map", "squares").stdout
    runs.check("task 10 of squares: failed" in shown and "no root" in shown and "value = 10.5 m" in shown, "show a failure", shown)
    shown = runs.run("show", "f.h5", "--task", "5", "--map", "squares").stdout
    runs.check("result      1 float64: 25" in shown and "five speaks" in shown, "show a result", shown)
    runs.equal(runs.run("show", "f.h5", "--task", "40", "--map", "squares").returncode, 2, "show a task that is not there")

    # Failed tasks once more: the file stays as it is until it is replaced.
    run = runs.run("retry", "f.h5", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 4, f"retry while the reason is there {where} ({run.stderr[-300:]})")
    (runs.folder / "broken").unlink()
    run = runs.run("retry", "f.h5", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 0, f"retry {where} ({run.stderr[-300:]})")
    rows = rows_of(runs.run("export", "f.h5", "--map", "squares"))
    runs.equal([float(row["result"]) for row in rows], [t * t for t in range(40)], f"results after retry {where}")
    runs.equal({row["task"]: row["attempts"] for row in rows if row["attempts"] != "1"}, {str(t): "3" for t in failed},
               f"attempts after retry {where}")
    runs.equal(runs.run("status", "--exit-code", "f.h5").returncode, 0, f"status after retry {where}")
    runs.equal(runs.run("validate", "f.h5").returncode, 0, f"validate after retry {where}")
    runs.equal(runs.run("retry", "f.h5").returncode, 0, "nothing to retry")
    runs.no_leftovers(f"retry {where}")
    (runs.folder / "f.h5").unlink()
    (runs.folder / "lists.jsonl").unlink()


def planned(runs: Runs, *words, ranks: int = 0) -> list[tuple[int, ...]]:
    """What a dry run says of squares and lists: tasks that would run, all, done, failed, of other shards."""
    run = runs.run(*words, "--dry-run", ranks=ranks)
    runs.equal(run.returncode, 0, f"dry run of {words} ({run.stderr[-300:]})")
    found = []
    for line in run.stderr.splitlines():
        if match := re.fullmatch(r"would run (\d+)(?: of (\d+))? tasks of map '(?:squares|lists)'(?: \(([^)]*)\))?: .*", line):
            left_out = dict(reversed(part.split(" ", 1)) for part in match[3].split(", ")) if match[3] else {}
            runs.check(bool(match[2]) == bool(left_out), "what would not run, and why", line)
            found.append((int(match[1]), int(match[2] or match[1]), *(int(left_out.pop(why, 0)) for why in (
                "done", "failed", "of other shards"))))
            runs.equal(left_out, {}, line)
    return found


def recorded_options(runs: Runs, ranks: int):
    where = f"at {ranks} ranks"
    (runs.folder / "broken").touch()
    (runs.folder / "run.toml").write_text("commit-interval = 0.01\n")
    job = ("run", "mixed", "--tasks", "60", "--pause", "0.15", "--fails-while", "broken", "-o", "r.h5", *QUIET)
    run = runs.run(*job, "--retries", "1", "--schedule", "ss", "--config", "run.toml", "--time-limit", "2", "--grace",
                   "0.2", ranks=ranks, PLENUM_COMPRESS="gzip:2")
    runs.equal(run.returncode, 75, f"a run that is stopped {where} ({run.stderr[-300:]})")

    def origins(*words, **environment) -> dict:
        shown = runs.run("resume", "r.h5", "--dry-run", *QUIET, *words, ranks=ranks, **environment)
        runs.equal(shown.returncode, 0, f"resume --dry-run {where} ({shown.stderr[-300:]})")
        lines = (line.split(": ", 1) for line in shown.stderr.splitlines() if line.startswith("--"))
        return {name: value for name, value in lines}

    shown = origins()
    for option, value in (("retries", "1"), ("schedule", "ss"), ("compress", "gzip:2"), ("commit-interval", "0.01"),
                          ("grace", "0.2"), ("tasks", "60"), ("seed", "0")):
        runs.equal(shown.get(f"--{option}"), f"{value} (recorded)", f"origin of --{option} {where}")
    runs.check("--time-limit" not in shown and "--config" not in shown, f"what belongs to one process {where}", str(shown))
    runs.check(not {"--only", "--shard", "--restart"} & shown.keys(), f"what the run does not have {where}", str(shown))
    runs.equal(origins("--retries", "5").get("--retries"), "5 (command line)", f"the command line counts more {where}")
    runs.equal(origins(PLENUM_RETRIES="6").get("--retries"), "6 (PLENUM_RETRIES)", f"a variable counts more {where}")
    (runs.folder / "run.toml").write_text("retries = 7\n")
    runs.equal(origins("--config", "run.toml").get("--retries"), "7 (run.toml:1)", f"a file counts more {where}")
    plain = runs.run(*job, "--dry-run", ranks=ranks)
    runs.check(plain.returncode == 0 and "recorded" not in plain.stderr, f"run takes nothing {where}", plain.stderr)

    def require(attempts: int, level: int, what: str):
        with h5py.File(runs.folder / "r.h5") as file:
            runs.equal(file["results/squares"].compression_opts, level, f"compression {what} {where}")
            runs.equal(set(file["tasks/squares/attempts"][3::7]), {attempts}, f"attempts {what} {where}")

    run = runs.run("resume", "r.h5", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 4, f"resume {where} ({run.stderr[-300:]})")
    require(2, 2, "after resume")
    runs.equal(runs.run("retry", "r.h5", "--compress", "gzip:4", *QUIET, ranks=ranks).returncode, 4, f"retry {where}")
    require(4, 4, "after retry")
    runs.equal(runs.run("validate", "r.h5").returncode, 0, f"validate after retry {where}")
    for name in ("broken", "run.toml", "r.h5"):
        (runs.folder / name).unlink()


def held(runs: Runs):
    """While another run holds the file, no progress of one that is refused is shown."""
    with open(runs.folder / "h.h5.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for mode in ("lines", "bar"):
            run = runs.run("run", "mixed", "-o", "h.h5", "--progress", mode)
            runs.check(run.returncode == 3 and run.stderr.count("\n") == 1 and run.stderr.startswith("plenum: h.h5.partial: "
                       "another run is writing it"), f"a run that is refused says one line ({mode})", repr(run.stderr))
    (runs.folder / "h.h5.lock").unlink()


def recorded_shard(runs: Runs):
    words = ("run", "mixed", "--pause", "0.1", "--shard", "1/2", "--time-limit", "1", "--grace", "0.1", *QUIET)
    runs.equal(runs.run(*words).returncode, 75, "a shard that is stopped")
    (runs.folder / "other.toml").write_text("shard = '0/2'\nseed = 3\n")
    shown = runs.run("resume", "mixed-1.h5", "--dry-run", "--config", "other.toml", PLENUM_SHARD="0/3")
    runs.check("--shard: 1/2 (recorded)\n" in shown.stderr and "--seed: 0 (recorded)\n" in shown.stderr,
               "the shard is that of the run", shown.stderr)
    state = json.loads(runs.run("status", "mixed-1.h5", "--output-mode", "json").stdout)["maps"][0]
    counts = [(state["not_run"], 40, state["done"], 0, 20), (20, 40, 0, 0, 20)]
    runs.equal(planned(runs, "resume", "mixed-1.h5"), counts, "what is left of a shard")
    for path in runs.folder.glob("mixed-1.h5*"):
        path.unlink()


def too_many_failures(runs: Runs, ranks: int):
    """A run that goes on with more failures than may be stops at once, before it has results of its own."""
    (runs.folder / "broken").touch()
    words = ("run", "mixed", "--tasks", "200", "--pause", "0.02", "--chunk-size", "1", "--fails-while", "broken",
             "-o", "t.h5", *QUIET)
    counts = []
    for _ in range(2):
        run = runs.run(*words, "--max-failures", "2", ranks=ranks)
        runs.check(run.returncode == 75 and "too many failed tasks" in run.stderr, f"--max-failures at {ranks} ranks",
                   f"{run.returncode}: {run.stderr[-300:]}")
        state = json.loads(runs.run("status", "t.h5", "--output-mode", "json").stdout)["maps"][0]
        counts.append((state["done"], state["failed"]))
    runs.check(counts[0] == counts[1] and counts[0][1] > 2, f"nothing runs when too many have failed: {counts}")
    (done, failed), rest = counts[0], (200, 200, 0, 0, 0)  # the job has not come to its lists
    left = 200 - done - failed
    for command, some in ((words, (left, 200, done, failed, 0)), ([*words, "--retry-failed"], (left + failed, 200, done, 0, 0)),
                          (["resume", "t.h5"], (left, 200, done, failed, 0)), (["retry", "t.h5"], (left + failed, 200, done, 0, 0)),
                          ([*words, "--restart"], rest)):
        runs.equal(planned(runs, *command, ranks=ranks), [some, rest], f"what {command} would do at {ranks} ranks")
    run = runs.run(*words, "--max-failures", "100", "--output-mode", "json", ranks=ranks)
    runs.equal(run.returncode, 4, f"with a higher limit it goes on ({run.stderr[-300:]})")
    (runs.folder / "broken").unlink()
    rate = json.loads(run.stdout)["tasks_per_second"]
    shown = json.loads(runs.run("status", "t.h5", "--output-mode", "json").stdout)["tasks_per_second"]
    runs.check(abs(shown / rate - 1) < 0.05, f"status shows the rate of the summary: {shown} and {rate}")
    (runs.folder / "t.h5").unlink()


def table(path: Path) -> dict:
    """What a finished file says of when and where the tasks of squares ran."""
    with h5py.File(path) as file:
        tasks = file["tasks/squares"]
        hosts = file["provenance/hosts"].asstr()[:]
        return {name: tasks[name][:] for name in ("rank", "start", "duration", "attempts", "process")} | {
            "host": hosts[tasks["host"][:]], "runs": list(file["provenance/runs/command_line"].asstr()[:])}


def retried(runs: Runs, ranks: int):
    """A retry that is killed goes on with each of the commands that may be tried, to the same end."""
    failed = [task for task in range(40) if task % 7 == 3]
    done = [task for task in range(40) if task not in failed]
    first = ["run", "mixed", "--fails-while", "broken", "--pause", "0.6", "--sum", "-o", "k.h5", *QUIET]
    (runs.folder / "broken").touch()
    run = runs.run("run", "mixed", "--fails-while", "broken", "--pause", "0.6", "--sum", "-o", "k.h5", "--executors", "8",
                   "--chunk-size", "1", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 4, f"a run with failures ({run.stderr[-200:]})")
    (runs.folder / "broken").unlink()
    published, before = (runs.folder / "k.h5").read_bytes(), table(runs.folder / "k.h5")
    for words in (["retry", "k.h5"], [*first, "--retry-failed"]):
        runs.equal(planned(runs, *words, ranks=ranks), [(len(failed), 40, len(done), 0, 0), (0, 40, 40, 0, 0)],
                   f"what {words[0]} would do at {ranks} ranks")
        runs.check((runs.folder / "k.h5").read_bytes() == published and [path.name for path in runs.folder.glob("k.h5*")] ==
                   ["k.h5"], f"a dry {words[0]} changes nothing at {ranks} ranks")
    dry = runs.run(*first, "--dry-run", ranks=ranks)
    runs.check(dry.returncode == 4 and "is complete, 6 of 80 tasks have no result" in dry.stderr,
               f"a dry run of a file that is there at {ranks} ranks", dry.stderr)
    for again in (["resume", "k.h5"], ["retry", "k.h5"], [*first, "--retry-failed"]):
        what = f"after a retry that was killed, {again[0]} at {ranks} ranks"
        (runs.folder / "k.h5").write_bytes(published)
        command = [*runs.command(ranks), runs.plenum, "retry", "k.h5", "--executors", "1", "--chunk-size", "1",
                   "--commit-interval", "0.05", *QUIET]
        process = subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60 * PATIENCE
        counts = (0, 0)
        while not len(done) < counts[0] < 40 and process.poll() is None and time.monotonic() < deadline:
            status = json.loads(runs.run("status", "k.h5", "--output-mode", "json").stdout)
            if status["state"] == "running" and len(status["maps"]) == 2:
                counts = (status["maps"][0]["done"], status["maps"][1]["done"])
                pid = status["process"]["pid"]
        runs.check(len(done) < counts[0] < 40 and counts[1] == 40, f"the later map is there from the start, {what}", str(counts))
        os.kill(pid, signal.SIGKILL)
        process.wait(timeout=60 * PATIENCE)
        runs.check((runs.folder / "k.h5").read_bytes() == published, f"the published file stays, {what}")
        text = runs.run("status", "k.h5").stdout
        runs.check("interrupted; plenum resume k.h5" in text and f"{len(done)} of 40" not in text.split("before")[0]
                   and "74 of 80 tasks done; that file stays" in text, f"status {what}", text)
        runs.equal(runs.run("status", "--exit-code", "k.h5").returncode, 75, f"status --exit-code {what}")
        left = json.loads(runs.run("status", "k.h5", "--output-mode", "json").stdout)["maps"][0]["not_run"]
        runs.equal(planned(runs, *again, ranks=ranks), [(left, 40, 40 - left, 0, 0), (0, 40, 40, 0, 0)], f"dry, {what}")
        run = runs.run(*first)
        runs.check(run.returncode == 4 and "plenum resume k.h5 goes on" in run.stderr, f"the command without --retry-failed, {what}",
                   run.stderr)
        run = runs.run(*again, *([] if again[0] == "run" else QUIET), ranks=ranks)
        runs.equal(run.returncode, 0, f"{what} ({run.stderr[-300:]})")
        after = table(runs.folder / "k.h5")
        for name in ("rank", "start", "duration", "attempts", "host", "process"):
            runs.check((after[name][done] == before[name][done]).all(), f"{name} of what was done, {what}")
        # The kill looks like a crash of what was at work in rank 0's process.
        again_once = [attempt - 2 for attempt in after["attempts"][failed]]
        runs.check(set(again_once) <= {0, 1} and sum(again_once) <= 1, f"attempts {what}", str(again_once))
        runs.check(not np.isnan(after["duration"]).any() and (after["rank"] >= 0).all(), f"times of all tasks, {what}")
        runs.equal((len(after["runs"]), after["runs"][0]), (3, before["runs"][0]), f"processes {what}")
        with h5py.File(runs.folder / "k.h5") as file:
            runs.equal(file["sum"][0], sum(t * t for t in range(40)), f"what was computed from results, {what}")
        runs.check("five speaks" in runs.run("show", "k.h5", "--task", "5", "--map", "squares").stdout, f"what was printed, {what}")
        runs.check("five speaks" not in runs.run("show", "k.h5", "--task", "5", "--map", "lists").stdout, "the other map's task 5")
        runs.no_leftovers(what)
        runs.equal(runs.run("validate", "k.h5").returncode, 0, f"validate {what}")
        run = runs.run("resume", "k.h5")
        runs.check(run.returncode == 0 and "complete" in run.stderr, f"nothing to resume, {what}", run.stderr)
    (runs.folder / "k.h5").unlink()


def alive(runs: Runs):
    command = [runs.plenum, "run", "mixed", "--tasks", "600", "--pause", "0.01", "--chunk-size", "1", "--commit-interval", "0.1",
               "-o", "l.h5", *QUIET]
    process = subprocess.Popen(command, cwd=runs.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        states, valid, exported, deadline = [], [], 0, time.monotonic() + 60 * PATIENCE
        while process.poll() is None and time.monotonic() < deadline and (
                len(valid) < 5 or len({state["maps"][0]["done"] for state in states if state["maps"]}) < 3):
            status = runs.run("status", "l.h5", "--output-mode", "json")
            if status.returncode != 0 and not states:  # it has no journal yet
                continue
            states.append(json.loads(status.stdout))
            valid.append(runs.run("validate", "l.h5.partial").returncode)
            runs.equal(runs.run("status", "--exit-code", "l.h5").returncode, 75, "exit code while a run is alive")
            exported = len([r for r in rows_of(runs.run("export", "l.h5", "--map", "squares")) if r["status"] == "done"])
        runs.check(len(valid) >= 5 and not any(valid), f"validate while a run is alive: {valid}")
        runs.check(all(state["state"] == "running" and state["process"]["pid"] == process.pid for state in states),
                   "status names the process")
        done = [state["maps"][0]["done"] for state in states if state["maps"]]
        runs.check(done == sorted(done) and done[-1] > 0, f"counts grow: {done}")
        runs.check(states[-1]["tasks_per_second"] is not None, "a rate")
        runs.check(exported > 0, "export while a run is alive")
        shown = runs.run("show", "l.h5", "--task", "5", "--map", "squares").stdout
        runs.check("printed     five speaks" in shown, "what a task of a run that is alive has printed", shown)
        process.kill()
        process.wait()
        rows = [r for r in rows_of(runs.run("export", "l.h5", "--map", "squares")) if r["status"] == "done"]
        timed = [r for r in rows if r["duration"] and r["rank"]]
        runs.check(len(timed) >= 0.9 * len(rows) > 0, f"times of {len(timed)} of {len(rows)} tasks that were done before a kill")
        status = runs.run("status", "l.h5")
        runs.check("l.h5: interrupted; plenum resume l.h5" in status.stdout, "status of a dead run", status.stdout + status.stderr)
        runs.equal(runs.run("validate", "l.h5").returncode, 0, "validate a dead run")
        task = runs.run("show", "l.h5", "--task", "0", "--map", "squares").stdout
        runs.check("task 0 of squares: done" in task and "1 float64: 0" in task, "show a task of a dead run", task)

        # A flipped bit in a result that counts, and one in the journal.
        with h5py.File(runs.folder / "l.h5.partial") as file:
            place = file["results/squares"].id.get_offset()
        journal = (runs.folder / "l.h5.journal").read_bytes()
        with open(runs.folder / "l.h5.partial", "r+b") as file:
            file.seek(place + 1)
            byte = file.read(1)
            file.seek(place + 1)
            file.write(bytes([byte[0] ^ 64]))
        run = runs.run("validate", "l.h5", "--output-mode", "json")
        report = json.loads(run.stdout)
        runs.equal((run.returncode, report["sound"], len(report["damage"])), (3, False, 1), "damage in a partial file")
        runs.check(report["damage"][0]["map"] == "squares" and report["damage"][0]["first"] == 0, "where it is", run.stdout)
        (runs.folder / "l.h5.journal").write_bytes(journal[:40] + bytes([journal[40] ^ 1]) + journal[41:])
        for words in (["validate", "l.h5"], ["status", "--exit-code", "l.h5"]):
            run = runs.run(*words)
            runs.equal(run.returncode, 3, f"{words} with a damaged journal")
            runs.check(run.stderr.count("\n") == 1 and "l.h5.journal" in run.stderr, "one line names the journal", run.stderr)
        (runs.folder / "l.h5.journal").write_bytes(journal)
    finally:
        process.kill()
        process.wait()
    watch = subprocess.Popen([runs.plenum, "status", "--watch", "0.2", "w.h5"], cwd=runs.folder, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, error = watch.communicate(timeout=30 * PATIENCE)
    runs.check(watch.returncode == 3 and "w.h5" in error, "watching what is not there")
    resumed = runs.run("resume", "l.h5", *QUIET)
    runs.check(resumed.returncode == 0 and "damaged" in resumed.stderr, "the damaged results are computed again", resumed.stderr)
    runs.equal(runs.run("validate", "l.h5").returncode, 0, "validate after that")
    shown = runs.run("show", "l.h5", "--task", "5", "--map", "squares").stdout
    runs.check("printed     five speaks" in shown, "what was printed before a kill", shown)
    text = runs.run("status", "--watch", "--output-mode", "json", "l.h5").stdout
    runs.equal(text.count("\n"), 1, "watching a finished run ends at once")
    (runs.folder / "l.h5").unlink()


def damaged(runs: Runs):
    for words, name in (((), "d.h5"), (("--compress", "gzip"), "z.h5")):
        runs.run("run", "mixed", "--tasks", "4000", "-o", name, *words, *QUIET)
        sound = runs.run("validate", name)
        runs.equal(sound.returncode, 0, f"validate {words} ({sound.stdout})")
        with h5py.File(runs.folder / name) as file:
            dataset = file["results/squares"]
            place = dataset.id.get_chunk_info(0).byte_offset if words else dataset.id.get_offset()
        content = bytearray((runs.folder / name).read_bytes())
        content[place + 1000] ^= 4
        (runs.folder / "bad.h5").write_bytes(content)
        run = runs.run("validate", "bad.h5")
        runs.equal(run.returncode, 3, f"a flipped bit {words} ({run.stdout})")
        runs.check("squares" in run.stdout and "damaged" in run.stdout, "validate names the map", run.stdout)
        (runs.folder / "bad.h5").write_bytes(content[:len(content) // 2])
        runs.equal(runs.run("validate", "bad.h5").returncode, 3, "half a file")
    with h5py.File(runs.folder / "d.h5", "r+") as file:
        file["tasks/squares/status"][17] = 2
        file["inputs/values"][3] = 99
    run = runs.run("validate", "d.h5")
    runs.check(run.returncode == 3 and "task 17" in run.stdout and "inputs/values" in run.stdout, "changed tables", run.stdout)
    with h5py.File(runs.folder / "z.h5", "r+") as file:
        file.attrs["format_version"] = 99
    run = runs.run("status", "z.h5")
    runs.check(run.returncode == 3 and "version 99" in run.stderr, "a newer format", run.stderr)
    with h5py.File(runs.folder / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    (runs.folder / "text.h5").write_text("no HDF5")
    for name in ("other.h5", "text.h5", "missing.h5"):
        run = runs.run("validate", name)
        runs.equal((run.returncode, run.stdout, run.stderr.count("\n")), (3, "", 1), f"validate {name} ({run.stderr})")
        (runs.folder / name).unlink(missing_ok=True)


def only(runs: Runs):
    (runs.folder / "broken").touch()
    run = runs.run("run", "mixed", "--fails-while", "broken", "--only", "5")
    runs.check(run.returncode == 0 and "task 5 of squares: done" in run.stdout and "1 float64: 25" in run.stdout and
               "five speaks" in run.stdout, "--only", run.stdout + run.stderr)
    run = runs.run("run", "mixed", "--fails-while", "broken", "--only", "10")
    runs.check(run.returncode == 4 and "no root for" in run.stdout, "--only of a task that fails", run.stdout + run.stderr)
    run = runs.run("run", "mixed", "--only", "lists:7")
    runs.check(run.returncode == 0 and "3 int32 values: 7 8 9" in run.stdout, "--only of a later map", run.stdout + run.stderr)
    runs.equal(runs.run("run", "mixed", "--only", "40").returncode, 2, "--only of a task that is not there")
    runs.equal(runs.run("run", "mixed", "--only", "x").returncode, 2, "--only of no number")
    runs.equal(runs.run("run", "mixed", "--only", "1", ranks=2).returncode, 2, "--only under mpirun")
    (runs.folder / "broken").unlink()
    runs.check(not list(runs.folder.glob("mixed*")), "--only leaves no file")


def shards(runs: Runs, ranks: int):
    def make(count: int, *words):
        for i in range(count):
            run = runs.run("run", "mixed", "--shard", f"{i}/{count}", *words, *QUIET, ranks=ranks)
            runs.equal(run.returncode, 0, f"shard {i}/{count} ({run.stderr[-300:]})")
            runs.equal(runs.run("status", "--exit-code", f"mixed-{i}.h5").returncode, 0, "a shard is complete")
        return [f"mixed-{i}.h5" for i in range(count)]

    def clean(*more):
        for path in [*runs.folder.glob("mixed-*.h5"), *(runs.folder / name for name in more)]:
            path.unlink(missing_ok=True)

    plain = runs.run("run", "mixed", "--sum", "-o", "plain.h5", *QUIET)
    runs.equal(plain.returncode, 0, "a run without shards")
    files = make(3)
    again = runs.run("run", "mixed", "--shard", "1/3", *QUIET)
    runs.check(again.returncode == 0 and "nothing to do" in again.stderr, "a shard that is there already", again.stderr)
    for words, named in ((files[:2], "2/3"), ([files[0], *files], "same shard"), (["plain.h5", *files], "no shard")):
        run = runs.run("merge", *words, "-o", "m.h5")
        runs.check(run.returncode == 2 and named in run.stderr, f"merge refuses {words}", run.stderr)
    runs.no_leftovers("merge refuses")
    run = runs.run("merge", *files, "-o", "m.h5")
    runs.equal(run.returncode, 0, f"merge ({run.stdout}{run.stderr})")
    same = subprocess.run(["h5diff", "plain.h5", "m.h5", "/results", "/results"], cwd=runs.folder)
    runs.equal(same.returncode, 0, "merged results are those of one run")
    with h5py.File(runs.folder / "m.h5") as file:
        runs.equal(file["inputs/values"].attrs["units"], "m", "attributes of inputs")
        runs.check((file["tasks/squares/status"][:] == 0).all() and (file["tasks/squares/rank"][:] >= 0).all(), "tables")
    runs.equal(runs.run("validate", "m.h5").returncode, 0, "validate a merged file")
    run = runs.run("run", "mixed", "-o", "m.h5", *QUIET)
    runs.check(run.returncode == 0 and "nothing to do" in run.stderr, "the run of the merged file is done", run.stderr)
    run = runs.run("merge", files[2], files[0], "--allow-missing", "-o", "part.h5")
    runs.check(run.returncode == 75 and "26 not run" in run.stdout and "plenum resume part.h5" in run.stdout,
               "merge with a missing shard", run.stdout + run.stderr)
    runs.check("interrupted; plenum resume part.h5" in runs.run("status", "part.h5").stdout and
               not (runs.folder / "part.h5").exists(), "what is incomplete has no final name")
    runs.equal(runs.run("status", "--exit-code", "part.h5").returncode, 75, "status of an incomplete merge")
    run = runs.run("merge", *files, "-o", "part.h5")
    runs.equal(run.returncode, 0, f"the missing shard comes later ({run.stdout}{run.stderr})")
    with h5py.File(runs.folder / "part.h5") as file:
        runs.equal(len(set(file["tasks/squares/process"][:])), 3, "processes of the shards in an incomplete merge")
        runs.equal(file["printed/text"].asstr()[:].tolist(), ["five speaks\n"], "what was printed, merged in two steps")
    runs.equal(subprocess.run(["h5diff", "plain.h5", "part.h5", "/results", "/results"], cwd=runs.folder).returncode, 0,
               "merged in two steps")
    (runs.folder / "part.h5").unlink()
    run = runs.run("merge", files[2], files[0], "--allow-missing", "-o", "part.h5")
    run = runs.run("run", "mixed", "--sum", "-o", "part.h5", *QUIET, ranks=ranks)
    runs.check(run.returncode == 2 and "--sum was false" in run.stderr, "another run refuses the merged share", run.stderr)
    run = runs.run("resume", "part.h5", *QUIET, ranks=ranks)
    runs.equal(run.returncode, 0, f"resume computes what the missing shard had ({run.stderr[-300:]})")
    runs.equal(subprocess.run(["h5diff", "plain.h5", "part.h5", "/results", "/results"], cwd=runs.folder).returncode, 0,
               "a share that was computed after the merge")
    other = runs.run("run", "mixed", "--tasks", "41", "--shard", "1/3", "-o", "mixed-x.h5", *QUIET)
    runs.equal(other.returncode, 0, "a shard of another run")
    run = runs.run("merge", files[0], "mixed-x.h5", files[2], "-o", "no.h5")
    runs.check(run.returncode == 2 and "--tasks was 40" in run.stderr, "shards of different runs", run.stderr)
    clean("m.h5", "part.h5")

    # What was printed comes once, however often a shard is merged; also what no task has printed.
    files = make(3, "--actor")
    for some, status in ((files[:1], 75), (files[:2], 75), (files[:2], 75), (files, 0)):
        run = runs.run("merge", *some, "--allow-missing", "-o", "m.h5")
        runs.equal(run.returncode, status, f"merge again and again ({run.stdout}{run.stderr})")
    with h5py.File(runs.folder / "m.h5") as file:
        runs.equal(sorted(file["printed/text"].asstr()[:]), [*["an actor speaks\n"] * 3, "five speaks\n"],
                   "what was printed, after merges of the same shards")
    clean("m.h5")

    # A job that needs all results goes on after the merge.
    files = make(2, "--sum")
    run = runs.run("merge", *files, "-o", "m.h5")
    runs.check(run.returncode == 75 and "plenum resume m.h5" in run.stdout, "merge for the rest of a job", run.stdout + run.stderr)
    runs.equal(runs.run("resume", "m.h5", *QUIET, ranks=ranks).returncode, 0, "the rest of the job")
    with h5py.File(runs.folder / "m.h5") as file:
        runs.equal(file["sum"][0], sum(t * t for t in range(40)), "the sum over all shards")
    clean("m.h5", "plain.h5")


def runs_at(ranks: int):
    def try_all(runs: Runs):
        finished(runs, ranks)
        recorded_options(runs, ranks)
        too_many_failures(runs, ranks)
    return try_all


def files(runs: Runs):
    alive(runs)
    held(runs)
    recorded_shard(runs)
    damaged(runs)
    only(runs)
    help = runs.run("status", "--help")
    runs.check(help.returncode == 0 and "--watch" in help.stdout, "help of a command")
    for word in ("resume", "retry"):
        help = runs.run(word, "--help")
        runs.check(help.returncode == 0 and help.stdout.startswith(f"Usage: plenum {word} FILE") and "--executors" in help.stdout
                   and "--seed" not in help.stdout and "--shard" not in help.stdout, f"help of {word}", help.stdout[:300])
    runs.equal(runs.run("status").returncode, 2, "a command without its file")
    runs.equal(runs.run("status", "a.h5", "b.h5").returncode, 2, "two files for a command that takes one")


# Each part is a test of its own.
PARTS = {"files": files, "ranks1": runs_at(1), "ranks3": runs_at(3),
         "retried.ranks1": lambda runs: retried(runs, 1), "retried.ranks3": lambda runs: retried(runs, 3),
         "shards.ranks1": lambda runs: shards(runs, 1), "shards.ranks2": lambda runs: shards(runs, 2)}

with Runs() as runs:
    PARTS[sys.argv[3]](runs)
