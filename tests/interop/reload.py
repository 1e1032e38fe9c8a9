"""Reload: by verb and by SIGHUP, zones, their options, keys, certificates and the addresses that are listened on change under
way; a configuration that is broken changes nothing; under a storm of reloads no query is lost and nothing is forgotten."""

import concurrent.futures
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

import dns.rcode

import query
from processes import Scratch, free_port, until
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

    def test_the_public_page_moves_to_a_part_of_its_address(self):
        def answers(host="127.0.0.1"):
            try:
                with urllib.request.urlopen(f"http://{host}:{port}/api/v1/public", timeout=30) as answer:
                    return json.load(answer)["total"]
            except OSError:
                return None

        port = free_port()
        for address, elsewhere in (("0.0.0.0", 2), ("127.0.0.1", None), ("0.0.0.0", 2)):
            self.server.http_options["public"] = f"{address}:{port}"
            self.configure(self.zone("a.test."), self.zone("b.test."))
            self.reload()
            self.assertEqual((answers(), answers("127.0.0.2")), (2, elsewhere), address)
        # An address that no machine has: the old door is open again, the whole reload is refused.
        self.server.http_options["public"] = f"192.0.2.1:{port}"
        self.configure(self.zone("a.test."))
        done = self.server.verb("reload")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(f"cannot listen for HTTP on 192.0.2.1:{port}", done.stderr)
        self.assertEqual((answers(), answers("127.0.0.2"), self.serial("b.test.")), (2, 2, 1))

    def test_reloads_at_once_take_turns(self):
        for turn in range(5):
            self.configure(self.zone("a.test."), *([self.zone("c.test.")] if turn % 2 else [self.zone("b.test.")]))
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                for done in pool.map(lambda _: self.server.verb("reload"), range(6)):
                    self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.names(), ["a.test.", "b.test."])

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

        def load(kind):
            """One question after the other, each answered before the next: a lost one is never taken for a slow one."""
            with socket.socket(socket.AF_INET, kind) as client:
                client.connect(("127.0.0.1", self.server.port))
                client.settimeout(30)
                for ident in range(1 << 30):
                    if stop.is_set():
                        return
                    wire = struct.pack("!H", ident & 0xffff) + query.make("www.a.test.", "A").to_wire()[2:]
                    try:
                        if kind == socket.SOCK_STREAM:
                            client.sendall(struct.pack("!H", len(wire)) + wire)
                            answer = client.recv(2, socket.MSG_WAITALL)
                            answer = client.recv(*struct.unpack("!H", answer), socket.MSG_WAITALL)
                        else:
                            client.send(wire)
                            answer = client.recv(1000)
                    except (OSError, struct.error) as error:
                        return lost.append(repr(error))
                    if answer[:2] != wire[:2] or answer[3] & 15 or answer[7] != 1:
                        return lost.append(answer)
                    asked[0] += 1

        kinds = (socket.SOCK_DGRAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)  # the last one on one connection throughout
        threads = [threading.Thread(target=load, args=[kind]) for kind in kinds]
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
