"""A primary whose every octet the test decides: SOA answers over UDP and TCP, AXFR as a stream made by hand.

Nothing here uses a DNS library, so that it can say what no library would send.
"""

import select
import socket
import struct
import threading

from processes import free_port

A, NS, CNAME, SOA, TXT, IXFR, AXFR = 1, 2, 5, 6, 16, 251, 252


def name(text):
    """Wire form of a name without escapes."""
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def rr(owner, rtype, rdata, ttl=300, rclass=1, rdlength=None):
    return name(owner) + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata) if rdlength is None else rdlength) + rdata


def soa(apex, serial, refresh=3600, retry=3600, expire=604800, minimum=60, owner=None):
    rdata = name("ns." + apex) + name("hostmaster." + apex) + struct.pack("!5I", serial, refresh, retry, expire, minimum)
    return rr(owner or apex, SOA, rdata)


def txt(owner, text, ttl=300):
    octets = text.encode()
    return rr(owner, TXT, bytes([len(octets)]) + octets, ttl)


def a(owner, address="192.0.2.1"):
    return rr(owner, A, socket.inet_aton(address))


def message(ident, apex, records, qtype=AXFR, flags=0x8400, question=True):
    return (struct.pack("!6H", ident, flags, 1 if question else 0, len(records), 0, 0)
            + (name(apex) + struct.pack("!HH", qtype, 1) if question else b"") + b"".join(records))


def frame(octets):
    return struct.pack("!H", len(octets)) + octets


def frames(ident, apex, records, limit=16000, qtype=AXFR):
    """The records in as many messages as it takes."""
    gathered, size = [], 0
    for record in records:
        if gathered and size + len(record) > limit:
            yield frame(message(ident, apex, gathered, qtype=qtype))
            gathered, size = [], 0
        gathered.append(record)
        size += len(record)
    yield frame(message(ident, apex, gathered, qtype=qtype))


class Versions:
    """A zone by its serials, each the records beside the SOA: AXFR is answered with the newest, IXFR with one difference.
    `asked_from` are the serials that IXFR was asked from."""

    def __init__(self, apex):
        self.apex = apex
        self.records = {}
        self.asked_from = []

    def give_to(self, primary):
        primary.stream, primary.differences = self.whole, self.difference

    def whole(self, ident, serial):
        return frames(ident, self.apex, [soa(self.apex, serial), *self.records[serial], soa(self.apex, serial)])

    def difference(self, ident, serial, have):
        self.asked_from.append(have)
        before, after = self.records[have], self.records[serial]
        return frames(ident, self.apex, [soa(self.apex, serial), soa(self.apex, have), *(r for r in before if r not in after),
                                         soa(self.apex, serial), *(r for r in after if r not in before), soa(self.apex, serial)],
                      qtype=IXFR)


class ScriptedPrimary:
    """`serial` is what SOA queries are told; `stream(ident, serial)` makes the octets that answer an AXFR, and
    `differences(ident, serial, have)` those that answer an IXFR. Without that the primary knows no IXFR: NOTIMP.

    After the stream the connection stays open until the other side closes, unless `hang_up` is set. `edns` is what a
    query with EDNS meets: "ignored", "formerr" or "dropped" (over TCP: the connection is closed)."""

    def __init__(self, scratch, apex, serial=1, stream=None):
        self.apex = apex
        self.serial = serial
        self.stream = stream
        self.differences = None
        self.hang_up = False
        self.dark = False
        self.edns = "ignored"
        self.questions = 0  # all that was heard, over UDP and TCP
        self.edns_queries = 0  # those that had EDNS
        self.transfers = 0  # AXFR
        self.increments = 0  # IXFR
        self.port = free_port()
        self.lock = threading.Lock()
        self._stopping = threading.Event()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind(("127.0.0.1", self.port))
        self._tcp.listen(64)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        scratch.own(self)

    @property
    def source(self):
        return f"axfr://127.0.0.1:{self.port}"

    def stop(self):
        self._stopping.set()
        self._thread.join()
        self._udp.close()
        self._tcp.close()

    def notify(self, port, address="127.0.0.1"):
        """RFC 1996, from our own address; the acknowledgement is not waited for."""
        question = name(self.apex) + struct.pack("!HH", SOA, 1)
        octets = struct.pack("!6H", 0x4e4f, 0x2400, 1, 0, 0, 0) + question
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(octets, (address, port))

    def _run(self):
        while not self._stopping.is_set():
            for ready in select.select([self._udp, self._tcp], [], [], 0.1)[0]:
                if ready is self._tcp:
                    connection, _ = self._tcp.accept()
                    threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
                else:
                    self._answer_datagram()

    def _answer_datagram(self):
        try:
            query, sender = self._udp.recvfrom(4096)
        except OSError:
            return
        if len(query) < 12 or query[2] & 0x80 or self.dark:
            return
        self._heard()
        meets = self._meets(query)
        if meets == "dropped":
            return
        answer = self._formerr(query) if meets == "formerr" else self._answer_soa(query)
        if answer:
            self._udp.sendto(answer, sender)

    def _answer_soa(self, query):
        ident, _ = struct.unpack("!HH", query[:4])
        return message(ident, self.apex, [soa(self.apex, self.serial)], qtype=SOA)

    def _heard(self):
        with self.lock:
            self.questions += 1

    def _meets(self, query):
        """What becomes of the query for its EDNS; nothing is signed here, so what is additional is the OPT record."""
        if query[10:12] == b"\0\0":
            return None
        with self.lock:
            self.edns_queries += 1
        return self.edns

    @staticmethod
    def _formerr(query):
        """RFC 6891 7: as one that knows no EDNS; the header alone."""
        return query[:2] + struct.pack("!5H", 0x8001, 0, 0, 0, 0)

    def _serve(self, connection):
        with connection:
            connection.settimeout(60)
            try:
                while not self.dark:
                    query = self._read_frame(connection)
                    if query is None:
                        return
                    self._heard()
                    meets = self._meets(query)
                    if meets == "dropped":
                        return
                    if meets == "formerr":
                        connection.sendall(frame(self._formerr(query)))
                        continue
                    qtype = struct.unpack("!H", query[12 + len(name(self.apex)):][:2])[0]
                    if qtype in (AXFR, IXFR):
                        ident = struct.unpack("!H", query[:2])[0]
                        if qtype == AXFR:
                            self._send(connection, self._whole(ident))
                        else:
                            self._send(connection, self._increment(ident, query))
                        if self.hang_up:
                            return
                    else:
                        connection.sendall(frame(self._answer_soa(query)))
            except OSError:
                pass  # the other side went away, which is its right

    def _whole(self, ident):
        with self.lock:
            self.transfers += 1
            serial = self.serial
        return self.stream(ident, serial)

    def _increment(self, ident, query):
        with self.lock:
            self.increments += 1
            serial = self.serial
        if self.differences is None:
            return [frame(message(ident, self.apex, [], qtype=IXFR, flags=0x8004))]
        # Behind the question stands our SOA (RFC 1995 3), its names the root; behind that perhaps an OPT record.
        at = 12 + len(name(self.apex)) + 4 + len(name(self.apex)) + 10 + 2
        have = struct.unpack("!I", query[at:at + 4])[0]
        return self.differences(ident, serial, have)

    def _send(self, connection, stream):
        for octets in stream:
            if self._stopping.is_set():
                return
            connection.sendall(octets)

    @staticmethod
    def _read_frame(connection):
        octets = b""
        while len(octets) < 2 or len(octets) < 2 + struct.unpack("!H", octets[:2])[0]:
            more = connection.recv(4096)
            if not more:
                return None
            octets += more
        return octets[2:]
