"""What the suites of the comparison share: a zone in which each kind of difference can be planted, what a report tells of
them, and a name server that changes another one's answers on their way."""

import socket
import threading

import dns.message

ZONE = "compare.test."
OPEN_GATE = {"gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off"}

# The zone, and what becomes of each line in the planted one: the same, another, or none.
HEAD = [
    ("@ 3600 SOA ns1 admin 7 3600 600 86400 300", ...),
    ("@ 3600 NS ns1", ...),
    ("ns1 300 A 192.0.2.1", ...),
]
PLANTED = [
    ("gone 300 A 192.0.2.2", None, ("gone", "A", "missing")),
    ("half 300 A 192.0.2.3", ..., None),
    ('half 300 TXT "half"', None, ("half", "TXT", "missing")),
    ("more 300 A 192.0.2.4", "more 300 A 192.0.2.4\nmore 300 AAAA 2001:db8::4", ("more", "AAAA", "extra")),
    ("changed 300 A 192.0.2.5", "changed 300 A 192.0.2.55", ("changed", "A", "rdata")),
    ("slow 300 A 192.0.2.6", "slow 60 A 192.0.2.6", ("slow", "A", "ttl")),
    ("a.ent 300 A 192.0.2.7", None, ("ent", "NAPTR", "rcode")),
    ("*.wild 300 A 192.0.2.8", None, ("?wild", "A", "wildcard")),
    ("there.wild 300 A 192.0.2.9", ..., None),
    ("cut 300 NS ns.cut", ..., ("cut", "NS", "delegation")),
    ("ns.cut 300 A 192.0.2.10", "ns.cut 300 A 192.0.2.110", None),
    ("chunks 300 TXT \"ab\" \"c\"", "chunks 300 TXT \"a\" \"bc\"", ("chunks", "TXT", "rdata")),
    ("alias 300 CNAME changed", ..., None),
]


def zone_text(planted=(), serial=7, minimum=300, apex=ZONE):
    """The zone with the plants of these numbers in it."""
    lines = [f"$ORIGIN {apex}"]
    for line, _ in HEAD:
        lines.append(line.replace(" 7 3600 600 86400 300", f" {serial} 3600 600 86400 {minimum}"))
    for number, (line, other, _) in enumerate(PLANTED):
        chosen = other if number in planted and other is not ... else line
        if chosen is not None:
            lines.append(chosen)
    return "\n".join(lines) + "\n"


def found(report, address=None):
    """{(owner below the apex, type, class)} of all addresses or of one; owners that were made up are told by what they are
    below."""
    out = set()
    for mismatch in report["mismatches"]:
        if address is not None and mismatch["address"] != address:
            continue
        owner = mismatch["owner"].removesuffix(report["zone"]).rstrip(".") or "@"
        if mismatch["evidence"]["made_up"]:
            owner = "?" + owner.partition(".")[2]
        out.add((owner, mismatch["type"], mismatch["class"]))
    return out


class Between:
    """A name server over UDP between a comparer and a real one: `change` gets each response (a dns.message) and returns
    what is sent on, or None where nothing is."""

    def __init__(self, scratch, port, change):
        self.target = ("127.0.0.1", port)
        self.change = change
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        scratch.own(self)

    def _run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.connect(self.target)
            upstream.settimeout(2)
            while not self.stopping:
                try:
                    octets, peer = self.socket.recvfrom(4096)
                    upstream.send(octets)
                    answer = upstream.recv(65535)
                except TimeoutError:
                    continue
                if answer[:2] != octets[:2]:
                    continue
                changed = self.change(dns.message.from_wire(answer))
                if changed is not None:
                    self.socket.sendto(changed.to_wire(max_size=65535), peer)

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()
