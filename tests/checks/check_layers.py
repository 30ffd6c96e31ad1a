#!/usr/bin/env python3
# Includes go down only: compares the #includes of src/, include/ and jobs/ with the design's layers.
#   check_layers.py ROOT [--self-test]    The self-test plants violations in a copy and has to find them.
import re
import shutil
import sys
import tempfile
from pathlib import Path

ALL = "base wire sched comm io mpi hdf5 image pool app".split()
LAYERS = {  # layer: the other layers it may include
    "base": [],
    "wire": ["base"],
    "sched": ["base", "wire"],
    "comm": ["base", "wire"],
    "io": ["base", "wire"],
    "mpi": ["base", "wire", "comm"],
    "hdf5": ["base", "wire", "io"],
    "image": ["base"],
    "pool": ["base", "wire", "sched", "comm", "io"],
    "app": ALL,
}
HOMES = [  # third-party headers with one home each
    (re.compile(r"mpi\.h$|mpi-ext\.h$|openmpi/"), "src/mpi"),
    (re.compile(r"(hdf5/.*|hdf5|hdf5_hl|H5\w+)\.h$"), "src/hdf5"),
    (re.compile(r"CLI/|CLI11"), "src/app"),
    (re.compile(r"(stb/)?stb_image\.h"), "src/image"),
    (re.compile(r"(stb/)?stb_image_write\.h"), "jobs"),
    (re.compile(r"toml\+\+/"), "src/app"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def problem_of(folder: str, bracket: str, name: str, file: Path) -> str:
    """Why a file of `folder` (src/LAYER, include or jobs) may not include `name`; empty when it may."""
    for pattern, home in HOMES:
        if pattern.match(name) and folder != home:
            return f"belongs to {home} only"
    first = name.split("/")[0]
    if first == "plenum":
        return "" if bracket == "<" else "is public; write it in angle brackets"
    if name.startswith("Eigen/") and folder == "include" and file.name != "eigen.hpp":
        return "reaches public headers through plenum/eigen.hpp only"
    if folder.startswith("src/"):
        layer = folder[len("src/"):]
        if first in ALL and "/" in name:
            allowed = first == layer or first in LAYERS[layer]
            return "" if allowed else f"is a layer that {layer} may not include"
        return f"is no header of a layer; write {layer}/... or <...>" if bracket == '"' else ""
    if first in ALL and "/" in name:
        return "is internal; only <plenum/...> may be included here"
    if bracket == '"' and not (folder == "jobs" and first == "support"):
        return "is neither public nor third-party; jobs share code in support/"
    return ""


def violations(root: Path) -> list[str]:
    found = []
    for top in ("src", "include", "jobs"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in {".hpp", ".h", ".cpp", ".cc", ".in"}:
                continue
            parts = file.relative_to(root).parts
            folder = f"src/{parts[1]}" if top == "src" else top
            if top == "src" and parts[1] not in LAYERS:
                found.append(f"{file.relative_to(root)}: {parts[1]} is not a layer; there are {', '.join(ALL)}")
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                problem = match and problem_of(folder, *match.groups(), file)
                if problem:
                    found.append(f"{file.relative_to(root)}:{number}: {match[2]} {problem}")
    return found


def self_test(root: Path) -> None:
    planted = [
        ("src/base/planted.hpp", '#include "wire/x.hpp"'),
        ("src/wire/planted.cpp", '#include "sched/x.hpp"'),
        ("src/sched/planted.cpp", '  #  include "comm/x.hpp"'),
        ("src/comm/planted.cpp", "#include <mpi.h>"),
        ("src/io/planted.cpp", "#include <hdf5.h>"),
        ("src/hdf5/planted.cpp", '#include "mpi/x.hpp"'),
        ("src/mpi/planted.cpp", "#include <H5Fpublic.h>"),
        ("src/pool/planted.cpp", '#include "hdf5/x.hpp"'),
        ("src/pool/planted.hpp", "#include <app/x.hpp>"),
        ("src/mpi/planted.hpp", "#include <CLI/CLI.hpp>"),
        ("src/pool/planted.cpp", "#include <toml++/toml.h>"),
        ("src/base/planted.cpp", '#include "planted.hpp"'),
        ("src/base/planted.cpp", '#include "plenum/error.hpp"'),
        ("src/unknown/planted.cpp", "#include <vector>"),
        ("include/plenum/planted.hpp", '#include "base/x.hpp"'),
        ("include/plenum/planted.hpp", "#include <mpi.h>"),
        ("include/plenum/planted.hpp", "#include <Eigen/Core>"),
        ("jobs/planted.cpp", '#include "pool/x.hpp"'),
        ("jobs/planted.cpp", "#include <hdf5.h>"),
        ("jobs/support/planted.cpp", '#include "helper.hpp"'),
        ("jobs/planted.cpp", "#include <stb/stb_image.h>"),
        ("include/plenum/planted.hpp", "#include <stb/stb_image.h>"),
    ]
    fine = [
        ("src/app/planted.cpp", '#include "mpi/x.hpp"\n#include <CLI/CLI.hpp>\n#include <plenum/error.hpp>'),
        ("src/mpi/planted.cpp", '#include "mpi/x.hpp"\n#include "comm/x.hpp"\n#include <mpi.h>'),
        ("src/hdf5/planted.cpp", "#include <hdf5.h>\n#include <H5Fpublic.h>\n#include <fmt/format.h>"),
        ("include/plenum/eigen.hpp", "#include <Eigen/Core>\n#include <plenum/error.hpp>"),
        ("jobs/planted.cpp", '#include <stb/stb_image_write.h>\n#include "support/x.hpp"\n#include <plenum/plenum.hpp>'),
    ]
    for expected, cases in ((1, planted), (0, fine)):
        for name, text in cases:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder)
                for top in ("src", "include", "jobs"):
                    shutil.copytree(root / top, copy / top)
                before = violations(copy)
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_text(text + "\n", encoding="utf-8")
                new = [line for line in violations(copy) if line not in before]
                if len(new) != expected or not all(line.startswith(name) for line in new):
                    sys.exit(f"check_layers: {name} with '{text}' gave {new}, not {expected} violations")
    print(f"check_layers: found all of {len(planted)} planted violations")


def main() -> None:
    root = Path(sys.argv[1])
    if "--self-test" in sys.argv[2:]:
        self_test(root)
        return
    if not (root / "src").is_dir():
        sys.exit(f"check_layers: {root} has no src; name the root of the tree")
    found = violations(root)
    print("\n".join(found) or "check_layers: includes go down only")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
