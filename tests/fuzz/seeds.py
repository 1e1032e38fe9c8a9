#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: seeds.py DIRECTORY makes DIRECTORY/TARGET/*. Messages come from dnspython."""
import base64
import re
import struct
import sys
import time
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.zone

ROOT = Path(__file__).resolve().parents[2]
TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "SRV", "DS", "RRSIG", "NSEC", "ANY", "AXFR", "IXFR"]
OPTIONS = [dns.edns.GenericOption(3, b""), dns.edns.GenericOption(10, bytes(range(8))),
           dns.edns.GenericOption(11, b""), dns.edns.GenericOption(12, bytes(16))]

# One of each layout of RDATA that is common, and the directives.
ZONE = r"""$TTL 1h
$ORIGIN example.
@ IN SOA ns host ( 1 ; serial
  7200 15m 1w 300 )
  NS ns
  NS ns.elsewhere.
ns 60 A 192.0.2.1
   AAAA 2001:db8::1
m MX 10 ns
a\.b TXT "one" two "th\"ree" "\000\255"
*.w CNAME ns
d DNAME other.example.
_s._tcp SRV 1 2 53 ns
k DNSKEY 257 3 13 c2lnbmVk
k DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF
n NSEC o.example. A NS TYPE65280
n RRSIG NSEC 13 2 60 20300101000000 20200101000000 4711 example. c2ln
h HTTPS 1 . alpn="h2,h3" port=443 ipv4hint=192.0.2.1
c CAA 0 issue "ca.example"
l LOC 52 22 23 N 4 53 32 E -2m 1m 10000m 10m
p NAPTR 1 2 "u" "sip+E2U" "!^.*$!sip:x@example!" .
t TLSA 3 1 1 0011
s SSHFP 1 1 00112233445566778899AABBCCDDEEFF00112233
g TYPE65280 \# 3 010203
$GENERATE 1-3 host$ A 10.0.0.$
$GENERATE 0-4/2 ${0,3,x} CNAME h${1}
"""


def sample_names():
    """The names that the tests' sample zones are asked for."""
    header = (ROOT / "tests/support/sample_zones.h").read_text()
    listed = header[header.index("sample_names()"):]
    return re.findall(r'"([^"\n]+)"', listed)


def queries():
    for number, name in enumerate(sample_names()):
        for shift in range(2):
            query = dns.message.make_query(name, TYPES[(2 * number + shift) % len(TYPES)], id=7)
            if shift == 1:
                query.use_edns(0, dns.flags.DO if number % 2 else 0, [512, 1232, 4096][number % 3],
                               options=OPTIONS[:number % (len(OPTIONS) + 1)])
            yield query.to_wire()
    notify = dns.message.make_query("test.", "SOA", id=7)
    notify.set_opcode(dns.opcode.NOTIFY)
    yield notify.to_wire()


def transfers():
    zone = dns.zone.from_text("\n".join(l for l in ZONE.splitlines() if "$G" not in l), "example.", relativize=False)
    soa = dns.rrset.from_rdata("example.", 60, zone.get_rdataset("example.", "SOA")[0])
    sets = [soa]
    for name, rdataset in zone.iterate_rdatasets():
        if rdataset.rdtype != dns.rdatatype.SOA:
            sets.append(dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)))
    sets.append(soa)
    # More than the target allows.
    many = dns.rrset.from_text_list("many.example.", 60, "IN", "A", [f"192.0.2.{i}" for i in range(60)])
    sets.insert(1, many)
    for first, size in ((2, len(sets)), (2, 5), (2, 1), (1, len(sets))):
        stream = b"\0"
        sent = [soa] + sets[first:]
        for start in range(0, len(sent), size):
            response = dns.message.make_response(dns.message.make_query("example.", "AXFR", id=7))
            response.flags |= dns.flags.AA
            for rrset in sent[start:start + size]:
                response.answer.append(rrset)
            wire = response.to_wire()
            stream += struct.pack(">H", len(wire)) + wire
        yield stream


def increments():
    """Replies to IXFR for the zone of increment.cpp, which has serial 1."""
    def soa(serial):
        return f"example. SOA ns.example. host.example. {serial} 2 3 4 5"
    changes = {
        "an address": (["ns.example. A 192.0.2.1"], ["ns.example. A 192.0.2.9"]),
        "a tree": (["a.b.c.example. A 192.0.2.1"], ["e.f.c.example. A 192.0.2.1", "*.c.example. A 192.0.2.1"]),
        "a cut goes": (["cut.example. NS ns.cut.example."], []),
        "a cut comes": ([], ["c.example. NS ns.example."]),
        "a dname": (["d.example. DNAME e."], ["example. DNAME y."]),
        "wildcards": (["*.w.example. MX 1 ns.example.", "v.*.z.example. A 192.0.2.4"], ["*.example. TXT t"]),
        "nsec3": ([], ["2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS"]),
        "a conflict": (["no.example. A 192.0.2.1"], []),
        "a cname": ([], ["k.example. A 192.0.2.1"]),
        "an apex without NS": (["example. NS ns.example."], []),
    }
    everything = [part for change in list(changes.values())[:7] for part in change]
    replies = [[soa(2), soa(1), *gone, soa(2), *came, soa(2)] for gone, came in changes.values()]
    replies.append([soa(4), soa(1), *everything[0], soa(2), *everything[1], soa(2), *everything[2], soa(3), *everything[3],
                    soa(3), *everything[4], soa(4), *everything[5], soa(4)])
    replies += [[soa(1)], [soa(2)], [soa(2), "example. NS ns.example.", soa(2)]]
    for reply in replies:
        for size in (len(reply), 2):
            stream = b"\0"
            for start in range(0, len(reply), size):
                response = dns.message.make_response(dns.message.make_query("example.", "IXFR", id=7))
                for line in reply[start:start + size]:
                    owner, rdtype, rdata = line.split(" ", 2)
                    response.answer.append(dns.rrset.from_text(owner, 60, "IN", rdtype, rdata))
                wire = response.to_wire()
                stream += struct.pack(">H", len(wire)) + wire
            yield stream


def records():
    """Name, then type, TTL, length and RDATA of the zone's records: for blocks, and for changes with its own head."""
    zone = dns.zone.from_text("\n".join(l for l in ZONE.splitlines() if "$G" not in l), "example.", relativize=False)
    for name, ttl, rdata in zone.iterate_rdatas():
        yield name.to_wire(), int(rdata.rdtype), ttl, rdata.to_wire()


def seeds():
    asked = list(queries())
    for wire in asked:
        for proto in (0, 1, 2):
            yield "query", bytes([proto]) + wire
    for number in range(len(OPTIONS) + 1):
        query = dns.message.make_query("test.", "A")
        query.use_edns(0, dns.flags.DO, 1232, options=OPTIONS[:number])
        for choice in (0, 3, 63, 255):
            yield "edns", bytes([1, choice]) + query.to_wire()[22:]
            yield "edns", bytes([2, choice]) + 2 * query.to_wire()[22:]
    for text in ("example.", "a\\.b.EXAMPLE.", "\\000\\001\\255.x.", ".".join(["a"] * 127) + ".", "a" * 63 + ".b."):
        wire = dns.name.from_text(text).to_wire()
        yield "name", b"\0" + wire + wire
        yield "name", bytes([len(wire)]) + wire + b"\1y\xc0\0" + b"\1z\xc0\0"
        yield "name", b"\0" + text.encode()
        yield "name", b"\0" + b"".join(label.lower() + b"\0" for label in reversed(dns.name.from_text(text).labels[:-1]))
    stream = b"".join(struct.pack(">H", len(wire)) + wire for wire in asked[:5])
    for lengths in (b"", b"\0", b"\1\6", b"\x40\0\3"):
        yield "framing", bytes([len(lengths)]) + lengths + stream
        yield "framing", bytes([len(lengths)]) + lengths + stream[:-1] + b"\0\0\0\0"
    yield "zone_file", ZONE.encode()
    for line in ZONE.splitlines()[2:]:
        yield "zone_file", ("$TTL 1\nx " + line.lstrip() + "\n").encode()
    for stream in transfers():
        yield "transfer", stream
    for stream in increments():
        yield "increment", stream
    all_records = list(records())
    node = b"".join(struct.pack(">HBB", t, ttl % 256, len(data)) + data for _, t, ttl, data in all_records)
    yield "node", b"\2ns\7example\0" + node
    for _, kind, ttl, data in all_records:
        yield "node", b"\2Ns\7example\0" + 2 * (struct.pack(">HBB", kind, ttl % 256, len(data)) + data)
    yield "change", b"".join(bytes([i % 2]) + owner + struct.pack(">HIH", t, ttl, len(data)) + data
                             for i, (owner, t, ttl, data) in enumerate(all_records))
    # A zstd frame by hand: one raw block that holds one removed record.
    plain = b"\0\1a\0" + struct.pack(">HIH", 1, 60, 4) + b"\x0a\0\0\1"
    for wire in signed():
        yield "tsig", wire
    yield "change", b"\x28\xb5\x2f\xfd\x20" + bytes([len(plain)]) + struct.pack("<I", len(plain) << 3 | 1)[:3] + plain


def signed():
    """Queries and a response of the key that fuzz/tsig.cpp has, at the moment at which its clock stands still."""
    time.time = lambda: 1700000000
    keyring = dns.tsigkeyring.from_text({"key.": ("hmac-sha256", base64.b64encode(b"\7" * 32).decode())})
    for kind, edns in (("A", -1), ("AXFR", -1), ("SOA", 0)):
        query = dns.message.make_query("test.", kind, id=1)
        query.use_edns(edns)
        query.use_tsig(keyring, fudge=300)
        yield query.to_wire()
    asked = dns.message.from_wire(query.to_wire(), keyring=keyring)
    yield dns.message.make_response(asked).to_wire()


def main():
    directory = Path(sys.argv[1])
    for number, (target, octets) in enumerate(seeds()):
        (directory / target).mkdir(parents=True, exist_ok=True)
        (directory / target / f"seed{number:04}").write_bytes(octets)


main()
