# Counts of every proper prefix of every word over many documents; those counted more than three times.
import pathlib
from collections import Counter

import numpy as np
import tools
from workload import CPP, PYTHON, Disagreement, Output, Reach, Workload, plenum, python, serial


def make_inputs(folder: pathlib.Path, parameters: dict) -> None:
    """Documents of lower-case words, a line each, whose frequencies fall as in real text."""
    random = np.random.default_rng(1)
    lengths = random.integers(2, 13, parameters["vocabulary"])
    words = np.array(["".join(random.choice(list("etaoinshrdlcumwfgypbvk"), length)) for length in lengths])
    ranks = np.arange(1, len(words) + 1)
    likely = 1 / ranks / (1 / ranks).sum()
    with open(folder / "documents.txt", "w") as file:
        for _ in range(parameters["documents"]):
            print(*random.choice(words, parameters["words"], p=likely), file=file)


def start(parameters: dict) -> None:
    global documents
    with open(pathlib.Path(parameters["folder"]) / "documents.txt") as file:
        documents = file.read().splitlines()


def count_prefixes(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in text.split():
        for length in range(1, len(word)):
            prefix = word[:length]
            counts[prefix] = counts.get(prefix, 0) + 1
    return counts


def count_document(i: int) -> dict[str, int]:
    return count_prefixes(documents[i])


def popular(parts: list[dict[str, int]]) -> np.ndarray:
    merged: Counter = Counter()
    for part in parts:
        merged.update(part)
    lines = [f"{prefix} {count}\n" for prefix, count in sorted(merged.items()) if count > 3]
    return np.frombuffer("".join(lines).encode(), "u1")


def with_tool(tool, parameters: dict, **options):
    import time

    work = tools.Work(count_document, list(range(parameters["items"])), list(range(min(2 * parameters["workers"], parameters["items"]))),
                      parameters["workers"], start, parameters)
    seconds, parts = tool(work, **options)
    begin = time.perf_counter()
    lines = popular(parts)
    return seconds + time.perf_counter() - begin, lines


def joblib(parameters: dict):
    from joblib import delayed

    return with_tool(tools.joblib, parameters, call=lambda i: delayed(count_prefixes)(documents[i]))


TOOLS = {
    "serial": lambda p: with_tool(tools.serial, p),
    "Pool": lambda p: with_tool(tools.pool, p),
    "futures": lambda p: with_tool(tools.futures, p),
    "joblib": joblib,
    "mpi4py.futures": lambda p: with_tool(tools.mpi4py, p),
}


def check(outputs: list[Output], parameters: dict) -> None:
    """Those who count more documents save their popular prefixes after those of the first ones, and a blank line."""
    few = min(output.competitor.items for output in outputs)
    first: dict[int, tuple[str, bytes]] = {}
    for output in outputs:
        parts = output.path.read_bytes().split(b"\n\n")
        if len(parts) != 1 + (output.competitor.items > few):
            raise Disagreement(f"{output.competitor.name} saved the popular prefixes of {len(parts)} texts")
        parts[:-1] = [part + b"\n" for part in parts[:-1]]
        for items, part in zip((few, output.competitor.items), parts):
            name, wanted = first.setdefault(items, (output.competitor.name, part))
            if not wanted:
                raise Disagreement("no prefix is popular")
            if part != wanted:
                raise Disagreement(f"{output.competitor.name} and {name} have other popular prefixes")


def workloads(short: bool, workers: int) -> list[Workload]:
    few, many, words = (4, 8, 300) if short else (20, 4000, 10_000)
    vocabulary = 500 if short else 30_000
    return [Workload(
        name="prefix_count", title=f"prefixes in documents of {words:,} words", unit="documents", workers=workers,
        parameters={"documents": many, "few": few, "words": words, "vocabulary": vocabulary}, make_inputs=make_inputs,
        competitors=[*(python("prefix_count", tool, few, workers) for tool in TOOLS),
                     serial("prefix_count", many, "serial C++, trie"),
                     plenum("prefix_count", many, workers, f"Plenum, {workers} actors")],
        check=check,
        reaches=[Reach("≥ 1.8 × serial C++", CPP, ratio=1.8), Reach("≥ 20 × Python", PYTHON, ratio=20)])]
