"""The least that calls with audio can cost here: the system calls of their packets, and nothing else of ours.

`sip_bare.py PORT CALLS SECONDS` has a socket for each call, and in each of four turns in 20 ms asks once what has
arrived, reads it, and sends a packet from each socket of the turn: what our audio does, in the fewest lines of Python.
What a call costs above that is our own work; what this costs is the machine's, and a loaded or shared one's above all.
"""

import gc
import json
import resource
import select
import socket
import sys
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's folder is on the path, the project's is not

from shared.adapters.sip_trunk.datagrams import open_socket
from shared.adapters.sip_trunk.ticker import FRAME_SECONDS, PHASES
from shared.rtp.packet import HEADER_BYTES, MAX_PACKET_BYTES

HOST: Final = "127.0.0.1"
#: Until the first look: what a process does for the first time is not what it goes on doing.
SETTLE_SECONDS: Final = 1.0
#: Of G.711, 20 ms.
PACKET: Final = b"\x80\x00" + bytes(HEADER_BYTES - 2 + 160)


class Bare:
    """Sockets, and turns in which they send and are read."""

    def __init__(self, port: int, calls: int) -> None:
        self._sockets = [open_socket(HOST, 0) for _ in range(calls)]
        for each in self._sockets:
            each.connect((HOST, port))
        self._phases = [self._sockets[phase::PHASES] for phase in range(PHASES)]
        self._by_descriptor = {each.fileno(): each for each in self._sockets}
        self._poll = select.epoll()
        for descriptor in self._by_descriptor:
            self._poll.register(descriptor, select.EPOLLIN)
        self._desk = bytearray(MAX_PACKET_BYTES)
        self.sent = self.received = 0

    def run(self, seconds: float) -> None:
        """Take turns for so long; those that come late are caught up."""
        due = time.monotonic()
        for turn in range(round(seconds / FRAME_SECONDS * PHASES)):
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            due += FRAME_SECONDS / PHASES
            self._read()
            self._send(self._phases[turn % PHASES])

    def _read(self) -> None:
        sockets, desk = self._by_descriptor, self._desk
        for descriptor, _ in self._poll.poll(0, len(sockets)):
            sockets[descriptor].recv_into(desk)
            self.received += 1

    def _send(self, sockets: list[socket.socket]) -> None:
        for each in sockets:
            each.send(PACKET)
        self.sent += len(sockets)


def main(port: int, calls: int, seconds: float) -> None:
    """Do what the command line says; what was found is all of the standard output."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # many shells begin at 1024
    bare = Bare(port, calls)
    gc.freeze()
    bare.run(SETTLE_SECONDS)
    sent, received = bare.sent, bare.received
    began, cpu = time.monotonic(), time.process_time()
    bare.run(seconds)
    cpu, passed = time.process_time() - cpu, time.monotonic() - began
    sent, received = bare.sent - sent, bare.received - received
    print(
        json.dumps(
            {
                "cpu_ms": cpu
                * 1000
                / (sent * FRAME_SECONDS),  # of packets sent: a starved process sends fewer
                "sent": sent,
                "lost": sent - received,
                "due": calls * passed / FRAME_SECONDS,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
