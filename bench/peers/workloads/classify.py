# A multilayer perceptron that is loaded once per worker and evaluates many batches.
import pathlib

import numpy as np
import tools
from workload import CPP, PYTHON, Output, Reach, Workload, agree, plenum, python, serial

LAYERS = (784, 2048, 2048, 10)


def make_inputs(folder: pathlib.Path, parameters: dict) -> None:
    random = np.random.default_rng(1)
    with open(folder / "weights.f32", "wb") as file:
        for inputs, outputs in zip(LAYERS, LAYERS[1:]):
            (random.standard_normal((inputs, outputs), "f4") * np.sqrt(2 / inputs, dtype="f4")).tofile(file)
            (random.standard_normal(outputs, "f4") * np.float32(0.1)).tofile(file)
    random.random((parameters["batches"] * parameters["batch"], LAYERS[0]), "f4").tofile(folder / "samples.f32")


def blas_environment(threads: int) -> dict[str, str]:
    """The threads of each process, and the kernels for what the processor can do: OpenBLAS takes processors that are
    newer than itself for old ones."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    core = "SKYLAKEX" if "avx512f" in flags else "HASWELL" if "avx2" in flags else ""
    return {**{variable: str(threads) for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
            **({"OPENBLAS_CORETYPE": core} if core else {})}


def load(parameters: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = []
    with open(pathlib.Path(parameters["folder"]) / "weights.f32", "rb") as file:
        for inputs, outputs in zip(LAYERS, LAYERS[1:]):
            weights = np.fromfile(file, "f4", inputs * outputs).reshape(inputs, outputs)
            layers.append((weights, np.fromfile(file, "f4", outputs)))
    return layers


def start(parameters: dict) -> None:
    global model, samples
    model = load(parameters)
    samples = np.fromfile(pathlib.Path(parameters["folder"]) / "samples.f32", "f4")
    samples = samples.reshape(-1, parameters["batch"], LAYERS[0])


def evaluate(layers: list[tuple[np.ndarray, np.ndarray]], batch: np.ndarray) -> np.ndarray:
    for weights, bias in layers[:-1]:
        batch = np.maximum(batch @ weights + bias, 0)
    return batch @ layers[-1][0] + layers[-1][1]


def classify(i: int) -> np.ndarray:
    return evaluate(model, samples[i])


def with_tool(tool, parameters: dict, **options):
    work = tools.Work(classify, list(range(parameters["items"])), list(range(min(2 * parameters["workers"], parameters["items"]))),
                      parameters["workers"], start, parameters)
    seconds, results = tool(work, **options)
    return seconds, np.array(results)


def joblib(parameters: dict):
    from joblib import delayed

    return with_tool(tools.joblib, parameters, call=lambda i: delayed(evaluate)(model, samples[i]))


TOOLS = {
    "serial": lambda p: with_tool(tools.serial, p),
    "Pool": lambda p: with_tool(tools.pool, p, chunk_size=1),
    "futures": lambda p: with_tool(tools.futures, p),
    "joblib": joblib,
    "mpi4py.futures": lambda p: with_tool(tools.mpi4py, p),
}


def check(outputs: list[Output], parameters: dict) -> None:
    agree(outputs, "f4", parameters["batch"] * LAYERS[-1], relative=1e-4)


def workloads(short: bool, workers: int) -> list[Workload]:
    batch, batches = (20, 6) if short else (500, 40)

    def competitor(tool: str, threads: int, name: str):
        return python("classify", tool, batches, workers, name=name, environment=blas_environment(threads))

    return [Workload(
        name="classify", title=f"perceptron {'-'.join(map(str, LAYERS))}, {batches} batches of {batch}", unit="batches",
        workers=workers, parameters={"batches": batches, "batch": batch, "layers": ",".join(map(str, LAYERS))}, make_inputs=make_inputs,
        competitors=[competitor("serial", 1, "serial, 1 thread"), competitor("serial", workers, f"serial, {workers} threads"),
                     *(competitor(tool, 1, tool) for tool in TOOLS if tool != "serial"),
                     serial("classify", batches, "serial C++"), plenum("classify", batches, workers)],
        check=check,
        reaches=[Reach("≥ 1.9 × serial C++", CPP, ratio=1.9), Reach("≥ 1 × Python", PYTHON, ratio=1)])]
