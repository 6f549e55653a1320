"""Which file systems a machine serves itself: what a network or a program serves may hang for good."""

import os
import re
from pathlib import Path

_MOUNTS = "/proc/self/mountinfo"  # proc_pid_mountinfo(5)
_OF_THIS_MACHINE = frozenset(
    (
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs"),
        *("overlay", "ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
    )
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def is_of_this_machine(path: Path, mounts: str | None = None) -> bool:
    """Whether a path lies on a file system that the machine's own kernel serves from a disk or from memory.

    False also where nobody says: the kinds are those of Linux. ``mounts`` is what the kernel lists, else asked here.
    Looks the path up, which waits for as long as its disk hangs.
    """
    where = os.path.realpath(path)
    try:
        lines = (Path(_MOUNTS).read_text(errors="surrogateescape") if mounts is None else mounts).splitlines()
    except OSError:
        return False
    longest, kind = "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = _plain(fields.split(" ")[4])
        if len(point) >= len(longest) and (where == point or where.startswith(point.rstrip("/") + "/")):
            longest, kind = point, rest.partition(" ")[0]  # of two at one place the later one lies on top
    return kind in _OF_THIS_MACHINE


def _plain(escaped: str) -> str:
    return _ESCAPED.sub(lambda code: chr(int(code[1], 8)), escaped)
