"""Questions over UDP and TCP, with dnspython as the second opinion on every message, and the comparison of two answers."""

import select
import socket
import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.RP
import dns.rdtypes.nsbase
import dns.xfr
import dns.zone

from processes import DEADLINE, GaveUp


class OneName(dns.rdtypes.nsbase.NSBase):
    """RDATA that is one name."""


# dnspython takes these as opaque, but RFC 3597 4 lets a server compress the names in MD, MF, MB, MG, MR and MINFO (two
# names, as RP has). register_type() takes none that IANA has named already.
for number, layout in {3: OneName, 4: OneName, 7: OneName, 8: OneName, 9: OneName, 14: dns.rdtypes.ANY.RP.RP}.items():
    dns.rdata._rdata_classes[(dns.rdataclass.IN, dns.rdatatype.RdataType.make(number))] = layout


def make(owner, rdtype, edns=True, payload=1232, flags=0):
    message = dns.message.make_query(owner, rdtype, use_edns=0 if edns else -1, payload=payload)
    message.flags = flags
    return message


def udp(address, port, owner, rdtype, deadline=DEADLINE, **options):
    """Asks until an answer comes: a datagram may be lost on a loaded machine, a server may not be up yet."""
    message = make(owner, rdtype, **options)
    end = time.monotonic() + deadline
    while True:
        try:
            return dns.query.udp(message, address, port=port, timeout=min(5.0, deadline))
        except (OSError, dns.exception.Timeout) as error:
            if time.monotonic() > end:
                raise GaveUp(f"{address}:{port} does not answer {owner} {rdtype}: {error!r}") from error


def tcp(address, port, owner, rdtype, **options):
    return dns.query.tcp(make(owner, rdtype, **options), address, port=port, timeout=DEADLINE)


def serial(address, port, apex):
    """The serial that is served, None where there is none (no server, no zone)."""
    try:
        answer = dns.query.udp(make(apex, "SOA"), address, port=port, timeout=2.0)
    except (OSError, dns.exception.DNSException):
        return None
    for rrset in answer.answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return rrset[0].serial
    return None


def transfer(address, port, apex, keyring=None):
    """The zone by AXFR, signed with the one key of `keyring`; raises dns.xfr.TransferError where refused."""
    zone = dns.zone.Zone(apex, relativize=False)
    asked, _ = dns.xfr.make_query(zone, serial=None, keyring=keyring)
    dns.query.inbound_xfr(address, zone, asked, port=port, timeout=DEADLINE, lifetime=DEADLINE)
    return zone


class Flow:
    """Many questions to one server with a window of open ones: answers come back in the order of the questions.

    The messages are parsed by the caller, which may be slower than the server: at most `window` wait in the socket."""

    def __init__(self, address, port, kind, window=64):
        self.endpoint = (address, port)
        self.kind = kind
        self.window = window
        self.socket = None
        self.buffer = b""

    def __enter__(self):
        if self.kind == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.socket.connect(self.endpoint)
        else:
            self._connect()
        return self

    def _connect(self):
        if self.socket:
            self.socket.close()
        self.buffer = b""
        self.socket = socket.create_connection(self.endpoint, timeout=DEADLINE)

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, wires):
        """`wires` are messages; yields (index, answer). IDs are ours."""
        answers = {}
        pending = {}
        todo = iter(enumerate(wires))
        yielded = 0
        done = False
        while True:
            while len(pending) < self.window and not done:
                item = next(todo, None)
                if item is None:
                    done = True
                    break
                index, wire = item
                pending[index] = struct.pack("!H", index & 0xffff) + wire[2:]
                self._send(pending[index])
            while yielded in answers:
                yield yielded, answers.pop(yielded)
                yielded += 1
            if done and not pending:
                return
            self._receive(pending, answers)

    def _send(self, wire):
        if self.kind == "udp":
            self.socket.send(wire)
            return
        try:
            self.socket.sendall(struct.pack("!H", len(wire)) + wire)
        except OSError:
            pass  # a server may end a connection after many questions: _receive() asks again on a new one

    def _again(self, pending):
        for wire in pending.values():
            self._send(wire)

    def _receive(self, pending, answers):
        end = time.monotonic() + DEADLINE
        while True:
            if not select.select([self.socket], [], [], 2.0)[0]:
                if time.monotonic() > end:
                    raise GaveUp(f"{self.endpoint} over {self.kind}: no answer to {len(pending)} questions")
                if self.kind == "udp":
                    self._again(pending)
                continue
            try:
                messages = self._read()
            except OSError as error:
                if time.monotonic() > end:
                    raise GaveUp(f"{self.endpoint} over {self.kind}: {error!r}") from error
                if self.kind == "tcp":
                    self._connect()
                self._again(pending)
                continue
            fresh = False
            for message in messages:
                ident = struct.unpack("!H", message[:2])[0]
                index = next((i for i in pending if i & 0xffff == ident), None)
                if index is not None:
                    answers[index] = message
                    del pending[index]
                    fresh = True
            if fresh:
                return

    def _read(self):
        octets = self.socket.recv(1 << 20 if self.kind == "tcp" else 1 << 16)
        if self.kind == "udp":
            return [octets]
        if not octets:
            raise ConnectionError("closed")
        self.buffer += octets
        messages = []
        while len(self.buffer) >= 2:
            size = struct.unpack("!H", self.buffer[:2])[0]
            if len(self.buffer) < 2 + size:
                break
            messages.append(self.buffer[2:2 + size])
            self.buffer = self.buffer[2 + size:]
        return messages


def canonical(rrset):
    return (rrset.name.canonicalize(), rrset.rdtype, rrset.ttl,
            frozenset(rdata.to_digestable() for rdata in rrset))


def said(message):
    """What a message says, in a form in which two servers' messages are equal if they say the same.

    Order, compression, the case of names and additional data that is a courtesy do not count."""
    answer = frozenset(canonical(rrset) for rrset in message.answer)
    soa = frozenset(canonical(rrset) for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA)
    cuts = [rrset for rrset in message.authority if rrset.rdtype == dns.rdatatype.NS]
    referral = frozenset(canonical(rrset) for rrset in cuts)
    # RFC 9471: addresses of name servers at or below the cut are required; others are a courtesy.
    glue = frozenset(
        canonical(rrset) for rrset in message.additional
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        and any(rrset.name.is_subdomain(cut.name) for cut in cuts))
    return {"rcode": dns.rcode.to_text(message.rcode()), "aa": bool(message.flags & dns.flags.AA), "answer": answer,
            "soa": soa, "referral": referral, "glue": glue}


def differences(ours, theirs):
    """Empty where both messages say the same; else what differs, in words."""
    left, right = said(ours), said(theirs)
    return [f"{key}: ours {show(left[key])} theirs {show(right[key])}" for key in left if left[key] != right[key]]


def show(value):
    if not isinstance(value, frozenset):
        return str(value)
    rows = sorted(f"{name} {ttl} {dns.rdatatype.to_text(rdtype)} x{len(rdatas)}" for name, rdtype, ttl, rdatas in value)
    return "[" + "; ".join(rows) + "]"
