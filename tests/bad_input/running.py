# Runs one command in a tight place and says what it printed, how it ended and what it left behind.
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
HANG_SECONDS = 60 * PATIENCE
MARK = "PLENUM_TEST_MARK"  # in the environment of everything that a run starts


@dataclass
class Run:
    status: int = 0  # as Popen has it: negative after a signal
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0
    problems: list[str] = field(default_factory=list)


def marked_processes(mark: str) -> dict[int, str]:
    """The processes of the run that live: number and command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            pass  # it has ended, or is not ours
    return found


def wait_for_none(mark: str, seconds: float) -> dict[int, str]:
    """What still lives of the run after at most that time; a killed process takes a moment to vanish."""
    end = time.monotonic() + seconds
    while (left := marked_processes(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def bad_disk(library: Path, folder: Path) -> dict[str, str]:
    """Variables that make the disk below the folder obey bad_disk.c."""
    return {"LD_PRELOAD": str(library), "BAD_DISK": str(folder),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


def run(command: list[str], cwd: Path | str, environment: dict[str, str], scratch: Path, during=None) -> Run:
    """`during(process, mark)` is called while the command runs. A variable that is None is not set."""
    mark = uuid.uuid4().hex
    temporary = scratch / "tmp"
    temporary.mkdir()
    # A folder of its own for MPI's shared memory shows what is left there.
    shared = Path(tempfile.mkdtemp(prefix="plenum-test-", dir="/dev/shm"))
    started = time.monotonic()
    result = Run()
    variables = os.environ | {
        MARK: mark, "TMPDIR": str(temporary), "OMPI_MCA_osc_sm_backing_directory": str(shared),
        "OMPI_MCA_btl_vader_backing_directory": str(shared)} | environment
    variables = {name: value for name, value in variables.items() if value is not None}
    try:
        with open(scratch / "stdout", "w+b") as out, open(scratch / "stderr", "w+b") as err:
            process = subprocess.Popen(command, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, start_new_session=True)
            try:
                if during:
                    during(process, mark)
                process.wait(HANG_SECONDS)
            except subprocess.TimeoutExpired:
                result.problems.append(f"it hangs: no end after {HANG_SECONDS} s")
            result.seconds = time.monotonic() - started
            left = wait_for_none(mark, 0 if process.poll() is None else 5)
            for number, line in left.items():
                result.problems.append(f"process {number} is left: {line}")
                os.kill(number, signal.SIGKILL)
            result.status = process.wait()
            out.seek(0)
            err.seek(0)
            result.stdout = out.read().decode(errors="replace")
            result.stderr = err.read().decode(errors="replace")
        for folder in (shared, temporary):
            names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
            if names:
                result.problems.append(f"left in {folder}: {names}")
    finally:
        shutil.rmtree(shared, ignore_errors=True)
    return result
