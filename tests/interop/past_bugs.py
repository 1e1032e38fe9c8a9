"""What transfers did to other servers: bugs of NSD 4.14 and 4.15 (its release notes), Knot, PowerDNS and Technitium, one
case each, named after what it was. docs/testing.md says which of that list other suites show already.

A zone and a primary for each case, all of one server, so that whatever one does the others would notice.
"""

import os
import socket
import ssl
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.flags
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring

import query
from primary import A, CNAME, NS, SOA, TXT, ScriptedPrimary, a, frame, frames, message, name, rr, soa, txt
from processes import DEADLINE, Scratch, until
from understudy import Understudy

DNAME, APL, RRSIG, DNSKEY, NSEC3, NSEC3PARAM, SVCB, IXFR, AXFR = 39, 42, 46, 48, 50, 51, 64, 251, 252
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
LABEL = "x" * 63
# 223 octets in wire form and more: a hash of 32 digits and its length no longer fit in front of it.
LONG_APEX = ".".join([LABEL] * 3 + ["y" * 26, "test"])
# 255 octets in wire form.
LONGEST = ".".join([LABEL] * 3 + ["z" * 43, "longest-name", "test"])


def apex_of(case):
    return LONG_APEX if case == "nsec3-long-apex" else case + ".test"


def body(apex, serial):
    return [rr(apex, NS, name("ns." + apex)), a("ns." + apex), txt("version." + apex, f"v{serial}")]


def good(apex, ident, serial, *extra, qtype=AXFR):
    yield from frames(ident, apex, [soa(apex, serial), *body(apex, serial), *extra, soa(apex, serial)], qtype=qtype)


def changes(apex, ident, serial, have, gone, come):
    """RFC 1995 4, from `have` to `serial` in one step."""
    yield from frames(ident, apex, [soa(apex, serial), soa(apex, have), *gone, soa(apex, serial), *come, soa(apex, serial)],
                      qtype=IXFR)


def rrsig(apex, covered, signature):
    rdata = struct.pack("!HBBIIIH", covered, 13, len(apex.split(".")), 300, 2_000_000_000, 1_700_000_000, 4711) + name(apex)
    return rr(apex, RRSIG, rdata + signature * 64)


def dnskey(apex):
    return rr(apex, DNSKEY, struct.pack("!HBB", 257, 3, 13) + b"\7" * 64)


def nsec3(owner):
    """No hash of anything."""
    return rr(owner, NSEC3, struct.pack("!BBHB", 1, 0, 0, 0) + bytes([20]) + b"\5" * 20 + bytes([0, 1, 0x40]))


class PastBugs(unittest.TestCase):
    CASES = ("soa-inside", "outside", "large-record", "ahead", "bad-content", "rrsig-of-dnskey", "nsec3-long-apex",
             "nsec3-odd-owner", "longest-name", "svcb", "apl", "short-soa", "two-opt", "chain", "bystander")
    INCREMENTAL = ("outside", "rrsig-of-dnskey")

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.primaries = {}
        zones = []
        for case in cls.CASES:
            apex = apex_of(case)
            primary = cls.primaries[case] = ScriptedPrimary(cls.scratch, apex)
            primary.stream = lambda ident, serial, apex=apex: good(apex, ident, serial)
            zones.append({"name": apex, "source": [primary.source], "gate.churn": 1.0, "gate.shrink": 1.0, "gate.losses": "off",
                          "allow-transfer": ["127.0.0.1", "key:past"], "transfer-max-records": 100_000})
        cls.server = Understudy(cls.scratch, zones,
                                keys=[{"name": "past", "algorithm": "hmac-sha256", "secret": SECRET}]).start()
        for case in cls.CASES:
            until(f"{case} is served", lambda case=case: cls.serial(case) == 1)

    @classmethod
    def serial(cls, case):
        return query.serial("127.0.0.1", cls.server.port, apex_of(case))

    def ask(self, owner, rrtype, **options):
        return query.udp("127.0.0.1", self.server.port, owner, rrtype, **options)

    def tearDown(self):
        self.server.process.require_alive()
        self.assertEqual(self.serial("bystander"), 1)

    def bring(self, case, *extra, serial=2):
        apex = apex_of(case)
        primary = self.primaries[case]
        primary.stream = lambda ident, number: good(apex, ident, number, *extra)
        if case in self.INCREMENTAL:  # whole all the same: RFC 1995 4
            primary.differences = lambda ident, number, _: good(apex, ident, number, *extra, qtype=IXFR)
        primary.serial = serial
        return self.server.verb("refresh", apex)

    def expect_refused(self, case, done, reason):
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(self.server.status(apex_of(case))["last_refusal"]["reason"], reason)
        self.assertEqual(self.serial(case), 1)

    def test_nsd_soa_in_the_middle_of_an_axfr(self):
        """NSD 4.14.1: an SOA in mid-AXFR was taken as data."""
        done = self.bring("soa-inside", soa("soa-inside.test", 7), a("late.soa-inside.test"))
        self.expect_refused("soa-inside", done, "soa-mismatch")
        self.assertEqual(self.ask("late.soa-inside.test", "A").rcode(), dns.rcode.NXDOMAIN)

    def test_nsd_records_outside_the_zone_do_not_stick(self):
        """NSD 4.14.1: out-of-zone records stayed after their removal. They never come in, so differences may remove them."""
        case, apex = "outside", "outside.test"
        stranger = a("www.elsewhere.test")
        self.assertEqual(self.bring(case, stranger).returncode, 0)
        primary = self.primaries[case]
        primary.differences = lambda ident, serial, have: changes(
            apex, ident, serial, have, [stranger, txt("version." + apex, f"v{have}")], [txt("version." + apex, f"v{serial}")])
        primary.serial = 3
        done = self.server.verb("refresh", apex)
        self.assertEqual((done.returncode, self.serial(case)), (0, 3), done)
        self.assertEqual(self.server.status(apex)["last_transfer"], "ixfr")
        self.assertNotIn("elsewhere", self.server.verb("show", apex).stdout)
        self.assertEqual(self.ask("www.elsewhere.test", "A").rcode(), dns.rcode.REFUSED)

    def test_nsd_a_record_as_large_as_a_message_ends_a_transfer_out(self):
        """NSD 4.15.0: a record that did not fit looped AXFR and IXFR out. What would fit no answer does not come in
        (backend/node_block.h); the largest that does goes out, signed too."""
        case, apex = "large-record", "large-record.test"
        owner = "n." + apex

        def of_size(octets):
            full, rest = divmod(octets, 256)
            return rr(owner, TXT, (b"\xff" + b"x" * 255) * full + bytes([rest - 1]) + b"y" * (rest - 1))

        def stream(record):
            def messages(ident, serial):
                yield frame(message(ident, apex, [soa(apex, serial), *body(apex, serial)]))
                yield frame(message(ident, apex, [record], question=False))
                yield frame(message(ident, apex, [soa(apex, serial)], question=False))
            return messages
        primary = self.primaries[case]
        primary.stream = stream(of_size(65_480))
        primary.serial = 2
        self.expect_refused(case, self.server.verb("refresh", apex), "rrset-too-large")
        primary.stream = stream(of_size(65_000))
        primary.serial = 3
        done = self.server.verb("refresh", apex)
        self.assertEqual((done.returncode, self.serial(case)), (0, 3), done)
        for keyring in (None, dns.tsigkeyring.from_text({"past": SECRET})):
            zone = query.transfer("127.0.0.1", self.server.port, apex, keyring=keyring)
            sizes = [len(rdata.to_wire()) for rdata in zone.find_rdataset(dns.name.from_text(owner), "TXT")]
            self.assertEqual(sizes, [65_000])
        self.assertEqual(len(query.tcp("127.0.0.1", self.server.port, owner, "TXT").answer), 1)

    def test_nsd_notify_ahead_of_the_zone_does_not_loop(self):
        """NSD 4.14.2: a NOTIFY whose serial the primary did not have yet was transferred again and again."""
        case, apex = "ahead", "ahead.test"
        primary = self.primaries[case]
        before = primary.transfers
        for _ in range(20):
            octets = struct.pack("!6H", 0x4e4f, 0x2400, 1, 1, 0, 0) + name(apex) + struct.pack("!HH", SOA, 1) + soa(apex, 99)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.settimeout(30)
                sender.sendto(octets, ("127.0.0.1", self.server.port))
                self.assertEqual(sender.recv(512)[3] & 15, 0)  # it was taken
        self.assertEqual(self.server.verb("refresh", apex).returncode, 0)
        # Each may be worth a question for differences, to which there are none; and nothing goes on by itself.
        self.assertEqual(primary.transfers, before)
        self.assertLessEqual(primary.increments, 20)
        asked = primary.increments
        for _ in range(5):
            self.assertEqual(self.server.verb("refresh", apex).returncode, 0)
        self.assertEqual((primary.transfers, primary.increments), (before, asked))

    def test_nsd_content_that_failed_is_not_tried_in_a_loop(self):
        """NSD 4.14.2: content that could not be taken was fetched again at once. It waits for RETRY."""
        case = "bad-content"
        primary = self.primaries[case]
        before = primary.transfers
        self.expect_refused(case, self.bring(case, rr("bad." + apex_of(case), A, b"\1\2\3")), "bad-rdata")
        for _ in range(50):  # whatever would come at once comes before these
            self.assertEqual(self.server.verb("refresh", "bystander.test").returncode, 0)
        self.assertEqual(primary.transfers - before, 1)

    def test_nsd_ixfr_removes_the_signature_of_the_dnskey(self):
        """NSD 4.14.1: an RRSIG of the DNSKEY was not found when differences removed it."""
        case, apex = "rrsig-of-dnskey", "rrsig-of-dnskey.test"
        old, new, other = (rrsig(apex, DNSKEY, b"\1"), rrsig(apex, DNSKEY, b"\2"), rrsig(apex, SOA, b"\3"))
        self.assertEqual(self.bring(case, dnskey(apex), old, other).returncode, 0)
        primary = self.primaries[case]
        primary.differences = lambda ident, serial, have: changes(apex, ident, serial, have, [old], [new])
        primary.serial = 3
        done = self.server.verb("refresh", apex)
        self.assertEqual((done.returncode, self.server.status(apex)["last_transfer"]), (0, "ixfr"), done)
        answer = self.ask(apex, "DNSKEY", flags=0, edns=True)
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        zone = query.transfer("127.0.0.1", self.server.port, apex)
        signatures = {rdata.signature[:1]: rdata.type_covered for rdataset in zone.find_node(apex + ".")
                      if rdataset.rdtype == dns.rdatatype.RRSIG for rdata in rdataset}
        self.assertEqual(signatures, {b"\2": DNSKEY, b"\3": SOA})

    def test_nsd_nsec3_below_an_apex_that_is_too_long(self):
        """NSD 4.15.0: with an apex of 223 octets and more no hashed owner fits, and the name was written too long."""
        case = "nsec3-long-apex"
        self.assertGreaterEqual(len(name(LONG_APEX)), 223)
        parameters = rr(LONG_APEX, NSEC3PARAM, struct.pack("!BBHB", 1, 0, 0, 0))
        self.assertEqual(self.bring(case, parameters).returncode, 0)
        for owner, rrtype, rcode in [("none." + LONG_APEX, "A", dns.rcode.NXDOMAIN), (LONG_APEX, "MX", dns.rcode.NOERROR)]:
            asked = query.make(owner, rrtype)
            asked.want_dnssec()
            answer = dns.query.udp(asked, "127.0.0.1", port=self.server.port, timeout=30)
            self.assertEqual(answer.rcode(), rcode)

    def test_nsd_nsec3_owner_that_is_no_base32hex(self):
        """NSD 4.15.0: an owner that is no hash was read as one."""
        case, apex = "nsec3-odd-owner", "nsec3-odd-owner.test"
        odd = [nsec3(f"{label}.{apex}") for label in ("w" * 32, "0", "z" * 63, "0" * 31)]
        self.assertEqual(self.bring(case, rr(apex, NSEC3PARAM, struct.pack("!BBHB", 1, 0, 0, 0)), *odd).returncode, 0)
        asked = query.make("none." + apex, "A")
        asked.want_dnssec()
        answer = dns.query.udp(asked, "127.0.0.1", port=self.server.port, timeout=30)
        self.assertEqual(answer.rcode(), dns.rcode.NXDOMAIN)
        shown = [line for line in self.server.verb("show", apex).stdout.splitlines() if not line.startswith(";")]
        self.assertEqual(len(shown), 4 + 1 + len(odd))

    def test_nsd_names_of_255_octets(self):
        """NSD 4.14.1: the longest names. A DNAME may make longer ones, which do not exist (RFC 6672 2.2)."""
        case, apex = "longest-name", "longest-name.test"
        self.assertEqual(len(name(LONGEST)), 255)
        alias = rr("d." + apex, DNAME, name(".".join([LABEL] * 3 + ["q" * 40, apex])))
        self.assertEqual(self.bring(case, txt(LONGEST, "here"), alias).returncode, 0)
        answer = self.ask(LONGEST, "TXT")
        self.assertEqual(answer.answer[0][0].strings, (b"here",))
        self.assertEqual(self.ask("w" * 63 + ".d." + apex, "A").rcode(), dns.rcode.YXDOMAIN)
        self.assertEqual(query.transfer("127.0.0.1", self.server.port, apex).get_soa().serial, 2)

    def test_nsd_cve_2026_12244_svcb_parameters_past_their_end(self):
        """A SvcParam longer than its record is refused, as are keys that go back (RFC 9460 2.2). A value that is none of
        its key's is octets to a server: it goes out as it came, and is printed in a form that can hold it."""
        case = "svcb"
        target = struct.pack("!H", 1) + name("t.other")
        for parameters in (struct.pack("!HH", 4, 400) + b"\1\2\3\4", b"\0", b"\0\1\0",
                           struct.pack("!HHH", 3, 2, 53) + struct.pack("!HHH", 1, 2, 0)):
            with self.subTest(parameters=parameters):
                self.expect_refused(case, self.bring(case, rr("s.svcb.test", SVCB, target + parameters)), "bad-rdata")
        odd = [struct.pack("!HH", 4, 3) + b"\1\2\3", struct.pack("!HH", 3, 1) + b"\7"]
        records = [rr(f"s{i}.svcb.test", SVCB, target + parameters) for i, parameters in enumerate(odd)]
        self.assertEqual(self.bring(case, *records).returncode, 0)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as client:
            client.sendall(frame(message(7, apex_of(case), [], qtype=AXFR, flags=0)))
            answer = ScriptedPrimary._read_frame(client)
        shown = self.server.verb("show", apex_of(case))
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for parameters in odd:
            self.assertIn(target + parameters, answer)
            self.assertIn((target + parameters).hex(), shown.stdout.lower().replace(" ", ""))

    def test_nsd_cve_2026_12246_apl_longer_than_an_address(self):
        """An APL item whose address is longer than its family's, or than the record."""
        case = "apl"
        owner = "l." + apex_of(case)
        for item in (struct.pack("!HBB", 1, 32, 5) + b"\1" * 5, struct.pack("!HBB", 2, 128, 127) + b"\1" * 127,
                     struct.pack("!HBB", 1, 24, 3) + b"\1\2"):
            with self.subTest(item=item):
                done = self.bring(case, rr(owner, APL, item))
                if done.returncode == 0:  # opaque data are data; they must go out as they came
                    zone = query.transfer("127.0.0.1", self.server.port, apex_of(case))
                    self.fail(f"taken: {zone.find_rdataset(dns.name.from_text(owner), 'APL')}")
                self.expect_refused(case, done, "bad-rdata")

    def test_nsd_a_long_chain_of_aliases_ends(self):
        """NSD 4.14.3: a CNAME chain without end in one zone. The answer ends after some links, whatever follows."""
        case, apex = "chain", "chain.test"
        links = [rr(f"c{i}.{apex}", CNAME, name(f"c{(i + 1) % 300}.{apex}")) for i in range(300)]
        self.assertEqual(self.bring(case, *links).returncode, 0)
        answer = query.tcp("127.0.0.1", self.server.port, "c0." + apex, "A")
        self.assertEqual(answer.rcode(), dns.rcode.NOERROR)
        self.assertIn(len(answer.answer), range(1, 20))
        self.assertEqual([rrset.name.labels[0] for rrset in answer.answer],
                         [f"c{i}".encode() for i in range(len(answer.answer))])

    def test_nsd_short_soa_replies_over_udp(self):
        """NSD 4.15.1: a UDP reply shorter than an SOA was read past its end."""
        case, apex = "short-soa", "short-soa.test"
        primary = self.primaries[case]
        whole = primary._answer_soa
        try:
            size = len(whole(b"\0" * 12))
            for octets in (1, 11, 12, 20, size - 30, size - 21, size - 1):
                with self.subTest(octets=octets):
                    primary._answer_soa = lambda asked, octets=octets: whole(asked)[:octets]
                    self.server.verb("refresh", apex)
                    self.assertEqual(self.serial(case), 1)
        finally:
            primary._answer_soa = whole
        self.assertEqual(self.bring(case).returncode, 0)
        self.assertEqual(self.serial(case), 2)

    def test_technitium_opt_twice_in_every_message(self):
        """Technitium 2019: it refused zones whose every message carried an OPT record twice. It is not data, and we send one
        at most."""
        case, apex = "two-opt", "two-opt.test"
        opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)

        def stream(ident, serial):
            for octets in good(apex, ident, serial):
                plain = octets[2:]
                yield frame(plain[:10] + struct.pack("!H", 2) + plain[12:] + opt + opt)
        self.primaries[case].stream = stream
        self.primaries[case].serial = 2
        self.assertEqual(self.server.verb("refresh", apex).returncode, 0)
        self.assertEqual(self.serial(case), 2)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as client:
            asked = message(7, apex, [], qtype=AXFR, flags=0)
            client.sendall(frame(asked[:10] + struct.pack("!H", 1) + asked[12:] + opt))
            answer = ScriptedPrimary._read_frame(client)
        self.assertLessEqual(answer.count(b"\0" + struct.pack("!H", 41)), 1)


class EarlyCloseOverTls(unittest.TestCase):
    def test_nsd_cve_2026_12245_clients_that_go_away_in_the_handshake(self):
        """Clients that close before, in and right behind the TLS handshake ended NSD's server processes."""
        scratch = Scratch()
        self.addCleanup(scratch.close)
        certificate, key = (os.path.join(scratch.path, file) for file in ("certificate.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=early.test", "-out", certificate, "-keyout", key],
                       check=True, capture_output=True, timeout=DEADLINE)
        primary = ScriptedPrimary(scratch, "early.test")
        primary.stream = lambda ident, serial: good("early.test", ident, serial)
        server = Understudy(scratch, [{"name": "early.test", "source": [primary.source]}],
                            tables={"tls": {"certificate": certificate, "key": key}}, **{"listen-tls": ["127.0.0.1:0"]}).start()
        until("it is served", lambda: query.serial("127.0.0.1", server.port, "early.test") == 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing).do_handshake()
        hello = outgoing.read()
        for octets in [hello[:size] for size in (0, 1, 5, 6, len(hello) // 2, len(hello))] * 5:
            for linger in (False, True):  # FIN, and RST
                with socket.create_connection(server.tls_endpoints[0], timeout=DEADLINE) as client:
                    if linger:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.sendall(octets)
        for _ in range(10):  # with a question under way
            with socket.create_connection(server.tls_endpoints[0], timeout=DEADLINE) as client:
                with context.wrap_socket(client) as over_tls:
                    over_tls.sendall(frame(message(9, "early.test", [], qtype=SOA, flags=0)))
        server.process.require_alive()
        asked = query.make("early.test", "SOA")
        answer = dns.query.tls(asked, "127.0.0.1", port=server.tls_endpoints[0][1], timeout=DEADLINE, ssl_context=context)
        self.assertEqual(answer.answer[0][0].serial, 1)
        server.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
