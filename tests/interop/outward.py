"""Understudy as a primary: NSD, Knot, BIND and PowerDNS as its secondaries, told by NOTIFY, fetching by AXFR and by IXFR; a
chain of servers at whose end the zone is what it was at the beginning; clients that are slow, gone, many or not allowed."""

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.xfr

import peers
import query
import secondaries
from processes import DEADLINE, Scratch, free_port, until
from understudy import Understudy

ZONE = "outward.example."


def text(serial, lines=(), hosts=200):
    """Types that each of the four takes and gives back as they came; `lines` beside them."""
    head = f"""$ORIGIN {ZONE}
$TTL 300
@ IN SOA ns1 hostmaster {serial} 86400 86400 1209600 60
@ IN NS ns1
@ IN NS ns2.elsewhere.example.
@ IN MX 10 mail
@ IN TXT "v=spf1 -all" "second string"
@ IN CAA 0 issue "ca.example.net"
ns1 IN A 192.0.2.1
ns1 IN AAAA 2001:db8::1
mail 3600 IN A 192.0.2.2
*.wild IN CNAME www
www IN A 192.0.2.3
_sip._tcp IN SRV 1 2 5060 www
a.deep.name IN A 192.0.2.4
sub IN NS ns.sub
ns.sub IN A 192.0.2.5
sub IN DS 4711 13 2 {'ab' * 32}
"""
    return head + "".join(f"h{i} IN A 10.0.{i // 256}.{i % 256}\n" for i in range(hosts)) + "\n".join(lines) + "\n"


# What each version has besides, from the second one on: RRs that come, change, go, and one that is there again.
VERSIONS = [
    (),
    ("new IN A 192.0.2.10", "new IN TXT \"here\"", "*.new IN A 192.0.2.11"),
    ("new IN A 192.0.2.12", "new IN TXT \"here\"", "other 60 IN MX 5 mail"),
    ("new IN A 192.0.2.12", "other 61 IN MX 5 mail", "deep.er.other IN AAAA 2001:db8::2"),
    ("new IN A 192.0.2.10", "deep.er.other IN AAAA 2001:db8::2", "sub2 IN NS ns.sub2", "ns.sub2 IN A 192.0.2.13"),
]


# The versions here have little in common; that is not what is tested.
ANYTHING = {"gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off"}


def content(server, zone=ZONE, keyring=None):
    """What a server gives to dnspython by AXFR, as DNS compares."""
    return compared(query.transfer("127.0.0.1", server.port, zone, keyring))


def compared(whole):
    return {(owner.canonicalize().to_text(), dns.rdatatype.to_text(rdataset.rdtype)):
            (rdataset.ttl, frozenset(rdata.to_digestable() for rdata in rdataset))
            for owner, rdataset in whole.iterate_rdatasets()}


def transfers_out(server):
    """(client, type, result) of each transfer in the log, in order."""
    return [(found[1], found[2], found[3]) for found in re.finditer(
        r"transfer-out zone=\S+ client=(\S+) transport=\S+ type=(\S+) .*?result=(\S+)", server.log())]


class Chain(unittest.TestCase):
    """Knot -> Understudy -> each of the four."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        port = free_port()
        cls.primary = peers.Knot(cls.scratch, [ZONE], notify=[port], name="origin")
        cls.primary.write_zone(ZONE, text(1))
        cls.primary.start()
        cls.secondaries = [kind(cls.scratch, [ZONE]) for kind in secondaries.ALL]
        cls.server = Understudy(
            cls.scratch, [{"name": ZONE, "source": [cls.primary.source], "allow-transfer": ["127.0.0.0/8"], **ANYTHING,
                           "notify": [f"127.0.0.1:{peer.port}" for peer in cls.secondaries]}],
            listen=[f"127.0.0.1:{port}"]).start()
        until("the zone arrives", lambda: query.serial("127.0.0.1", cls.server.port, ZONE) == 1)
        for peer in cls.secondaries:
            peer.follow(cls.server)
        for serial, lines in enumerate(VERSIONS[1:], start=2):
            cls.primary.write_zone(ZONE, text(serial, lines))
            cls.primary.reload()
            for peer in cls.secondaries:
                # SOA REFRESH is a day, so that nothing but NOTIFY brings it here.
                until(f"serial {serial} arrives at {peer.name}", lambda peer=peer: peer.serial(ZONE) == serial)

    def test_the_zone_is_the_same_at_the_end_of_the_chain(self):
        expected = content(self.primary)
        self.assertEqual(content(self.server), expected)
        for peer in self.secondaries:
            with self.subTest(peer=peer.name):
                self.assertEqual(content(peer), expected)

    def test_each_came_first_by_axfr_and_then_by_ixfr(self):
        transfers = transfers_out(self.server)
        for peer in self.secondaries:
            with self.subTest(peer=peer.name):
                kinds = [kind for client, kind, result in transfers if client == peer.outgoing and result == "success"]
                self.assertEqual(kinds[0], "axfr")
                self.assertEqual(set(kinds[1:]), {"ixfr"}, kinds)
                self.assertGreaterEqual(len(kinds), len(VERSIONS))

    def test_knots_own_log_says_so(self):
        knot = next(peer for peer in self.secondaries if isinstance(peer, secondaries.KnotSecondary))
        log = knot.process.log()
        self.assertIn("AXFR, incoming", log)
        self.assertEqual(len(re.findall(r"IXFR, incoming.* finished", log)), len(VERSIONS) - 1, log)

    def test_every_notify_was_heard(self):
        wanted = len(VERSIONS) * len(self.secondaries)
        # Those of the first version may have met servers that were not up yet.
        self.assertGreaterEqual(self.server.metric("notify_sent_total", result="ok"), wanted - len(self.secondaries))
        told = {entry["address"]: entry for entry in self.server.status(ZONE)["secondaries"]}
        for peer in self.secondaries:
            entry = told[f"127.0.0.1:{peer.port}"]
            self.assertEqual((entry["serial"], entry["result"], entry["pending"]), (len(VERSIONS), "ok", False), peer.name)

    def test_metrics_tell_axfr_and_ixfr_apart(self):
        for kind in ("axfr", "ixfr"):
            seen = sum(1 for _, what, result in transfers_out(self.server) if (what, result) == (kind, "success"))
            self.assertGreaterEqual(self.server.metric("transfers_out_total", type=kind, transport="tcp", result="success"), seen)


class Incremental(unittest.TestCase):
    """What dig and kdig get; from a zone file, so that the history is the mirror's alone."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.file = cls.scratch.write("outward.zone", text(1))
        cls.server = Understudy(cls.scratch, [{"name": ZONE, "source": [f"file:{cls.file}"],
                                               "allow-transfer": ["127.0.0.1"], **ANYTHING}]).start()
        until("the file is served", lambda: cls.served() == 1)
        for serial, lines in enumerate(VERSIONS[1:], start=2):
            cls.change(serial, lines)

    @classmethod
    def served(cls):
        return query.serial("127.0.0.1", cls.server.port, ZONE)

    @classmethod
    def change(cls, serial, lines):
        new = cls.scratch.write("outward.zone.new", text(serial, lines))
        os.rename(new, cls.file)
        until("the change is served", lambda: cls.served() == serial)

    def records(self, program, serial):
        """Lines of a transfer as that program prints them: (owner, type, first words of RDATA)."""
        command = {"dig": ["dig", "@127.0.0.1", "-p", str(self.server.port), ZONE, f"ixfr={serial}", "+onesoa", "+nocmd",
                           "+nostats", "+nocomments", "+noquestion"],
                   "kdig": ["kdig", "@127.0.0.1", "-p", str(self.server.port), ZONE, f"ixfr={serial}", "+nocrypto"]}[program]
        if program == "dig":
            command.remove("+onesoa")
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
        lines = [line.split() for line in done.stdout.splitlines() if line.strip() and not line.startswith(";")]
        return [(words[0], words[3], " ".join(words[4:])) for words in lines]

    def test_dig_and_kdig_get_differences(self):
        for program in ("dig", "kdig"):
            with self.subTest(program=program):
                records = self.records(program, 4)
                soas = [int(rdata.split()[2]) for _, rdtype, rdata in records if rdtype == "SOA"]
                self.assertEqual(soas, [5, 4, 5, 5])
                owners = [(owner, rdtype) for owner, rdtype, _ in records if rdtype != "SOA"]
                self.assertEqual(sorted(owners), sorted([("new." + ZONE, "A"), ("other." + ZONE, "MX"), ("new." + ZONE, "A"),
                                                         ("sub2." + ZONE, "NS"), ("ns.sub2." + ZONE, "A")]))
                all_serials = [int(rdata.split()[2]) for _, rdtype, rdata in self.records(program, 3) if rdtype == "SOA"]
                self.assertEqual(all_serials, [5, 3, 4, 4, 5, 5])

    def test_dnspython_makes_the_zone_of_it(self):
        """Taken in by a client that was not written for us: from the first version to the last."""
        zone = dns.zone.from_text(text(1), origin=ZONE, relativize=False)
        message, serial = dns.xfr.make_query(zone)
        self.assertEqual(serial, 1)
        dns.query.inbound_xfr("127.0.0.1", zone, message, port=self.server.port, timeout=DEADLINE, lifetime=DEADLINE)
        expected = dns.zone.from_text(text(5, VERSIONS[-1]), origin=ZONE, relativize=False)
        self.assertEqual(zone, expected)

    def test_who_is_current_gets_one_soa(self):
        for program in ("dig", "kdig"):
            self.assertEqual([rdtype for _, rdtype, _ in self.records(program, 5)], ["SOA"])

    def test_over_udp_what_fits(self):
        message = dns.message.make_query(ZONE, "IXFR")
        message.authority.append(dns.rrset.from_text(ZONE, 0, "IN", "SOA", f". . 4 0 0 0 0"))
        answer = dns.query.udp(message, "127.0.0.1", port=self.server.port, timeout=DEADLINE, one_rr_per_rrset=True)
        soas = [rrset[0].serial for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA]
        self.assertEqual(soas, [5, 4, 5, 5])
        self.assertEqual(len(answer.answer), 4 + 5)

    def test_an_unknown_serial_gets_the_zone(self):
        records = self.records("dig", 4000000000)
        self.assertEqual([rdtype for _, rdtype, _ in records].count("SOA"), 2)
        self.assertGreater(len(records), 200)


class Stream:
    """The octets of one transfer, read by hand; nothing is parsed but what tells its end."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        wire = dns.message.make_query(ZONE, "AXFR").to_wire()
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)
        self.octets = b""
        self.ended = False

    def read(self, some=1 << 16):
        octets = self.socket.recv(some)
        self.ended = not octets
        self.octets += octets
        return octets

    def messages(self):
        at, found = 0, []
        while len(self.octets) - at >= 2:
            size = struct.unpack_from("!H", self.octets, at)[0]
            if len(self.octets) - at - 2 < size:
                break
            found.append(self.octets[at + 2:at + 2 + size])
            at += 2 + size
        return found

    def whole(self):
        """Reads to the end: the message whose last RR is an SOA. Records in all."""
        while True:
            messages = self.messages()
            if messages:
                last = dns.message.from_wire(messages[-1], one_rr_per_rrset=True, xfr=True)
                count = sum(struct.unpack_from("!H", message, 6)[0] for message in messages)
                if last.answer and last.answer[-1].rdtype == dns.rdatatype.SOA and count > 1:
                    return count
            while len(self.messages()) == len(messages):
                if not self.read():
                    raise AssertionError(f"ended after {len(messages)} messages")

    def close(self):
        self.socket.close()


HOSTS = 20_000


def marked(serial):
    """A zone whose every host says which version it is of."""
    hosts = "".join(f'h{i} IN TXT "version {serial:04} {"x" * 200}"\n' for i in range(HOSTS))
    return f"$ORIGIN {ZONE}\n$TTL 300\n@ IN SOA ns1 hostmaster {serial} 86400 86400 1209600 60\n@ IN NS ns1\nns1 IN A 192.0.2.1\n{hosts}"


class Clients(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.file = self.scratch.write("outward.zone", marked(1))
        self.server = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{self.file}"], "allow-transfer": ["127.0.0.1"],
                                                 **ANYTHING}],
                                 **{"tcp-idle": "1h"}).start()
        until("the file is served", lambda: self.served() == 1)

    def served(self):
        return query.serial("127.0.0.1", self.server.port, ZONE)

    def change(self, serial):
        os.rename(self.scratch.write("outward.zone.new", marked(serial)), self.file)
        until("the change is served", lambda: self.served() == serial)

    def stream(self, **options):
        stream = Stream(self.server.port, **options)
        self.addCleanup(stream.close)
        return stream

    def assert_one_version(self, stream, serial):
        self.assertEqual(stream.whole(), HOSTS + 4)
        self.assertEqual(set(re.findall(rb"version (\d{4}) x", stream.octets)), {b"%04d" % serial})

    def test_a_slow_client_gets_one_whole_version(self):
        slow = self.stream(receive_buffer=4096)
        slow.read(1000)
        self.change(2)
        gone = self.stream(receive_buffer=4096)
        gone.read(1000)
        gone.close()
        self.change(3)
        fast = self.stream()
        self.assert_one_version(fast, 3)
        self.assert_one_version(slow, 1)
        until("the log has the client that went away", lambda: ("127.0.0.1", "axfr", "aborted") in transfers_out(self.server))
        self.assertEqual(query.udp("127.0.0.1", self.server.port, "h1." + ZONE, "TXT").rcode(), dns.rcode.NOERROR)

    def test_twenty_at_once(self):
        streams = [self.stream() for _ in range(20)]
        failures = []

        def take(stream):
            try:
                self.assert_one_version(stream, 1)
            except Exception as failure:  # told in the test's own thread
                failures.append(failure)

        threads = [threading.Thread(target=take, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for _ in range(100):  # queries are answered meanwhile
            self.assertEqual(len(query.udp("127.0.0.1", self.server.port, "h1." + ZONE, "TXT").answer), 1)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.server.metric("transfers_out_total", type="axfr", result="success"), 20)
        self.assertEqual(len(re.findall("transfer-out-spooled", self.server.log())), 1, "one file for all of them")

    def test_denied_by_default(self):
        closed = Understudy(self.scratch, [{"name": ZONE, "source": [f"file:{self.file}"]}], name="closed").start()
        until("it serves", lambda: query.serial("127.0.0.1", closed.port, ZONE) == 1)
        for rdtype in ("AXFR", "IXFR"):
            message = dns.message.make_query(ZONE, rdtype)
            if rdtype == "IXFR":
                message.authority.append(dns.rrset.from_text(ZONE, 0, "IN", "SOA", ". . 1 0 0 0 0"))
            answer = dns.query.tcp(message, "127.0.0.1", port=closed.port, timeout=DEADLINE)
            self.assertEqual((answer.rcode(), answer.answer), (dns.rcode.REFUSED, []), rdtype)


if __name__ == "__main__":
    unittest.main(verbosity=2)
