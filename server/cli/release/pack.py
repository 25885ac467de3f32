#!/usr/bin/env python3
"""Packs a folder into a .tar.gz beside it, and writes its SHA-256 beside that.

    server/cli/release/pack.py FOLDER SECONDS

The same files give the same bytes with the same zlib: names in order, one time (SECONDS since 1970), no owner.
"""
import gzip
import hashlib
import sys
import tarfile
from pathlib import Path


def main():
    folder, seconds = Path(sys.argv[1]), int(sys.argv[2])

    def plain(entry):
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = seconds, 0, 0, "", ""
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    archive = folder.with_name(folder.name + ".tar.gz")
    with archive.open("wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path in [folder, *sorted(folder.rglob("*"))]:
                tar.add(path, path.relative_to(folder.parent).as_posix(), recursive=False, filter=plain)
    line = f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    archive.with_name(archive.name + ".sha256").write_text(line)
    print(line, end="")


if __name__ == "__main__":
    main()
