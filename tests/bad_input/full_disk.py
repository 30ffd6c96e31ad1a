#!/usr/bin/env python3
# A disk that gets full at every place of a run, up to its last byte: the run ends with one line that says so, and the same
# command finishes once there is room, with the results of an undisturbed run.
#   full_disk.py --plenum PROGRAM --bad-disk LIBRARY
import argparse
import sys
import tempfile
from pathlib import Path

import h5py
import numpy
from running import bad_disk, run

# Results of fixed shape and ragged ones. One commit at the end: it is published or fails there.
JOB = ["run", "segment", "--progress", "none", "-o", "out.h5"]
SMALL = ["--synthetic", "400", "--size", "32x32"]
LARGE = ["--synthetic", "20", "--size", "256x256"]  # masks that executors compress
KEPT = "plenum: what is done is kept; the same command resumes"
LOST = "plenum: nothing of it is kept; the same command begins anew"
STEPS = 16
DONE, ENVIRONMENT = 0, 3


def results(path: Path) -> dict[str, numpy.ndarray]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) and
                        (name.startswith("results/") or name.endswith("/status")) else None)
    return found


class Trial:
    def __init__(self, given: argparse.Namespace, folder: Path, options: list[str]):
        self.command, self.disk, self.folder = [str(given.plenum), *JOB, *options], given.bad_disk, folder
        self.count = 0
        self.second_lines: set[str] = set()

    def run(self, here: Path, room: int | None) -> tuple[int, list[str], list[str]]:
        """Exit code, what Plenum said on standard error, and what is wrong besides."""
        scratch = self.folder / f"scratch{self.count}"
        self.count += 1
        scratch.mkdir()
        full = {} if room is None else bad_disk(self.disk, here) | {"BAD_DISK_BYTES": str(room)}
        done = run(self.command, here, full, scratch)
        said = [line for line in done.stderr.splitlines() if line.startswith("plenum:")]
        return done.status, said, done.problems

    def fits(self, room: int) -> bool:
        here = self.folder / f"fits{room}"
        here.mkdir()
        return self.run(here, room)[0] == DONE

    def needed(self) -> int:
        """Bytes that a whole run writes."""
        most = 1
        while not self.fits(most):
            most *= 2
        least = most // 2
        while most - least > 512:
            middle = (least + most) // 2
            least, most = (least, middle) if self.fits(middle) else (middle, most)
        return least

    def problems(self, room: int, undisturbed: dict[str, numpy.ndarray]) -> list[str]:
        here = self.folder / f"room{room}"
        here.mkdir()
        status, lines, wrong = self.run(here, room)
        if status != ENVIRONMENT:
            wrong.append(f"exit code {status}")
        if not lines or lines[1:] not in ([], [KEPT], [LOST]) or "out.h5" not in lines[0] or "disk full" not in lines[0]:
            wrong.append(f"not one clear line: {lines}")
        self.second_lines.update(lines[1:])
        if (here / "out.h5").exists():
            wrong.append("it was published")
        if lines[1:] and (lines[1:] == [KEPT]) != (here / "out.h5.journal").exists():
            wrong.append(f"what is kept is not as it says: {lines}")
        status, lines, more = self.run(here, None)
        wrong += more
        if status != DONE:
            return [*wrong, f"afterwards: exit code {status}: {lines}"]
        found = results(here / "out.h5")
        wrong += [f"{name} differs" for name in sorted(found.keys() | undisturbed.keys())
                  if name not in found or name not in undisturbed or not numpy.array_equal(
                      found[name], undisturbed[name], equal_nan=found[name].dtype.kind == "f")]
        return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plenum", type=lambda name: Path(name).resolve(), required=True)
    parser.add_argument("--bad-disk", type=lambda name: Path(name).resolve(), required=True)
    given = parser.parse_args()
    failed = 0
    packed = ["--compress", "gzip:1"]
    for options in (SMALL, [*SMALL, "--commit-interval", "0.001"], [*SMALL, *packed], [*LARGE, *packed]):
        with tempfile.TemporaryDirectory() as name:
            trial = Trial(given, Path(name), options)
            whole = Path(name) / "whole"
            whole.mkdir()
            if trial.run(whole, None)[0] != DONE:
                print(f"{options}: an undisturbed run fails")
                return 1
            undisturbed = results(whole / "out.h5")
            needed = trial.needed()
            # The number of blocks and, with short intervals, of commits varies, and so that of bytes.
            end = needed - 4096 if options is SMALL else needed * 19 // 20
            for room in sorted({end * step // STEPS for step in range(STEPS)} | {end - 200 * step for step in range(4)}):
                if wrong := trial.problems(room, undisturbed):
                    failed += 1
                    print(f"{' '.join(options)} full after {room} of {needed} bytes: {'; '.join(wrong)}")
            if trial.second_lines != {KEPT, LOST}:
                failed += 1
                print(f"{' '.join(options)}: of what is kept is said only {trial.second_lines}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
