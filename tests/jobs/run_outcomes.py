#!/usr/bin/env python3
# Exit codes on every rank, texts that appear once, and nothing left behind:   run_outcomes.py PLENUM MPIEXEC
import re

from run_tools import Runs

SMALL = ("--synthetic", "40x40", "--filters", "6", "--progress", "none")

with Runs() as runs:
    places = (({}, 1), ({"ranks": 1}, 1), ({"ranks": 3}, 3), ({"nodes": (2, 1)}, 2))

    # Texts are the same as without mpirun, and there once.
    for words in (["--help"], ["run", "--help"], ["run", "convolve", "--help"], ["list"],
                  ["describe", "convolve"], ["--version"]):
        alone = runs.run(*words)
        runs.equal((alone.returncode, alone.stderr), (0, ""), f"{words}: exit code and standard error")
        runs.check(len(alone.stdout.strip()) > 5, f"{words}: there is a text")
        under = runs.run(*words, ranks=3)
        runs.equal((under.returncode, under.stdout), (0, alone.stdout), f"{words} under mpirun")
    runs.check("convolve" in runs.run("list").stdout, "list names the job")
    runs.check("--filters" in runs.run("describe", "convolve").stdout, "describe names the options")
    runs.check(re.match(r"plenum \d+\.\d+\.\d+", runs.run("--version").stdout) is not None, "version")

    for number, (where, ranks) in enumerate(places):
        output = f"out{number}.h5"
        file = runs.folder / output
        run, codes = runs.statuses("run", "convolve", *SMALL, "-o", output, "--dry-run", "--verify",
                                   "--contact-sheet", "sheet.png", **where)
        runs.equal(codes, [0] * ranks, f"dry run {where}: exit codes")
        runs.check("would run 6 tasks" in run.stdout + run.stderr, f"dry run {where}: says what would run")
        runs.check(not file.exists(), f"dry run {where}: leaves no file")
        runs.check(not (runs.folder / "sheet.png").exists(), f"dry run {where}: draws no contact sheet")

        run, codes = runs.statuses("run", "convolve", *SMALL, "-o", output, **where)
        runs.equal(codes, [0] * ranks, f"run {where}: exit codes")
        runs.check(output in run.stdout, f"run {where}: the summary says where the file is", run.stdout)
        runs.equal(len(re.findall(r"6 filters of", run.stdout + run.stderr)), 1, f"run {where}: the job speaks once")
        before = file.read_bytes()

        # An existing file is not touched, but with --force it is replaced.
        run, codes = runs.statuses("run", "convolve", *SMALL, "-o", output, "--seed", "9", **where)
        runs.equal(codes, [2] * ranks, f"existing output {where}: exit codes")
        lines = [line for line in run.stderr.split("\n") if output in line and "--force" in line]
        runs.equal(len(lines), 1, f"existing output {where}: one line names the file and --force ({run.stderr[-400:]})")
        runs.check(file.read_bytes() == before, f"existing output {where}: the file is as it was")
        run, codes = runs.statuses("run", "convolve", *SMALL, "-o", output, "--seed", "9", "--force", **where)
        runs.equal(codes, [0] * ranks, f"--force {where}: exit codes")
        runs.check(file.read_bytes() != before, f"--force {where}: the file is new")

        # A job that fails after its map has begun leaves no file; nor does one that never begins.
        failures = ((("--filter-size", "50x50"), 2, "50x50"), (("--filters", "0"), 2, "--filters"),
                                   (("--image", "missing.png"), 2, "--image"),
                                   (("--contact-sheet", "nowhere/sheet.png"), 2, "nowhere/sheet.png"),
                                   (("--node-memory", "900T"), 3, "--node-memory"))
        for words, code, named in failures if ranks in (1, 3) and "ranks" in where else failures[-1:]:
            run, codes = runs.statuses("run", "convolve", *SMALL, "-o", "failed.h5", *words, **where)
            runs.equal(codes, [code] * ranks, f"{words} {where}: exit codes ({run.stderr[-300:]})")
            lines = [line for line in run.stderr.split("\n") if line.startswith("plenum: ") and named in line]
            runs.equal(len(lines), 1, f"{words} {where}: one line names {named} ({run.stderr[-400:]})")
            runs.check(not (runs.folder / "failed.h5").exists(), f"{words} {where}: no file stays")
        runs.no_leftovers(f"{where}")
