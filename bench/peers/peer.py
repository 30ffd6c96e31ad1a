# One Python competitor of bench/peers/run:   peer.py WORKLOAD TOOL --name value...
# Prints {"seconds": ...} and saves its output.
import importlib
import json
import sys


def main() -> None:
    workload, tool, *words = sys.argv[1:]
    parameters = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    for name, value in parameters.items():
        if value.replace(".", "", 1).isdigit():
            parameters[name] = float(value) if "." in value else int(value)
    seconds, output = importlib.import_module(f"workloads.{workload}").TOOLS[tool](parameters)
    output.tofile(parameters["save"])
    print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
