#!/usr/bin/env python3
# Every bad input ends with its exit status on every rank and with one line that names it and the way out, and
# leaves nothing behind: no file, no shared memory, no process.
#   bad_input.py --plenum PROGRAM --bad-disk LIBRARY --ranks N [--only NAME] [--verbose]
# One rank runs without mpirun. Several cases at once: mpirun mostly waits, two seconds and more, for ranks to end.
import argparse
import re
import shlex
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import inputs
from cases import CASES, Case
from running import Run, bad_disk, run

# What mpirun itself says about ranks that end with a status other than 0.
NOTICE = re.compile(
    r"-{20,}|Primary job  terminated normally, but .*|a non-zero exit code\. Per user-direction.*|"
    r"mpirun detected that one or more processes exited with non-zero status.*|"
    r"the job to be terminated\. The first process to do so was:|\s+Process name: .*|\s+Exit code: .*|")


KEPT = "plenum: what is done is kept; the same command resumes"
LOST = "plenum: nothing of it is kept; the same command begins anew"
AT_ONCE = 8

# What may stand before the line: what the job said about its plan, the warning of a machine with few cores, and
# progress on a very slow one.
BEFORE = re.compile(
    r"\d+ filters of \d+x\d+ on an image of .*|plenum: warning: \d+ ranks .* cores; .*|"
    r"plenum: [1-9][0-9.]* (s|min).* +(\d+(/\d+| tasks)|compressing).*")


def own_lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not NOTICE.fullmatch(line)]
    return [line for line in lines[:-1] if not BEFORE.fullmatch(line)] + lines[-1:]


def command_of(case: Case, setup: argparse.Namespace, given: Path, here: Path, statuses: Path) -> list[str]:
    words = shlex.split(case.args.replace("{in}", str(given)).replace("{here}", str(here)))
    if case.file_limit is not None:
        limited = f'trap "" XFSZ; ulimit -f {case.file_limit}; exec "$@"'
        words = ["bash", "-c", limited, "plenum", str(setup.plenum), *words]
    else:
        words = [str(setup.plenum), *words]
    if setup.ranks == 1:
        return words
    wrapper = [str(Path(__file__).parent.parent / "cluster" / "rank-status"), str(statuses)]
    if case.first_env:
        only = [word for name, value in case.first_env.items() for word in ("-x", f"{name}={value}")]
        return ["mpirun", "-n", "1", *only, *wrapper, *words, ":", "-n", str(setup.ranks - 1), *wrapper, *words]
    if not case.other_build:
        return ["mpirun", "-n", str(setup.ranks), *wrapper, *words]
    other = [str(given / "plenum-other"), *words[1:]]
    return ["mpirun", "-n", str(setup.ranks - 1), *wrapper, *words, ":", "-n", "1", *wrapper, *other]


def prepare(case: Case, here: Path) -> dict[str, str]:
    """Makes the files of the case; returns what has to lie there afterwards."""
    for name, content in case.files.items():
        if name.endswith("/"):
            (here / name).mkdir()
        else:
            (here / name).write_text(content)
    return {name.rstrip("/"): content for name, content in case.files.items()}


def files_in(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        found[name] = path.read_text(errors="replace") if path.is_file() else ""
    return found


def problems_of(case: Case, setup: argparse.Namespace, result: Run, statuses: Path) -> list[str]:
    problems = list(result.problems)
    if setup.ranks == 1:
        found = {"rank.0": str(result.status)}
    else:
        found = {path.name: path.read_text().strip() for path in sorted(statuses.glob("rank.*"))}
    wanted = {f"rank.{rank}": str(case.code) for rank in range(setup.ranks)}
    if found != wanted:
        problems.append(f"exit status {found} instead of {case.code} on every rank")
    if result.status != case.code:
        problems.append(f"exit status {result.status} of the whole instead of {case.code}")
    if result.stdout:
        problems.append(f"text on standard output: {result.stdout!r}")
    lines = own_lines(result.stderr)
    if (case.keeps_results or case.loses_results) and lines.pop() != (KEPT if case.keeps_results else LOST):
        problems.append("it does not say whether results are kept")
    if len(lines) != 1 or not lines[0].startswith("plenum: "):
        problems.append("not one line of plenum's")
    else:
        problems += [f"the line does not say {word!r}" for word in case.words if word not in lines[0]]
        if "; " not in lines[0] or lines[0].endswith("."):
            problems.append("the line does not read: problem (why); what to do")
    return problems


def try_case(case: Case, setup: argparse.Namespace, given: Path, scratch: Path) -> bool:
    """Prints what is wrong; returns whether nothing is."""
    scratch.mkdir()
    here, statuses = scratch / "here", scratch / "statuses"
    here.mkdir()
    statuses.mkdir()
    expected = prepare(case, here)
    environment = dict(case.env)
    if case.full_at is not None:
        environment |= bad_disk(setup.bad_disk, here) | {"BAD_DISK_BYTES": str(case.full_at)}
    command = command_of(case, setup, given, here, statuses)
    result = run(command, case.cwd or here, environment, scratch)
    problems = problems_of(case, setup, result, statuses)
    left = files_in(here)
    if case.keeps_results:
        for name in ("out.h5.journal", "out.h5.partial"):
            if left.pop(name, None) is None:
                problems.append(f"{name} was not kept, although results are in it")
    if left != expected:
        problems.append(f"the folder holds {sorted(left)} instead of {sorted(expected)}, or contents differ")
    text = ""
    if setup.verbose:
        text = f"{case.name:34} {result.status}  " + "\n    ".join(own_lines(result.stderr)) + "\n"
    if problems:
        text += f"FAILED: {case.name}: {shlex.join(command)}\n"
        text += "".join(f"    {problem}\n" for problem in problems)
        text += "".join(f"    | {line}\n" for line in result.stderr.splitlines())
    print(text, end="", flush=True)
    return not problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plenum", type=Path, required=True)
    parser.add_argument("--bad-disk", type=Path, required=True)
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--verbose", action="store_true", help="print the line of each case")
    setup = parser.parse_args()
    cases = [case for case in CASES if setup.only in case.name and setup.ranks <= case.most_ranks]
    cases = [case for case in cases if setup.ranks > 1 or not (case.other_build or case.first_env)]
    if not cases:
        parser.error("no such case")
    with tempfile.TemporaryDirectory(prefix="plenum-bad-input-") as name:
        given = Path(name) / "in"
        given.mkdir()
        inputs.make_all(given, setup.plenum)
        before = files_in(given).keys()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            tries = [threads.submit(try_case, case, setup, given, Path(name) / str(number))
                     for number, case in enumerate(cases)]
        failed = sum(not attempt.result() for attempt in tries)
        if files_in(given).keys() != before:
            print(f"FAILED: files next to the inputs: {sorted(files_in(given).keys() - before)}")
            failed += 1
    print(f"{len(cases)} cases with {setup.ranks} ranks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
