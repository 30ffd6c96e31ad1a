# The table of bad inputs: what is typed, which exit status it has to give, what the one line has to name.
from dataclasses import dataclass, field

USAGE = 2
ENVIRONMENT = 3

# A run that needs no file and takes milliseconds.
SMALL = "run convolve --synthetic 40x60 --filters 3"


@dataclass(frozen=True)
class Case:
    name: str
    args: str  # {in}: folder of the inputs, {here}: the current folder
    code: int
    words: tuple[str, ...]  # all of them stand in the line
    env: dict[str, str] = field(default_factory=dict)
    first_env: dict[str, str] = field(default_factory=dict)  # of rank 0 alone; more than one rank only
    files: dict[str, str] = field(default_factory=dict)  # present before, and unchanged after; "/": a folder
    full_at: int | None = None  # bytes after which the disk of the current folder is full
    file_limit: int | None = None  # KiB that a file may have; MPI's own files keep to it too: one rank only
    cwd: str | None = None
    keeps_results: bool = False  # it comes so far that there is something to resume
    loses_results: bool = False  # tasks have run, and nothing is there to resume
    other_build: bool = False  # the last rank runs another build; more than one rank only
    most_ranks: int = 1000


def option(name: str, args: str, *words: str) -> Case:
    return Case(name, f"{SMALL} {args}", USAGE, words)


def image(name: str, file: str, *words: str) -> Case:
    return Case(name, f"run convolve --filters 3 --image {{in}}/{file}", ENVIRONMENT,
                (file.split(":")[0], *words))


def bank(name: str, file: str, *words: str) -> Case:
    args = f"run convolve --synthetic 40x60 --bank {{in}}/{file}"
    return Case(name, args, ENVIRONMENT, (file.split(":")[0], *words))


def output(name: str, path: str, code: int, *words: str, **more) -> Case:
    return Case(name, f"{SMALL} -o {path}", code, words, **more)


COMMANDS = [
    Case("nothing", "", USAGE, ("command is missing", "plenum run JOB", "--help")),
    Case("unknown command", "rnu convolve", USAGE, ("unknown command 'rnu'", "'run' is near")),
    Case("job as command", "convolve", USAGE, ("plenum run convolve",)),
    Case("no job", "run", USAGE, ("job is missing", "plenum list")),
    Case("unknown job", "run convolv", USAGE, ("unknown job 'convolv'", "'convolve' is near", "plenum list")),
    Case("unknown job to describe", "describe fold", USAGE, ("unknown job 'fold'", "plenum list")),
    Case("words after list", "list convolve", USAGE, ("unexpected argument 'convolve'",)),
    Case("path as job", "run ./convolve.py", USAGE, ("unknown job './convolve.py'",)),
    Case("newline in a job", "run 'a\nb'", USAGE, ("unknown job 'a b'",)),
]

OPTIONS = [
    option("unknown option", "--filter 3", "unknown option '--filter'", "'--filters' is near", "--help"),
    option("unknown short option", "-x", "unknown option '-x'"),
    option("extra word", "extra", "unexpected argument 'extra'"),
    option("option twice", "--stride 2 --stride 3", "--stride is given twice"),
    option("short and long of one option", "-o a.h5 --output b.h5", "--output is given twice"),
    option("option without value", "--stride", "--stride needs a value"),
    option("output without value", "-o", "--output needs a value"),
    option("output with empty value", "--output=", "--output needs a value"),
    option("option swallows no option", "--seed --force", "--seed needs a value"),
    option("flag with value", "--force=yes", "--force takes no value"),
    option("schedule", "--schedule magic", "--schedule: 'magic'", "static, ss, gss, tss, fac2, awf"),
    option("isolation", "--isolation thread", "--isolation: 'thread'", "process, none"),
    option("progress", "--progress fast", "--progress: 'fast'", "auto, bar, lines, none"),
    option("output mode", "--output-mode yaml", "--output-mode: 'yaml'", "text, json"),
    option("seed in words", "--seed x", "--seed: 'x'", "whole number"),
    option("negative seed", "--seed -1", "--seed: '-1'", "negative"),
    option("large seed", "--seed 18446744073709551616", "--seed: '18446744073709551616'", "out of range"),
    option("negative chunk", "--chunk-size -1", "--chunk-size: '-1'", "negative"),
    option("chunk of 0", "--chunk-size 0", "--chunk-size: '0'", "out of range"),
    option("chunk 1e3", "--chunk-size 1e3", "--chunk-size: '1e3'", "whole number"),
    option("large chunk", "--chunk-size 99999999999999999999", "--chunk-size: '99999999999999999999'"),
    option("chunk beyond 32 bits", "--chunk-size 4294967296", "--chunk-size: '4294967296'", "to 4294967295"),
    option("negative memory", "--node-memory -5", "--node-memory: '-5'", "512M"),
    option("memory without unit", "--node-memory 4", "--node-memory: '4'", "unit"),
    option("memory in zettabytes", "--node-memory 4ZB", "--node-memory: '4ZB'", "512M"),
    option("memory 1e30G", "--node-memory 1e30G", "--node-memory: '1e30G'"),
    option("memory nan", "--node-memory nan", "--node-memory: 'nan'"),
    option("memory of nothing", "--node-memory 0", "--node-memory: '0'"),
    option("stride 0", "--stride 0", "--stride 0", "1 or more"),
    option("negative stride", "--stride -1", "--stride: '-1'", "negative"),
    option("stride longer than the image", "--stride 41", "--stride 41", "40x60"),
    option("large stride", "--stride 99999999999999999999", "--stride: '99999999999999999999'"),
    option("contact sheet without folder", "--contact-sheet no/sheet.png", "--contact-sheet 'no/sheet.png'",
           "folder"),
    option("contact sheet is a folder", "--contact-sheet {in}", "--contact-sheet", "directory"),
    option("contact sheet in /sys", "--contact-sheet /sys/sheet.png", "--contact-sheet '/sys/sheet.png'"),
    option("contact sheet below a file", "--contact-sheet {in}/good.png/a.png", "--contact-sheet", "folder"),
    Case("image and synthetic", f"{SMALL} --image {{in}}/good.png", USAGE,
         ("--image", "--synthetic", "one of them")),
    Case("no image", "run convolve", USAGE, ("no image", "--image", "--synthetic")),
    Case("bank and filters", f"{SMALL} --bank {{in}}/data.h5:bank", USAGE, ("--bank", "--filters")),
]

NUMBERS = [
    Case(f"filters {number}", f"run convolve --synthetic 40x60 --filters {number}", USAGE,
         (number, "--filters"))
    for number in ("-3", "0", "1e30", "99999999999999999999", "3.5", "x", "1000000001", "0x10")
] + [
    Case(f"filter size {size}", f"run convolve --synthetic 40x60 --filter-size {size}", USAGE,
         (size, "--filter-size"))
    for size in ("0x4", "4x", "axb", "4", "-1x4", "4x4x4", "1000000x1000000", "41x4")
] + [
    Case(f"synthetic {size}", f"run convolve --filters 3 --synthetic {size}", USAGE, (size, "--synthetic"))
    for size in ("0x0", "10000000x10000000", "x", "3000", "-1x-1", "nanxnan")
]

VARIABLES = [
    Case("variable with number", SMALL, USAGE, ("PLENUM_SEED", "'x'"), env={"PLENUM_SEED": "x"}),
    Case("variable with choice", SMALL, USAGE, ("PLENUM_SCHEDULE", "'magic'"),
         env={"PLENUM_SCHEDULE": "magic"}),
    Case("variable with size", SMALL, USAGE, ("PLENUM_NODE_MEMORY", "'4ZB'"),
         env={"PLENUM_NODE_MEMORY": "4ZB"}),
    Case("variable with switch", SMALL, USAGE, ("PLENUM_FORCE", "'maybe'"), env={"PLENUM_FORCE": "maybe"}),
    Case("variable with chunk", SMALL, USAGE, ("PLENUM_CHUNK_SIZE", "'-1'"), env={"PLENUM_CHUNK_SIZE": "-1"}),
    Case("variable of rank 0 alone", SMALL, USAGE, ("PLENUM_SEED", "'y'"), first_env={"PLENUM_SEED": "y"}),
    Case("variable with folder", SMALL, USAGE, ("PLENUM_OUTPUT", "'a/'"), env={"PLENUM_OUTPUT": "a/"}),
]

def config(name: str, text: str, code: int, *words: str, args: str = "", **more) -> Case:
    return Case(f"config: {name}", f"{SMALL} --config c.toml {args}", code, words, files={"c.toml": text}, **more)


CONFIGS = [
    config("syntax", "seed = 3\nschedule = gss\n", USAGE, "c.toml:2", "not TOML"),
    config("key twice", "seed = 3\nseed = 4\n", USAGE, "c.toml:2", "not TOML", "seed"),
    config("open text", 'schedule = "gss\n', USAGE, "c.toml:1", "not TOML"),
    config("zero byte", "schedule = '\x00'\n", USAGE, "c.toml:1", "not TOML"),
    config("unknown key", "\nsede = 3\n", USAGE, "c.toml:2", "unknown key 'sede'", "'seed' is near"),
    config("underscore", "chunk_size = 3\n", USAGE, "c.toml:1", "'chunk_size'", "'chunk-size' is near"),
    config("unknown key of the job", "[convolve]\nfilter = 3\n", USAGE, "c.toml:2", "'filter'",
           "'filters' is near", "plenum run convolve --help"),
    config("unknown table", "[convolv]\nfilters = 3\n", USAGE, "c.toml:1", "[convolv]", "'convolve' is near"),
    config("list of tables", "[[convolve]]\nfilters = 3\n", USAGE, "c.toml:1", "'convolve' is a job",
           "[convolve]"),
    config("run option below a job", "[convolve]\nstride = 2\nseed = 3\n", USAGE, "c.toml:3", "'seed'",
           "wrong place"),
    config("job option at the top", "stride = 3\n", USAGE, "c.toml:1", "'stride'", "[convolve]"),
    config("config in config", "config = 'other.toml'\n", USAGE, "c.toml:1", "unknown key 'config'"),
    config("text as number", "seed = 'x'\n", USAGE, "c.toml:1: seed", "'x'", "whole number"),
    config("fraction as number", "seed = 1.0\n", USAGE, "c.toml:1: seed", "'1.0'", "whole number"),
    config("negative seed", "seed = -1\n", USAGE, "c.toml:1: seed", "negative"),
    config("unknown choice", "schedule = 'magic'\n", USAGE, "c.toml:1: schedule", "'magic'", "gss"),
    config("switch as number", "seed = true\n", USAGE, "c.toml:1: seed", "true or false"),
    config("text as switch", "force = 'yes'\n", USAGE, "c.toml:1: force", "true or false"),
    config("date", "seed = 1979-05-27\n", USAGE, "c.toml:1: seed", "date"),
    config("table as value", "seed = {a = 1}\n", USAGE, "c.toml:1: seed", "table"),
    config("list of lists", "seed = [[1, 2], 3]\n", USAGE, "c.toml:1: seed", "list"),
    config("list as number", "seed = [1, 2]\n", USAGE, "c.toml:1: seed", "'1,2'"),
    config("empty value", "output = ''\n", USAGE, "c.toml:1: output", "empty"),
    config("value of the job", "[convolve]\nstride = 'x'\n", USAGE, "c.toml:2: stride", "'x'", "whole number"),
    config("wrong although overridden", "seed = 'x'\n", USAGE, "c.toml:1: seed", args="--seed 3"),
    Case("config: missing", f"{SMALL} --config none.toml", ENVIRONMENT, ("none.toml", "No such file")),
    Case("config: folder", f"{SMALL} --config {{in}}", ENVIRONMENT, ("folder", "--config")),
    Case("config: endless", f"{SMALL} --config /dev/zero", ENVIRONMENT, ("/dev/zero", "no regular file")),
    Case("config: no value", f"{SMALL} --config", USAGE, ("--config needs a value",)),
    Case("config: no TOML at all", f"{SMALL} --config {{in}}/good.png", USAGE, ("good.png:2", "not TOML")),
    Case("config: variable", SMALL, USAGE, ("c.toml:1", "'sede'"), env={"PLENUM_CONFIG": "c.toml"},
         files={"c.toml": "sede = 3"}),
    Case("config: variable of rank 0 alone", SMALL, USAGE, ("c.toml:1", "'sede'"),
         first_env={"PLENUM_CONFIG": "c.toml"}, files={"c.toml": "sede = 3"}),
]

IMAGES = [
    image("missing image", "none.png", "no such file"),
    image("image below a file", "good.png/a.png", "good.png"),
    image("dangling image", "dangling.png", "no such file"),
    image("empty image", "empty.png", "empty"),
    image("text as image", "text.png", "no image"),
    image("cut png", "cut.png", "truncated"),
    image("signature of a png", "signature.png", "truncated"),
    image("cut jpeg", "cut.jpg", "truncated"),
    image("cut bmp", "cut.bmp", "truncated"),
    image("damaged png", "damaged.png", "damaged"),
    image("undecodable png", "undecodable.png", "decoding"),
    image("png that promises too much", "huge.png"),
    image("folder as image", "folder.png", "directory"),
    Case("device as image", "run convolve --image /dev/zero", ENVIRONMENT, ("/dev/zero", "no regular file")),
    Case("empty name of image", "run convolve --image=", USAGE, ("--image needs a value",)),
    Case("HDF5 file without dataset", "run convolve --image {in}/data.h5", USAGE,
         ("data.h5", "FILE.h5:DATASET")),
    Case("HDF5 file with empty dataset", "run convolve --image {in}/data.h5:", USAGE,
         ("data.h5", "FILE.h5:DATASET")),
    image("missing HDF5 file", "none.h5:image", "No such file"),
    image("missing dataset", "data.h5:imag", "'imag'", "image"),
    image("missing group", "data.h5:a/b/c", "'a/b/c'"),
    image("group as image", "data.h5:group", "'group'"),
    image("root as image", "data.h5:/", "'/'"),
    image("dangling link", "data.h5:dangling", "'dangling'"),
    image("dataset of rank 0", "data.h5:number", "'number'", "rank 0", "rank 2"),
    image("dataset of rank 1", "data.h5:line", "'line'", "rank 1", "rank 2"),
    image("dataset of rank 3", "data.h5:cube", "'cube'", "rank 3", "rank 2"),
    image("dataset without rows", "data.h5:no_rows", "'no_rows'", "empty"),
    image("dataset without shape", "data.h5:no_shape", "'no_shape'", "empty"),
    image("dataset of strings", "data.h5:words", "'words'", "not numeric"),
    image("compound dataset", "data.h5:pairs", "'pairs'", "not numeric"),
    image("complex dataset", "data.h5:complex", "'complex'", "not numeric"),
    image("huge dataset", "data.h5:huge", "'huge'", "memory"),
    image("not an HDF5 file", "text.h5:image", "not an HDF5 file"),
    image("empty HDF5 file", "empty.h5:image", "not an HDF5 file"),
    image("cut HDF5 file", "cut.h5:image", "truncated"),
    image("signature of an HDF5 file", "signature.h5:image"),
    image("damaged chunk", "damaged.h5:image", "'image'"),
    image("folder as HDF5 file", "folder.h5:image", "folder"),
    bank("bank of rank 2", "data.h5:image", "'image'", "rank 2", "rank 3"),
    bank("bank without filters", "data.h5:no_filters", "'no_filters'", "empty"),
    bank("bank of strings", "data.h5:words", "'words'", "not numeric"),
    bank("missing bank", "none.h5:bank", "No such file"),
    bank("cut bank", "cut.h5:bank", "truncated"),
    Case("filters of the bank too large", "run convolve --synthetic 40x60 --bank {in}/data.h5:big_bank",
         USAGE, ("50x4", "40x60", "--bank")),
    Case("bank without dataset", "run convolve --synthetic 40x60 --bank {in}/data.h5", USAGE,
         ("--bank", "data.h5", "FILE.h5:DATASET")),
]

WORKLOADS = [
    Case("no images to segment", "run segment", USAGE, ("no images", "--images", "--synthetic")),
    Case("images and synthetic", "run segment --synthetic 3 --images {in}", USAGE, ("--images", "one of them")),
    Case("missing folder of images", "run segment --images {in}/none", ENVIRONMENT, ("none", "no such folder")),
    Case("file as folder of images", "run segment --images {in}/good.png", ENVIRONMENT, ("good.png", "no folder")),
    Case("folder without pictures", "run segment --images {in}/folder.png", ENVIRONMENT, ("folder.png", "none")),
    Case("folder with a cut picture", "run segment --images {in}", ENVIRONMENT, ("cannot read image",)),
    Case("empty size", "run segment --synthetic 3 --size 0x5", USAGE, ("--size", "0x5")),
    Case("negative sigma", "run segment --synthetic 3 --sigma -1", USAGE, ("--sigma", "-1", "to 10")),
    Case("large sigma", "run segment --synthetic 3 --sigma 99", USAGE, ("--sigma", "99", "to 10")),
    Case("no synthetic images", "run segment --synthetic 0", USAGE, ("--synthetic 0", "from 1")),
    Case("images beyond memory", "run segment --synthetic 10000000 --size 60000x60000", ENVIRONMENT,
         ("60000x60000", "memory")),
    Case("no weights", "run classify", USAGE, ("no weights", "--train", "--weights", "--synthetic")),
    Case("missing weights", "run classify --weights none", ENVIRONMENT, ("none", "no such file")),
    Case("picture as weights", "run classify --weights {in}/good.png", ENVIRONMENT, ("good.png", "no weights")),
    Case("folder as weights", "run classify --weights {in}/folder.png", ENVIRONMENT, ("folder.png", "regular")),
    Case("picture to write weights to", "run classify --synthetic --weights {in}/good.png", USAGE,
         ("good.png", "lost")),
    Case("weights in a missing folder", "run classify --synthetic --layers 3,2 --weights no/w", ENVIRONMENT, ("no/w",)),
    Case("digits that are missing", "run classify --train --digits none", ENVIRONMENT, ("--digits", "none")),
    Case("picture as digits", "run classify --train --digits {in}/good.png", ENVIRONMENT, ("good.png", "line 1")),
    Case("folder as digits", "run classify --train --digits {in}", ENVIRONMENT, ("--digits", "folder")),
    Case("layers in words", "run classify --synthetic --layers deep", USAGE, ("--layers", "'deep'")),
    Case("one layer", "run classify --synthetic --layers 5", USAGE, ("--layers", "'5'")),
    Case("layers of a file", "run classify --weights w --layers 64,10", USAGE, ("--layers", "leave it out")),
    Case("unknown load", "run classify --synthetic --load never", USAGE, ("--load", "'never'", "executor")),
    Case("load without file", "run classify --synthetic --load task", USAGE, ("--load", "--weights")),
    Case("train and synthetic", "run classify --train --synthetic", USAGE, ("--train", "--synthetic")),
    Case("no batches", "run classify --synthetic --batches 0", USAGE, ("--batches", "'0'")),
    Case("layers beyond memory", "run classify --synthetic --layers 1000000,1000000,2", ENVIRONMENT,
         ("1000000", "memory")),
    Case("elements in words", "run blob_sum --elements many", USAGE, ("--elements", "'many'", "128M")),
    Case("no elements", "run blob_sum --elements 0", USAGE, ("--elements", "'0'")),
    Case("elements beyond 64 bits", "run blob_sum --elements 99999999999G", USAGE, ("--elements", "range")),
    Case("array beyond memory", "run blob_sum --elements 1000G", ENVIRONMENT, ("--node-memory",)),
    Case("no tasks", "run blob_sum --elements 5 --tasks 0", USAGE, ("--tasks", "'0'")),
    Case("missing text", "run prefix_count --text none", ENVIRONMENT, ("--text 'none'", "No such file")),
    Case("missing text in a list", "run prefix_count --text {in}/good.png,none", ENVIRONMENT, ("--text 'none'",)),
    Case("device as text", "run prefix_count --text /dev/zero", ENVIRONMENT, ("/dev/zero", "regular file")),
    Case("folder without texts", "run prefix_count --text {here}/old", ENVIRONMENT, ("old", "no files"), files={"old/": ""}),
    Case("text without words", "run prefix_count --text digits", ENVIRONMENT, ("digits", "no words"),
         files={"digits": "1 2 3"}),
    Case("damaged packed text", "run prefix_count --text packed", ENVIRONMENT, ("packed", "damaged"),
         files={"packed": "EC02Compressed Data File"}),
    Case("text and synthetic", "run prefix_count --synthetic 3 --text none", USAGE, ("--text", "one of them")),
    Case("no documents", "run prefix_count --synthetic 0", USAGE, ("--synthetic: '0'",)),
    Case("documents beyond memory", "run prefix_count --synthetic 1G", ENVIRONMENT, ("--synthetic", "memory")),
    Case("no actors", "run prefix_count --synthetic 3 --actors 0", USAGE, ("--actors: '0'",)),
    Case("empty batches", "run prefix_count --synthetic 3 --batch 0", USAGE, ("--batch: '0'",)),
    Case("popular in words", "run prefix_count --synthetic 3 --popular very", USAGE, ("--popular: 'very'",)),
    Case("no squares", "run square --count 0", USAGE, ("--count: '0'", "100000000000")),
    Case("too many squares", "run square --count 101G", USAGE, ("--count: '101G'",)),
    Case("squares kept and streamed", "run square --count 5 --keep --imap", USAGE, ("--keep", "--imap", "one of them")),
    Case("squares beyond the disk", "run square --count 100G --keep", ENVIRONMENT, ("square.h5", "disk", "make room")),
]

OUTPUTS = [
    output("missing folder", "no/out.h5", ENVIRONMENT, "no/out.h5", "folder no does not exist"),
    output("output below a file", "file/out.h5", ENVIRONMENT, "file", files={"file": "text"}),
    output("output in /sys", "/sys/out.h5", ENVIRONMENT, "/sys"),
    output("output in /proc", "/proc/out.h5", ENVIRONMENT, "/proc"),
    output("output is a device", "/dev/null", ENVIRONMENT, "/dev/null", "regular file"),
    output("output exists", "out.h5", USAGE, "out.h5 exists", "--force", files={"out.h5": "precious"}),
    output("output is a folder", "old", ENVIRONMENT, "old", "folder", files={"old/": ""}),
    output("output is a folder, forced", "old --force", ENVIRONMENT, "old", "folder", files={"old/": ""}),
    output("output ends in a slash", "old/", USAGE, "old/", "folder"),
    output("partial is a folder", "out.h5", ENVIRONMENT, "out.h5.partial", files={"out.h5.partial/": ""}),
    output("lock is a folder", "out.h5", ENVIRONMENT, "out.h5", files={"out.h5.lock/": ""}),
    output("name too long", "x" * 300 + ".h5", ENVIRONMENT, "too long"),
    Case("current folder cannot be written", SMALL, ENVIRONMENT, ("convolve.h5",), cwd="/sys"),
    Case("default output exists", SMALL, USAGE, ("convolve.h5 exists", "--force"),
         files={"convolve.h5": "old"}),
]

DISKS = [
    output("disk full at once", "out.h5", ENVIRONMENT, "out.h5", "disk full", "make room", full_at=0),
    output("disk full in the filters", "out.h5", ENVIRONMENT, "out.h5", "disk full", full_at=3000),
    Case("disk full in the results", "run convolve --synthetic 600x600 --filters 300 -o out.h5", ENVIRONMENT,
         ("out.h5", "disk full", "written", "make room"), full_at=3_000_000, loses_results=True),
    Case("disk full while results are compressed",
         "run convolve --synthetic 600x600 --filters 300 --compress gzip:1 -o out.h5", ENVIRONMENT, ("out.h5", "disk"),
         full_at=25_000_000, keeps_results=True),
    output("file size limit at once", "out.h5", ENVIRONMENT, "out.h5", file_limit=1, most_ranks=1),
    output("file size limit in the results", "out.h5", ENVIRONMENT, "out.h5", "size limit", file_limit=300,
           most_ranks=1, keeps_results=True),
]

SIZES = [
    Case("more node memory than there is", f"{SMALL} --node-memory 100T", ENVIRONMENT,
         ("--node-memory", "100.0 TiB")),
    Case("synthetic image beyond memory", "run convolve --synthetic 1000000x1000000", ENVIRONMENT,
         ("1000000x1000000", "memory")),
    Case("image beyond node memory", "run convolve --synthetic 2000x2000 --node-memory 2M", ENVIRONMENT,
         ("shared array", "--node-memory")),
    Case("bank beyond memory",
         "run convolve --synthetic 2000x2000 --filters 1000000000 --filter-size 999x999",
         ENVIRONMENT, ("1000000000 filters", "memory")),
    Case("results beyond the disk",
         "run convolve --synthetic 2000x2000 --filters 10000000 --filter-size 1x1 --stride 1",
         ENVIRONMENT, ("convolve.h5", "disk is too small", "make room")),
    Case("another build", SMALL, ENVIRONMENT, ("rank 2", "another build", "same file"), other_build=True),
]

MONTE_CARLO = [
    Case(f"monte_carlo {args}", f"run monte_carlo {args}", USAGE, tuple(words))
    for args, *words in (
        ("--problem sums", "--problem: 'sums'", "integral, eigen"),
        ("--integrand e", "--integrand: 'e'", "pi, gauss, ball6"),
        ("--problem eigen --integrand pi", "--integrand", "--problem eigen"),
        ("--size 3", "--size", "--problem integral"),
        ("--problem eigen --size 0", "--size: '0'", "1 to 1000"),
        ("--problem eigen --size 1001", "--size: '1001'"),
        ("--tasks 0", "--tasks: '0'"),
        ("--tasks -1", "--tasks: '-1'"),
        ("--tasks 1e3", "--tasks: '1e3'", "1M"),
        ("--samples 1", "--samples: '1'", "from 2"),
        ("--samples 99999999999999999999", "--samples: '99999999999999999999'"),
        ("--samples 1.5M", "--samples: '1.5M'"),
        ("--samples 10T", "--samples: '10T'"),
        ("--tasks 4 --samples 20 --verify", "--verify needs 100", "--samples"),
    )
]

SLEEP = [
    Case(f"sleep {args}", f"run sleep {args}", USAGE, tuple(words))
    for args, *words in (
        ("--tasks 0", "--tasks 0", "1 or more"),
        ("--tasks x", "--tasks: 'x'", "whole number"),
        ("--seconds -1", "--seconds -1", "0 to 86400"),
        ("--seconds nan", "--seconds"),
        ("--seconds 1e9", "--seconds 1000000000", "86400"),
        ("--seconds x", "--seconds: 'x'"),
        ("--list 1,,2", "--list: ''", "entry 2"),
        ("--list 1,a", "--list: 'a'"),
        ("--list 1,-2", "--list -2"),
        ("--pattern even", "--pattern: 'even'", "uneven16"),
        ("--pattern uneven16 --list 1", "--list", "--pattern", "one of them"),
        ("--pattern uneven16 --tasks 3", "--pattern", "leave out --tasks"),
        ("--list 1 --seconds 3", "--list", "leave out --seconds"),
    )
]

CASES = (COMMANDS + OPTIONS + NUMBERS + VARIABLES + CONFIGS + IMAGES + WORKLOADS + MONTE_CARLO + SLEEP + OUTPUTS + DISKS +
         SIZES)
