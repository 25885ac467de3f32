"""Kills `pleach apply --write` from outside, at every system call that changes the disk, and looks.

    python3 tests/faults/kill.py PLEACH

One reply edits, creates, deletes and renames files, with a byte order mark, CRLF, a missing last line
break, a hard link, a symbolic link, permissions, an owner and extended attributes. strace counts the
system calls of its landing, then

- kills the process at each of them, one run each;
- lets each of them fail once (two of ENOSPC, EACCES, EROFS and EINTR), one run each;
- lets all renames, and everything from some point on, fail for good.

After each run `pleach recover` must say that all is whole, and the tree must be the old one or the new
one, file by file in every respect; the new one if the run had said so.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PLEACH = sys.argv[1]
NOBODY = 65534

# What changes names, contents and attributes. Calls of openat that read do not count, nor what is said.
CALLS = """
write pwrite64 writev fsync fdatasync sync_file_range ftruncate fallocate copy_file_range
openat creat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir
mkdir mkdirat mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr utimensat flock
""".split()
ERRORS = ["ENOSPC", "EACCES", "EROFS", "EINTR"]

FILES = {
    "a.rs": b"\xef\xbb\xbffn a() -> u32 {\r\n    1\r\n}",
    "src/b.rs": b"fn b() {}\n",
    "real.txt": b"one\rtwo\r",
    "gone.txt": b"bye\n",
    "old/name.txt": b"named\nsecond\n",
    "untouched.txt": b"as ever\n",
}
REPLY = """*** Begin Patch
*** Update File: a.rs
@@
-    1
+    100
*** Update File: src/b.rs
@@
-fn b() {}
+fn b() {}
+fn c() {}
*** Update File: link.txt
@@
-two
+TWO
*** Add File: new/er/c.txt
+fresh
*** Delete File: gone.txt
*** Update File: old/name.txt
*** Move to: new/name.txt
@@
-named
+renamed
*** End Patch
"""


class Place:
    """A workspace and a home of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.workspace = self.folder / "workspace"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "PLEACH_CONFIG_DIR": folder + "/config",
            "PLEACH_STATE_DIR": folder + "/state",
        }

    def fill(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, text in FILES.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        (self.workspace / "link.txt").symlink_to("real.txt")
        os.link(self.workspace / "src/b.rs", self.workspace / "src/b-too.rs")
        (self.workspace / "a.rs").chmod(0o751)
        (self.workspace / "old/name.txt").chmod(0o640)
        if HAS_ATTRIBUTES:
            os.setxattr(self.workspace / "a.rs", "user.pleach", b"kept")
        if os.geteuid() == 0:
            os.chown(self.workspace / "a.rs", NOBODY, NOBODY)
        (self.folder / "reply.md").write_text(REPLY)

    def run(self, *arguments, strace=()):
        command = [*strace, PLEACH, *arguments]
        return subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )

    def apply(self, *injections, log="/dev/null", trace=None):
        strace = ["strace", "--follow-forks", "--quiet=all", "--output", str(log)]
        strace += ["--trace", ",".join("?" + call for call in (trace or CALLS))]
        for injection in injections:
            strace += ["--inject", injection]
        workspace, reply = str(self.workspace), str(self.folder / "reply.md")
        return self.run("apply", "--write", "--dir", workspace, reply, strace=strace)

    def recover(self):
        return self.run("recover", str(self.workspace))

    def tree(self):
        found = {}
        for path in sorted(self.workspace.rglob("*")):
            name, at = str(path.relative_to(self.workspace)), path.lstat()
            if path.is_symlink():
                found[name] = ("link", os.readlink(path))
            elif path.is_dir():
                found[name] = ("folder", oct(at.st_mode))
            else:
                attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
                found[name] = (path.read_bytes(), oct(at.st_mode), at.st_uid, at.st_gid, at.st_nlink, attributes)
        return found


def has_attributes(folder):
    """Whether files here can have attributes of a user's own."""
    probe = Path(folder) / "probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.pleach", b"")
        return True
    except OSError:
        return False


def points(place):
    """The system calls of a landing that count: each with its number among those of its name."""
    place.fill()
    log = place.folder / "calls"
    done = place.apply(log=log)
    assert done.returncode == 0, done.stdout.decode()
    numbers, found = Counter(), []
    for line in log.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        if not call:
            continue
        name, rest = call.groups()
        numbers[name] += 1
        reads = name == "openat" and not re.search(r"O_(CREAT|WRONLY|RDWR|TRUNC)", rest)
        talks = name == "write" and re.match(r"[12],", rest)
        if not reads and not talks:
            found.append((name, numbers[name]))
    return found


class Run:
    """One landing with something in its way, and what is left of it."""

    def __init__(self, what, old, new, injections):
        self.what, self.injections = what, injections
        with tempfile.TemporaryDirectory(dir=BASE) as folder:
            place = Place(folder)
            place.fill()
            applied = place.apply(*injections)
            recovered = place.recover()
            tree = place.tree()
            beside = list((place.folder / "state/landing").glob("*"))
        self.was_killed = applied.returncode in (-9, 137)
        self.is_old, self.is_new = tree == old, tree == new
        self.problem = None
        if recovered.returncode != 0:
            self.problem = "recover failed: " + recovered.stdout.decode()
        elif not (self.is_old or self.is_new):
            odd = [name for name in {*old, *new, *tree} if tree.get(name) not in (old.get(name), new.get(name))]
            self.problem = f"neither old nor new: {odd or sorted(tree)}"
        elif applied.returncode == 0 and not self.is_new:
            self.problem = "it said that it had landed, and it has not"
        elif beside:
            self.problem = f"the journal is not empty: {beside}"


def runs_of(points):
    for number, (call, at) in enumerate(points):
        yield f"killed at {call} {at}", [f"{call}:signal=KILL:when={at}"]
        # Two of them at each, in turn.
        for error in (ERRORS[number % len(ERRORS)], ERRORS[(number + 1) % len(ERRORS)]):
            yield f"{error} at {call} {at}", [f"{call}:error={error}:when={at}"]
    renames = ["rename", "renameat", "renameat2"]
    for error in ("EACCES", "EROFS"):
        yield f"every rename {error}", [f"{call}:error={error}" for call in renames]
    # A disk that is full from some point on, and stays so until the next start.
    writes = [at for call, at in points if call == "write"]
    for at in writes:
        growing = ["write", "mkdirat", "linkat"]
        yield f"ENOSPC from write {at} on", [f"{call}:error=ENOSPC:when={at}+" for call in growing]


def main():
    place = Place(os.path.join(BASE, "counted"))
    place.fill()
    old = place.tree()
    found = points(place)
    new = place.tree()
    assert old != new
    assert new["a.rs"][0] == FILES["a.rs"].replace(b"    1", b"    100")
    assert new["a.rs"][1:] == old["a.rs"][1:], "mode, owner, links and attributes"
    assert new["src/b.rs"] == new["src/b-too.rs"], "one file with two names"
    assert new["link.txt"] == ("link", "real.txt") and new["real.txt"][0] == b"one\rTWO\r"
    kinds = Counter(call for call, _ in found)
    print(", ".join(f"{count} {call}" for call, count in sorted(kinds.items())))
    for call in ("write", "fsync", "unlinkat", "linkat"):
        assert kinds[call] > 0, f"no {call} is met"
    assert kinds["renameat2"] + kinds["rename"] + kinds["renameat"] > 0, "no rename is met"

    with concurrent.futures.ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 1) as pool:
        runs = list(pool.map(lambda it: Run(it[0], old, new, it[1]), runs_of(found)))
    killed = [run for run in runs if run.was_killed]
    problems = [run for run in runs if run.problem]
    for run in problems:
        print(f"FAILED {run.what}: {run.problem}")
    missed = [run.what for run in runs if run.what.startswith("killed") and not run.was_killed]
    for what in missed:
        print(f"FAILED {what}: it was not killed")
    for name, some in (("killed", killed), ("refused", [run for run in runs if not run.was_killed])):
        lost = sum(run.problem is not None for run in some)
        old_ones, new_ones = sum(run.is_old for run in some), sum(run.is_new for run in some)
        print(f"{name}: {len(some)} runs, {old_ones} all old, {new_ones} all new, {lost} with something lost")
    if not HAS_ATTRIBUTES:
        print("(no extended attributes: this file system has none)")
    return 1 if problems or missed or len(killed) != len(found) else 0


with tempfile.TemporaryDirectory(prefix="pleach-faults-") as BASE:
    HAS_ATTRIBUTES = has_attributes(BASE)
    sys.exit(main())
