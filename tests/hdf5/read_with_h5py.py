"""Looks at a result file with h5py while write_example writes it, and again when it is published.

Usage: read_with_h5py.py WRITE_EXAMPLE
"""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def images(first, count):
    task = np.arange(first, first + count, dtype="f4")[:, None]
    return (task + np.float32(0.1) * np.arange(6, dtype="f4")).reshape(count, 3, 2)


def check_partial(path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "plenum"
        image = file["results/image"]
        assert image.shape == (100, 3, 2) and image.dtype == "f4"
        assert np.allclose(image[:50], images(0, 50))
        assert [dim.label for dim in image.dims] == ["task", "row", "column"]
        assert "peaks" in file["results"]


def check_results(file):
    image = file["results/image"]
    assert np.allclose(image[:50], images(0, 50)) and np.allclose(image[51:], images(51, 49))
    assert np.isnan(image[50]).all(), "a failed task has a number"
    assert image.chunks is None and image.compression is None
    assert image.attrs["units"] == "lux" and image.attrs["version"] == 4
    assert image.attrs["filter"] == "Gauß" and image.attrs["sigma"] == 1.5
    assert [dim.label for dim in image.dims] == ["task", "row", "column"]
    angle = image.dims[0]["angle"]
    assert angle.name == "/results/angle" and angle.attrs["units"] == "degree" and h5py.h5ds.is_scale(angle.id)
    assert np.array_equal(angle[:], np.arange(100.0))
    assert np.array_equal(image.dims[1]["y"][:], [0, 10, 20])
    assert len(image.dims[2]) == 0

    peaks = file["results/peaks"]
    values, offsets = peaks["values"], peaks["offsets"]
    assert values.dtype == "i4" and offsets.dtype == "u8"
    rows = np.split(values[:], offsets[1:-1].astype(int))
    assert [row.tolist() for row in rows] == [[1, 2], [], [], [30], [40, 41]]
    assert values.attrs["units"] == "pixel" and peaks.attrs["version"] == 2 and peaks.attrs["tasks"] == 5

    filters = file["inputs/filters"]
    assert filters.dtype == "u2" and filters[:].tolist() == [[1, 2], [3, 4]] and filters.attrs["units"] == "1"


def check_tables(file):
    tasks = file["tasks/image"]
    expected = np.zeros(100)
    expected[50] = 1
    assert np.array_equal(tasks["status"][:], expected) and tasks["status"].attrs["meaning"].startswith("0 done")
    assert np.array_equal(tasks["attempts"][:], expected + 1)
    assert tasks["rank"][:].tolist() == [0] * 51 + [2] * 49
    hosts = file["provenance/hosts"].asstr()[:]
    assert file["provenance/runs/hosts"].asstr()[:].tolist() == ["n1,n1,n2"] and (tasks["process"][:] == 0).all()
    assert hosts[tasks["host"][:]].tolist() == ["n1"] * 51 + ["n2"] * 49
    assert np.allclose(tasks["duration"][:], [0.1] * 50 + [0.25] + [0.1] * 49)
    assert np.allclose(tasks["start"][:], [0.5] * 50 + [6] + [0.75] * 49)
    assert tasks["start"].attrs["units"] == "s"
    assert tasks["peak_rss"][:].tolist() == [1000] * 50 + [2000] + [3000] * 49

    # Task 0 succeeded at its second attempt, task 2 failed.
    assert file["tasks/peaks/status"][:].tolist() == [0, 0, 1, 0, 0]
    assert file["tasks/peaks/attempts"][:].tolist() == [2, 1, 1, 1, 1]
    assert (file["tasks/peaks/rank"][:] == -1).all() and np.isnan(file["tasks/peaks/start"][:]).all()

    many = file["tasks/many"]
    assert set(many) == {"status", "attempts", "chunks"}
    assert np.flatnonzero(many["status"][:]).tolist() == [1_500_000]
    assert many["status"].id.get_storage_size() == 65536, "chunks without news are stored"
    assert many["attempts"].id.get_storage_size() == 0
    chunks = many["chunks"]
    assert chunks["first"][:].tolist() == [0, 1_000_000] and chunks["count"][:].tolist() == [1_000_000] * 2
    assert hosts[chunks["host"][:]].tolist() == ["n1", "n2"] and chunks["duration"][:].tolist() == [2, 0]

    failures = file["failures/image"]
    assert failures["task"][:].tolist() == [50, 50] and failures["attempt"][:].tolist() == [1, 2]
    assert failures["rank"][:].tolist() == [1, 0]
    assert failures["cause"].asstr()[:].tolist() == ["crash", "exception"]
    assert failures["message"].asstr()[:].tolist() == ["signal 11", "singular \ufffd matrix"]


def check_provenance(file, path):
    attributes = file.attrs
    assert attributes["format"] == "plenum" and attributes["format_version"] == 2
    assert attributes["software"] == "plenum" and attributes["version"] == "1.2.3" and attributes["git"] == "abc123"
    assert attributes["job"] == "example" and attributes["command_line"] == "write_example " + path
    assert np.datetime64(attributes["created"].rstrip("Z")) <= np.datetime64("now") + np.timedelta64(1, "s")
    assert attributes["history"] == attributes["created"] + " " + attributes["command_line"]
    assert attributes["Conventions"].startswith("CF-")
    provenance = file["provenance"]
    assert dict(provenance["options"].attrs) == {"filters": 512, "image": "photo.png", "scale": 0.5}
    environment = provenance["environment"]
    assert dict(zip(environment["name"].asstr(), environment["value"].asstr())) == {
        "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
    assert provenance["log"].asstr()[()] == "[task 3] hello\n[task 3] grüß\n[actor 2] an actor\n"
    printed = file["printed"]
    assert printed["map"].asstr()[:].tolist() == ["peaks", ""] and printed["text"].asstr()[0] == "hello\ngrüß\n"
    assert printed["first"][:].tolist() == [3, 2] and printed["count"][:].tolist() == [1, 0]
    workers = file["workers"]
    assert workers["rank"][:].tolist() == [0, 1, 2] and workers["tasks"][:].tolist() == [51, 0, 49]
    assert workers["cores"].asstr()[:].tolist() == ["0-1", "2-3", "0-1"]
    assert workers["working"][:].tolist() == [2.5, 0, 0] and workers["working"].attrs["units"] == "s"


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.h5")
        with subprocess.Popen([sys.argv[1], path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "half\n"
            assert not os.path.exists(path)
            check_partial(path + ".partial")
            # A reader that keeps the file open must not stop the run.
            with h5py.File(path + ".partial", "r"):
                writer.communicate("go on\n")
        assert writer.returncode == 0
        assert os.listdir(folder) == ["out.h5"], os.listdir(folder)
        with h5py.File(path, "r") as file:
            check_results(file)
            check_tables(file)
            check_provenance(file, path)
            file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


main()
