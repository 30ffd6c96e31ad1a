#!/usr/bin/env python3
# The HDF5 file that shared_hdf5_test.cpp reads:   make_inputs.py FILE
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "w") as file:
    for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">f4", ">i2"):
        file[f"numbers/{kind.replace('>', 'big_')}"] = np.arange(100).astype(kind)
    file["matrix"] = np.arange(6.0).reshape(2, 3)
    file["cube"] = np.arange(24, dtype="f4").reshape(2, 3, 4)
    file["four"] = np.arange(120, dtype="i4").reshape(2, 3, 4, 5)
    file.create_dataset("compressed", data=np.arange(100_000, dtype="f8").reshape(100, 1000), compression="gzip")
    file["scalar"] = 2.5
    file["empty"] = np.empty((0, 7))
    file["text"] = "not numbers"
    file["records"] = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
