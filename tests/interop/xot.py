"""Transfers over TLS (RFC 9103) with other people's servers: from BIND into us, and from us to BIND and NSD. What is not
proved is not asked: a wrong name, a wrong key, a server without ALPN, one that speaks in the clear.
"""

import base64
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.message
import dns.rcode

import peers
import query
import zones
from peers import Key
from processes import DEADLINE, Scratch, free_port, until
from streams import Certificate, Stream
from understudy import Understudy

APEX = "xot.example."
NAME = "primary.xot.example"


class BindOverTls(peers.Bind):
    clients = None  # the authority that certificates of clients must have

    def configuration(self):
        text = super().configuration()
        # Transfers over TLS only; questions in the clear as well, for the tests.
        text = text.replace("allow-transfer { 127.0.0.1; };",
                            f"listen-on port {self.tls_port} tls local {{ 127.0.0.1; }};\n"
                            f"  allow-transfer port {self.tls_port} transport tls {{ 127.0.0.1; }};")
        clients = f'ca-file "{self.clients}"; ' if self.clients else ""
        return f'tls local {{ cert-file "{self.certificate.file}"; key-file "{self.certificate.key}"; {clients}}};\n' + text


class NsdOverTls(peers.Nsd):
    def configuration(self):
        return super().configuration().replace(
            "    username:", f"    ip-address: 127.0.0.1@{self.tls_port}\n    tls-port: {self.tls_port}\n"
            f'    tls-service-key: "{self.certificate.key}"\n    tls-service-pem: "{self.certificate.file}"\n    username:')


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.directory = self.scratch.directory("certificates")
        self.certificate = Certificate(self.directory, NAME)
        self.tables = {"tls": {"ca": self.certificate.file}}

    def served(self, server):
        return query.serial("127.0.0.1", server.port, APEX)

    def server(self, source, name="understudy", tables=None, **more):
        return Understudy(self.scratch, [{"name": APEX, "source": [source]}], name=name,
                          tables=self.tables if tables is None else tables, **more).start()

    def assert_refused(self, source, reason, name, tables=None):
        server = self.server(source, name=name, tables=tables)
        done = server.verb("refresh", APEX)
        self.assertEqual(done.returncode, 2, done)
        failure = server.status(APEX)["primaries"][0]["failure"]
        self.assertIn(failure["reason"], (reason,) if isinstance(reason, str) else reason, failure)
        self.assertIsNone(self.served(server))
        server.stop()
        return failure["message"]


class FromBind(Case):
    peer = BindOverTls

    def primary(self, clients=None, **more):
        peer = self.peer(self.scratch, [APEX], **more)
        peer.clients = clients
        peer.certificate, peer.tls_port = self.certificate, free_port()
        peer.write_zone(APEX, zones.small(APEX, 1))
        return peer.start()

    def test_the_zone_comes_and_follows(self):
        port = free_port()
        primary = self.primary(notify=[port])
        source = f"xot://127.0.0.1:{primary.tls_port}?name={NAME}"
        server = self.server(source, listen=[f"127.0.0.1:{port}"])
        until("the zone arrives", lambda: self.served(server) == 1)
        primary.write_zone(APEX, zones.small(APEX, 2))
        primary.reload()
        until("the change arrives after NOTIFY", lambda: self.served(server) == 2)
        until("both are counted", lambda: server.metric("transfers_in_total", transport="tls", result="ok") == 2)
        self.assertEqual(server.metric("transfers_in_total", transport="tcp", result="ok"), 0)
        self.assertIn("transport=tls", server.log())
        self.assertIn(source, server.log())
        self.assertEqual(server.status(APEX)["primaries"][0]["source"], source)

    def test_with_a_certificate_of_ours_where_it_wants_one(self):
        """RFC 9103 9.3.3."""
        ours = Certificate(self.directory, "shadow.xot.example")
        primary = self.primary(clients=ours.file)
        source = f"xot://127.0.0.1:{primary.tls_port}?name={NAME}"
        self.assert_refused(source, ("truncated", "network", "tls-handshake"), "without-certificate")
        tables = {"tls": {"ca": self.certificate.file, "certificate": ours.file, "key": ours.key}}
        server = self.server(source, tables=tables)
        until("the zone arrives", lambda: self.served(server) == 1)

    def test_by_the_pinned_key_and_with_tsig(self):
        key = Key("xot.keys.example.")
        primary = self.primary(keys={APEX: key})
        source = f"xot://127.0.0.1:{primary.tls_port}?pin={self.certificate.pin()}&key={key.name}"
        server = self.server(source, tables={}, keys=[key.toml()])
        until("the zone arrives", lambda: self.served(server) == 1)

    def test_who_does_not_prove_its_name_is_not_asked(self):
        primary = self.primary()
        address = f"xot://127.0.0.1:{primary.tls_port}"
        told = self.assert_refused(f"{address}?name=other.xot.example", "tls-untrusted", "wrong-name")
        self.assertIn("other.xot.example", told)
        self.assert_refused(f"{address}?name={NAME}", "tls-untrusted", "unknown-authority", tables={})
        told = self.assert_refused(f"{address}?pin={base64.b64encode(bytes(32)).decode()}", "tls-untrusted", "wrong-pin", tables={})
        self.assertIn(self.certificate.pin(), told)
        # Its port for queries in the clear, which would give the SOA; it waits for the rest of what looks like a message.
        self.assert_refused(f"xot://127.0.0.1:{primary.port}?name={NAME}", ("tls-handshake", "timeout"), "in-the-clear")


class FromNsd(Case):
    """NSD 4.6 offers TLS to clients, but knows nothing of ALPN there, which RFC 9103 7.1 wants."""

    def setUp(self):
        super().setUp()
        self.primary = NsdOverTls(self.scratch, [APEX])
        self.primary.certificate, self.primary.tls_port = self.certificate, free_port()
        self.primary.write_zone(APEX, zones.small(APEX, 1))
        self.primary.start()
        self.source = f"xot://127.0.0.1:{self.primary.tls_port}?name={NAME}"

    def test_without_alpn_it_is_not_asked(self):
        told = self.assert_refused(self.source, "tls-handshake", "no-alpn")
        self.assertIn("no ALPN", told)
        self.assertIn("alpn=optional", told)

    def test_unless_that_is_let_pass(self):
        server = self.server(self.source + "&alpn=optional")
        until("the zone arrives", lambda: self.served(server) == 1)
        self.assertEqual(server.status(APEX)["primaries"][0]["source"], self.source + "&alpn=optional")
        # All else must be proved as ever.
        self.assert_refused(f"xot://127.0.0.1:{self.primary.tls_port}?name=other.xot.example&alpn=optional", "tls-untrusted", "other")


class Downgrade(Case):
    """A man in the middle who answers in the clear what we did not ask in the clear."""

    def test_nothing_but_a_handshake_is_sent(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        seen = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    seen.append(connection.recv(4096))
                    connection.sendall(b"\x00\x0c" + bytes(12))

        threading.Thread(target=serve, daemon=True).start()
        self.assert_refused(f"xot://127.0.0.1:{listener.getsockname()[1]}?name={NAME}", "tls-handshake", "downgraded")
        self.assertTrue(seen)
        for octets in seen:
            self.assertEqual(octets[:2], b"\x16\x03", "a TLS record with a handshake")
            self.assertNotIn(b"\x03xot", octets)

    def test_not_even_tls_1_2(self):
        process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-cert", self.certificate.file, "-key", self.certificate.key,
             "-alpn", "dot"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE, text=True)
        for cleanup in (process.stdout.close, process.stdin.close, process.wait, process.kill):
            self.addCleanup(cleanup)
        port = next(found[1] for line in process.stdout if (found := re.match(r"ACCEPT .*:(\d+)$", line.strip())))
        self.assert_refused(f"xot://127.0.0.1:{port}?name={NAME}", "tls-handshake", "old-tls")


class BindSecondary(peers.Bind):
    client = None  # the certificate that it shows

    def configuration(self):
        shown = f'cert-file "{self.client.file}"; key-file "{self.client.key}"; ' if self.client else ""
        return f"""tls up {{ ca-file "{self.certificate.file}"; remote-hostname "{NAME}"; {shown}}};
options {{
  directory "{self.directory}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; pid-file none; session-keyfile none; managed-keys-directory "{self.directory}";
  notify no; empty-zones-enable no; request-ixfr no;
}};
controls {{ }};
zone "{self.apexes[0]}" {{ type secondary; file "{self.zone_file(self.apexes[0])}"; primaries {{ 127.0.0.1 port {self.primary} tls up; }}; }};
"""


class NsdSecondary(peers.Nsd):
    client = None

    def configuration(self):
        return super().configuration().replace("    username:", f'    tls-cert-bundle: "{self.certificate.file}"\n    username:')

    def zone(self, apex, key):
        shown = f'    client-cert: "{self.client.file}"\n    client-key: "{self.client.key}"\n' if self.client else ""
        return (f'tls-auth:\n    name: up\n    auth-domain-name: "{NAME}"\n{shown}zone:\n    name: "{apex}"\n'
                f'    zonefile: "{self.zone_file(apex)}"\n    request-xfr: AXFR 127.0.0.1@{self.primary} NOKEY up\n'
                "    allow-notify: 127.0.0.1 NOKEY\n    provide-xfr: 127.0.0.1 NOKEY\n")


class ToPeer(Case):
    def primary(self, allow, tls=None, **more):
        file = self.scratch.write("xot.zone", zones.small(APEX, 5))
        server = Understudy(self.scratch, [{"name": APEX, "source": [f"file:{file}"], "allow-transfer": allow}],
                            tables={"tls": {"certificate": self.certificate.file, "key": self.certificate.key, **(tls or {})}},
                            **{"listen-tls": ["127.0.0.1:0"]}, **more).start()
        until("it is served", lambda: self.served(server) == 5)
        return server

    def transferred_to(self, peer, allow=("127.0.0.1",), tls=None, client=None):
        server = self.primary(list(allow), tls)
        secondary = peer(self.scratch, [APEX])
        secondary.certificate, secondary.primary = self.certificate, server.tls_endpoints[0][1]
        secondary.client = client
        secondary.start()
        until("it arrives there", lambda: secondary.serial(APEX) == 5)
        until("the transfer is counted", lambda: server.metric("transfers_out_total", transport="tls", result="success"))
        self.assertFalse(server.metric("transfers_out_total", transport="tcp", result="success"))

    def test_bind(self):
        self.transferred_to(BindSecondary)

    def test_nsd(self):
        self.transferred_to(NsdSecondary)

    def test_bind_with_a_certificate(self):
        client = Certificate(self.directory, "secondary.xot.example")
        self.transferred_to(BindSecondary, ["127.0.0.1 tls:secondary.xot.example"], {"client-ca": client.file}, client)

    def test_nsd_with_a_certificate(self):
        client = Certificate(self.directory, "secondary.xot.example")
        self.transferred_to(NsdSecondary, [f"tls:pin:{client.pin()}"], {"pins": [client.pin()]}, client)


class Mutual(ToPeer):
    """Who may transfer is told by certificates. What demands TLS is not to be had without (NSD's CVE-2026-12490: there a plain
    connection was not asked for what one over TLS had to show)."""

    test_bind = test_nsd = test_bind_with_a_certificate = test_nsd_with_a_certificate = None

    def setUp(self):
        super().setUp()
        self.friend, self.namesake, self.stranger = (Certificate(self.scratch.directory(directory), name) for directory, name in (
            ("friend", "friend.xot.example"), ("namesake", "friend.xot.example"), ("stranger", "stranger.xot.example")))

    def rcode(self, server, tls=True, certificate=None, keyring=None):
        """Of an AXFR: NOERROR where it is granted."""
        asked = dns.message.make_query(APEX, "AXFR")
        if keyring:
            asked.use_tsig(keyring)
        with Stream(server.tls_endpoints[0][1] if tls else server.port, tls, certificate) as stream:
            return dns.message.from_wire(stream.ask(asked.to_wire()), keyring=keyring, request_mac=asked.mac if keyring else b"",
                                         multi=True, ignore_trailing=True).rcode()

    def test_by_name(self):
        server = self.primary(["tls:friend.xot.example"], {"client-ca": self.friend.file})
        self.assertEqual(self.rcode(server, certificate=self.friend), dns.rcode.NOERROR)
        for what, options in {"no certificate": {}, "one of nobody's": {"certificate": self.namesake},
                              "another's": {"certificate": self.stranger}, "in the clear": {"tls": False}}.items():
            self.assertEqual(self.rcode(server, **options), dns.rcode.REFUSED, what)
        # Queries are everybody's all the same.
        with Stream(server.tls_endpoints[0][1], True, self.stranger) as stream:
            self.assertEqual(len(dns.message.from_wire(stream.ask(dns.message.make_query(APEX, "SOA").to_wire())).answer), 1)

    def test_by_key(self):
        server = self.primary([f"tls:pin:{self.friend.pin()}"], {"pins": [self.friend.pin()]})
        self.assertEqual(self.rcode(server, certificate=self.friend), dns.rcode.NOERROR)
        self.assertEqual(self.rcode(server, certificate=self.namesake), dns.rcode.REFUSED)
        self.assertEqual(self.rcode(server), dns.rcode.REFUSED)
        self.assertEqual(self.rcode(server, tls=False), dns.rcode.REFUSED)

    def test_over_tls_with_address_and_signature(self):
        """RFC 9103 7.5, the other way: an address, TSIG, and TLS whoever it is."""
        key = Key("xot.keys.example.")
        server = self.primary([f"127.0.0.1 key:{key.name} tls"], keys=[key.toml()])
        self.assertEqual(self.rcode(server, keyring=key.keyring()), dns.rcode.NOERROR)
        self.assertEqual(self.rcode(server), dns.rcode.REFUSED)
        self.assertEqual(self.rcode(server, tls=False, keyring=key.keyring()), dns.rcode.REFUSED)

    def test_kdig(self):
        server = self.primary(["tls:friend.xot.example"], {"client-ca": self.friend.file})
        command = ["kdig", "@127.0.0.1", "-p", str(server.tls_endpoints[0][1]), "+tls"]
        shown = [f"+tls-certfile={self.friend.file}", f"+tls-keyfile={self.friend.key}"]
        for more, granted in ((shown, True), ([], False)):
            done = subprocess.run([*command, *more, APEX, "AXFR"], capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual("hostmaster" in done.stdout or "SOA" in done.stdout, granted, done)

    def test_misuse_is_told(self):
        server = self.primary(["127.0.0.1"])
        for entry, word in (("tls:friend.xot.example", "client-ca"), (f"tls:pin:{self.friend.pin()}", "pins"), ("tls:pin:AAAA", "no pin")):
            done = server.verb("add", "b." + APEX, "--source", f"file:{self.scratch.path}/xot.zone", "--allow-transfer", entry)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(word, done.stderr)


class Told(Case):
    """NOTIFY over TCP and over TLS with a certificate that is asked for, from us to us, and who may not."""

    def test_notify_brings_the_change(self):
        for way, name in (("tcp", "over-tcp"), ("tls", "over-tls")):
            port, tls_port, path = free_port(), free_port(), self.scratch.write(f"{name}.zone", zones.small(APEX, 1))
            shown = {"certificate": self.certificate.file, "key": self.certificate.key, "ca": self.certificate.file,
                     "client-ca": self.certificate.file}
            to = f"127.0.0.1:{port} tcp" if way == "tcp" else f"127.0.0.1:{tls_port} tls:{NAME}"
            primary = Understudy(self.scratch, [{"name": APEX, "source": [f"file:{path}"], "allow-transfer": ["127.0.0.1"],
                                                 "notify": [to]}], name=f"{name}-primary", tables={"tls": shown}).start()
            secondary = Understudy(
                self.scratch, [{"name": APEX, "source": [f"axfr://127.0.0.1:{primary.port}"],
                                "allow-notify": ["127.0.0.1"] if way == "tcp" else [f"127.0.0.0/8 tls:{NAME}"]}],
                name=f"{name}-secondary", listen=[f"127.0.0.1:{port}"], tables={"tls": shown},
                **{"listen-tls": [f"127.0.0.1:{tls_port}"]}).start()
            until("the zone arrives", lambda: self.served(secondary) == 1)
            self.scratch.write(f"{name}.zone", zones.small(APEX, 2))
            until("the change arrives after NOTIFY", lambda: self.served(secondary) == 2)
            self.assertGreater(secondary.metric("dns_requests_total", proto=way, type="SOA"), 0)
            notify = dns.message.make_query(APEX, "SOA")
            notify.set_opcode(4)
            with Stream(secondary.port) as stream:  # in the clear
                rcode = dns.message.from_wire(stream.ask(notify.to_wire())).rcode()
            self.assertEqual(rcode, dns.rcode.NOERROR if way == "tcp" else dns.rcode.REFUSED)
            primary.stop()
            secondary.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
