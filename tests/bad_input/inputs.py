# Input files that are wrong in one way each, and a few that are right, for the cases.
import random
import struct
import zlib
from pathlib import Path

import h5py
import numpy


def png(rows: int, columns: int) -> bytes:
    """A grey picture of noise, so that its data do not shrink."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    noise = random.Random(1)
    lines = b"".join(b"\0" + noise.randbytes(columns) for _ in range(rows))
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def make_pictures(folder: Path) -> None:
    picture = png(40, 60)
    (folder / "good.png").write_bytes(picture)
    (folder / "cut.png").write_bytes(picture[: len(picture) // 2])
    (folder / "signature.png").write_bytes(picture[:8])
    damaged = bytearray(picture)
    damaged[60:90] = bytes(30)
    (folder / "damaged.png").write_bytes(damaged)
    damaged = bytearray(png(2, 2))
    damaged[41] = 0xFF  # of the compressed data
    damaged[-16:-12] = struct.pack(">I", zlib.crc32(damaged[37:-16]))
    (folder / "undecodable.png").write_bytes(damaged)
    # The size in a header is a promise of a stranger: 50000 x 50000 pixels from 200 bytes.
    huge = bytearray(picture)
    huge[16:24] = struct.pack(">II", 50000, 50000)
    huge[29:33] = struct.pack(">I", zlib.crc32(bytes(huge[12:29])))
    (folder / "huge.png").write_bytes(huge)
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (folder / "cut.bmp").write_bytes(b"BM" + bytes(10))
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("This is no picture.\n" * 10)
    (folder / "folder.png").mkdir()
    (folder / "dangling.png").symlink_to("nowhere.png")


def make_datasets(folder: Path) -> None:
    with h5py.File(folder / "data.h5", "w") as file:
        file["image"] = numpy.random.default_rng(1).random((40, 60), dtype=numpy.float32)
        file["bank"] = numpy.ones((3, 4, 4), dtype=numpy.float32)
        file["big_bank"] = numpy.ones((3, 50, 4), dtype=numpy.float32)
        file["line"] = numpy.ones(10, dtype=numpy.float32)
        file["cube"] = numpy.ones((2, 3, 4), dtype=numpy.float32)
        file["number"] = 1.0
        file["no_rows"] = numpy.ones((0, 60), dtype=numpy.float32)
        file["no_filters"] = numpy.ones((0, 4, 4), dtype=numpy.float32)
        file["no_shape"] = h5py.Empty("f4")
        file["words"] = ["one", "two"]
        file["pairs"] = numpy.ones((4, 4), dtype=[("a", "f4"), ("b", "i4")])
        file["complex"] = numpy.ones((4, 4), dtype=numpy.complex64)
        file["not_finite"] = numpy.full((40, 60), numpy.nan, dtype=numpy.float32)
        # A shape costs nothing: 4 TB that were never written.
        file.create_dataset("huge", shape=(1_000_000, 1_000_000), dtype="f4", chunks=(1000, 1000))
        file.create_group("group")
        file["dangling"] = h5py.SoftLink("/nowhere")
    whole = (folder / "data.h5").read_bytes()
    (folder / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (folder / "signature.h5").write_bytes(whole[:16])
    (folder / "text.h5").write_text("This is no HDF5 file.\n" * 10)
    (folder / "empty.h5").touch()
    (folder / "folder.h5").mkdir()
    with h5py.File(folder / "damaged.h5", "w") as file:
        file.create_dataset("image", data=numpy.random.default_rng(1).random((64, 64)), compression="gzip")
        offset = file["image"].id.get_chunk_info(0).byte_offset
    damaged = bytearray((folder / "damaged.h5").read_bytes())
    damaged[offset + 10 : offset + 200] = bytes(190)
    (folder / "damaged.h5").write_bytes(damaged)


def make_other_build(program: Path, other: Path) -> None:
    """A copy of the program with another build id."""
    content = bytearray(program.read_bytes())
    note = struct.pack("<III4s", 4, 20, 3, b"GNU\0")  # the sizes, the type and the owner of a SHA-1 build id
    at = content.index(note) + len(note)
    content[at] ^= 0xFF
    other.write_bytes(content)
    other.chmod(0o755)


def make_all(folder: Path, program: Path) -> None:
    make_pictures(folder)
    make_datasets(folder)
    make_other_build(program, folder / "plenum-other")
