#!/usr/bin/env python3
# What the documents show is what the tests run: every ```cpp block is an example of the given files, up to spaces
# and line breaks, and every example is shown somewhere.
#   check_guide.py --documents FILE... --examples FILE... [--self-test]
# An example stands between `// [example: NAME]` and `// [end]`; parts of the same name in one file are joined. The self-test
# changes each block, leaves each example out, and has to find that.
import argparse
import re
import sys
from pathlib import Path

START = re.compile(r"^\s*// \[example: ([\w-]+)\]$")
END = re.compile(r"^\s*// \[end\]$")
BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def normalised(code: str) -> str:
    return " ".join(code.split())


def examples_of(files: dict[str, str]) -> dict[str, str]:
    """Code of each example by 'FILE: NAME'."""
    found: dict[str, str] = {}
    for file, text in files.items():
        name = None
        for number, line in enumerate(text.splitlines(), 1):
            start = START.match(line)
            if bool(start) == (name is not None) and (start or END.match(line)):
                sys.exit(f"check_guide: {file}:{number}: an example begins inside of another, or ends outside; pair the marks")
            if start:
                name = f"{file}: {start.group(1)}"
                found.setdefault(name, "")
            elif END.match(line):
                name = None
            elif name:
                found[name] += line + "\n"
        if name:
            sys.exit(f"check_guide: {file}: the example '{name}' has no end")
    return found


def problems(documents: dict[str, str], examples: dict[str, str]) -> list[str]:
    names = {normalised(code): name for name, code in examples.items()}
    shown = set()
    found = []
    for document, text in documents.items():
        for block in BLOCK.finditer(text):
            code = normalised(block.group(1))
            if code in names:
                shown.add(names[code])
            else:
                line = text.count("\n", 0, block.start()) + 1
                found.append(f"{document}:{line}: this code is no example of the tests; make it equal to one")
    found += [f"{name}: no document shows this example" for name in examples if name not in shown]
    return found


def self_test(documents: dict[str, str], examples: dict[str, str]) -> int:
    """Number of the changes that have been found."""
    changes = 0
    for document, text in documents.items():
        for block in BLOCK.finditer(text):
            for old in {"const", ";", "{"} & set(re.findall(r"\w+|[;{]", block.group(1))):
                at = text.index(old, block.start(1))
                changed = text[:at] + "x" + text[at + len(old):]
                if not any(p.startswith(document) for p in problems({**documents, document: changed}, examples)):
                    sys.exit(f"check_guide --self-test: '{old}' changed in {document} was not found")
                changes += 1
    for name in examples:
        others = {other: code for other, code in examples.items() if other != name}
        if not problems(documents, others):
            sys.exit(f"check_guide --self-test: '{name}' was left out and not missed")
    return changes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", nargs="+", type=Path, required=True)
    parser.add_argument("--examples", nargs="+", type=Path, required=True)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    documents = {file.name: file.read_text(encoding="utf-8") for file in arguments.documents}
    examples = examples_of({file.name: file.read_text(encoding="utf-8") for file in arguments.examples})
    blocks = sum(len(BLOCK.findall(text)) for text in documents.values())
    if not blocks or not examples:
        sys.exit("check_guide: there are no blocks or no examples; name the files")
    found = problems(documents, examples)
    if found:
        sys.exit("\n".join(found))
    if arguments.self_test:
        print(f"check_guide: found all of {self_test(documents, examples)} changes")
    print(f"check_guide: {blocks} blocks show {len(examples)} examples")


if __name__ == "__main__":
    main()
