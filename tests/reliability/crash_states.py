#!/usr/bin/env python3
# Records every change that a run makes to its files, builds the files as crashes would have left them, and lets the
# same command go on from there: it has to find every result that was committed, and to end with the same file.
#   crash_states.py RESUMABLE_RUN RECORD_WRITES.so STATES [SEED]
# kill: between any two changes, or within one.
# power: of what was not synced, any 4 KiB pieces and a beginning of the changes of names have reached the disk.
# Half of the states of either kind are those of a run that was itself resumed from such a state.
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

WRITE, SIZE, SYNC, CREATE, REMOVE, RENAME, FOLDER_SYNC, EXTEND = range(1, 9)
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
        if event.kind == WRITE:
            end = event.length if end is None else end
            if len(content) < event.offset + end:
                content.extend(bytes(event.offset + end - len(content)))
            content[event.offset + begin:event.offset + end] = event.data[begin:end]
        elif event.kind == SIZE:
            del content[event.offset:]
            content.extend(bytes(event.offset - len(content)))
        elif event.kind == EXTEND and len(content) < event.offset:
            content.extend(bytes(event.offset - len(content)))

    def change_name(self, event: Event) -> None:
        if event.kind == CREATE:
            self.files.setdefault(event.file, bytearray())
            self.names[event.data.decode()] = event.file
        elif event.kind == REMOVE:
            self.names.pop(event.data.decode(), None)
        elif event.kind == RENAME:
            old, new = event.data.decode().split("\n")
            if old in self.names:
                self.names[new] = self.names.pop(old)


class Crashes:
    """The states of the disk after a crash at a given event."""

    def __init__(self, begun: Disk, events: list[Event]):
        self.begun, self.events = begun, events

    def killed(self, at: int) -> Disk:
        disk = self.begun.copy()
        for event in self.events[:at]:
            disk.change_data(event) if event.kind in (WRITE, SIZE, EXTEND) else disk.change_name(event)
        if at < len(self.events) and self.events[at].kind == WRITE and random.random() < 0.5:
            disk.change_data(self.events[at], 0, random.randrange(self.events[at].length + 1))
        return disk

    def without_power(self, at: int) -> Disk:
        disk = self.begun.copy()
        data, names = collections.defaultdict(list), []
        for event in self.events[:at]:
            if event.kind in (WRITE, SIZE, EXTEND):
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
                if event.kind != WRITE:
                    if random.random() < share:
                        disk.change_data(event)
                    continue
                begin = 0
                while begin < event.length:
                    end = min(event.length, begin + PAGE - (event.offset + begin) % PAGE)
                    if random.random() < share:
                        disk.change_data(event, begin, end)
                    begin = end
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
    def __init__(self, program: str, recorder: str, folder: Path, options: list[str]):
        self.program, self.recorder, self.folder, self.options = program, recorder, folder, options
        self.path = folder / "run" / NAME
        self.log = folder / "log"
        self.names_of_crash = {}

    def lay_out(self, disk: Disk) -> Disk:
        """Makes the files; the same disk with the inodes that they have now."""
        shutil.rmtree(self.path.parent, ignore_errors=True)
        self.path.parent.mkdir()
        laid = Disk()
        for name, file in disk.names.items():
            if name.endswith(".safe"):
                continue
            Path(name).write_bytes(disk.files.get(file, b""))
            laid.names[name] = os.stat(name).st_ino & 0xFFFFFFFF
            laid.files[laid.names[name]] = bytearray(disk.files.get(file, b""))
        return laid

    def run(self, record: bool) -> subprocess.CompletedProcess:
        variables = dict(os.environ)
        if record:
            self.log.unlink(missing_ok=True)
            variables |= {"LD_PRELOAD": self.recorder, "RECORD_BELOW": str(self.path.parent),
                          "RECORD_TO": str(self.log), "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        return subprocess.run([self.program, str(self.path), *self.options], env=variables, capture_output=True,
                              text=True, timeout=60)

    def record(self, begun: Disk) -> tuple[Crashes, int]:
        laid = self.lay_out(begun)
        result = self.run(record=True)
        assert result.returncode in (0, 2), result.stderr
        events = read_events(self.log)
        safe = next((event.file for event in events if event.kind == CREATE and event.data.endswith(b".safe")), 0)
        return Crashes(laid, events), safe

    def problem_of(self, disk: Disk, safe: int, reference: dict[str, numpy.ndarray]) -> str | None:
        self.lay_out(disk)
        partial = Path(f"{self.path}.partial")
        if safe > 0 and partial.exists():
            try:
                contents(partial)  # opens between crash and resume
            except (OSError, RuntimeError, KeyError) as error:
                self.unreadable += 1
                if not self.in_update(disk):
                    return f"the partial file cannot be read: {error}"
        published = self.path.exists()
        result = self.run(record=False)
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
    with tempfile.TemporaryDirectory(prefix="plenum-states-", dir=base) as name:
        for options in ([], ["gzip"]):
            trial = Trial(program, recorder, Path(name), options)
            first, safe_file = trial.record(Disk())
            reference = contents(trial.path)
            runs = [(first, safe_file, 0)]
            for number in range(states // 2):
                if number == states // 4:  # crashes of runs that go on after a crash
                    runs = []
                    for _ in range(max(2, states // 100)):
                        at = random.randrange(len(first.events))
                        again, file = trial.record(first.killed(at))
                        runs.append((again, file, first.safe_results(at, safe_file)))
                crashes, file, floor = random.choice(runs)
                kind = random.choice(("kill", "power"))
                at = random.randrange(len(crashes.events) + 1)
                disk = crashes.killed(at) if kind == "kill" else crashes.without_power(at)
                safe = max(floor, crashes.safe_results(at, file))
                problem = trial.problem_of(disk, safe, reference)
                counts[kind] += 1
                if problem:
                    problems.append(f"{kind} at event {at} of {len(crashes.events)} {options}: {problem}")
            counts["events"] += len(first.events)
            counts["partial file closed for the moment"] += trial.unreadable
    print(json.dumps({"states": counts["kill"] + counts["power"], "after kills": counts["kill"],
                      "after losses of power": counts["power"], "recorded changes": counts["events"],
                      "partial file closed for the moment": counts["partial file closed for the moment"],
                      "bad": len(problems), "seed": seed}))
    for problem in problems[:20]:
        print(f"  {problem}")
    return 1 if problems or counts["kill"] + counts["power"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
