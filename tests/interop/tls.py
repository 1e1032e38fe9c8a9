#!/usr/bin/python3
"""DNS over TLS with other people's clients: kdig for queries, ALPN and transfers, openssl for versions, and a
certificate that is replaced while the server runs."""

import os
import re
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query  # noqa: E402
from processes import DEADLINE, Scratch, until  # noqa: E402
from understudy import Understudy, run  # noqa: E402

ZONE = "tls.test."
TEXT = """$ORIGIN tls.test.
$TTL 300
@    IN SOA  ns1 hostmaster 1 3600 900 1209600 60
@    IN NS   ns1
ns1  IN A    192.0.2.1
www  IN A    192.0.2.10
"""


def make_certificate(directory, name):
    """A self-signed certificate for `name`, put into its place as an operator would: file by file, by renaming."""
    files = [os.path.join(directory, file) for file in ("certificate.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", files[0] + ".new", "-keyout", files[1] + ".new"],
        check=True, capture_output=True, timeout=DEADLINE)
    for file in files:
        os.rename(file + ".new", file)
    return files


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.directory = cls.scratch.directory("certificates")
        cls.certificate, cls.key = make_certificate(cls.directory, "first.tls.test")
        zone = cls.scratch.write("tls.zone", TEXT)
        cls.server = Understudy(
            cls.scratch, [{"name": ZONE, "source": [f"file:{zone}"], "allow-transfer": ["127.0.0.1"]}],
            tables={"tls": {"certificate": cls.certificate, "key": cls.key}},
            **{"listen-tls": ["127.0.0.1:0"], "tcp-idle": "30s"}).start()
        cls.port = cls.server.tls_endpoints[0][1]
        until("the file is served", lambda: query.serial("127.0.0.1", cls.server.port, ZONE) == 1)

    def kdig(self, *arguments):
        return subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.port), *arguments], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)

    def openssl(self, *arguments):
        """A handshake and nothing else: what s_client has to say about it."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *arguments], input="",
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        return done.stdout + done.stderr

    def common_name(self):
        found = re.search(r"subject=.*CN ?= ?(\S+)", self.openssl())
        return found[1] if found else None

    def test_kdig_asks(self):
        done = self.kdig("+tls", "www." + ZONE, "A")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("192.0.2.10", done.stdout)
        self.assertRegex(done.stdout, r"TLS session \(TLS1\.3\)")

    def test_kdig_validates_the_certificate(self):
        done = self.kdig("+tls-ca=" + self.certificate, "+tls-hostname=" + (self.common_name() or ""), "www." + ZONE, "A")
        self.assertIn("192.0.2.10", done.stdout, done)
        done = self.kdig("+tls-ca=" + self.certificate, "+tls-hostname=other.test", "+retry=0", "www." + ZONE, "A")
        self.assertNotIn("192.0.2.10", done.stdout, done)

    def test_kdig_pads_and_so_do_we(self):
        done = self.kdig("+tls", "+padding=128", "www." + ZONE, "A")
        self.assertRegex(done.stdout, r"Received 468 B")

    def test_kdig_keeps_the_connection(self):
        done = self.kdig("+tls", "+keepopen", "+edns", "+ednsopt=11", "www." + ZONE, "A", "ns1." + ZONE, "A")
        self.assertIn("192.0.2.10", done.stdout, done)
        self.assertIn("192.0.2.1\n", done.stdout, done)
        self.assertRegex(done.stdout, r"(?i)keepalive.*|OPTION.*11")

    def test_transfer_over_tls(self):
        done = self.kdig("+tls", ZONE, "AXFR")
        self.assertEqual(done.returncode, 0, done)
        records = [line for line in done.stdout.splitlines() if line and not line.startswith(";")]
        self.assertEqual(len(records), 5, done.stdout)
        self.assertEqual(self.server.metric("transfers_out_total", transport="tls", result="success"), 1)

    def test_protocol_by_alpn(self):
        self.assertIn("ALPN protocol: dot", self.openssl("-alpn", "dot"))
        self.assertIn("No ALPN negotiated", self.openssl())
        self.assertIn("no application protocol", self.openssl("-alpn", "h2"))

    def test_versions(self):
        self.assertIn("Protocol  : TLSv1.2", self.openssl("-tls1_2"))
        self.assertIn("New, TLSv1.3", self.openssl("-tls1_3"))
        refused = self.openssl("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        self.assertIn("alert protocol version", refused)

    def test_sessions_are_resumed(self):
        """Whichever worker takes the second connection."""
        session = os.path.join(self.directory, "session.pem")
        self.assertIn("New, TLSv1.2", self.openssl("-tls1_2", "-sess_out", session))
        for _ in range(4):
            self.assertIn("Reused, TLSv1.2", self.openssl("-tls1_2", "-sess_in", session))

    def test_requests_are_counted(self):
        before = self.server.metric("dns_requests_total", proto="tls", family="ipv4", type="A")
        self.kdig("+tls", "www." + ZONE, "A")
        self.assertEqual(self.server.metric("dns_requests_total", proto="tls", family="ipv4", type="A"), before + 1)

    def test_what_is_no_tls_is_not_answered(self):
        before = self.server.metric("dns_dropped_total", reason="tls-handshake")
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as clear:
            clear.sendall(b"\x00\x00" * 20)
            octets = b"".join(iter(lambda: clear.recv(4096), b""))
        self.assertIn(octets[:1], (b"", b"\x15"))  # nothing, or an alert
        until("it is counted", lambda: self.server.metric("dns_dropped_total", reason="tls-handshake") > before)

    def test_certificate_is_replaced_while_running(self):
        make_certificate(self.directory, "second.tls.test")
        until("the new certificate is shown", lambda: self.common_name() == "second.tls.test", pause=0.2)
        with open(self.key, "w", encoding="utf-8") as file:
            file.write("broken\n")
        until("the log tells", lambda: "certificate-refused" in self.server.log())
        self.assertEqual(self.common_name(), "second.tls.test")
        self.assertIn("192.0.2.10", self.kdig("+tls", "www." + ZONE, "A").stdout)
        make_certificate(self.directory, "third.tls.test")
        until("the mended one is shown", lambda: self.common_name() == "third.tls.test", pause=0.2)


class Refused(unittest.TestCase):
    def test_a_start_without_a_usable_certificate(self):
        with Scratch() as scratch:
            directory = scratch.directory("certificates")
            certificate, key = make_certificate(directory, "a.test")
            os.remove(key)
            config = scratch.write("no-key.toml", f'[server]\nlisten = ["127.0.0.1:0"]\nlisten-tls = ["127.0.0.1:0"]\ndata = '
                                   f'"{scratch.directory("data")}"\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n[http]\n'
                                   f'listen = "off"\n[[zone]]\nname = "a.test"\nsource = "axfr://127.0.0.1:1"\n')
            done = run("serve", "--config", config)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
