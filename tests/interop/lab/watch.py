# SPDX-License-Identifier: Apache-2.0
"""Every IPv4 packet that passes one end of a wire, noted while something else happens."""
import select
import socket
import struct
import threading

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SYN, ACK = 0x02, 0x10


class Watch:
    """A context manager. Afterwards:

    sent_to   addresses this host sent IP packets to
    opened    (address, port) this host opened TCP connections to
    accepted  addresses that tried to open a TCP connection to this host
    """

    def __init__(self, net, host, wire):
        self.sock = net.socket(host, socket.SOCK_RAW, socket.AF_PACKET)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.bind((wire, ETH_P_ALL))
        self.sent_to, self.opened, self.accepted = set(), set(), set()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *what):
        self.stop.set()
        self.thread.join()
        self.sock.close()

    def _read(self):
        while not self.stop.is_set():
            if select.select([self.sock], [], [], 0.1)[0]:
                packet, address = self.sock.recvfrom(128)
                if address[1] == 0x0800:
                    self._note(packet[14:], address[2] == PACKET_OUTGOING)

    def _note(self, ip, outgoing):
        source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        if outgoing:
            self.sent_to.add(target)
        if ip[9] != socket.IPPROTO_TCP:
            return
        tcp = ip[(ip[0] & 15) * 4:]
        if tcp[13] & (SYN | ACK) != SYN:
            return
        if outgoing:
            self.opened.add((target, struct.unpack("!H", tcp[2:4])[0]))
        else:
            self.accepted.add(source)
