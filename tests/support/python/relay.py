"""A wire between two ends that a test can cut: what comes to `port` over UDP and TCP goes to another port of this host."""

import socket
import threading

from processes import free_port


class Relay:
    """`cut()` says for each new connection after how many octets of the answer it is cut; None: never. While `down`, whoever
    comes is refused (TCP) or hears nothing (UDP)."""

    def __init__(self, scratch, to, port=None, cut=lambda: None):
        self.to = to
        self.port = port or free_port()
        self.cut = cut
        self.down = False
        self.connections = 0
        self.cuts = 0
        self._stopping = threading.Event()
        self._tcp = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._accept, self._datagrams)]
        for thread in self._threads:
            thread.start()
        scratch.own(self)

    @property
    def source(self):
        return f"axfr://127.0.0.1:{self.port}"

    def stop(self):
        self._stopping.set()
        # A blocked accept() or recvfrom() wakes up at what comes; closing the socket under it would not do.
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as waker:
                waker.connect(("127.0.0.1", self.port))
                if kind == socket.SOCK_DGRAM:
                    waker.send(b"")
        for thread in self._threads:
            thread.join()
        self._tcp.close()
        self._udp.close()

    def _accept(self):
        while True:
            client, _ = self._tcp.accept()
            if self._stopping.is_set():
                client.close()
                return
            self.connections += 1
            try:
                if self.down:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self.to), timeout=30)
            except OSError:
                client.close()
                continue
            for source, target, left in ((client, server, None), (server, client, self.cut())):
                threading.Thread(target=self._pump, args=(source, target, left), daemon=True).start()

    def _pump(self, source, target, left):
        try:
            while octets := source.recv(65536):
                if left is not None and len(octets) >= left:
                    target.sendall(octets[:left])
                    self.cuts += 1
                    break
                target.sendall(octets)
                left = None if left is None else left - len(octets)
        except OSError:
            pass  # one end is gone: so is the other
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()  # the other pump sees to the other one

    def _datagrams(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(1)
            upstream.connect(("127.0.0.1", self.to))
            while not self._stopping.is_set():
                octets, sender = self._udp.recvfrom(4096)
                if self.down or not octets:
                    continue
                try:
                    upstream.send(octets)
                    self._udp.sendto(upstream.recv(4096), sender)
                except OSError:
                    pass  # nobody is there, or it is late: the datagram is lost
