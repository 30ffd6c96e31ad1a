# Frozen nodes, pulled cables and nodes without power, on hosts that are network namespaces: each has its own name, address,
# /tmp and /dev/shm, a cable to a switch, and all share one folder.
#   network.py SETUP     a process of its own: the first one of a process namespace, so that all end with it
# A run to which that happens has to go on or to end, and to leave what was committed; a successor that begins meanwhile has
# to be refused, or the first one must not write any more. Needs root.
import dataclasses
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

if __name__ == "__main__":
    sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))
import processes
from campaign import (DONE, HANG_SECONDS, LOCKED, ROOT, Journal, Setup, Skipped, contents, differences,
                      environment, send, told_twice, wait_for_end, wait_until)

SHARED = pathlib.Path("/mnt")  # of all hosts
NETWORK = "10.77.0"
SLOTS = 2
OPTIONS = ["--commit-interval", "0.05"]
LOCK_SILENCE = 60  # seconds without a sign of life after which the lock of another host's run is taken over
TAKEN_OVER = "another run has taken it over"
KEEPALIVE = {"OMPI_MCA_oob_tcp_keepalive_time": "2", "OMPI_MCA_oob_tcp_keepalive_intvl": "1",
             "OMPI_MCA_oob_tcp_keepalive_probes": "3"}


def call(*command: object) -> None:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


class Host:
    START = """
        hostname "$1" && mount -t tmpfs -o size=512m,mode=1777 memory /dev/shm && mount -t tmpfs temporary /tmp &&
        ip link set lo up && until ip link show eth0; do sleep 0.02; done &&
        ip addr add "$2/24" dev eth0 && ip link set eth0 up && echo $$ >"$3" && exec sleep infinity"""

    def __init__(self, number: int, hosts: pathlib.Path):
        self.name, self.address, self.port = f"n{number}", f"{NETWORK}.{10 + number}", f"p{number}"
        self.process = subprocess.Popen(["unshare", "--net", "--uts", "--ipc", "--mount", "--propagation", "private", "bash",
                                         "-c", self.START, "bash", self.name, self.address, str(hosts / self.name)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        own = os.readlink("/proc/self/ns/net")
        if not wait_until(lambda: os.readlink(f"/proc/{self.process.pid}/ns/net") != own, 20):
            raise OSError(f"host {self.name} has no namespace")
        self.namespace = os.readlink(f"/proc/{self.process.pid}/ns/net")
        call("ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.process.pid)
        call("ip", "link", "set", self.port, "master", "switch", "up")
        if not wait_until((hosts / self.name).exists, 20):
            raise OSError(f"host {self.name} does not start")

    def enter(self, *command: str) -> list[str]:
        return ["nsenter", "-t", str(self.process.pid), "-n", "-u", "-i", "-m", "--wd=/", "--", *command]

    def processes(self) -> list[int]:
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and int(entry) != self.process.pid and \
                        os.readlink(f"/proc/{entry}/ns/net") == self.namespace:
                    found.append(int(entry))
            except OSError:
                pass
        return found

    def freeze(self) -> None:
        send(signal.SIGSTOP, self.processes())

    def go_on(self) -> None:
        send(signal.SIGCONT, self.processes())

    def pull_cable(self) -> None:
        call("ip", "link", "set", self.port, "down")

    def plug_in(self) -> None:
        call("ip", "link", "set", self.port, "up")

    def switch_off(self) -> None:
        self.pull_cable()
        send(signal.SIGKILL, self.processes())


class Run:
    """The command on some of the hosts; mpirun on the first."""

    def __init__(self, setup: Setup, hosts: list[Host], path: pathlib.Path, job: list[str], *more: str,
                 variables: dict[str, str] = {}, flock: bool = True):
        self.mark, self.path = str(uuid.uuid4()), path
        preload = [] if flock else ["-x", f"LD_PRELOAD={setup.test_program('no_flock.so')}"]
        command = ["mpirun", "--host", ",".join(f"{host.name}:{SLOTS}" for host in hosts), *preload,
                   setup.test_program("reliability_jobs"), "run", *job, "-o", str(path), *OPTIONS, *more]
        settings = {"OMPI_MCA_plm": "rsh", "OMPI_MCA_plm_rsh_agent": str(SHARED / "cluster" / "host-agent"),
                    "OMPI_MCA_plm_rsh_no_tree_spawn": "1", "OMPI_MCA_ras": "^slurm",
                    "OMPI_MCA_oob_tcp_if_include": f"{NETWORK}.0/24", "OMPI_MCA_btl_tcp_if_include": f"{NETWORK}.0/24",
                    "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader,tcp", "PLENUM_HOSTS": str(SHARED / "hosts")}
        self.output = open(f"{path}.said{time.monotonic_ns()}", "w+")
        self.process = subprocess.Popen(hosts[0].enter(*command), env={**environment(self.mark), **settings, **variables},
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.output,
                                        start_new_session=True)

    def said(self) -> str:
        self.output.seek(0)
        return self.output.read()

    def has_said(self, words: str) -> bool:
        return words in self.said()

    def has_committed(self) -> bool:
        return Journal(pathlib.Path(f"{self.path}.journal")).has_results

    def rank_zero(self) -> int | None:
        return processes.ranks_of(processes.of_run(self.mark, "reliability_jobs")).get(0)

    def wait(self, seconds: float = HANG_SECONDS) -> int | None:
        return self.process.returncode if wait_for_end(self.process, seconds) is not None else None

    def all_gone(self, seconds: float = 60) -> bool:
        return wait_until(lambda: not processes.of_run(self.mark), seconds, 0.1)

    def kill(self) -> None:
        send(signal.SIGKILL, list(processes.of_run(self.mark)))
        self.process.wait()


@dataclasses.dataclass
class Stage:
    """One scenario: hosts, a folder, and what went wrong."""
    setup: Setup
    hosts: list[Host]
    path: pathlib.Path
    problems: list[str] = dataclasses.field(default_factory=list)
    job: tuple[str, ...] = ("slow", "--tasks", "200", "--seconds", "0.1")  # 7 s on six ranks

    def start(self, *more: str, on: list[int] = [0, 1, 2], **settings) -> Run:
        return Run(self.setup, [self.hosts[n] for n in on], self.path, list(self.job), *more, **settings)

    def require(self, holds: object, problem: str) -> bool:
        if not holds:
            self.problems.append(problem)
        return bool(holds)

    def started(self, run: Run) -> bytes:
        """Waits until something is committed; returns that."""
        self.require(wait_until(lambda: run.has_committed() or run.process.poll() is not None, 60) and run.has_committed(),
                     f"nothing was committed: {run.said()}")
        return Journal(pathlib.Path(f"{self.path}.journal")).committed

    def require_end(self, run: Run, what: str, statuses: tuple[int, ...] | None = (DONE,)) -> None:
        """`statuses`: any but 0 when None."""
        status = run.wait()
        fits = status is not None and (status != DONE if statuses is None else status in statuses)
        if not self.require(fits, f"{what}: exit code {status}: {run.said()}") or not self.require(
                run.all_gone(), f"{what}: processes are left"):
            run.kill()

    def require_kept(self, committed: bytes) -> None:
        self.require(Journal(pathlib.Path(f"{self.path}.journal")).committed.startswith(committed),
                     "what was committed is not in the journal any more")

    def require_results(self) -> None:
        if not self.require(self.path.exists(), "there is no file"):
            return
        tasks = int(self.job[2])
        found = contents(self.path)
        expected = {"fixed": [task * task for task in range(tasks)],
                    "values": [task for task in range(tasks) for _ in range(task % 4)]}
        self.require(found["results/fixed"].tolist() == expected["fixed"] and
                     found["results/ragged/values"].tolist() == expected["values"], "other results")
        self.require(not told_twice(self.path), f"twice: {told_twice(self.path)}")
        left = [each.name for each in self.path.parent.iterdir() if each.name != self.path.name and ".said" not in each.name]
        self.require(not left, f"left behind: {left}")


def away_for_a_while(stage: Stage, leave, come_back) -> None:
    run = stage.start()
    stage.started(run)
    leave(stage.hosts[1])
    time.sleep(4)
    come_back(stage.hosts[1])
    stage.require_end(run, "the run")
    stage.require_results()


def cable_out_and_back(stage: Stage) -> None:
    away_for_a_while(stage, Host.pull_cable, Host.plug_in)


def frozen_and_back(stage: Stage) -> None:
    away_for_a_while(stage, Host.freeze, Host.go_on)


def lost(stage: Stage, lose, host: int, bring_back, others: list[int]) -> None:
    run = stage.start(variables=KEEPALIVE)
    committed = stage.started(run)
    lose(stage.hosts[host])
    stage.require_end(run, "the run that lost a host", None)
    bring_back(stage.hosts[host])
    stage.require_kept(committed)
    stage.require_end(stage.start(on=others), "elsewhere")
    stage.require_results()


def cable_out_for_good(stage: Stage) -> None:
    lost(stage, Host.pull_cable, 1, Host.plug_in, [0, 2])


def without_power(stage: Stage) -> None:
    lost(stage, Host.switch_off, 2, Host.plug_in, [0, 1])


def head_without_power(stage: Stage) -> None:
    lost(stage, Host.switch_off, 0, Host.plug_in, [1, 2])


def head_frozen(stage: Stage) -> None:
    """The lock is an flock that all hosts see."""
    run = stage.start()
    stage.started(run)
    stage.hosts[0].freeze()
    successor = stage.start(on=[1, 2])
    stage.require_end(successor, "the successor", None)
    stage.require(successor.has_said(LOCKED), f"the successor is not refused: {successor.said()}")
    stage.hosts[0].go_on()
    stage.require_end(run, "the run")
    stage.require_results()


def _split_brain(stage: Stage, wakes_late: bool) -> None:
    """The head is silent for so long that its lock is taken over, and then goes on."""
    run = stage.start(flock=False)
    committed = stage.started(run)
    stage.hosts[0].freeze()
    begun = time.monotonic()
    successor = stage.start(on=[1, 2], flock=False)
    stage.require(wait_until(lambda: len(Journal(pathlib.Path(f"{stage.path}.journal")).bytes) > len(committed) + 2000 or
                             stage.path.exists(), LOCK_SILENCE + 60), f"the successor does not begin: {successor.said()}")
    stage.require(time.monotonic() - begun > LOCK_SILENCE / 2, "the successor did not wait for a sign of life")
    digest = None
    if wakes_late:
        stage.require_end(successor, "the successor")
        digest = hashlib.sha256(stage.path.read_bytes()).digest()
    stage.hosts[0].go_on()
    stage.require_end(run, "the run that lost its lock", None)
    stage.require(run.has_said(TAKEN_OVER), f"the loser does not say so: {run.said()}")
    stage.require_end(successor, "the successor")
    stage.require_results()
    stage.require(digest is None or hashlib.sha256(stage.path.read_bytes()).digest() == digest,
                  "the loser has written into the finished file")


def split_brain(stage: Stage) -> None:
    _split_brain(stage, False)


def split_brain_after_the_end(stage: Stage) -> None:
    _split_brain(stage, True)


def frozen_until_time_is_over(stage: Stage) -> None:
    """mpirun waits for the frozen host for ever; the run itself has to end, and to let go of its file."""
    run = stage.start("--time-limit", "6", "--grace", "2")
    committed = stage.started(run)
    stage.hosts[1].freeze()
    head = run.rank_zero()
    stage.require(head and wait_until(lambda: not processes.variables(head), 60), "rank 0 does not end")
    stage.require_kept(committed)
    stage.require_end(stage.start(on=[0, 2]), "elsewhere")
    stage.require_results()
    stage.hosts[1].go_on()
    stage.require_end(run, "the run that was over", None)


SHORT = [cable_out_and_back, frozen_and_back, head_frozen]
ALL = [*SHORT, cable_out_for_good, without_power, frozen_until_time_is_over, head_without_power, split_brain,
       split_brain_after_the_end]


def _inside(setup: Setup) -> None:
    call("mount", "--bind", setup.folder, SHARED)
    names = SHARED / "hosts"
    names.mkdir()
    for place, name in ((setup.build, "build"), (ROOT / "tests" / "cluster", "cluster")):  # they may lie in /tmp
        (SHARED / name).mkdir()
        call("mount", "--bind", place, SHARED / name)
    setup.build = SHARED / "build"
    (SHARED / "etc-hosts").write_text("127.0.0.1 localhost\n" + "".join(
        f"{NETWORK}.{10 + number} n{number}\n" for number in (1, 2, 3)))
    (SHARED / "nothing").touch()
    call("mount", "--bind", SHARED / "etc-hosts", "/etc/hosts")
    call("mount", "--bind", SHARED / "nothing", "/etc/resolv.conf")  # names that are not there fail at once
    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", "switch", "type", "bridge")
    call("ip", "link", "set", "switch", "up")
    hosts = [Host(number, names) for number in (1, 2, 3)]
    for scenario in SHORT if setup.short else ALL:
        folder = SHARED / scenario.__name__
        folder.mkdir()
        stage = Stage(setup, hosts, folder / "out.h5")
        begun = time.monotonic()
        try:
            scenario(stage)
        except OSError as error:
            stage.problems.append(str(error))
        print(json.dumps({"scenario": scenario.__name__.replace("_", " "), "seconds": round(time.monotonic() - begun, 1),
                          "problems": stage.problems}), flush=True)
        for host in hosts:
            send(signal.SIGKILL, host.processes())


def network(setup: Setup) -> Iterator[dict]:
    if os.geteuid() != 0:
        raise Skipped("hosts in namespaces need root")
    name = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    if subprocess.run([*name, "ip", "link", "add", "switch", "type", "bridge"], capture_output=True).returncode != 0:
        raise Skipped("network namespaces are not allowed here")
    told = json.dumps({"build": str(setup.build), "folder": str(setup.folder), "short": setup.short, "seed": setup.seed})
    process = subprocess.Popen([*name, sys.executable, __file__, told], stdout=subprocess.PIPE, text=True)
    counts, wrong = {"scenarios": 0, "wrong": 0}, []
    for line in process.stdout:
        result = json.loads(line)
        print(f"network: {result['scenario']}: {result['seconds']} s", file=sys.stderr, flush=True)
        counts["scenarios"] += 1
        counts["wrong"] += bool(result["problems"])
        wrong += [f"{result['scenario']}: {problem}" for problem in result["problems"]]
    if process.wait() != 0:
        wrong.append("the campaign broke off; see above")
    setup.tell(wrong)
    yield setup.row("network", "nodes frozen, cables pulled and back, nodes without power, two runs of one file", counts,
                    "no corruption; ends or goes on, never both", not wrong, nodes=3, ranks=[3 * SLOTS])


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _inside(Setup(pathlib.Path(given["build"]), pathlib.Path(given["folder"]), given["short"], given["seed"]))
