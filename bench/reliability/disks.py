# Troubles with the disk in mid-run: full, over quota, gone read-only, gone for good, unmounted, folder moved or no longer
# writable. Each time the run has to end with exit code 3 and one line that says why; what was committed has to be there
# once the trouble is over, and the same command has to finish.
#   disks.py SETUP     a process of its own, in a mount namespace of its own: prints one line of JSON for each case
# Needs root: file systems are mounted, on /dev/loop*.
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

if __name__ == "__main__":
    sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))
from campaign import (DONE, ENVIRONMENT, Journal, Setup, Skipped, contents, differences, end_group, environment, launcher,
                      told_twice, wait_for_end, wait_until)

JOB = ["segment", "--synthetic", "1500", "--size", "200x200"]  # results of fixed shape and ragged ones
OPTIONS = ["--commit-interval", "0.02"]
NOBODY = 65534
FULL = "disk full|disk is too small"  # while it writes, or before it reserves the space of a map's results
# May follow the line that says why.
KEPT = "plenum: what is done is kept; the same command resumes"
LOST = "plenum: nothing of it is kept; the same command begins anew"


def call(*command: object) -> None:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


class Disk:
    """A file system of its own below `folder`. `place`: where the run writes."""

    def __init__(self, folder: pathlib.Path):
        self.root = folder / "disk"
        self.root.mkdir()
        self.mount()
        self.place = self.root / "results"
        self.place.mkdir()
        self.filler = self.root / "filler"

    def mount(self) -> None:
        call("mount", "-t", "tmpfs", "-o", "size=100M", "tmpfs", self.root)

    def unmount(self, *options: str) -> None:
        call("umount", *options, self.root)

    def fill(self) -> None:
        with open(self.filler, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def empty(self) -> None:
        self.filler.unlink()

    def end(self) -> None:
        subprocess.run(["umount", "-l", str(self.root)], capture_output=True)


class LoopDisk(Disk):
    """ext4 in a file."""
    made_with: tuple[str, ...] = ()
    mounted_with = "errors=remount-ro"

    def __init__(self, folder: pathlib.Path):
        self.image = folder / "image"
        with open(self.image, "wb") as file:
            file.truncate(128 << 20)
        call("mkfs.ext4", "-q", "-F", *self.made_with, self.image)
        super().__init__(folder)

    def mount(self) -> None:
        call("mount", "-o", f"loop,{self.mounted_with}", self.image, self.root)

    def repair(self) -> None:
        """As after a failure: unmounted, checked, mounted."""
        self.unmount()
        checked = subprocess.run(["e2fsck", "-p", str(self.image)], capture_output=True, text=True)
        if checked.returncode > 1:  # 1: errors, all mended
            raise OSError(f"e2fsck: {checked.stdout}{checked.stderr}")
        self.mount()

    def device(self) -> str:
        return os.path.basename(subprocess.run(["findmnt", "-n", "-o", "SOURCE", str(self.root)], capture_output=True,
                                               text=True, check=True).stdout.strip())

    def go_read_only(self) -> None:
        pathlib.Path(f"/sys/fs/ext4/{self.device()}/trigger_fs_error").write_text("on purpose")

    def go_away(self) -> None:
        """From here on nothing reaches the disk; what has not been synced is lost."""
        EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)


class QuotaDisk(LoopDisk):
    """The user nobody may use so much and no more."""
    made_with = ("-O", "quota", "-E", "quotatype=usrquota")

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder)
        os.chown(self.place, NOBODY, NOBODY)

    def mount(self) -> None:
        try:
            super().mount()
        except OSError as error:
            raise OSError("this kernel mounts no ext4 with quotas (CONFIG_QFMT_V2)") from error
        self.allow(0)

    def allow(self, kib: int) -> None:
        Q_SETQUOTA, USRQUOTA, QIF_BLIMITS = 0x800008, 0, 1
        limits = struct.pack("=8QI4x", kib, kib, 0, 0, 0, 0, 0, 0, QIF_BLIMITS)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.quotactl(Q_SETQUOTA << 8 | USRQUOTA, f"/dev/{self.device()}".encode(), NOBODY, limits) != 0:
            raise OSError(ctypes.get_errno(), "quotactl")

    def use_up(self) -> None:
        used = sum(each.stat().st_blocks for each in self.place.iterdir()) // 2
        self.allow(used + 4)


class ForeignDisk(Disk):
    """Belongs to nobody, who runs the program."""

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder)
        os.chown(self.place, NOBODY, NOBODY)


@dataclasses.dataclass
class Case:
    name: str
    words: str                           # of the line that the run ends with, a regular expression
    disk: type[Disk]
    trouble: Callable[[Disk], object]
    mend: Callable[[Disk], object]
    as_nobody: bool = False
    quota_bytes: int = 0                 # emulated by tests/bad_input/bad_disk.c: kernels often have no quota


CASES = [
    Case("disk full (tmpfs)", FULL, Disk, Disk.fill, Disk.empty),
    Case("disk full (ext4)", FULL, LoopDisk, LoopDisk.fill, LoopDisk.empty),
    Case("quota", "quota", QuotaDisk, QuotaDisk.use_up, lambda disk: disk.allow(0), as_nobody=True),
    Case("quota (emulated)", "quota", Disk, lambda disk: None, lambda disk: None, quota_bytes=30 << 20),
    Case("read-only", "Read-only|Input/output error", LoopDisk, LoopDisk.go_read_only, LoopDisk.repair),
    Case("disk gone, what was not synced is lost", "Input/output error", LoopDisk, LoopDisk.go_away, LoopDisk.repair),
    Case("unmounted", "somebody removed", LoopDisk, lambda disk: disk.unmount("-l"), LoopDisk.mount),
    Case("folder moved", "somebody removed", Disk, lambda disk: disk.place.rename(disk.root / "elsewhere"),
         lambda disk: (disk.root / "elsewhere").rename(disk.place)),
    Case("folder may not be written any more", "Permission denied", ForeignDisk,
         lambda disk: disk.place.chmod(0o500), lambda disk: disk.place.chmod(0o700), as_nobody=True),
    Case("folder may not be entered any more", r"out of reach \(Permission denied", ForeignDisk,
         lambda disk: disk.place.chmod(0), lambda disk: disk.place.chmod(0o700), as_nobody=True),
]


class Trial:
    def __init__(self, setup: Setup, case: Case, ranks: int, reference: dict):
        self.setup, self.case, self.ranks, self.reference = setup, case, ranks, reference
        self.problems: list[str] = []
        self.too_late = False  # the run had ended before its trouble came

    def start(self, disk: Disk, quota_bytes: int = 0) -> subprocess.Popen:
        quota = {"LD_PRELOAD": str(self.setup.build / "tests" / "bad_input" / "libbad_disk.so"), "BAD_DISK_QUOTA": "1",
                 "BAD_DISK": str(disk.place), "BAD_DISK_BYTES": str(quota_bytes)} if quota_bytes > 0 else {}
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if self.case.as_nobody else []
        command = [*user, *launcher(self.ranks), self.setup.plenum, "run", *JOB, "-o", str(disk.place / "out.h5"), *OPTIONS]
        return subprocess.Popen(command, cwd="/", env={**environment(), **quota}, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def end(self, process: subprocess.Popen, what: str) -> tuple[int, str]:
        said = wait_for_end(process)
        if said is None:
            end_group(process)
            self.problems.append(f"{what}: it hangs")
        return process.returncode, said or ""

    def run(self, folder: pathlib.Path) -> str:
        """What the run ended with."""
        disk = self.case.disk(folder)
        try:
            return self.run_on(disk)
        finally:
            disk.end()

    def run_on(self, disk: Disk) -> str:
        process = self.start(disk, self.case.quota_bytes)
        journal = disk.place / "out.h5.journal"
        least = random.choice((0, 3000, 10_000))
        if not wait_until(lambda: process.poll() is not None or Journal(journal).synced > least, 60):
            self.problems.append("nothing was committed")
        seen = Journal(journal)
        committed = seen.bytes[:seen.synced]
        self.case.trouble(disk)
        status, said = self.end(process, "in trouble")
        if status == DONE:
            self.too_late = True
            return ""
        lines = [line for line in said.splitlines() if line.startswith("plenum:")]
        if status != ENVIRONMENT:
            self.problems.append(f"exit code {status}: {said}")
        if (not lines or lines[1:] not in ([], [KEPT], [LOST]) or not re.search(self.case.words, lines[0])
                or "out.h5" not in lines[0]):
            self.problems.append(f"not one clear line: {said}")
        self.case.mend(disk)
        found = Journal(journal).committed
        if not found.startswith(committed):
            self.problems.append(f"{len(committed)} bytes of the journal were committed, {len(found)} are there")
        status, said = self.end(self.start(disk), "afterwards")
        if status != DONE:
            self.problems.append(f"afterwards: exit code {status}: {said}")
        else:
            if wrong := differences(contents(disk.place / "out.h5"), self.reference):
                self.problems.append(f"{wrong} differ")
            if wrong := told_twice(disk.place / "out.h5"):
                self.problems.append(f"twice: {wrong}")
        return lines[0] if lines else ""


def _inside(setup: Setup) -> None:
    random.seed(setup.seed)
    path = setup.folder / "reference.h5"
    subprocess.run([setup.plenum, "run", *JOB, "-o", str(path), *OPTIONS], env=environment(), check=True,
                   capture_output=True)
    reference = contents(path)
    for case in CASES:
        for ranks in ((0,) if case.as_nobody or setup.short else (0, 2)):
            folder = setup.folder / "case"
            for _ in range(10):
                folder.mkdir(mode=0o755)
                trial = Trial(setup, case, ranks, reference)
                try:
                    said, why = trial.run(folder), ""
                except OSError as error:
                    said, why = "", str(error)
                if not trial.too_late:
                    break
                shutil.rmtree(folder, ignore_errors=True)
            else:
                trial.problems.append("each run ended before its trouble came")
            print(json.dumps({"case": case.name, "ranks": ranks, "said": said, "skipped": why,
                              "problems": trial.problems}), flush=True)
            shutil.rmtree(folder, ignore_errors=True)


def disks(setup: Setup) -> Iterator[dict]:
    if os.geteuid() != 0:
        raise Skipped("mounting file systems needs root")
    os.chmod(setup.folder, 0o755)
    os.chmod(setup.folder.parent, 0o755)
    told = json.dumps({"build": str(setup.build), "folder": str(setup.folder), "short": setup.short, "seed": setup.seed})
    process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", sys.executable, __file__, told],
                               stdout=subprocess.PIPE, text=True)
    counts, wrong, skipped = {"cases": 0, "wrong": 0}, [], []
    for line in process.stdout:
        result = json.loads(line)
        name = f"{result['case']}, {result['ranks']} ranks"
        if result["skipped"]:
            skipped.append(f"{name}: {result['skipped']}")
            continue
        print(f"disks: {name}: {result['said']}", file=sys.stderr, flush=True)
        counts["cases"] += 1
        counts["wrong"] += bool(result["problems"])
        wrong += [f"{name}: {problem}" for problem in result["problems"]]
    setup.tell(wrong + [f"skipped: {each}" for each in skipped])
    if process.wait() != 0:
        raise Skipped("mount namespaces are not allowed here" if counts["cases"] == 0 else "it broke off")
    counts["skipped"] = len(skipped)
    yield setup.row("disks", "disk full, quota, read-only, gone, unmounted, folder moved or forbidden in mid-run", counts,
                    "one clear line, nothing committed is lost, resumes", not wrong, nodes=1, ranks=[0, 2])


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _inside(Setup(pathlib.Path(given["build"]), pathlib.Path(given["folder"]), given["short"], given["seed"]))
