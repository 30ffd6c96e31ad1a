#!/usr/bin/env python3
# Records every change that a run makes to its files, builds the files as crashes would have left them, and lets the
# same command go on from there: it has to find every result that was committed, and to end with the same file.
#   crash_states.py RESUMABLE_RUN RECORD_WRITES.so STATES [SEED]
# kill: between any two changes, or within one; of direct writes two may be under way, any pages of which are done.
# power: of what was not synced, any 4 KiB pieces and a beginning of the changes of names have reached the disk.
# Half of the states of either kind are those of a run that was itself resumed from such a state.
# Runs are recorded on the disk (TMPDIR), because only ext4 and XFS take direct writes; states lie in memory.
import collections
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy

WRITE, SIZE, SYNC, CREATE, REMOVE, RENAME, FOLDER_SYNC, EXTEND, DIRECT = range(1, 10)
WRITES, DATA = (WRITE, DIRECT), (WRITE, DIRECT, SIZE, EXTEND)
KINDS = {"": 2, "gzip": 2, "large": 1}  # of runs: shares of the states
PAGE = 4096
HEAD = struct.Struct("<BIQQ")
NAME = "out.h5"


@dataclass
class Event:
    kind: int
    file: int
    offset: int
    data: bytes
    length: int


def read_events(path: Path) -> list[Event]:
    log, at, events = path.read_bytes(), 0, []
    while at < len(log):
        kind, file, offset, length = HEAD.unpack_from(log, at)
        at += HEAD.size
        events.append(Event(kind, file, offset, log[at:at + length], length))
        at += length
    return events


@dataclass
class Disk:
    files: dict[int, bytearray] = field(default_factory=dict)  # by inode
    names: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Disk":
        return Disk({file: bytearray(content) for file, content in self.files.items()}, dict(self.names))

    def change_data(self, event: Event, begin: int = 0, end: int | None = None) -> None:
        content = self.files.setdefault(event.file, bytearray())
        if event.kind in WRITES:
            end = event.length if end is None else end
            if len(content) < event.offset + end:
                content.extend(bytes(event.offset + end - len(content)))
            content[event.offset + begin:event.offset + end] = event.data[begin:end]
        elif event.kind == SIZE:
            del content[event.offset:]
            content.extend(bytes(event.offset - len(content)))
        elif event.kind == EXTEND and len(content) < event.offset:
            content.extend(bytes(event.offset - len(content)))

    def change_pages(self, event: Event, share: float) -> None:
        """Any pages of a write."""
        begin = 0
        while begin < event.length:
            end = min(event.length, begin + PAGE - (event.offset + begin) % PAGE)
            if random.random() < share:
                self.change_data(event, begin, end)
            begin = end

    def change_name(self, event: Event) -> None:
        if event.kind == CREATE:
            self.files.setdefault(event.file, bytearray())
            self.names[Path(event.data.decode()).name] = event.file
        elif event.kind == REMOVE:
            self.names.pop(Path(event.data.decode()).name, None)
        elif event.kind == RENAME:
            old, new = (Path(name).name for name in event.data.decode().split("\n"))
            if old in self.names:
                self.names[new] = self.names.pop(old)


class Crashes:
    """The states of the disk after a crash at a given event."""

    def __init__(self, begun: Disk, events: list[Event]):
        self.begun, self.events = begun, events
        self.direct = [at for at, event in enumerate(events) if event.kind == DIRECT]

    def moment(self) -> int:
        """At any event; every other time at a direct write, where there are some: they are few."""
        if self.direct and random.random() < 0.5:
            return random.choice(self.direct)
        return random.randrange(len(self.events) + 1)

    def killed(self, at: int) -> Disk:
        disk = self.begun.copy()
        for event in self.events[:at]:
            disk.change_data(event) if event.kind in DATA else disk.change_name(event)
        for event in self.events[at:at + 2]:
            if event.kind != DIRECT:
                break
            disk.change_pages(event, random.random())
        if at < len(self.events) and self.events[at].kind == WRITE and random.random() < 0.5:
            disk.change_data(self.events[at], 0, random.randrange(self.events[at].length + 1))
        return disk

    def without_power(self, at: int) -> Disk:
        disk = self.begun.copy()
        data, names = collections.defaultdict(list), []
        for event in self.events[:at]:
            if event.kind in DATA:
                data[event.file].append(event)
            elif event.kind == SYNC:
                for each in data.pop(event.file, []):
                    disk.change_data(each)
            elif event.kind == FOLDER_SYNC:
                for each in names:
                    disk.change_name(each)
                names = []
            else:
                names.append(event)
        for waiting in data.values():
            share = random.choice((0.1, 0.5, 0.9))
            for event in waiting:
                if event.kind in WRITES:
                    disk.change_pages(event, share)
                elif random.random() < share:
                    disk.change_data(event)
        for event in names[:random.randrange(len(names) + 1)]:
            disk.change_name(event)
        return disk

    def safe_results(self, at: int, safe_file: int) -> int:
        """How many results the run was told to be safe before that event."""
        for event in reversed(self.events[:at]):
            if event.kind == WRITE and event.file == safe_file:
                return struct.unpack("<Q", event.data)[0]
        return 0


def contents(path: Path) -> dict[str, numpy.ndarray]:
    found = {}

    def keep(name: str, item) -> None:
        first = name.split("/")[0]
        if isinstance(item, h5py.Dataset) and (first in ("results", "arrays", "integrity") or name.endswith("/status")):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


class Trial:
    def __init__(self, program: str, recorder: str, on_disk: Path, in_memory: Path, kind: str):
        self.program, self.recorder, self.kind = program, recorder, kind
        self.recorded = on_disk / "run" / NAME
        self.path = in_memory / "run" / NAME
        self.log = in_memory / "log"

    @staticmethod
    def lay_out(disk: Disk, path: Path) -> Disk:
        """Makes the files; the same disk with the inodes that they have now."""
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        laid = Disk()
        for name, file in disk.names.items():
            if name.endswith(".safe"):
                continue
            place = path.parent / name
            place.write_bytes(disk.files.get(file, b""))
            laid.names[name] = place.stat().st_ino & 0xFFFFFFFF
            laid.files[laid.names[name]] = bytearray(disk.files.get(file, b""))
        return laid

    def run(self, path: Path, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program, str(path), *([self.kind] if self.kind else [])],
                              env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)

    def record(self, begun: Disk) -> tuple[Crashes, int]:
        laid = self.lay_out(begun, self.recorded)
        self.log.unlink(missing_ok=True)
        result = self.run(self.recorded, LD_PRELOAD=self.recorder, RECORD_BELOW=str(self.recorded.parent),
                          RECORD_TO=str(self.log), ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        assert result.returncode in (0, 2), result.stderr
        events = read_events(self.log)
        safe = next((event.file for event in events if event.kind == CREATE and event.data.endswith(b".safe")), 0)
        return Crashes(laid, events), safe

    def problem_of(self, disk: Disk, safe: int, reference: dict[str, numpy.ndarray]) -> str | None:
        self.lay_out(disk, self.path)
        partial = Path(f"{self.path}.partial")
        if safe > 0 and partial.exists():
            try:
                contents(partial)  # opens between crash and resume
            except (OSError, RuntimeError, KeyError) as error:
                self.unreadable += 1
                if not self.in_update(disk):
                    return f"the partial file cannot be read: {error}"
        published = self.path.exists()
        result = self.run(self.path)
        if published:
            if result.returncode != 2:
                return f"a published file was not left alone: exit status {result.returncode}"
        elif result.returncode != 0:
            return f"exit status {result.returncode}: {result.stderr.strip()}"
        elif (found := int(result.stdout.split()[1])) < safe:
            return f"{safe} results were safe, {found} were found"
        left = sorted(path.name for path in self.path.parent.iterdir() if not path.name.endswith(".safe"))
        if not published and left != [NAME]:
            return f"left: {left}"
        ours = contents(self.path)
        if ours.keys() != reference.keys():
            return f"other datasets: {sorted(ours.keys() ^ reference.keys())}"
        for name, values in reference.items():
            if not name.startswith("integrity") and not numpy.array_equal(ours[name], values):
                return f"{name} differs"
        return None

    unreadable = 0

    @staticmethod
    def in_update(disk: Disk) -> bool:
        """HDF5 was at work on the file: the undo record is the last of the journal that is not a commit."""
        journal = next((disk.files[file] for name, file in disk.names.items() if name.endswith(".journal")), b"")
        at, last = 32, 0
        while at + 32 <= len(journal):
            magic, kind, _, length, _, _ = struct.unpack_from("<IIQQII", journal, at)
            if magic != 0x43455250 or at + 32 + length > len(journal):
                break
            last = kind if kind != 1 else last
            at += 32 + length
        return last == 10


def main() -> int:
    program, recorder, states = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    random.seed(seed)
    counts, problems = collections.Counter(), []
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="plenum-states-") as on_disk, \
            tempfile.TemporaryDirectory(prefix="plenum-states-", dir=base) as in_memory:
        for option, share in KINDS.items():
            trial = Trial(program, recorder, Path(on_disk), Path(in_memory), option)
            first, safe_file = trial.record(Disk())
            reference = contents(trial.recorded)
            runs = [(first, safe_file, 0)]
            those = max(2, states * share // sum(KINDS.values()))
            for number in range(those):
                if number == those // 2:  # crashes of runs that go on after a crash
                    runs = []
                    for _ in range(max(2, those // 50)):
                        at = random.randrange(len(first.events))
                        again, file = trial.record(first.killed(at))
                        runs.append((again, file, first.safe_results(at, safe_file)))
                crashes, file, floor = random.choice(runs)
                kind = random.choice(("kill", "power"))
                at = crashes.moment()
                disk = crashes.killed(at) if kind == "kill" else crashes.without_power(at)
                safe = max(floor, crashes.safe_results(at, file))
                problem = trial.problem_of(disk, safe, reference)
                counts[kind] += 1
                counts["in direct writes"] += at in crashes.direct
                if problem:
                    problems.append(f"{kind} at event {at} of {len(crashes.events)} {option}: {problem}")
            counts["events"] += len(first.events)
            counts["direct writes"] += sum(event.kind == DIRECT for event in first.events)
            counts["large"] += those if option == "large" else 0
            counts["partial file closed for the moment"] += trial.unreadable
    print(json.dumps({"states": counts["kill"] + counts["power"], "after kills": counts["kill"],
                      "after losses of power": counts["power"], "with large results": counts["large"],
                      "in direct writes": counts["in direct writes"], "recorded changes": counts["events"], "direct writes among them": counts["direct writes"],
                      "partial file closed for the moment": counts["partial file closed for the moment"],
                      "bad": len(problems), "seed": seed}))
    for problem in problems[:20]:
        print(f"  {problem}")
    return 1 if problems or counts["kill"] + counts["power"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
