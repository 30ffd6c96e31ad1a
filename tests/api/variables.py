#!/usr/bin/env python3
# Which run options a program with a main of its own takes, from PLENUM_* variables of rank 0 and from a file, and that the
# others change nothing:   variables.py PROGRAM MPIEXEC RANKS...     RANKS 0: without mpirun
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
ONCE = ["1 1 exception", "2 1 crash"]
# Variables, file of options, what has failed.
CASES = [
    ({}, "", ONCE),
    ({"PLENUM_RETRIES": "2"}, "", ["1 3 exception", "2 3 crash"]),
    ({"PLENUM_RETRIES": "exception=1,crash=5", "PLENUM_CRASH_LIMIT": "2"}, "", ["1 2 exception", "2 2 crash"]),
    ({"PLENUM_TASK_TIMEOUT": "1"}, "", [*ONCE, "3 1 timeout"]),
    ({"PLENUM_SCHEDULE": "static", "PLENUM_CHUNK_SIZE": "1", "PLENUM_NODE_SILENCE": "none"}, "", ONCE),
    ({}, "retries = 1\n[job]\nunknown = 3\n", ["1 2 exception", "2 2 crash"]),
    ({"PLENUM_RETRIES": "2"}, "retries = 1\n", ["1 3 exception", "2 3 crash"]),
    ({"PLENUM_OUTPUT": "x.h5", "PLENUM_SEED": "3", "PLENUM_FORCE": "true", "PLENUM_RESTART": "true",
      "PLENUM_RETRY_FAILED": "true", "PLENUM_COMMIT_INTERVAL": "5", "PLENUM_COMPRESS": "gzip", "PLENUM_PROGRESS": "lines",
      "PLENUM_SHARD": "0/2", "PLENUM_ONLY": "1", "PLENUM_DRY_RUN": "true", "PLENUM_OUTPUT_MODE": "json"}, "", ONCE),
]


def main() -> int:
    program, mpiexec, *places = sys.argv[1:]
    problems = []
    for ranks in map(int, places):
        launcher = [mpiexec, "-n", str(ranks)] if ranks > 0 else []

        def run(words, variables):
            return subprocess.run([*launcher, program, *words], capture_output=True, text=True, timeout=60 * PATIENCE, cwd=folder,
                                  env=os.environ | variables)

        for variables, config, wanted in CASES:
            with tempfile.TemporaryDirectory() as folder:
                named = {}
                if config:
                    (Path(folder) / "run.toml").write_text(config)
                    named = {"PLENUM_CONFIG": "run.toml"}
                done = run(["--retries", "7"], variables | named)  # words are the program's own
                left = sorted(set(os.listdir(folder)) - {"run.toml"})
                found = sorted(done.stdout.splitlines())
                if done.returncode != 0 or found != wanted or left:
                    problems.append(f"{variables} {config!r} at {ranks} ranks: exit code {done.returncode}, {found} instead of "
                                    f"{wanted}, files {left}: {done.stderr}")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("PLENUM_RETRIES", "PLENUM_COMPRESS"):
                done = run([], {name: "x"})
                if done.returncode != 2 or name not in done.stderr or done.stdout:
                    problems.append(f"{name}=x at {ranks} ranks: exit code {done.returncode}, {done.stderr}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
