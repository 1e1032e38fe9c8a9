"""The chain of outward.py where somebody has to prove something: primary -> Understudy -> NSD, Knot, BIND and PowerDNS, signed by
TSIG all the way, NOTIFY too, from each of the four; and over TLS from BIND to BIND and NSD. At its end stands the same zone."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.message
import dns.query
import dns.rcode
import dns.zone

import peers
import query
import secondaries
import xot
from outward import ANYTHING, VERSIONS, ZONE, compared, content, text, transfers_out
from peers import Key
from processes import DEADLINE, Scratch, free_port, until
from streams import Certificate
from understudy import Understudy
from xot import NAME, BindOverTls

KEY = Key("chain.keys.example.")


class Chain(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def follow_all_versions(self, primary, server, ends):
        for serial, lines in enumerate(VERSIONS[1:], start=2):
            primary.write_zone(ZONE, text(serial, lines))
            primary.reload()
            for peer in ends:
                # SOA REFRESH is a day, so that nothing but NOTIFY brings it here.
                until(f"serial {serial} arrives at {peer.name}", lambda peer=peer: peer.serial(ZONE) == serial)


class Signed:
    """From `peer`; to be mixed in before Chain."""

    peer = None
    keyring = KEY.keyring()

    def test_signed_all_the_way(self):
        port = free_port()
        keys = {ZONE: KEY}
        primary = self.peer(self.scratch, [ZONE], notify=[port], keys=keys, name="origin")
        primary.write_zone(ZONE, text(1))
        primary.start()
        ends = [kind(self.scratch, [ZONE], keys=keys) for kind in secondaries.ALL]
        server = Understudy(
            self.scratch, [{"name": ZONE, "source": [primary.source_of(ZONE)], "allow-transfer": [f"key:{KEY.name}"], **ANYTHING,
                            "allow-notify": [f"127.0.0.1 key:{KEY.name}"], "notify": [f"127.0.0.1:{peer.port} key:{KEY.name}" for peer in ends]}],
            listen=[f"127.0.0.1:{port}"], keys=[KEY.toml()]).start()
        until("the zone arrives", lambda: query.serial("127.0.0.1", port, ZONE) == 1)
        for peer in ends:
            peer.follow(server)
        self.follow_all_versions(primary, server, ends)
        expected = content(primary, keyring=self.keyring)
        self.assertEqual(content(server, keyring=self.keyring), expected)
        for peer in ends:
            with self.subTest(peer=peer.name):
                self.assertEqual(content(peer), expected)
                self.assertTrue([1 for client, _, result in transfers_out(server) if (client, result) == (peer.outgoing, "success")])
        self.assert_unsigned_is_refused(port, ends)

    def assert_unsigned_is_refused(self, port, ends):
        """Of each link: without the key nothing goes, so the key was what let it."""
        self.assertEqual(dns.query.tcp(dns.message.make_query(ZONE, "AXFR"), "127.0.0.1", port=port, timeout=DEADLINE).rcode(),
                         dns.rcode.REFUSED)
        notify = dns.message.make_query(ZONE, "SOA")
        notify.set_opcode(4)
        notify.flags |= 0x0400
        self.assertEqual(dns.query.udp(notify, "127.0.0.1", port=port, timeout=DEADLINE).rcode(), dns.rcode.REFUSED)
        for peer in ends:
            if isinstance(peer, secondaries.BindSecondary):
                continue  # it takes one from its primaries' addresses, signed or not
            with self.subTest(peer=peer.name):
                self.assertNotEqual(dns.query.udp(notify, "127.0.0.1", port=peer.port, timeout=DEADLINE).rcode(), dns.rcode.NOERROR)


class FromKnot(Signed, Chain):
    peer = peers.Knot


class FromBind(Signed, Chain):
    peer = peers.Bind


class FromNsd(Signed, Chain):
    peer = peers.Nsd


class FromPowerDns(Signed, Chain):
    peer = peers.PowerDns


class OverTls(Chain):
    """BIND -> Understudy -> BIND and NSD, each transfer over TLS (RFC 9103)."""

    def test_over_tls_all_the_way(self):
        port = free_port()
        certificate = Certificate(self.scratch.directory("certificates"), NAME)
        primary = BindOverTls(self.scratch, [ZONE], notify=[port], name="origin")
        primary.certificate, primary.tls_port = certificate, free_port()
        primary.write_zone(ZONE, text(1))
        primary.start()
        ends = [kind(self.scratch, [ZONE], name=kind.__name__) for kind in (xot.BindSecondary, xot.NsdSecondary)]
        server = Understudy(
            self.scratch, [{"name": ZONE, "source": [f"xot://127.0.0.1:{primary.tls_port}?name={NAME}"], **ANYTHING,
                            "allow-transfer": ["127.0.0.1 tls"], "notify": [f"127.0.0.1:{peer.port}" for peer in ends]}],
            listen=[f"127.0.0.1:{port}"],
            tables={"tls": {"ca": certificate.file, "certificate": certificate.file, "key": certificate.key}},
            **{"listen-tls": ["127.0.0.1:0"]}).start()
        until("the zone arrives", lambda: query.serial("127.0.0.1", port, ZONE) == 1)
        for peer in ends:
            peer.certificate, peer.primary = certificate, server.tls_endpoints[0][1]
            peer.start()
        self.follow_all_versions(primary, server, ends)
        expected = compared(dns.zone.from_text(text(len(VERSIONS), VERSIONS[-1]), origin=ZONE, relativize=False))
        for peer in ends:
            with self.subTest(peer=peer.name):
                self.assertEqual(content(peer), expected)
        for family in ("transfers_in_total", "transfers_out_total"):
            results = {"result": "ok"} if family == "transfers_in_total" else {"result": "success"}
            self.assertGreaterEqual(server.metric(family, transport="tls", **results), len(VERSIONS))
            self.assertFalse(server.metric(family, transport="tcp", **results))


if __name__ == "__main__":
    unittest.main(verbosity=2)
