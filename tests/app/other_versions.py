#!/usr/bin/env python3
# Files of an older and a newer version of the format, sound otherwise: every command refuses them with one line that
# names both versions, and leaves them as they are.   other_versions.py PLENUM MPIEXEC
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "jobs"))
from run_tools import PATIENCE, Runs  # noqa: E402

HEADER = struct.Struct("<8sIIQII")  # of a journal: magic, version, reserved, id, reserved, checksum of all before it
QUIET = ("--progress", "none")


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def version_of(journal: Path) -> int:
    return HEADER.unpack_from(journal.read_bytes())[1]


def set_version(journal: Path, version: int):
    magic, _, reserved, number, also, _ = HEADER.unpack_from(journal.read_bytes())
    header = HEADER.pack(magic, version, reserved, number, also, 0)[:-4]
    with open(journal, "r+b") as file:
        file.write(header + struct.pack("<I", crc32c(header)))


def contents(runs: Runs) -> dict[str, bytes]:
    """Of all files but the lock of a dead run, which is taken over and removed, and the note of its death."""
    return {path.name: path.read_bytes() for path in runs.folder.iterdir() if path.suffix not in (".lock", ".deaths")}


def refused(runs: Runs, what: str, version: int, known: int, *words, ranks: int = 0):
    before = contents(runs)
    run = runs.run(*words, *(QUIET if words[0] in ("run", "resume", "retry") else ()), ranks=ranks)
    what = f"{what} of version {version}: {' '.join(map(str, words))}"
    lines = [line for line in run.stderr.splitlines() if line.startswith("plenum: ")]  # others are mpirun's
    runs.check(len(lines) == 1 and f"version {version}, this Plenum knows {known}" in lines[0], what, run.stdout + run.stderr)
    runs.equal(run.returncode, 3, f"{what}: exit code")
    runs.check(contents(runs) == before, f"{what}: nothing is changed")


def interrupt(runs: Runs, job: tuple) -> Path:
    """The journal of a run that was killed in its midst."""
    process = subprocess.Popen([runs.plenum, *job, *QUIET], cwd=runs.folder, stderr=subprocess.DEVNULL)
    journal = runs.folder / "f.h5.journal"
    end = time.monotonic() + 60 * PATIENCE
    while (not journal.exists() or journal.stat().st_size < 2048) and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    return journal


def interrupted(runs: Runs):
    job = ("run", "mixed", "--pause", "0.05", "-o", "f.h5", "--commit-interval", "0")
    journal = interrupt(runs, job)
    known = version_of(journal)
    set_version(journal, known)
    runs.equal(runs.run("status", "--exit-code", "f.h5").returncode, 75, "a header that was written again is sound")
    for version in (1, known + 1):
        set_version(journal, version)
        for words in (job, ("resume", "f.h5"), ("retry", "f.h5"), ("status", "f.h5"), ("status", "f.h5.partial"),
                      ("validate", "f.h5"), ("export", "f.h5", "--map", "squares"),
                      ("show", "f.h5", "--task", "1", "--map", "squares"), ("merge", "f.h5", "-o", "merged.h5")):
            refused(runs, "journal", version, known, *words)
        refused(runs, "journal", version, known, *job, ranks=2)
    set_version(journal, known)
    runs.equal(runs.run(*job, *QUIET).returncode, 0, "the run goes on with the version that it has")
    (runs.folder / "f.h5").unlink()
    set_version(interrupt(runs, job), 1)
    runs.equal(runs.run(*job, "--restart", *QUIET).returncode, 0, "--restart discards it")
    runs.no_leftovers("--restart over another version")


def published(runs: Runs):
    (runs.folder / "broken").touch()
    job = ("run", "mixed", "--fails-while", "broken", "-o", "f.h5")
    (runs.folder / "f.h5").unlink()
    runs.equal(runs.run(*job, *QUIET).returncode, 4, "a run with failures")
    shard = ("run", "mixed", "-o", "part.h5", "--shard", "0/2")
    runs.equal(runs.run(*shard, *QUIET).returncode, 0, "a shard")
    with h5py.File(runs.folder / "f.h5") as file:
        known = int(file.attrs["format_version"])
    for version in (1, known + 1):
        for name in ("f.h5", "part.h5"):
            with h5py.File(runs.folder / name, "r+") as file:
                file.attrs["format_version"] = version
        for words in (job, (*job, "--retry-failed"), ("resume", "f.h5"), ("retry", "f.h5"), ("status", "f.h5"),
                      ("validate", "f.h5"), ("export", "f.h5", "--map", "squares"),
                      ("show", "f.h5", "--task", "1", "--map", "squares"), ("merge", "part.h5", "-o", "merged.h5"),
                      ("merge", "part.h5", "--allow-missing", "-o", "merged.h5")):
            refused(runs, "published file", version, known, *words)
        for words in (job, ("retry", "f.h5")):
            refused(runs, "published file", version, known, *words, ranks=2)
    runs.equal(runs.run(*job, "--force", *QUIET).returncode, 4, "--force replaces it")
    runs.equal(runs.run("status", "--exit-code", "f.h5").returncode, 4, "with one of this version")


with Runs() as all_runs:
    interrupted(all_runs)
    published(all_runs)
