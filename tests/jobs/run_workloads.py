#!/usr/bin/env python3
# The jobs segment, classify, blob_sum, prefix_count and square on some ranks: their files as h5py (and xarray, where there is one) reads
# them, against NumPy:
#   run_workloads.py PLENUM MPIEXEC RANKS
import hashlib
import re
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from run_tools import Runs

KING_JAMES = Path("/usr/lib/bible.data")
DIGITS = Path("/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz")
RANKS = int(sys.argv[3])


def text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def check_dataset(runs: Runs, data, shape: tuple, kind: str, dimensions: list[str], units: str):
    runs.equal((data.shape, data.dtype), (shape, np.dtype(kind)), f"shape and type of {data.name}")
    runs.equal([dim.label for dim in data.dims], dimensions, f"dimensions of {data.name}")
    runs.equal([dim[0].name for dim in data.dims], [f"/results/{name}" for name in dimensions],
               f"scales of {data.name}")
    runs.equal(text(data.attrs["units"]), units, f"units of {data.name}")
    runs.check(bool(data.attrs["long_name"]), f"long_name of {data.name}")


def check_masks(runs: Runs, file: h5py.File, images: int, rows: int, columns: int):
    results = file["results"]
    check_dataset(runs, results["mask"], (images, rows, columns), "u1", ["image", "y", "x"], "1")
    check_dataset(runs, results["threshold"], (images,), "u1", ["image"], "1")
    check_dataset(runs, results["labels"], (images,), "u4", ["image"], "1")
    masks, offsets = results["mask"][...], results["areas/offsets"][...]
    runs.check(bool((masks <= 1).all()) and 0 < masks.mean() < 1, "masks are of 0 and 1, and of both")
    runs.equal(np.diff(offsets).tolist(), results["labels"][...].tolist(), "as many areas as labels")
    sums = [int(results["areas/values"][a:b].sum()) for a, b in zip(offsets, offsets[1:])]
    runs.equal(sums, masks.sum(axis=(1, 2), dtype="u8").tolist(), "areas add up to the masks")


def digest(file: Path, *names: str) -> str:
    """Of the results; the times in a file differ from run to run."""
    with h5py.File(file) as h5:
        return hashlib.sha256(b"".join(h5[f"results/{name}"][...].tobytes() for name in names)).hexdigest()


def bmp(path: Path, pixels: np.ndarray):
    """Pixels [row, column] as an uncompressed grey BMP."""
    rows, columns = pixels.shape
    pitch = (columns + 3) // 4 * 4
    palette = b"".join(bytes([k, k, k, 0]) for k in range(256))
    offset = 54 + len(palette)
    numbers = np.array([40, columns, rows], "<u4").tobytes() + np.array([1, 8], "<u2").tobytes() + np.array(
        [0, pitch * rows, 0, 0, 256, 0], "<u4").tobytes()
    head = b"BM" + np.array([offset + pitch * rows, 0, offset], "<u4").tobytes()
    lines = np.zeros((rows, pitch), "u1")
    lines[:, :columns] = pixels[::-1]
    path.write_bytes(head + numbers + palette + lines.tobytes())


def segment(runs: Runs):
    small = ("--synthetic", "23", "--size", "90x90", "--seed", "5")
    runs.job("segment", "masks.h5", *small, "--verify", ranks=RANKS)
    with h5py.File(runs.folder / "masks.h5") as file:
        check_masks(runs, file, 23, 90, 90)
        runs.equal(float(file["results/mask"].attrs["sigma"]), 2.0, "sigma is recorded")
    runs.xarray("masks.h5", {"mask": ("image", "y", "x"), "labels": ("image",)})
    runs.job("segment", "alone.h5", *small)
    names = ("mask", "threshold", "labels", "areas/values")
    runs.equal(digest(runs.folder / "masks.h5", *names), digest(runs.folder / "alone.h5", *names),
               "the results are those of one process")

    # A folder of pictures, of different sizes, with something else among them.
    folder = runs.folder / "pictures"
    folder.mkdir()
    y, x = np.mgrid[0:60, 0:80]
    for number in range(5):
        disc = (y - 30) ** 2 + (x - 40) ** 2 < (8 + number) ** 2
        square = (abs(y - 30) < 3) & (abs(x - 62) < 3) & (number % 2 == 1)
        bmp(folder / f"{number}.bmp", np.where(disc | square, 220, 30).astype("u1"))
    (folder / "notes.txt").write_text("no picture")
    runs.job("segment", "photos.h5", "--images", "pictures", "--size", "60x80", "--sigma", "0", "--verify", ranks=RANKS)
    with h5py.File(runs.folder / "photos.h5") as file:
        check_masks(runs, file, 5, 60, 80)
        runs.equal(file["results/labels"][...].tolist(), [1, 2, 1, 2, 1], "discs and squares")
        runs.equal(text(file["results/mask"].attrs["files"]).split("\n"), [f"{k}.bmp" for k in range(5)],
                   "names of the pictures")
        disc = (y - 30) ** 2 + (x - 40) ** 2 < 8**2
        runs.check(bool((file["results/mask"][0] == disc).all()), "the mask is the disc")


def classify(runs: Runs):
    made = ("--synthetic", "--layers", "30,70,40,9", "--batch", "25", "--batches", "13", "--seed", "4")
    runs.job("classify", "random.h5", *made, "--verify", ranks=RANKS)
    with h5py.File(runs.folder / "random.h5") as file:
        check_dataset(runs, file["results/predictions"], (13, 25), "i2", ["batch", "sample"], "1")
        predictions = file["results/predictions"][...]
        runs.check(0 <= predictions.min() < predictions.max() <= 8, "predictions are classes, not all equal")
    runs.xarray("random.h5", {"predictions": ("batch", "sample")})
    for load in ("executor", "task"):
        runs.job("classify", f"{load}.h5", *made, "--load", load, "--weights", "random.weights", "--verify", ranks=RANKS)
        runs.equal(digest(runs.folder / f"{load}.h5", "predictions"), digest(runs.folder / "random.h5", "predictions"),
                   f"--load {load} predicts the same")
    if not DIGITS.exists():
        print(f"{DIGITS} is not there: nothing was learnt from it")
        return
    runs.job("classify", "train.h5", "--train", "--weights", "digits.weights", "--verify", "--batch", "50", ranks=RANKS)
    runs.job("classify", "digits.h5", "--weights", "digits.weights", "--batch", "50", "--verify", ranks=RANKS)
    with h5py.File(runs.folder / "digits.h5") as file:
        predictions, labels = file["results/predictions"][...], file["inputs/labels"][...]
        runs.equal((predictions.shape, labels.shape), ((8, 50), (359,)), "batches of the test digits")
        runs.check(bool((predictions.ravel()[359:] == -1).all()), "no predictions where there are no samples")
        accuracy = float((predictions.ravel()[:359] == labels).mean())
        runs.check(accuracy > 0.95, "test accuracy above 0.95", str(accuracy))
        attribute = float(file["results/accuracy"].attrs["overall"])
        runs.check(abs(attribute - accuracy) < 1e-9, "the recorded accuracy is that of the predictions",
                   f"{attribute} instead of {accuracy}")
    runs.equal(digest(runs.folder / "train.h5", "predictions"), digest(runs.folder / "digits.h5", "predictions"),
               "weights from the file predict as those in memory")


def blob_sum(runs: Runs):
    runs.job("blob_sum", "sums.h5", "--elements", "300k", "--tasks", "17", "--seed", "3", "--verify", ranks=RANKS)
    wanted = int(((40503 * np.arange(300_000) + 3) & 0xFFFF).sum())
    with h5py.File(runs.folder / "sums.h5") as file:
        check_dataset(runs, file["results/sum"], (17,), "i8", ["task"], "1")
        runs.equal(file["results/sum"][...].tolist(), [wanted] * 17, "sums as NumPy finds them")
        runs.equal(int(file["results/sum"].attrs["elements"]), 300_000, "elements are recorded")
    runs.xarray("sums.h5", {"sum": ("task",)})


def prefixes_in(file: Path) -> dict[str, int]:
    with h5py.File(file) as h5:
        letters, offsets = h5["results/prefix/values"][...].tobytes(), h5["results/prefix/offsets"][...]
        return dict(zip((letters[a:b].decode() for a, b in zip(offsets, offsets[1:])),
                        h5["results/count"][...].tolist(), strict=True))


def popular_prefixes(text: str, popular: int) -> dict[str, int]:
    counts = Counter(word[:length] for word in re.findall("[a-z]+", text.lower()) for length in range(1, len(word)))
    return {prefix: count for prefix, count in sorted(counts.items()) if count > popular}


def prefix_count(runs: Runs):
    folder = runs.folder / "texts"
    folder.mkdir()
    random = np.random.default_rng(RANKS)
    text = "".join(random.choice(list("aaBbc dé-\n"), 5000))
    (folder / "one.txt").write_text(text)
    (folder / "two.txt").write_text("Abc abd abd ABE")
    for name, more, popular in (("few", ("--batch", "100", "--actors", "5"), 3), ("all", ("--popular", "0"), 0)):
        runs.job("prefix_count", f"{name}.h5", "--text", "texts", "--verify", *more, ranks=RANKS)
        got, wanted = prefixes_in(runs.folder / f"{name}.h5"), popular_prefixes(text + " abc abd abd abe", popular)
        runs.equal(list(got.items()), list(wanted.items()), f"prefixes counted more than {popular} times")
    runs.xarray("few.h5", {"count": None})
    with h5py.File(runs.folder / "few.h5") as file:
        runs.equal(int(file["results/count"].attrs["words"]), len(re.findall("[a-zA-Z]+", text)) + 4, "words")
    runs.job("prefix_count", "list.h5", "--text", "texts/two.txt,texts/one.txt", ranks=RANKS)
    runs.equal(prefixes_in(runs.folder / "list.h5"), prefixes_in(runs.folder / "few.h5"), "a list of files")
    made = ("--synthetic", "300", "--seed", "3")
    runs.job("prefix_count", "made.h5", *made, "--batch", "5k", "--verify", ranks=RANKS)
    runs.job("prefix_count", "made1.h5", *made)
    runs.equal(prefixes_in(runs.folder / "made.h5"), prefixes_in(runs.folder / "made1.h5"), "those of one process")
    if not KING_JAMES.exists():
        print(f"{KING_JAMES} is not there: its words were not counted")
        return
    runs.job("prefix_count", "king.h5", "--verify", ranks=RANKS)
    counts = prefixes_in(runs.folder / "king.h5")
    runs.check(counts["nebuchadnezza"] > 3 and counts["beginnin"] >= 50, "names and words of the text are counted")


def square(runs: Runs):
    count = 50_001
    wanted = sum(x * x for x in range(count)) % 2**64
    for name, words in (("reduced", ()), ("streamed", ("--imap",)), ("kept", ("--keep",))):
        runs.job("square", f"{name}.h5", "--count", str(count), "--verify", *words, ranks=RANKS)
        with h5py.File(runs.folder / f"{name}.h5") as file:
            runs.equal(file["sum"][...].tolist(), [wanted], f"{name}: the sum")
            runs.equal(int(file["sum"].attrs["count"]), count, f"{name}: the count")
            if name == "kept":
                runs.equal(file["results/square"].dtype, np.dtype("u8"), "type of the squares")
                runs.check(bool((file["results/square"][...] == np.arange(count, dtype="u8") ** 2).all()), "all squares")
    runs.xarray("kept.h5", {"square": None})
    runs.xarray("reduced.h5", {"sum": None}, group="/")
    runs.job("square", "long.h5", "--count", "70M", "--verify", ranks=RANKS)  # beyond 2^64
    with h5py.File(runs.folder / "long.h5") as file:
        n = 70_000_000
        runs.equal(file["sum"][...].tolist(), [(n - 1) * n * (2 * n - 1) // 6 % 2**64], "a sum modulo 2^64")


def dry_runs(runs: Runs):
    for words in (("segment", "--synthetic", "5"), ("blob_sum",), ("square",), ("square", "--keep"),
                  ("prefix_count", "--synthetic", "9"), ("classify", "--synthetic", "--layers", "3,2")):
        run = runs.run("run", *words, "--verify", "--dry-run", "-o", "dry.h5", ranks=RANKS)
        runs.equal(run.returncode, 0, f"dry run of {words} ({run.stderr[-300:]})")
        runs.check("would run" in run.stdout + run.stderr, f"dry run of {words} says what would run")
        runs.check(not (runs.folder / "dry.h5").exists(), f"dry run of {words} leaves no file")


with Runs() as runs:
    segment(runs)
    classify(runs)
    blob_sum(runs)
    prefix_count(runs)
    square(runs)
    dry_runs(runs)
