# Masks of images: smoothing, a threshold after Otsu, connected components.
import pathlib

import numpy as np
import tools
from workload import CPP, Disagreement, Output, Reach, Workload, plenum, python, serial

SIGMA = 2


def make_inputs(folder: pathlib.Path, parameters: dict) -> None:
    """Soft bright blobs on dark ground, with grain."""
    random = np.random.default_rng(1)
    side = parameters["side"]
    with open(folder / "images.u8", "wb") as file:
        for _ in range(parameters["images"]):
            image = 40 + 10 * random.standard_normal((side, side), "f4")
            for _ in range(max(2, side * side // 6000)):
                row, column, radius = random.uniform(0, side), random.uniform(0, side), random.uniform(4, 14)
                rows, columns = (np.arange(max(0, int(centre - 4 * radius)), min(side, int(centre + 4 * radius) + 1))
                                 for centre in (row, column))
                across, along = (np.exp(-((places - centre) ** 2) / (2 * radius**2))
                                 for places, centre in ((rows, row), (columns, column)))
                image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += 120 * np.outer(across, along)
            image.clip(0, 255).astype("u1").tofile(file)


def start(parameters: dict) -> None:
    global images
    side = parameters["side"]
    images = np.fromfile(pathlib.Path(parameters["folder"]) / "images.u8", "u1").reshape(-1, side, side)
    import scipy.ndimage  # noqa: F401  (not in the time of the first task)


def otsu(image: np.ndarray) -> int:
    counts = np.bincount(image.ravel(), minlength=256)
    below, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    above = image.size - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below - sums * image.size) ** 2.0 / (below * above.astype("f8"))
    return int(np.nanargmax(np.where(above > 0, between, np.nan)))


def segment(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mask, and the areas of its components."""
    from scipy import ndimage  # here, so that the comparison can be looked at without SciPy

    smooth = ndimage.gaussian_filter(image, SIGMA, mode="nearest", truncate=3)
    mask = smooth > otsu(smooth)
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return mask, np.bincount(labels.ravel(), minlength=count + 1)[1:]


def segment_number(i: int) -> tuple[np.ndarray, np.ndarray]:
    return segment(images[i])


def with_tool(tool, parameters: dict, **options):
    work = tools.Work(segment_number, list(range(parameters["items"])), list(range(min(2 * parameters["workers"], parameters["items"]))),
                      parameters["workers"], start, parameters)
    seconds, results = tool(work, **options)
    for mask, areas in results:
        if areas.sum() != mask.sum():
            raise ValueError("the areas of the components do not add up to the mask")
    return seconds, np.array([mask for mask, _ in results], "u1")


def joblib(parameters: dict):
    from joblib import delayed

    return with_tool(tools.joblib, parameters, call=lambda i: delayed(segment)(images[i]))


TOOLS = {
    "serial": lambda p: with_tool(tools.serial, p),
    "Pool": lambda p: with_tool(tools.pool, p),
    "futures": lambda p: with_tool(tools.futures, p),
    "joblib": joblib,
    "mpi4py.futures": lambda p: with_tool(tools.mpi4py, p),
}


def check(outputs: list[Output], parameters: dict) -> None:
    """Smoothing rounds differently from one library to the next, so pixels at the rim of blobs may differ."""
    items = min(output.competitor.items for output in outputs)
    pixels = items * parameters["side"] ** 2
    first = outputs[0].array("u1")[:pixels]
    if not 0.01 < first.mean() < 0.9:
        raise Disagreement(f"{first.mean():.0%} of the masks are set")
    for output in outputs:
        mask = output.array("u1")[:pixels]
        if mask.size != pixels:
            raise Disagreement(f"{output.competitor.name} saved {mask.size} pixels, not {pixels}")
        if (different := (mask != first).mean()) > 0.01:
            raise Disagreement(f"the masks of {output.competitor.name} and {outputs[0].competitor.name} differ in "
                               f"{different:.2%} of the pixels")


def workloads(short: bool, workers: int) -> list[Workload]:
    side, count, fast = (64, 6, 12) if short else (512, 256, 2048)  # the fast ones take each image several times
    return [Workload(
        name="segment", title=f"masks of images of {side}×{side}", unit="images", workers=workers,
        parameters={"side": side, "images": count}, make_inputs=make_inputs,
        competitors=[*(python("segment", tool, count, workers, modules=("scipy",)) for tool in TOOLS),
                     serial("segment", fast, f"{workers} bare kernels"),
                     plenum("segment", fast, workers, "Plenum, masks", parameters={"areas": 0}),
                     plenum("segment", fast, workers, "Plenum, masks and areas", parameters={"areas": 1})],
        check=check, reaches=[Reach("≥ 0.9 × bare kernels", CPP, ratio=0.9)])]
