#!/usr/bin/env python3
# What every file of the tree has to keep: no paths of one machine, no large or binary files, no forgotten
# notes, headers that say what they are for, scripts that parse.
#   check_tree.py ROOT [--self-test]    The self-test plants violations in a folder and has to find them.
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LARGEST = 1 << 20  # bytes
PICTURES = "docs/pictures/"
MACHINE_PATH = re.compile(r"(?<![\w.}/-])/(?:home|root|work|Users|mnt|scratch)/\w")
NOTE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|^(?:<{7}|>{7}) ")


def files_of(root: Path) -> list[Path]:
    """The files that git knows or would add; without git those outside of build folders."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    git = subprocess.run(command, capture_output=True, text=True)
    if git.returncode == 0 and (root / ".git").exists():
        return [root / name for name in sorted(git.stdout.split("\0")) if name and (root / name).is_file()]
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(("build", ".git", "__pycache__"))]
        found += [Path(folder) / name for name in names]
    return sorted(found)


def header_problem(lines: list[str]) -> str:
    if not lines or not lines[0].startswith("// "):
        return "the first line does not say what the header is for"
    code = next((line for line in lines if line and not line.startswith("//")), "")
    return "" if code == "#pragma once" else "#pragma once does not follow the first comment"


def script_problem(file: Path, text: str) -> str:
    """Why a script cannot be run, as its interpreter says."""
    first = text.split("\n", 1)[0]
    if first.startswith("#!") and re.search(r"\b(?:ba)?sh\b", first) or file.suffix in {".sh", ".sbatch"}:
        check = subprocess.run(["bash", "-n", str(file)], capture_output=True, text=True)
        return check.stderr.strip().replace("\n", "; ")
    try:
        if file.suffix == ".py" or first.startswith("#!") and "python" in first:
            ast.parse(text)
        elif file.suffix == ".json":
            json.loads(text)
    except (SyntaxError, ValueError) as error:
        return str(error)
    return ""


def violations(root: Path) -> list[str]:
    found = []
    for file in files_of(root):
        name = file.relative_to(root).as_posix()
        if file.stat().st_size > LARGEST:
            found.append(f"{name}: larger than 1 MiB")
            continue
        content = file.read_bytes()
        if b"\0" in content:
            if not name.startswith(PICTURES):
                found.append(f"{name}: binary file outside of {PICTURES}")
            continue
        text = content.decode("utf-8", errors="replace")
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if MACHINE_PATH.search(line):
                found.append(f"{name}:{number}: path of one machine")
            if NOTE.search(line):
                found.append(f"{name}:{number}: forgotten note or merge mark")
        problems = [script_problem(file, text)]
        if file.suffix in {".hpp", ".h"}:
            problems.append(header_problem(lines))
        if text.startswith("#!") and not os.access(file, os.X_OK) and file.suffix != ".sbatch":
            problems.append("starts with #! but is not executable")
        found += [f"{name}: {problem}" for problem in problems if problem]
    return found


def self_test() -> None:
    planted = {
        "path.txt": "data in /" + "home/someone/data\n",
        "note.cpp": "// TO" + "DO later\n",
        "merge.md": "<<<<<<" + "< HEAD\n",
        "bare.hpp": "#pragma once\n",
        "unguarded.hpp": "// Says what it is for.\n#include <vector>\n",
        "broken.sh": "if true; then\n",
        "broken.py": "def f(:\n",
        "broken.json": "{,}\n",
        "idle": "#!/bin/bash\necho\n",
        "large.txt": "x" * (LARGEST + 1),
        "binary.o": "a\0b",
    }
    fine = {
        "good.hpp": "// Says what it is for.\n// More.\n#pragma once\n",
        "good.sh": "echo http://x.org/" + "home/y src/" + "work/z\n",
        PICTURES + "good.png": "\0",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**planted, **fine}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        found = sorted({line.split(":")[0] for line in violations(root)})
    if found != sorted(planted):
        sys.exit(f"check_tree --self-test: found {found}, expected {sorted(planted)}")
    print(f"check_tree: found all of {len(planted)} planted violations")


def main() -> None:
    if "--self-test" in sys.argv[2:]:
        self_test()
        return
    root = Path(sys.argv[1])
    if not (root / "src").is_dir():
        sys.exit(f"check_tree: {root} has no src; name the root of the tree")
    found = violations(root)
    print("\n".join(found) or "check_tree: the tree is clean")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
