"""Reads the journals that an interrupted prep leaves in x.h5.parts: the format is in src/store/journal/mod.rs."""

import json
import struct

MAGIC = b"dicomprep journal 2\n"


class Journal:
    """A journal, and the partial file that it tells of, in the folder or, after a kill, still beside the output."""

    def __init__(self, path):
        self.path, data = path, path.read_bytes()
        self.rows, self.header = [], {"structures": 0}
        if not data:
            return
        assert data.startswith(MAGIC), path
        (length,) = struct.unpack_from("<I", data, len(MAGIC))
        at = len(MAGIC) + 4
        self.header = json.loads(data[at:at + length])
        at += length + 4
        self.row_bytes = 100 + 37 * self.header["structures"]
        while len(data) - at >= 12:
            count, _, _ = struct.unpack_from("<3I", data, at)
            at += 12
            if count == 0 or len(data) - at < count * self.row_bytes:
                break
            self.rows += [data[at + row * self.row_bytes:at + (row + 1) * self.row_bytes] for row in range(count)]
            at += count * self.row_bytes

    @property
    def partial(self):
        kept = self.path.with_suffix(".partial")
        folder = self.path.parent
        return kept if kept.exists() else folder.with_name("." + folder.name.removesuffix(".parts") + ".partial")

    def contents(self):
        """What each row is made of: the digests of its image and annotations."""
        return [row[8:44] + row[44:44 + 37 * self.header["structures"]] for row in self.rows]

    def chunks(self):
        """Of each row, address, length and CRC-32C of the image's chunk and of the mask's."""
        return [struct.unpack("<QIIQII", row[-32:]) for row in self.rows]


def journals(output):
    """The journals of the runs of which rows are kept, in their order."""
    return [Journal(path) for path in sorted(output.with_name(output.name + ".parts").glob("rows-*.journal"))]


def has_rows(output):
    """True if a run, which may still be writing, has recorded rows."""
    try:
        return any(journal.rows for journal in journals(output))
    except (AssertionError, FileNotFoundError, ValueError, struct.error):
        return False


def kept_rows(output):
    """The number of rows that a run that continues can take."""
    found = [journal for journal in journals(output) if journal.partial.exists()]
    # Of rows with the same content, one run has all.
    counts = [len(journal.rows) for journal in found]
    assert len({content for journal in found for content in journal.contents()}) <= max(counts, default=0)
    return max(counts, default=0)
