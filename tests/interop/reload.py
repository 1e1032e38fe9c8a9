"""Reload: by verb and by SIGHUP, zones, their options, keys, certificates and the addresses that are listened on change under
way; a configuration that is broken changes nothing; under a storm of reloads no query is lost and nothing is forgotten."""

import json
import os
import re
import socket
import struct
import sys
import threading
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsig

import query
from peers import Key
from processes import Scratch, free_port, until
from streams import Certificate, Relay, Stream
from understudy import Understudy


def text(zone, serial, address="192.0.2.1"):
    return (f"$ORIGIN {zone}\n$TTL 300\n@ IN SOA ns1 hostmaster {serial} 86400 86400 1209600 60\n@ IN NS ns1\n"
            f"ns1 IN A 192.0.2.1\nwww IN A {address}\n")


class Base(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.zones = {}
        for name in ("a.test.", "b.test.", "c.test."):
            self.zones[name] = self.scratch.write(name + "zone", text(name, 1))
        self.server = Understudy(self.scratch, [self.zone("a.test."), self.zone("b.test.")]).start()
        for name in ("a.test.", "b.test."):
            until(f"{name} is served", lambda name=name: self.serial(name) == 1)

    def zone(self, name, **options):
        return {"name": name, "source": [f"file:{self.zones[name]}"], **options}

    def serial(self, name):
        return query.serial("127.0.0.1", self.server.port, name)

    def rcode(self, name):
        return query.udp("127.0.0.1", self.server.port, name, "SOA").rcode()

    def configure(self, *zones, **server):
        self.server.zones = list(zones)
        self.server.server.update(server)
        self.server.write_config()

    def reload(self):
        done = self.server.verb("reload", "--json")
        self.assertEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def changed(self, report):
        return {key: report[key] for key in ("added", "removed", "changed", "same")}


class Reload(Base):
    def test_zones_come_and_go(self):
        self.configure(self.zone("a.test."), self.zone("c.test."))
        self.assertEqual(self.changed(self.reload()), {"added": ["c.test."], "removed": ["b.test."], "changed": [], "same": 1})
        until("the new zone is served", lambda: self.serial("c.test.") == 1)
        self.assertEqual(self.serial("a.test."), 1)
        self.assertEqual(self.rcode("b.test."), dns.rcode.REFUSED)
        unserved = self.server.json_verb("status")["unserved"]
        self.assertEqual([(zone["zone"], zone["serial"]) for zone in unserved], [("b.test.", 1)])
        self.assertRegex(self.server.log(), r"reloaded added=1 removed=1 changed=0 same=1")
        # It comes back with what the mirror kept of it; its file is not there any more.
        os.rename(self.zones["b.test."], self.zones["b.test."] + ".gone")
        self.configure(self.zone("a.test."), self.zone("b.test."), self.zone("c.test."))
        self.assertEqual(self.changed(self.reload()), {"added": ["b.test."], "removed": [], "changed": [], "same": 2})
        self.assertEqual(self.serial("b.test."), 1)
        self.assertEqual(self.server.json_verb("status")["unserved"], [])

    def test_options_change_and_the_history_stays(self):
        self.assertEqual(query.tcp("127.0.0.1", self.server.port, "a.test.", "AXFR").rcode(), dns.rcode.REFUSED)
        self.configure(self.zone("a.test.", **{"allow-transfer": ["127.0.0.1"]}), self.zone("b.test."))
        self.assertEqual(self.changed(self.reload()), {"added": [], "removed": [], "changed": ["a.test."], "same": 1})
        self.assertEqual(len(query.transfer("127.0.0.1", self.server.port, "a.test.").nodes), 3)
        self.assertEqual(self.server.status("a.test.")["version"], 1)
        os.rename(self.scratch.write("new", text("a.test.", 2)), self.zones["a.test."])
        until("its file is followed as before", lambda: self.serial("a.test.") == 2)
        self.assertEqual(self.server.status("a.test.")["version"], 2)
        self.assertEqual(self.changed(self.reload()), {"added": [], "removed": [], "changed": [], "same": 2})

    def test_sighup(self):
        self.configure(self.zone("a.test."), self.zone("b.test."), self.zone("c.test."))
        self.server.reload_signal()
        until("the new zone is served", lambda: self.serial("c.test.") == 1)

    def test_listen(self):
        port = free_port()
        self.configure(self.zone("a.test."), self.zone("b.test."), listen=["127.0.0.1:0", f"127.0.0.1:{port}"])
        self.assertEqual(self.reload()["listening"], [f"127.0.0.1:{port}"])
        for ask in (query.udp, query.tcp):
            self.assertEqual(len(ask("127.0.0.1", port, "a.test.", "SOA").answer), 1)
        self.assertEqual(self.serial("a.test."), 1)
        with socket.create_connection(("127.0.0.1", port)) as kept:
            wire = query.make("a.test.", "SOA").to_wire()
            kept.sendall(struct.pack("!H", len(wire)) + wire)
            self.assertGreater(len(kept.recv(1000)), 20)
            self.configure(self.zone("a.test."), self.zone("b.test."), listen=["127.0.0.1:0"])
            self.assertEqual(self.reload()["closed"], [f"127.0.0.1:{port}"])
            kept.sendall(struct.pack("!H", len(wire)) + wire)  # who was there is answered
            self.assertGreater(len(kept.recv(1000)), 20)
        until("nobody listens there", lambda: query.serial("127.0.0.1", port, "a.test.") is None)
        self.assertEqual(self.serial("a.test."), 1)

    def test_the_public_page_opens_moves_and_closes(self):
        def answers(port):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/public", timeout=30) as answer:
                    return json.load(answer)["total"]
            except OSError:
                return None

        first, second = free_port(), free_port()
        self.server.http_options["public"] = f"127.0.0.1:{first}"
        self.configure(self.zone("a.test."), self.zone("b.test."))
        self.assertEqual(self.reload()["restart"], [])
        self.assertEqual(answers(first), 2)
        self.server.http_options["public"] = f"127.0.0.1:{second}"
        self.configure(self.zone("a.test."))
        self.reload()
        self.assertEqual((answers(first), answers(second)), (None, 1))
        self.server.http_options["public"] = f"127.0.0.1:{self.server.port}"  # TCP there is the server's own
        self.configure(self.zone("b.test."), self.zone("c.test."))
        done = self.server.verb("reload")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot listen for HTTP on", done.stderr)
        self.assertEqual((answers(second), self.serial("a.test.")), (1, 1), "nothing was changed")
        del self.server.http_options["public"]
        self.configure(self.zone("a.test."))
        self.reload()
        self.assertIsNone(answers(second))

    def test_what_needs_a_restart_is_told(self):
        self.configure(self.zone("a.test."), self.zone("b.test."), workers=1)
        self.assertEqual(self.reload()["restart"], ["server.workers"])
        self.assertRegex(self.server.log(), r"restart-needed keys=server.workers")

    def test_a_broken_configuration_changes_nothing(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        with open(self.server.config, encoding="utf-8") as file:
            good = file.read()
        broken = [good + "\n[nonsense]\n",
                  good.replace(self.zones["b.test."], "ftp") + "\n[[zone]]\nname = \"d.test.\"\nsource = [\"ftp://x\"]\n",
                  good.replace('"127.0.0.1:0"]', f'"127.0.0.1:0", "127.0.0.1:{taken.getsockname()[1]}"]', 1)
                  + f'\n[[zone]]\nname = "c.test."\nsource = ["file:{self.zones["c.test."]}"]\n']
        for configuration in broken:
            with open(self.server.config, "w", encoding="utf-8") as file:
                file.write(configuration)
            done = self.server.verb("reload", "--control", self.server.control, config=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertIn("nothing was changed", done.stderr)
            self.assertEqual(self.names(), ["a.test.", "b.test."])
            self.assertEqual((self.serial("a.test."), self.serial("b.test.")), (1, 1))
        self.assertEqual(len(re.findall("reload-refused", self.server.log())), len(broken))

    def names(self):
        done = self.server.verb("status", "--json", "--control", self.server.control, config=False)
        return [zone["zone"] for zone in json.loads(done.stdout)["zones"]]

    def test_added_zones_stay(self):
        done = self.server.verb("add", "c.test.", "--source", f"file:{self.zones['c.test.']}")
        self.assertEqual(done.returncode, 0, done)
        until("it is served", lambda: self.serial("c.test.") == 1)
        self.configure(self.zone("a.test."))
        self.assertEqual(self.changed(self.reload()), {"added": [], "removed": ["b.test."], "changed": [], "same": 2})
        self.assertEqual(self.serial("c.test."), 1)

    def test_a_storm_of_reloads_loses_no_query(self):
        lost, stop, asked = [], threading.Event(), [0]

        def load():
            """One question after the other, each answered before the next: a lost one is never taken for a slow one."""
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect(("127.0.0.1", self.server.port))
                client.settimeout(30)
                for ident in range(1 << 30):
                    if stop.is_set():
                        return
                    wire = struct.pack("!H", ident & 0xffff) + query.make("www.a.test.", "A").to_wire()[2:]
                    try:
                        client.send(wire)
                        answer = client.recv(1000)
                    except OSError as error:
                        return lost.append(repr(error))
                    if answer[:2] != wire[:2] or answer[3] & 15 or answer[7] != 1:
                        return lost.append(answer)
                    asked[0] += 1

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        port = free_port()
        try:
            for i in range(20):
                # Other options for the zone that is asked for, another zone more or less, another address more or less.
                self.configure(self.zone("a.test.", **{"allow-transfer": [f"127.0.0.{i + 1}"]}),
                               *[self.zone("b.test.")][: i % 2], *[self.zone("c.test.")][: (i + 1) % 2],
                               listen=["127.0.0.1:0", f"127.0.0.1:{port}"][: 1 + i % 2])
                self.reload()
                if i == 10:
                    os.rename(self.scratch.write("new", text("a.test.", 2)), self.zones["a.test."])
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(lost, [])
        self.assertGreater(asked[0], 100)
        until("its file is followed still", lambda: self.serial("a.test.") == 2)
        self.assertEqual(self.server.status("a.test.")["version"], 2)

    def test_all_addresses_instead_of_one(self):
        """127.0.0.1:P and 0.0.0.0:P at once, as one goes and the other comes."""
        port = free_port()
        zones = [self.zone("a.test."), self.zone("b.test.")]
        for listen, listening, closed in ((["127.0.0.1:0", f"127.0.0.1:{port}"], [f"127.0.0.1:{port}"], []),
                                          (["127.0.0.1:0", f"0.0.0.0:{port}"], [f"0.0.0.0:{port}"], [f"127.0.0.1:{port}"]),
                                          (["127.0.0.1:0", f"127.0.0.1:{port}"], [f"127.0.0.1:{port}"], [f"0.0.0.0:{port}"])):
            self.configure(*zones, listen=listen)
            done = self.reload()
            self.assertEqual((done["listening"], done["closed"]), (listening, closed))
            for ask in (query.udp, query.tcp):
                self.assertEqual(len(ask("127.0.0.1", port, "a.test.", "SOA").answer), 1)


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

    def test_a_key_changes_while_a_zone_goes_out_under_it(self):
        old, new = Key("k.test."), Key("k.test.")
        self.server.keys = [old.toml()]
        self.configure(self.zone("a.test."), self.large())
        self.reload()
        until("the large zone is served", lambda: self.serial("large.test.") == 1)
        asked = query.make("large.test.", "AXFR")
        asked.use_tsig(old.keyring())
        with Stream(self.server.port, room=4096) as stream:
            octets = [stream.ask(asked.to_wire())]
            self.server.keys = [new.toml()]
            self.configure(self.zone("a.test."), self.large())
            self.assertEqual(self.reload()["keys"], ["k.test."])
            self.assertEqual(self.signed_rcode(old, "large.test.", "AXFR"), dns.rcode.NOTAUTH)
            self.assertEqual(self.signed_rcode(new, "large.test.", "AXFR"), dns.rcode.NOERROR)
            # It ends under the key that it began with.
            soas, context = 0, None
            while soas < 2:
                message = dns.message.from_wire(octets.pop() if octets else stream.receive(), keyring=old.keyring(),
                                                request_mac=asked.mac, multi=True, tsig_ctx=context)
                self.assertTrue(message.had_tsig)
                context = message.tsig_ctx
                soas += sum(len(rrset) for rrset in message.answer if rrset.rdtype == dns.rdatatype.SOA)

    def test_a_key_changes_while_a_zone_comes_in_under_it(self):
        old, new = Key("k.test."), Key("k.test.")
        self.server.keys = [old.toml()]
        self.configure(self.zone("a.test."), self.large())
        self.reload()
        until("the large zone is served", lambda: self.serial("large.test.") == 1)
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
        self.configure(zone)
        self.reload()
        self.assertTrue(granted())

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
