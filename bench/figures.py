# The figures of bench/run. Each function measures one group and yields its records.
import contextlib
import os
import pathlib
import signal
import statistics
import time
from collections.abc import Iterator

import processes
from harness import Bench, Failure, Running

MIB = 1 << 20


def _job(bench: Bench, name: str, *arguments: object, ranks: int = 2, nodes: int = 1):
    """One run of a job that times itself: (seconds, checksum)."""
    def run() -> tuple[float, str]:
        running = bench.plenum(ranks, name, *arguments, nodes=nodes)
        report = running.report()
        running.finish()
        return report["seconds"], report["checksum"]
    return run


def _plain(bench: Bench, *arguments: object):
    def run() -> tuple[float, str]:
        report = bench.reference(*arguments)
        return report["seconds"], report["checksum"]
    return run


def convolve_reduced(bench: Bench) -> Iterator[dict]:
    filters, side = bench.pick(1500, 20), bench.pick(3000, 400)
    yield bench.compare("convolve_reduced", "filters/s", filters, 1.9,
                        _job(bench, "convolve-checksums", "--side", side, "--filters", filters),
                        _plain(bench, "convolve", side, filters), filters=filters, image=f"{side}x{side}")


@contextlib.contextmanager
def _file(bench: Bench, name: str) -> Iterator[pathlib.Path]:
    path = bench.folder / name
    try:
        yield path
    finally:
        for each in bench.folder.glob(name + "*"):
            each.unlink()


def _checksums(bench: Bench, path: pathlib.Path, *datasets: str) -> str:
    return " ".join(bench.reference("check", path, dataset)["checksum"] for dataset in datasets)


def _into_file(bench: Bench, job: str, *arguments: object, datasets: tuple[str, ...] = ("results/values",)):
    """From the start of the map until the file is complete, synced and has its name. The checksum is that of the
    values in the file."""
    def run() -> tuple[float, str]:
        with _file(bench, "plenum.h5") as path:
            running = bench.plenum(2, job, "-o", path, *arguments)
            start_ns = running.report()["start_ns"]
            running.finish()
            if not path.exists():
                raise Failure(f"{job}: {path} does not exist")
            return (running.end_ns - start_ns) * 1e-9, _checksums(bench, path, *datasets)
    return run


def _plain_file(bench: Bench, program: str, *arguments: object, datasets: tuple[str, ...] = ("values",)):
    def run() -> tuple[float, str]:
        with _file(bench, "plain.h5") as path:
            seconds = bench.reference(program, path, *arguments)["seconds"]
            return seconds, _checksums(bench, path, *datasets)
    return run


def convolve_file(bench: Bench) -> Iterator[dict]:
    filters, side = bench.pick(1000, 20), bench.pick(3000, 400)
    kept = (side + 3 + 4) // 5
    mib = filters * kept * kept * 4 / MIB
    yield bench.compare("convolve_file", "MiB/s", mib, 0.8,
                        _into_file(bench, "convolve-results", "--side", side, "--filters", filters),
                        _plain_file(bench, "write-convolutions", side, filters), filters=filters, mib=mib)


def segment_file(bench: Bench) -> Iterator[dict]:
    masks, side = bench.pick(4000, 10), bench.pick(512, 64)
    mib = masks * side * side / MIB
    yield bench.compare("segment_file", "MiB/s", mib, 0.8,
                        _into_file(bench, "masks", "--side", side, "--masks", masks),
                        _plain_file(bench, "write-masks", side, masks, "contiguous"), masks=masks, mib=mib)


def segment_file_gzip(bench: Bench) -> Iterator[dict]:
    masks, side = bench.pick(2000, 10), bench.pick(512, 64)
    mib = masks * side * side / MIB
    bare = [_plain_file(bench, "write-masks", side, masks, "chunks")() for _ in range(bench.repetitions)]
    filtered = _plain_file(bench, "write-masks", side, masks, "filtered")
    if {checksum for _, checksum in bare} != {filtered()[1]}:
        raise Failure("segment_file_gzip: the compressed chunks hold other masks than those of HDF5's filters")
    yield bench.compare("segment_file_gzip", "MiB/s", mib, 1.0,
                        _into_file(bench, "masks", "--side", side, "--masks", masks, "--compress", "gzip:1"), filtered,
                        masks=masks, mib=mib, bare_chunks=mib / statistics.median(seconds for seconds, _ in bare))


def _square(bench: Bench, name: str, tasks: int, block: int, *options: object) -> dict:
    return bench.compare(name, "tasks/s", tasks, 0.5, _job(bench, "squares", "--tasks", tasks, *options),
                         _plain(bench, "claim", tasks, block), tasks=tasks)


def square_chunk1(bench: Bench) -> Iterator[dict]:
    yield _square(bench, "square_chunk1", bench.pick(40_000_000, 100_000), 1, "--schedule", "ss",
                  "--chunk-size", 1)


def square_auto(bench: Bench) -> Iterator[dict]:
    yield _square(bench, "square_auto", bench.pick(256_000_000, 1_000_000), 4096)


def memory_shared(bench: Bench) -> Iterator[dict]:
    ranks, array = 4, bench.pick(2048, 64) * MIB
    def extra_mib() -> float:
        running = bench.plenum(ranks, "hold-shared", "--bytes", array, "--hold", 2)
        running.report()
        found = processes.of_run(running.run_id, "bench_plenum")
        extra = (sum(processes.pss_bytes(pid) for pid in found) - array) / MIB / ranks
        if len(processes.ranks_of(found)) != ranks or len(found) < 2 * ranks:
            raise Failure(f"memory_shared: {len(found)} processes of {ranks} ranks found")
        running.finish()
        return extra

    extra = [extra_mib() for _ in range(bench.pick(3, 1))]
    value = statistics.median(extra)
    yield bench.record("memory_shared", value, "MiB/rank beside the array", 25.0, value / 25, ranks=ranks,
                       reach="value <= 25", met=value <= 25, repetitions=len(extra),
                       value_range=[min(extra), max(extra)], array_mib=array // MIB)


def read_shared(bench: Bench) -> Iterator[dict]:
    size, passes = bench.pick(1024, 32) * MIB, bench.pick(8, 2)
    for name, pages in (("read_shared", "plain"), ("read_shared_small_pages", "small"),
                        ("read_shared_huge_pages", "huge")):
        yield bench.compare(name, "GB/s", 2 * passes * size / 1e9, 0.95,
                            _job(bench, "read-shared", "--bytes", size, "--passes", passes),
                            _plain(bench, "read", size, passes, pages), private_pages=pages, mib=size // MIB)


def _shares(bench: Bench, running, ranks: int, seconds: float) -> dict[int, float]:
    """Per cent of a core that the process of each rank uses."""
    pids = processes.ranks_of(processes.of_run(running.run_id, "bench_plenum"))
    if sorted(pids) != list(range(ranks)):
        raise Failure(f"cpu: ranks {sorted(pids)} of {ranks} found")
    before, start = {rank: processes.cpu_seconds(pid) for rank, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    used = {rank: processes.cpu_seconds(pid) - before[rank] for rank, pid in pids.items()}
    elapsed = time.monotonic() - start
    return {rank: 100 * each / elapsed for rank, each in used.items()}


def cpu(bench: Bench) -> Iterator[dict]:
    """Of ranks that wait: for tasks, for tasks that sleep, and for rank 0 that publishes."""
    seconds = bench.pick(6, 1)
    for nodes, ranks in ((1, 3), (2, 4)):
        for job in ("idle", "sleepers", "publishing"):
            if job == "publishing":
                with _file(bench, "cpu.h5") as path:
                    packed = path.with_name(path.name + ".packed")
                    # Too small for executors to compress them.
                    running = bench.plenum(ranks, "records", "--record", 4096, "--records", bench.pick(512, 64) * 256, "-o", path,
                                           "--compress", "gzip:9", nodes=nodes)
                    running.report()
                    end = time.monotonic() + 60
                    while not packed.exists() and not path.exists() and time.monotonic() < end:
                        time.sleep(0.01)
                    time.sleep(bench.pick(0.3, 0))  # the executors have gone
                    shares = _shares(bench, running, ranks, bench.pick(1.5, 0.1))
                    if path.exists():
                        raise Failure("cpu: publishing is over too soon")
                    running.finish()
            else:
                running = bench.plenum(ranks, job, "--hold", seconds + 2, nodes=nodes)
                running.report()
                time.sleep(1)  # the start is over
                shares = _shares(bench, running, ranks, seconds)
                running.finish()
            leaders = [rank for rank in shares if rank % (ranks // nodes) == 0]
            chosen = {"leader": leaders, "other": [rank for rank in shares if rank not in leaders]}
            if job == "publishing":
                chosen["leader"] = leaders[1:]  # rank 0 is at work
            for who, least in (("leader", 2.0), ("other", 0.2)):
                if not chosen[who]:
                    continue
                value = max(shares[rank] for rank in chosen[who])
                yield bench.record(f"cpu_{who}_{job}_{nodes}_node{'s' * (nodes > 1)}", value, "% of a core", least,
                                   value / least, ranks=ranks, nodes=nodes, reach=f"value < {least}",
                                   met=value < least, each=[shares[rank] for rank in chosen[who]], seconds=seconds)


def share_1gib(bench: Bench) -> Iterator[dict]:
    size = bench.pick(1024, 32) * MIB
    for name, pages in (("share_1gib", "shared"), ("share_1gib_private_pages", "small"),
                        ("share_1gib_huge_pages", "huge")):
        yield bench.compare(name, "GB/s", size / 1e9, 1.2, _job(bench, "share", "--bytes", size),
                            _plain(bench, "copy", size, pages), reference_pages=pages, mib=size // MIB)


def _records(bench: Bench, name: str, record: int, mib: int, records_per_write: int) -> dict:
    records = mib * MIB // record
    return bench.compare(name, "MiB/s", mib, 0.8,
                         _into_file(bench, "records", "--record", record, "--records", records),
                         _plain_file(bench, "write-records", record, records, records_per_write), mib=mib)


def file_1mib(bench: Bench) -> Iterator[dict]:
    yield _records(bench, "file_1mib", MIB, bench.pick(1024, 8), 1)


def file_8b(bench: Bench) -> Iterator[dict]:
    yield _records(bench, "file_8b", 8, bench.pick(512, 2), MIB)


def file_1kib(bench: Bench) -> Iterator[dict]:
    yield _records(bench, "file_1kib", 1024, bench.pick(512, 2), 1024)


def file_ragged(bench: Bench) -> Iterator[dict]:
    """Records of 0 to 255 numbers; the plain program writes values and offsets that are known beforehand."""
    records = bench.pick(524_288, 2_000)
    mib = records * 127.5 * 8 / MIB
    yield bench.compare("file_ragged", "MiB/s", mib, 0.4,
                        _into_file(bench, "ragged-records", "--records", records,
                                   datasets=("results/values/values", "results/values/offsets")),
                        _plain_file(bench, "write-ragged", records, datasets=("values", "offsets")), mib=mib)


def resume_1e6(bench: Bench) -> Iterator[dict]:
    """10^6 tasks are done when the run is killed: how long after the same command does the first new task begin?"""
    tasks = bench.pick(1_000_000, 20_000)
    for name, kind in (("resume_1e6", []), ("resume_1e6_ragged", ["--ragged"])):
        with _file(bench, "resumed.h5") as path:
            sign = bench.folder / "resumed.sign"

            def until_first() -> float:
                """Seconds until the first task that never ends has begun; then all are killed."""
                sign.unlink(missing_ok=True)
                start_ns = time.monotonic_ns()
                running = bench.plenum(2, "endless", "--tasks", tasks, "--sign", sign, "-o", path, *kind)
                try:
                    bench.wait_for(lambda: sign.exists() and sign.read_text().endswith("\n"), f"{name}: a new task")
                    bench.wait_for(lambda: bench.done_in(path) >= tasks, f"{name}: {tasks} tasks on the disk")
                finally:
                    for pid in processes.of_run(running.run_id):
                        os.kill(pid, signal.SIGKILL)
                    running.process.wait()
                    running.limit.cancel()
                bench.wait_for(lambda: not processes.of_run(running.run_id), f"{name}: the end")
                return (int(sign.read_text()) - start_ns) * 1e-9

            until_first()
            seconds, others = bench.quiet(until_first, bench.repetitions)
            value = statistics.median(seconds)
            yield bench.record(name, value, "s", 1.0, value, ranks=2, reach="value < 1", met=value < 1,
                               repetitions=len(seconds), value_range=[min(seconds), max(seconds)], tasks=tasks,
                               other_load=others)


def _calls(bench: Bench, name: str, job: str, tasks: int, unit: str, goal: float, value_of, nodes: int = 1) -> dict:
    """A figure whose reference is its goal: no plain program does the same."""
    runs, others = bench.quiet(lambda: _job(bench, job, "--tasks", tasks, nodes=nodes)(), bench.repetitions)
    expected = 2 * (tasks * (tasks - 1) // 2) ** 2 + (tasks - 1) * tasks * (2 * tasks - 1) // 6
    if wrong := [checksum for _, checksum in runs if int(checksum, 16) != expected % 2**64]:
        raise Failure(f"{name}: wrong results (checksum {wrong[0]})")
    values = [value_of(seconds) for seconds, _ in runs]
    value, is_time = statistics.median(values), unit == "s"
    return bench.record(name, value, unit, goal, value / goal, ranks=2, nodes=nodes, reach=f"{'<' if is_time else '>='} {goal:g}",
                        met=value < goal if is_time else value >= goal, repetitions=bench.repetitions, tasks=tasks,
                        value_range=[min(values), max(values)], other_load=others)


def submit_throughput(bench: Bench) -> Iterator[dict]:
    tasks = bench.pick(500_000, 2_000)
    yield _calls(bench, "submit_throughput", "submits", tasks, "tasks/s", 200e3, lambda seconds: tasks / seconds)


def submit_round_trip(bench: Bench) -> Iterator[dict]:
    yield _calls(bench, "submit_round_trip", "round-trips", bench.pick(10_000, 100), "s", 100e-6, float)
    yield _calls(bench, "submit_round_trip_between_nodes", "round-trips-between-nodes", bench.pick(2_000, 100), "s", 2e-3,
                 float, nodes=2)


def imap_stream(bench: Bench) -> Iterator[dict]:
    tasks = bench.pick(30_000_000, 20_000)
    yield _calls(bench, "imap_stream", "stream", tasks, "items/s", 10e6, lambda seconds: tasks / seconds)


def start_up(bench: Bench) -> Iterator[dict]:
    def wall(command: list[str]) -> float:
        start = time.monotonic()
        Running(command, bench.environment(2)).finish()
        return time.monotonic() - start

    def pair() -> tuple[float, float]:
        return (wall(bench.mpirun(2) + [str(bench.programs / "bench_hello")]),
                wall(bench.mpirun(2) + [str(bench.programs / "bench_plenum"), "run", "empty"]))

    pairs, others = bench.quiet(pair, bench.pick(11, 2))
    hello, empty = [bare for bare, _ in pairs], [mine for _, mine in pairs]
    extra = [mine - bare for mine, bare in zip(empty, hello)]
    value, reference, difference = statistics.median(empty), statistics.median(hello), statistics.median(extra)
    yield bench.record("start_up", value, "s", reference, value / reference, ranks=2,
                       reach="difference < 0.1", met=difference < 0.1, repetitions=len(empty),
                       difference=difference, difference_range=[min(extra), max(extra)],
                       value_range=[min(empty), max(empty)], reference_range=[min(hello), max(hello)], other_load=others)


GROUPS = {
    each.__name__: each
    for each in (convolve_reduced, convolve_file, segment_file, segment_file_gzip, square_chunk1, square_auto, memory_shared,
                 read_shared, cpu,
                 share_1gib, file_1mib, file_1kib, file_8b, file_ragged, resume_1e6,
                 submit_throughput, submit_round_trip, imap_stream, start_up)
}
