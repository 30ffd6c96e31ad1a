#!/usr/bin/env python3
# Runs the guide's job at several numbers of ranks and looks at its result file:   run_job.py PROGRAM MPIEXEC
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

program, mpiexec = sys.argv[1:]
PATIENCE = int(os.environ.get("PLENUM_TEST_PATIENCE", "1"))  # limits of time are longer with sanitizers
rates = np.array([0.5, 1.0, 2.0])
for ranks in (1, 2, 3, 8):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "decay.h5"
        command = [mpiexec, "-n", str(ranks), program, "run", "decay", "--steps", "500", "-o", str(output)]
        subprocess.run(command, check=True, timeout=50 * PATIENCE)
        with h5py.File(output) as file:
            decay = file["results/decay"]
            np.testing.assert_allclose(decay[:], (1 - rates / 500) ** 500, rtol=1e-12)
            np.testing.assert_array_equal(decay.dims[0][0][:], rates)
            assert decay.attrs["units"] in ("1", b"1"), decay.attrs["units"]
