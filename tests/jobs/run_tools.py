# For the run_*.py scripts: starts plenum alone, under mpirun and on emulated nodes, and collects what is wrong.
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
CLUSTER = Path(__file__).resolve().parent.parent / "cluster"


class Runs:
    """One script: run_x.py PLENUM MPIEXEC. Use as a context; leaves with 1 when a check failed."""

    def __init__(self):
        self.plenum, self.mpiexec = sys.argv[1:3]
        self.problems = 0

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        return self

    def __exit__(self, kind, value, trace):
        self.temporary.cleanup()
        if kind is None:
            sys.exit(1 if self.problems else 0)

    def check(self, holds: bool, what: str, details: str = ""):
        if not holds:
            self.problems += 1
            print(f"FAILED: {what}" + (f"\n    {details}" if details else ""))

    def equal(self, got, wanted, what: str):
        self.check(got == wanted, what, f"{got!r} instead of {wanted!r}")

    def command(self, ranks: int = 0, nodes: tuple[int, int] | None = None) -> list[str]:
        """How a program is started: on `ranks`, on NODES x SLOTS, or (0) without mpirun."""
        if nodes:
            return [str(CLUSTER / "nodes-mpirun"), "-N", str(nodes[0]), "-s", str(nodes[1])]
        return [self.mpiexec, "-n", str(ranks)] if ranks else []

    def run(self, *words, ranks: int = 0, nodes=None, wrapper: list[str] | None = None, **environment):
        """plenum WORDS...; the finished process with its output as text."""
        command = [*self.command(ranks, nodes), *(wrapper or []), self.plenum, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=100 * PATIENCE, cwd=self.folder,
                              env=dict(os.environ, **environment))

    def statuses(self, *words, ranks: int = 0, nodes=None):
        """The finished process, and the exit code of each rank in order."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        run = self.run(*words, ranks=ranks, nodes=nodes,
                       wrapper=[str(CLUSTER / "rank-status"), str(folder)])
        files = sorted(folder.glob("rank.*"), key=lambda file: int(file.suffix[1:]))
        return run, [int(file.read_text()) for file in files]

    def convolve(self, output: str, *words, **where) -> dict:
        return self.job("convolve", output, *words, **where)

    def job(self, job: str, output: str, *words, **where) -> dict:
        """`plenum run JOB` that has to succeed; its summary."""
        run = self.run("run", job, "-o", output, "--output-mode", "json", "--progress", "none", *words, **where)
        what = f"run {job} {' '.join(map(str, words))} {where}"
        self.equal(run.returncode, 0, f"{what}: exit code ({run.stderr.strip()[-300:]})")
        self.no_leftovers(what)
        try:
            return json.loads(run.stdout)
        except ValueError:
            self.check(False, f"{what}: standard output is no JSON object", run.stdout[:300])
            return {}

    def xarray(self, file: str, dimensions: dict[str, tuple | None], group: str = "results"):
        """That xarray reads these results as h5py does, with these dimensions (None: any)."""
        try:
            import netCDF4  # noqa: F401: what xarray reads HDF5 files with
            import xarray
        except ImportError:
            print("xarray with netCDF4 is not there: nothing was opened with it")
            return
        with h5py.File(self.folder / file) as h5:
            values = {name: h5[group][name][...] for name in dimensions}
        with xarray.open_dataset(self.folder / file, group=group, engine="netcdf4", mask_and_scale=False) as results:
            for name, wanted in dimensions.items():
                if wanted:
                    self.equal(results[name].dims, wanted, f"{file}: dimensions of {name} in xarray")
                self.check(bool((results[name].values == values[name]).all()), f"{file}: values of {name} in xarray")

    def no_leftovers(self, what: str):
        left = [path.name for path in self.folder.rglob("*") if path.name.endswith((".partial", ".lock"))]
        self.equal(left, [], f"{what}: files that stayed")
