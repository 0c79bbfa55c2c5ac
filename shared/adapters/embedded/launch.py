"""The last step before an embedded server: take its identity on, tie its life to ours, become it.

Run as a script in a process of its own, because each of these steps belongs between fork and exec, where a
program with threads must not run Python. The order is the point: Linux forgets the death signal when the
identity changes, so it is asked for after that; and if the parent died before, nobody would send it, so the
parent is looked at once more. Elsewhere than on Linux a server outlives a killed parent and the next start
stops it.

    launch.py UID GID DEATH_SIGNAL PARENT_PID FOLDER PROGRAM ARGUMENT…

UID -1 keeps the identity; DEATH_SIGNAL 0 asks for none; FOLDER becomes the working directory, by which a
server that was left behind is recognised.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PRIVATE_UMASK = 0o077  # what a server writes is its own
#: What a shell says for a command that was found and could not be run.
CANNOT_EXECUTE = 126


def become(uid: int, gid: int) -> None:
    """Give root up for good: groups first, as they cannot be changed afterwards."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def die_with_parent(death_signal: int, parent_pid: int) -> None:
    """Have the kernel send `death_signal` when the parent ends; end now if it already has."""
    if death_signal and sys.platform == "linux":
        # The C library came with the interpreter: this reads no file, which the new identity might not.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent_pid:
            sys.exit(0)


def main(arguments: list[str]) -> None:
    """Carry out the command line of the module docstring; never returns."""
    uid, gid, death_signal, parent_pid = map(int, arguments[:4])
    folder, *command = arguments[4:]
    os.umask(PRIVATE_UMASK)
    try:
        become(uid, gid)
        os.chdir(folder)
        die_with_parent(death_signal, parent_pid)
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted: the arguments are ours, word by word
    except OSError as error:
        sys.stderr.write(f"FATAL: {command[0]} cannot be run: {error.strerror}\n")
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main(sys.argv[1:])
