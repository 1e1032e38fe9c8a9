"""Connections that carry DNS messages, in the clear or over TLS, whose every step is the test's; the certificates for
them; and a relay that stops in the middle."""

import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import threading

from processes import DEADLINE


class Certificate:
    """Self-signed; its own file is the authority."""

    def __init__(self, directory, name):
        self.name = name
        self.file, self.key = (os.path.join(directory, f"{name}.{part}") for part in ("pem", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", self.file, "-keyout", self.key],
                       check=True, capture_output=True, timeout=DEADLINE)

    def pin(self):
        public = subprocess.run(["openssl", "x509", "-in", self.file, "-noout", "-pubkey"], check=True, capture_output=True,
                                timeout=DEADLINE).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True, capture_output=True,
                             timeout=DEADLINE).stdout
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Stream:
    """One connection; over TLS with `tls`, and then with a client certificate where there is one. `room` is how much may
    wait in the socket."""

    def __init__(self, port, tls=False, certificate=None, room=0):
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["dot"])
            if certificate:
                context.load_cert_chain(certificate.file, certificate.key)
            self.socket = context.wrap_socket(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, wire):
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)

    def receive(self):
        return self._read(struct.unpack("!H", self._read(2))[0])

    def _read(self, size):
        octets = b""
        while len(octets) < size:
            more = self.socket.recv(size - len(octets))
            if not more:
                raise ConnectionError("closed")
            octets += more
        return octets

    def ask(self, wire):
        self.send(wire)
        return self.receive()


class Relay:
    """Between clients and a server on 127.0.0.1, over TCP: of what the server says only the first `first` octets pass until
    release()."""

    def __init__(self, port, first):
        self.server, self.first = port, first
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stopped, self.released, self.ended = threading.Event(), threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def release(self):
        self.released.set()

    def stop(self):
        self.release()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server))
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, self.first), daemon=True).start()

    def _carry(self, here, there, first=None):
        carried = 0
        try:
            while octets := here.recv(1 << 16):
                there.sendall(octets)
                carried += len(octets)
                if first is not None and carried >= first:
                    self.stopped.set()
                    self.released.wait(DEADLINE)
        except OSError:
            pass
        for one in (here, there):
            one.close()
