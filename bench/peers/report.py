# Records of bench/peers/run as a table for the terminal, as Markdown, and as a picture of bars.
import math
import pathlib


def _number(value: float) -> str:
    for limit, factor, letter in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e3, 1e3, " k")):
        if value >= limit:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def _groups(records: list[dict]) -> list[list[dict]]:
    names = dict.fromkeys(record["workload"] for record in records)
    return [[record for record in records if record["workload"] == name] for name in names]


def _plenum(group: list[dict]) -> dict | None:
    return next((record for record in group if record["kind"] == "plenum"), None)


def _times_slower(record: dict, group: list[dict]) -> str:
    plenum = _plenum(group)
    return f"{plenum['rate'] / record['rate']:.3g}" if plenum else "–"


def _reaches(record: dict) -> str:
    words = {True: "met", False: "**missed**", None: "nothing to compare with"}
    return "; ".join(f"{reach['text']}: {words[reach['met']]}" for reach in record.get("reaches", []))


HEADINGS = ("workload", "competitor", "rate", "unit", "seconds", "Plenum is × faster", "memory MiB")


def _rows(records: list[dict]) -> list[tuple[str, ...]]:
    return [(group[0]["workload"] if record is group[0] else "",
             record["competitor"] + ("" if record["as_written"] else " (tuned)"), _number(record["rate"]), record["unit"],
             "{:.3g} ({:.3g}–{:.3g})".format(record["seconds"], *record["seconds_range"]), _times_slower(record, group),
             f"{record['memory_mib']:.0f}") for group in _groups(records) for record in group]


def _notes(records: list[dict]) -> list[str]:
    notes = []
    for group in _groups(records):
        plenum = _plenum(group)
        text = _reaches(plenum) if plenum else "Plenum takes no part yet"
        notes += [f"{group[0]['workload']}: {text}"] if text else []
    return notes


def table(records: list[dict]) -> str:
    rows = [HEADINGS, *_rows(records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, "", *(note.replace("**", "") for note in _notes(records))])


def _bar(record: dict, group: list[dict]) -> str:
    """Each block more is twice the rate; the slowest of the workload has one."""
    slowest = min(each["rate"] for each in group)
    return "█" * (1 + round(math.log2(record["rate"] / slowest)))


def markdown(records: list[dict]) -> str:
    """A table with bars in its last column."""
    bars = [_bar(record, group) for group in _groups(records) for record in group]
    lines = ["| " + " | ".join((*HEADINGS, "each █: × 2")) + " |", "|---" * (1 + len(HEADINGS)) + "|"]
    lines += ["| " + " | ".join((*row, bar)) + " |" for row, bar in zip(_rows(records), bars)]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(records))])


def draw(records: list[dict], path: pathlib.Path) -> None:
    """Bars of the rates of each workload, relative to the best Python peer; a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {"python": "#8da0cb", "c++": "#b3b3b3", "plenum": "#1b9e77"}
    groups = _groups(records)
    figure, axes = pyplot.subplots(len(groups), 1, squeeze=False, layout="constrained",
                                   figsize=(8, 0.6 * len(groups) + 0.25 * len(records)),
                                   gridspec_kw={"height_ratios": [len(group) + 1 for group in groups]})
    for axis, group in zip(axes[:, 0], groups):
        best = max((record["rate"] for record in group if record["kind"] == "python"), default=1)
        ratios = [record["rate"] / best for record in group]
        bars = axis.barh([record["competitor"] for record in group], ratios,
                         color=[colours[record["kind"]] for record in group])
        axis.bar_label(bars, [f"{_number(record['rate'])} {record['unit']}" for record in group], padding=3, fontsize=7)
        axis.set_xscale("log")
        axis.set_xlim(min(ratios) / 2, max(ratios) * 8)
        axis.invert_yaxis()
        axis.tick_params(labelsize=7)
        axis.set_title(group[0]["title"], fontsize=8, loc="left")
    axes[-1, 0].set_xlabel("times the best Python peer", fontsize=8)
    figure.savefig(path, dpi=150)
