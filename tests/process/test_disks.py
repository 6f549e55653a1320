"""Which disks are the machine's own."""

from pathlib import Path

from rockbottom.process import is_of_this_machine

# Lines as proc_pid_mountinfo(5) shows them; the kind stands behind the lonely hyphen.
MOUNTS = """\
36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw,errors=continue
40 36 0:40 / /mnt rw shared:2 - nfs4 server:/export rw,vers=4.1
41 36 0:41 / /mnt/fast rw - tmpfs tmpfs rw
42 36 0:42 / /with\\040blank rw - fuse.sshfs me@there: rw
43 36 98:1 / /twice rw - xfs /dev/b rw
44 43 0:44 / /twice rw - cifs //server/share rw
"""


def test_the_longest_mount_says_whose_a_path_is():
    """And of two at one place the later one."""
    own = [path for path in ("/", "/mnt", "/mnt/x", "/mnt/fast/x", "/mnt/faster", "/with blank/x", "/twice/x", "/twic")
           if is_of_this_machine(Path(path), MOUNTS)]  # fmt: skip
    assert own == ["/", "/mnt/fast/x", "/twic"]


def test_where_nobody_says_it_is_not_taken_for_one():
    assert not is_of_this_machine(Path("/anywhere"), "")
