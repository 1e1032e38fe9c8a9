"""Transfers over TLS (RFC 9103) with other people's servers: from BIND into us, and from us to BIND and NSD. What is not
proved is not asked: a wrong name, a wrong key, a server without ALPN, one that speaks in the clear.
"""

import base64
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
import zones
from peers import Key
from processes import DEADLINE, Scratch, free_port, until
from understudy import Understudy

APEX = "xot.example."
NAME = "primary.xot.example"


class Certificate:
    """Self-signed; its own file is the authority."""

    def __init__(self, directory, name=NAME):
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


class BindOverTls(peers.Bind):
    def configuration(self):
        text = super().configuration()
        # Transfers over TLS only; questions in the clear as well, for the tests.
        text = text.replace("allow-transfer { 127.0.0.1; };",
                            f"listen-on port {self.tls_port} tls local {{ 127.0.0.1; }};\n"
                            f"  allow-transfer port {self.tls_port} transport tls {{ 127.0.0.1; }};")
        return f'tls local {{ cert-file "{self.certificate.file}"; key-file "{self.certificate.key}"; }};\n' + text


class NsdOverTls(peers.Nsd):
    def configuration(self):
        return super().configuration().replace(
            "    username:", f"    ip-address: 127.0.0.1@{self.tls_port}\n    tls-port: {self.tls_port}\n"
            f'    tls-service-key: "{self.certificate.key}"\n    tls-service-pem: "{self.certificate.file}"\n    username:')


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.certificate = Certificate(self.scratch.directory("certificates"))
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

    def primary(self, **more):
        peer = self.peer(self.scratch, [APEX], **more)
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
    def test_without_alpn_it_is_not_asked(self):
        """NSD 4.6 offers TLS to clients, but knows nothing of ALPN there, which RFC 9103 7.1 wants."""
        primary = NsdOverTls(self.scratch, [APEX])
        primary.certificate, primary.tls_port = self.certificate, free_port()
        primary.write_zone(APEX, zones.small(APEX, 1))
        primary.start()
        self.assertIn("no ALPN", self.assert_refused(f"xot://127.0.0.1:{primary.tls_port}?name={NAME}", "tls-handshake", "no-alpn"))


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
    def configuration(self):
        return f"""tls up {{ ca-file "{self.certificate.file}"; remote-hostname "{NAME}"; }};
options {{
  directory "{self.directory}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; pid-file none; session-keyfile none; managed-keys-directory "{self.directory}";
  notify no; empty-zones-enable no; request-ixfr no;
}};
controls {{ }};
zone "{APEX}" {{ type secondary; file "{self.zone_file(APEX)}"; primaries {{ 127.0.0.1 port {self.primary} tls up; }}; }};
"""


class NsdSecondary(peers.Nsd):
    def configuration(self):
        return super().configuration().replace("    username:", f'    tls-cert-bundle: "{self.certificate.file}"\n    username:')

    def zone(self, apex, key):
        return (f'tls-auth:\n    name: up\n    auth-domain-name: "{NAME}"\nzone:\n    name: "{apex}"\n'
                f'    zonefile: "{self.zone_file(apex)}"\n    request-xfr: AXFR 127.0.0.1@{self.primary} NOKEY up\n')


class ToPeer(Case):
    def transferred_to(self, peer):
        file = self.scratch.write("xot.zone", zones.small(APEX, 5))
        server = Understudy(self.scratch, [{"name": APEX, "source": [f"file:{file}"], "allow-transfer": ["127.0.0.1"]}],
                            tables={"tls": {"certificate": self.certificate.file, "key": self.certificate.key}},
                            **{"listen-tls": ["127.0.0.1:0"]}).start()
        until("it is served", lambda: self.served(server) == 5)
        secondary = peer(self.scratch, [APEX])
        secondary.certificate, secondary.primary = self.certificate, server.tls_endpoints[0][1]
        secondary.start()
        until("it arrives there", lambda: secondary.serial(APEX) == 5)
        until("the transfer is counted", lambda: server.metric("transfers_out_total", transport="tls", result="success"))
        self.assertFalse(server.metric("transfers_out_total", transport="tcp", result="success"))

    def test_bind(self):
        self.transferred_to(BindSecondary)

    def test_nsd(self):
        self.transferred_to(NsdSecondary)


if __name__ == "__main__":
    unittest.main(verbosity=2)
