#!/usr/bin/env python3
# mpirun is killed, or ended by two Ctrl-C: its ranks notice at once and commit what is done, whatever --commit-interval
# says; no task is charged, and the same command goes on.   run_lost_launcher.py PLENUM MPIEXEC
import json
import os
import signal
import subprocess
import time

from run_tools import PATIENCE, Runs

OPTIONS = ["--commit-interval", "1000", "--progress", "none"]
JOB = ["run", "sleep", "--tasks", "1000", "--seconds", "0.02", "-o", "out.h5", *OPTIONS]


def wait_for(condition) -> bool:
    end = time.monotonic() + 60 * PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


with Runs() as runs:
    for ranks, nodes, signals in ((1, None, [signal.SIGKILL]), (3, None, [signal.SIGKILL]),
                                  (2, None, [signal.SIGINT, signal.SIGINT])):
        what = f"{ranks} ranks, {signals}"
        process = subprocess.Popen([*runs.command(ranks, nodes), runs.plenum, *JOB], cwd=runs.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def status() -> dict:
            told = runs.run("status", "out.h5", "--output-mode", "json")
            return json.loads(told.stdout) if told.returncode == 0 else {}

        runs.check(wait_for(lambda: (runs.folder / "out.h5.partial").exists()), f"{what}: the run begins")
        time.sleep(1.5)
        for each in signals:
            os.kill(process.pid, each)
            time.sleep(0.05)
        process.wait(60 * PATIENCE)
        runs.check(wait_for(lambda: status().get("state") != "running"), f"{what}: the ranks end", str(status()))
        told = status()
        runs.check(told.get("state") == "interrupted" and sum(each["done"] for each in told["maps"]) > 0, f"{what}: what is done is kept", str(told))
        runs.check(not (runs.folder / "out.h5.deaths").exists(), f"{what}: no task is charged")
        again = runs.run(*JOB, "--executors", "8", ranks=2)
        runs.equal(again.returncode, 0, f"{what}: the same command goes on ({again.stderr})")
        (runs.folder / "out.h5").unlink(missing_ok=True)
