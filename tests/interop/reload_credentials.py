"""Reload: keys, certificates and the listeners that show them change under way, beside queries and transfers; none is lost."""

import json
import os
import shutil
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

import query
from peers import Key
from processes import free_port, until
from reload import Base, text
from streams import Certificate, Relay, Stream
from understudy import Understudy


class Credentials(Base):
    """Keys, certificates and the listeners that show them. Each zone's owner: self.server; others ask it."""

    def setUp(self):
        super().setUp()
        self.directory = self.scratch.directory("certificates")
        self.certificates = [Certificate(self.scratch.directory(f"certificate-{i}"), f"{i}.reload.test") for i in range(3)]

    def tls(self, i, **more):
        return {"certificate": self.certificates[i].file, "key": self.certificates[i].key, **more}

    def shown(self, port):
        """Whose certificate a new connection is shown."""
        with Stream(port, tls=True) as stream:
            der = stream.socket.getpeercert(binary_form=True)
        return next((i for i, one in enumerate(self.certificates) if one.name.encode() in der), None)

    def soa(self, stream, zone="a.test."):
        return dns.message.from_wire(stream.ask(query.make(zone, "SOA").to_wire()))

    def signed_rcode(self, key, zone="a.test.", rdtype="SOA"):
        asked = query.make(zone, rdtype)
        asked.use_tsig(key.keyring())
        with Stream(self.server.port) as stream:
            octets = stream.ask(asked.to_wire())
        return octets[3] & 15

    def test_keys_come_change_and_go(self):
        old, new = Key("k.test."), Key("k.test.")
        allowed = self.zone("a.test.", **{"allow-transfer": ["key:k.test."]})
        self.assertEqual(self.signed_rcode(old), dns.rcode.NOTAUTH)
        for keys, changed, good in (([old], ["k.test."], old), ([old], [], old), ([new], ["k.test."], new)):
            self.server.keys = [key.toml() for key in keys]
            self.configure(allowed, self.zone("b.test."))
            done = self.reload()
            self.assertEqual((done["keys"], done["restart"]), (changed, []))
            for key in (old, new):
                self.assertEqual(self.signed_rcode(key), dns.rcode.NOERROR if key is good else dns.rcode.NOTAUTH)
                self.assertEqual(self.signed_rcode(key, rdtype="AXFR"), dns.rcode.NOERROR if key is good else dns.rcode.NOTAUTH)
        # A key that is still named may not go.
        self.server.keys = []
        self.configure(allowed, self.zone("b.test."))
        done = self.server.verb("reload", "--control", self.server.control, config=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("k.test.", done.stderr)
        self.assertEqual(self.signed_rcode(new), dns.rcode.NOERROR)
        self.configure(self.zone("a.test."), self.zone("b.test."))
        self.assertEqual(self.reload()["keys"], ["k.test."])
        self.assertEqual(self.signed_rcode(new), dns.rcode.NOTAUTH)
        self.assertNotIn(new.secret, self.server.log())

    def large(self):
        path = os.path.join(self.scratch.path, "large.zone")
        if not os.path.exists(path):
            self.scratch.write("large.zone", text("large.test.", 1) + "".join(f'h{i} IN TXT "{"x" * 200}"\n' for i in range(60000)))
        return {"name": "large.test.", "source": [f"file:{path}"], "allow-transfer": ["key:k.test."]}

    def serve_large(self, key):
        self.server.keys = [key.toml()]
        self.configure(self.zone("a.test."), self.large())
        self.reload()
        until("the large zone is served", lambda: self.serial("large.test.") == 1)

    def expect_rest_under(self, key, asked, stream, first):
        """The transfer ends under the key that it began with: each message, to the last SOA."""
        octets, soas, context = [first], 0, None
        while soas < 2:
            message = dns.message.from_wire(octets.pop() if octets else stream.receive(), keyring=key.keyring(),
                                            request_mac=asked.mac, multi=True, tsig_ctx=context)
            self.assertTrue(message.had_tsig)
            context = message.tsig_ctx
            soas += sum(len(rrset) for rrset in message.answer if rrset.rdtype == dns.rdatatype.SOA)

    def test_a_key_changes_while_a_zone_goes_out_under_it(self):
        old, new = Key("k.test."), Key("k.test.")
        self.serve_large(old)
        asked = query.make("large.test.", "AXFR")
        asked.use_tsig(old.keyring())
        with Stream(self.server.port, room=4096) as stream:
            first = stream.ask(asked.to_wire())
            self.server.keys = [new.toml()]
            self.configure(self.zone("a.test."), self.large())
            self.assertEqual(self.reload()["keys"], ["k.test."])
            self.assertEqual(self.signed_rcode(old, "large.test.", "AXFR"), dns.rcode.NOTAUTH)
            self.assertEqual(self.signed_rcode(new, "large.test.", "AXFR"), dns.rcode.NOERROR)
            self.expect_rest_under(old, asked, stream, first)

    def test_a_key_goes_while_a_zone_goes_out_under_it(self):
        """And with it all that named it."""
        gone, other = Key("k.test."), Key("other.test.")
        self.serve_large(gone)
        asked = query.make("large.test.", "AXFR")
        asked.use_tsig(gone.keyring())
        for keys, allowed in (([other], ["key:other.test."]), ([], [])):
            with self.subTest(keys=keys), Stream(self.server.port, room=4096) as stream:
                self.serve_large(gone)
                first = stream.ask(asked.to_wire())
                self.server.keys = [key.toml() for key in keys]
                self.configure(self.zone("a.test."), {**self.large(), "allow-transfer": allowed})
                self.assertIn("k.test.", self.reload()["keys"])
                self.assertEqual(self.signed_rcode(gone, "large.test.", "AXFR"), dns.rcode.NOTAUTH)
                self.assertEqual(query.tcp("127.0.0.1", self.server.port, "large.test.", "AXFR").rcode(), dns.rcode.REFUSED)
                self.expect_rest_under(gone, asked, stream, first)
                self.assertEqual(self.serial("large.test."), 1)

    def test_a_key_changes_while_a_zone_comes_in_under_it(self):
        old, new = Key("k.test."), Key("k.test.")
        self.serve_large(old)
        relay = self.scratch.own(Relay(self.server.port, 1 << 20))
        zone = {"name": "large.test.", "source": [f"axfr://127.0.0.1:{relay.port}?key=k.test."]}
        second = Understudy(self.scratch, [zone], name="second", keys=[old.toml()]).start()
        self.assertTrue(relay.stopped.wait(90))
        second.keys = [new.toml()]
        second.write_config()
        done = second.verb("reload", "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["keys"]), (0, ["k.test."]), done)
        relay.release()
        until("it came under the key that it began with", lambda: query.serial("127.0.0.1", second.port, "large.test.") == 1)
        # The next one has the new key, which this primary does not know yet.
        done = second.verb("retransfer", "large.test.")
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(second.status("large.test.")["primaries"][0]["failure"]["reason"], "tsig-badsig")
        self.server.keys = [new.toml()]
        self.server.write_config()
        self.assertEqual(self.reload()["keys"], ["k.test."])
        done = second.verb("retransfer", "large.test.")
        self.assertEqual(done.returncode, 0, done)

    def test_a_key_goes_while_a_zone_comes_in_under_it(self):
        """A zone that was added at run time may outlive its key: what is under way ends, the next one is not asked for unsigned."""
        key = Key("k.test.")
        self.serve_large(key)
        relay = self.scratch.own(Relay(self.server.port, 1 << 20))
        second = Understudy(self.scratch, [], name="second", keys=[key.toml()]).start()
        done = second.verb("add", "large.test.", "--source", f"axfr://127.0.0.1:{relay.port}?key=k.test.")
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(relay.stopped.wait(90))
        second.keys = []
        second.write_config()
        done = second.verb("reload", "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["keys"]), (0, ["k.test."]), done)
        self.assertTrue(second.status("large.test.")["transferring"])
        relay.release()
        until("it came under the key that it began with", lambda: query.serial("127.0.0.1", second.port, "large.test.") == 1)
        for verb in ("refresh", "retransfer"):
            done = second.verb(verb, "large.test.")
            self.assertEqual(done.returncode, 2, done)
            self.assertEqual(second.status("large.test.")["primaries"][0]["failure"]["reason"], "key-unknown")
        self.assertEqual(query.serial("127.0.0.1", second.port, "large.test."), 1)
        # It comes back, and so does the primary.
        second.keys = [key.toml()]
        second.write_config()
        self.assertEqual(second.verb("reload").returncode, 0)
        done = second.verb("retransfer", "large.test.")
        self.assertEqual(done.returncode, 0, done)

    def test_with_another_secret_the_primary_is_asked_at_once(self):
        """The zone's own refresh and retry are a day, and nobody sends NOTIFY."""
        good, wrong = Key("k.test."), Key("k.test.")
        self.server.keys = [good.toml()]
        self.configure(self.zone("a.test.", **{"allow-transfer": ["key:k.test."]}))
        self.reload()
        zone = {"name": "a.test.", "source": [f"axfr://127.0.0.1:{self.server.port}?key=k.test."], "retry-min": "1h", "retry-max": "1d"}
        second = Understudy(self.scratch, [zone], name="second", keys=[good.toml()]).start()
        until("it comes", lambda: query.serial("127.0.0.1", second.port, "a.test.") == 1)
        for key in (wrong, good):
            second.keys = [key.toml()]
            second.write_config()
            self.assertEqual(second.verb("reload").returncode, 0)
            if key is wrong:
                until("it is refused", lambda: second.status("a.test.")["primaries"][0]["failure"])
                os.rename(self.scratch.write("new", text("a.test.", 2)), self.zones["a.test."])
                until("the primary has a new version", lambda: self.serial("a.test.") == 2)
        until("it comes", lambda: query.serial("127.0.0.1", second.port, "a.test.") == 2)

    def test_with_other_contents_of_a_file_the_primary_is_asked_at_once(self):
        """The authorities change under the path that they have; refresh and retry are a day, and nobody sends NOTIFY."""
        port, good, wrong = free_port(), self.certificates[0], self.certificates[1]
        self.server.tables = {"tls": self.tls(0)}
        self.configure(self.zone("a.test.", **{"allow-transfer": ["127.0.0.1"]}), **{"listen-tls": [f"127.0.0.1:{port}"]})
        self.reload()
        ca = os.path.join(self.directory, "ca.pem")
        shutil.copyfile(good.file, ca)
        zone = {"name": "a.test.", "source": [f"xot://127.0.0.1:{port}?name={good.name}"], "retry-min": "1h", "retry-max": "1d"}
        second = Understudy(self.scratch, [zone], name="second", tables={"tls": {"ca": ca}}).start()
        until("it comes", lambda: query.serial("127.0.0.1", second.port, "a.test.") == 1)
        shutil.copyfile(wrong.file, ca)
        self.assertEqual(second.verb("reload").returncode, 0)
        until("the primary is not believed", lambda: second.status("a.test.")["primaries"][0]["failure"])
        self.assertEqual(second.status("a.test.")["primaries"][0]["failure"]["reason"], "tls-untrusted")
        os.rename(self.scratch.write("new", text("a.test.", 2)), self.zones["a.test."])
        until("the primary has a new version", lambda: self.serial("a.test.") == 2)
        shutil.copyfile(good.file, ca)
        self.assertEqual(second.verb("reload").returncode, 0)
        until("it comes", lambda: query.serial("127.0.0.1", second.port, "a.test.") == 2)

    def test_listeners_over_tls_and_what_they_show(self):
        port = free_port()
        zones = [self.zone("a.test."), self.zone("b.test.")]
        self.server.tables = {"tls": self.tls(0)}
        self.configure(*zones, **{"listen-tls": [f"127.0.0.1:{port}"]})
        done = self.reload()
        self.assertEqual((done["listening"], done["tls"], done["restart"]), ([f"tls 127.0.0.1:{port}"], True, []))
        self.assertEqual(self.shown(port), 0)
        with Stream(port, tls=True) as kept:
            self.assertEqual(len(self.soa(kept).answer), 1)
            self.server.tables = {"tls": self.tls(1)}
            self.configure(*zones)
            done = self.reload()
            self.assertEqual((done["listening"], done["closed"], done["tls"]), ([], [], True))
            self.assertEqual(self.shown(port), 1)
            self.assertEqual(self.reload()["tls"], False)
            # A certificate that is no good changes nothing.
            self.server.tables = {"tls": {**self.tls(2), "key": self.certificates[1].key}}
            self.configure(*zones)
            done = self.server.verb("reload")
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(self.certificates[1].key, done.stderr)
            self.assertEqual(self.shown(port), 1)
            self.server.tables = {"tls": self.tls(1)}
            self.server.server.pop("listen-tls")
            self.configure(*zones)
            self.assertEqual(self.reload()["closed"], [f"tls 127.0.0.1:{port}"])
            with self.assertRaises(OSError):
                Stream(port, tls=True)
            self.assertEqual(len(self.soa(kept).answer), 1, "who was there is answered")
        # The same address in the clear and over TLS is no choice that can be made for the operator.
        self.configure(*zones, **{"listen-tls": [f"127.0.0.1:{port}"], "listen": ["127.0.0.1:0", f"127.0.0.1:{port}"]})
        done = self.server.verb("reload")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(f"127.0.0.1:{port}", done.stderr)
        self.assertIn("nothing was changed", done.stderr)

    def test_whose_certificate_is_believed(self):
        port, friend = free_port(), self.certificates[1]
        zone = self.zone("a.test.", **{"allow-transfer": [f"tls:{friend.name}"]})

        def granted():
            with Stream(port, tls=True, certificate=friend) as stream:
                return stream.ask(query.make("a.test.", "AXFR").to_wire())[3] & 15 == 0

        self.server.tables = {"tls": self.tls(0, **{"client-ca": friend.file})}
        self.configure(zone, **{"listen-tls": [f"127.0.0.1:{port}"]})
        self.reload()
        self.assertTrue(granted())
        self.server.tables = {"tls": self.tls(0, **{"client-ca": self.certificates[2].file})}
        self.configure(zone)
        self.reload()
        self.assertFalse(granted())
        self.server.tables = {"tls": self.tls(0, pins=[friend.pin()])}
        self.configure(self.zone("a.test.", **{"allow-transfer": [f"tls:pin:{friend.pin()}"]}))
        self.reload()
        self.assertTrue(granted())
        # The key is known, and says nothing of the names that its certificate claims.
        self.server.tables = {"tls": self.tls(0, pins=[friend.pin()], **{"client-ca": self.certificates[2].file})}
        self.configure(zone)
        self.reload()
        self.assertFalse(granted())

    def test_a_storm_of_keys_and_certificates_loses_nothing(self):
        """Keys, certificates, listeners and zones change; meanwhile over UDP, over TLS and signed all is answered, and a zone
        goes out again and again."""
        port, extra, kept = free_port(), free_port(), Key("kept.test.")
        lost, stop, done = [], threading.Event(), {}

        def repeat(name, once):
            def run():
                while not stop.is_set():
                    try:
                        if not once():
                            return lost.append(name)
                    except (OSError, ValueError, dns.exception.DNSException) as error:
                        return lost.append((name, repr(error)))
                    done[name] = done.get(name, 0) + 1
            return threading.Thread(target=run)

        def new_connection():
            with Stream(port, tls=True) as stream:
                return len(self.soa(stream).answer) == 1

        def settings(i):
            self.server.tables = {"tls": self.tls(i % 2, **({"client-ca": self.certificates[2].file} if i % 3 else {}))}
            self.server.keys = [kept.toml(), Key("other.test.").toml(), *[Key("third.test.").toml()][: i % 2]]
            self.configure(self.zone("a.test.", **{"allow-transfer": ["key:kept.test.", f"127.0.1.{i}"]}), *[self.zone("b.test.")][: i % 2],
                           **{"listen-tls": [f"127.0.0.1:{port}", f"127.0.0.1:{extra}"][: 1 + i % 2]})

        settings(0)
        self.reload()
        with Stream(port, tls=True) as lasting:
            threads = [
                repeat("udp", lambda: len(query.udp("127.0.0.1", self.server.port, "www.a.test.", "A").answer) == 1),
                repeat("a connection over TLS", lambda: len(self.soa(lasting).answer) == 1),
                repeat("connections over TLS", new_connection),
                repeat("signed", lambda: self.signed_rcode(kept) == 0),
                repeat("transfers", lambda: len(query.transfer("127.0.0.1", self.server.port, "a.test.", kept.keyring()).nodes) == 3)]
            for thread in threads:
                thread.start()
            try:
                for i in range(1, 16):
                    settings(i)
                    self.assertIn("other.test.", self.reload()["keys"])
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
        self.assertEqual(lost, [])
        self.assertEqual(len(done), len(threads), done)


if __name__ == "__main__":
    unittest.main(verbosity=2)
