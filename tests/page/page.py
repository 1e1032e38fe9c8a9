"""The status page in Debian's Chromium: what it tells, that it lives, what it says without a server, ten thousand zones, the
keyboard, both colour schemes, a telephone; and that it asks nobody else for anything."""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import query
from browser import Browser
from processes import Scratch, free_port, until
from understudy import Understudy

MANY = 10_000
ANYTHING = {"gate.shrink": 1.0, "gate.churn": 1.0, "gate.losses": "off"}  # is served


def zone_text(serial, address="192.0.2.10", extra=0, ttl=300):
    lines = [f"$TTL {ttl}", f"@ IN SOA ns1 hostmaster {serial} 3600 600 1209600 60", "@ NS ns1", "ns1 A 192.0.2.1", f"www A {address}"]
    return "\n".join([*lines, *(f"host{i} A 192.0.2.{i}" for i in range(extra)), ""])


class Page(unittest.TestCase):
    """A shadow with one zone of each kind: equal.test is well, drift.test is compared with a server that says something
    else, held.test lost most of its records, empty.test has a primary that is not there."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Scratch()
        cls.addClassCleanup(cls.scratch.close)
        cls.files = {name: cls.scratch.write(name, zone_text(1, extra=extra))
                     for name, extra in (("equal.test", 0), ("drift.test", 1), ("held.test", 40))}
        shadow_port = free_port()
        served = {"allow-transfer": ["127.0.0.1"], "notify": [f"127.0.0.1:{shadow_port}"], **ANYTHING}
        cls.provider = Understudy(cls.scratch, [{"name": name, "source": [f"file:{path}"], **served} for name, path in cls.files.items()],
                                  name="provider").start()
        drifted = cls.scratch.write("drifted.zone", zone_text(1, address="198.51.100.99", extra=1).replace("host0 A 192.0.2.0", "host0 A 198.51.100.1"))
        cls.drifted = Understudy(cls.scratch, [{"name": "drift.test", "source": [f"file:{drifted}"]}], name="drifted",
                                 tables={"edns": {"nsid": "east-3"}}).start()
        source = [f"axfr://127.0.0.1:{cls.provider.port}"]
        cls.shadow = Understudy(cls.scratch, [
            {"name": "equal.test", "source": source, **ANYTHING},
            {"name": "drift.test", "source": source, "compare-with": [f"127.0.0.1:{cls.drifted.port}"]},
            {"name": "held.test", "source": source},
            {"name": "empty.test", "source": [f"axfr://127.0.0.1:{free_port()}"]}],
            name="shadow", listen=[f"127.0.0.1:{shadow_port}"], public="127.0.0.1:0",
            tables={"compare": {"rate": 1000.0}}).start()
        many = cls.scratch.write("many.zone", zone_text(7))
        names = [f"customer-{i:05}.example" for i in range(MANY)]
        cls.many = Understudy(cls.scratch, [{"names": names, "source": [f"file:{many}"]}], name="many",
                              tables={"metrics": {"zones": ["customer-0000*"]}}).start()
        cls.browser = Browser(cls.scratch)
        until("the zones have come", lambda: all(query.serial("127.0.0.1", cls.shadow.port, name) == 1 for name in cls.files))
        cls.write("held.test", zone_text(2))
        until("the smaller version is held", lambda: cls.shadow.status("held.test")["held"] is not None)
        until("the drift is found", lambda: (cls.shadow.status("drift.test")["comparison"] or {}).get("mismatches"))
        until("equal.test is equal", lambda: (cls.shadow.status("equal.test")["comparison"] or {}).get("complete"))

    @classmethod
    def write(cls, zone, text):
        path = cls.files[zone]
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def setUp(self):
        self.browser.scheme("light")
        self.browser.size(1280, 1000)
        self.browser.read_logs()
        self.browser.asked.clear()
        self.browser.complaints.clear()
        self.silent = set()  # servers that are stopped on purpose, whose silence the console may mention

    def tearDown(self):
        """Whatever the test was about: nobody else was asked, and the console is silent."""
        self.browser.read_logs()
        ours = tuple(f"http://{server}/" for server in
                     (self.shadow.http, self.shadow.public, self.provider.http, self.many.http, *self.silent))
        self.assertEqual([url for url in self.browser.asked if not url.startswith((*ours, "data:", "chrome:"))], [])
        self.assertEqual([line for line in self.browser.complaints if not line.startswith(tuple(f"http://{s}/" for s in self.silent))], [])

    def test_the_verdict_and_its_reasons(self):
        self.browser.open(self.shadow.http).sees("#answer", "No")
        reasons = self.browser.texts("#reasons li")
        self.assertTrue(any("1 zone has no data" in reason and "empty.test." in reason for reason in reasons), reasons)
        self.assertTrue(any("1 zone is answered otherwise" in reason and "drift.test." in reason for reason in reasons), reasons)
        self.assertTrue(any("held back" in reason for reason in reasons), reasons)
        self.browser.picture("light")
        self.browser.open(self.provider.http).sees("#answer", "Yes")
        self.assertIn("not everything is proved", self.browser.text("#because"))
        self.browser.picture("yes")

    def test_the_list_tells_each_zones_state(self):
        self.browser.open(self.shadow.http).sees(".zones tbody", "equal.test.")
        rows = {row.split()[0]: row for row in self.browser.texts(".zones tbody tr")}
        for zone, wanted in (("equal.test.", ("Fresh", "equal")), ("drift.test.", ("Fresh", "Differs", "2 answers differ")),
                             ("held.test.", ("Held", "1 (primary: 2)")), ("empty.test.", ("Empty",))):
            for word in wanted:
                self.assertIn(word, rows[zone])
        self.assertEqual(list(rows)[0], "empty.test.", "the gravest comes first")

    def test_differences_show_both_answers(self):
        self.browser.open(self.shadow.http, "/?zone=drift.test.").sees("#differences-heading", ": 2")
        article = next(text for text in self.browser.texts(".difference") if text.startswith("www.drift.test. A"))
        self.assertIn("Other data", article)
        self.assertIn("192.0.2.10", article)
        self.assertIn("198.51.100.99", article)
        only = [text.split()[-1] for text in self.browser.texts(".side.ours li.only")]
        self.assertEqual(sorted(only), ["192.0.2.0", "192.0.2.10"], "what only one side has is marked")
        # And the evidence: when, where, from which version, who said so; whoever comes by on later passes too.
        address = f"127.0.0.1:{self.drifted.port}"
        self.assertRegex(article, rf"at {address}, since .+, last seen .+")
        status = self.shadow.status("drift.test")
        self.assertIn(f"version {status['version']} · serial {status['serial']}", article)
        self.assertIn("serial 1 · answered from serial 1 · answered by east-3", article)
        self.browser.picture("mismatch")

    def test_a_held_version_and_the_timeline(self):
        self.browser.open(self.shadow.http, "/?zone=held.test.").sees(".notice", "Version 2 is held")
        self.assertIn("understudy accept held.test. --version 2", self.browser.text(".notice"))
        self.browser.sees(".events", "Version 2 is held")
        self.assertIn("Version 1, serial 1, is served", self.browser.text(".events"))
        self.browser.picture("held")
        self.browser.open(self.shadow.http, "/?zone=empty.test.").sees(".events", "fails")

    def test_what_the_gate_warns_of(self):
        file = self.scratch.write("warned.zone", zone_text(1) + f"@ ZONEMD 1 1 1 {'00' * 48}\n")
        warned = Understudy(self.scratch, [{"name": "warned.test", "source": [f"file:{file}"], "gate.zonemd": "warn"}], name="warned",
                            http=f"127.0.0.1:{free_port()}").start()
        self.silent.add(warned.http)
        [warning] = until("it is served", lambda: warned.status("warned.test")["warnings"])
        self.browser.open(warned.http, "/?zone=warned.test.").sees(".notice", "warns of what is served: " + warning["message"])

    def test_it_lives(self):
        serials = ".facts div:first-child dd"
        self.browser.open(self.shadow.http, "/?zone=equal.test.")
        before = self.shadow.status("equal.test")["serial"]
        self.browser.sees(serials, str(before))
        self.write("equal.test", zone_text(before + 1, address="192.0.2.11"))
        self.browser.sees(serials, str(before + 1))
        self.browser.sees(".events", f"serial {before + 1}, is served")

    def test_a_server_that_stops_and_comes_back(self):
        file = self.scratch.write("mortal.zone", zone_text(1))
        mortal = Understudy(self.scratch, [{"name": "mortal.test", "source": [f"file:{file}"]}], name="mortal",
                            http=f"127.0.0.1:{free_port()}").start()
        self.silent.add(mortal.http)
        self.browser.open(mortal.http).sees("#answer", "Yes")
        mortal.stop()
        self.browser.sees("#outage", "No answer from the server")
        self.assertEqual(self.browser.text("#answer"), "Not known")
        self.assertIn("mortal.test.", self.browser.text(".zones tbody"), "what was known stays")
        self.browser.picture("outage")
        mortal.start()
        self.browser.sees("#answer", "Yes")
        self.assertIsNone(self.browser.text("#outage"))

    def test_the_plots_tell_what_was_asked(self):
        self.browser.open(self.many.http).sees(".rcodes", "NXDOMAIN")

        def asked():
            for i in range(100):
                query.udp("127.0.0.1", self.many.port, f"nothing{i}.customer-00001.example.", "A")
            rows = {row.split()[0]: row.split()[-1] for row in self.browser.texts(".rcodes tr")}
            return rows.get("NXDOMAIN", "0") not in ("0", "-") and rows
        rows = until("the answers are counted by response code", asked)
        self.assertEqual(rows["SERVFAIL"], "0", rows)
        self.assertNotIn(self.browser.text(".rate"), ("0 a second", "0\na second"))
        heights = self.browser.run("""return [...document.querySelectorAll(".spark path.line")].map((line) =>
            new Set(line.getAttribute("d").match(/[\\d.]+ ([\\d.]+)/g).map((point) => point.split(" ")[1])).size)""")
        self.assertGreater(heights[0], 1, "the line of all queries is not flat")
        self.browser.picture("plots", whole=False)

    def test_a_zone_that_is_served_stale_and_one_that_expired(self):
        """Their primary is gone, and after a restart so is their time. When it is back, they are."""
        names = ("stale.test", "expired.test")
        primary = Understudy(self.scratch, [{"name": name, "source": ["file:" + self.scratch.write(name, zone_text(1))],
                                             "allow-transfer": ["127.0.0.1"]} for name in names],
                             name="mortal-primary", listen=[f"127.0.0.1:{free_port()}"]).start()
        aged = Understudy(self.scratch, [
            {"name": name, "source": [f"axfr://127.0.0.1:{primary.port}"], "retry-min": "1s", "retry-max": "1s",
             **({"on-expire": "serve-stale:30d"} if name == "stale.test" else {})} for name in names],
            name="aged", http=f"127.0.0.1:{free_port()}").start()
        self.silent.add(aged.http)
        until("they have come", lambda: all(query.serial("127.0.0.1", aged.port, name) == 1 for name in names))
        aged.stop()
        primary.stop()
        offset = os.path.join(self.scratch.path, "offset")
        with open(offset, "wb") as file:
            file.write(struct.pack("=q", 15 * 86400))  # the zones' EXPIRE is 14 days
        aged.start({"LD_PRELOAD": os.environ["UNDERSTUDY_CLOCK"], "CLOCK_OFFSET": offset,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})
        self.browser.open(aged.http).sees(".zones tbody", "Expired")
        self.browser.sees(".zones tbody", "Stale")
        self.browser.sees("#answer", "No")
        self.assertTrue(any("expired.test." in reason for reason in self.browser.texts("#reasons li")))
        self.browser.picture("stale")
        self.browser.open(aged.http, "/?zone=stale.test.").sees("#content", "Stale")
        self.browser.sees(".events", "fails")
        primary.start()
        self.browser.sees(".events", "The zone is fresh, after stale")
        self.browser.sees(".events", "answers again")

    def test_what_differed_and_what_was_held_stays_in_the_timeline(self):
        file = self.scratch.write("changing.zone", zone_text(1, extra=40))
        other = self.scratch.write("other.zone", zone_text(1, address="198.51.100.7", extra=40))

        def put(path, text):
            with open(path + ".new", "w", encoding="utf-8") as target:
                target.write(text)
            os.rename(path + ".new", path)
        against = Understudy(self.scratch, [{"name": "changing.test", "source": [f"file:{other}"], **ANYTHING}], name="against").start()
        server = Understudy(self.scratch, [{"name": "changing.test", "source": [f"file:{file}"],
                                            "compare-with": [f"127.0.0.1:{against.port}"]}],
                            name="changing", http=f"127.0.0.1:{free_port()}", tables={"compare": {"rate": 1000.0, "period": "1s"}}).start()
        self.silent.add(server.http)
        self.browser.open(server.http, "/?zone=changing.test.").sees(".events", "1 answer differs from a primary's")
        put(other, zone_text(2, extra=40))
        self.browser.sees(".events", "No answer differs any more")
        put(file, zone_text(3))
        self.browser.sees(".events", "Version 2 is held")
        self.assertEqual(server.verb("accept", "changing.test", "--version", "2").returncode, 0)
        self.browser.sees(".events", "Version 2 is held no more")

    def test_nothing_to_show(self):
        empty = Understudy(self.scratch, [], name="nothing", http=f"127.0.0.1:{free_port()}").start()
        self.silent.add(empty.http)
        self.browser.open(empty.http).sees("#answer", "No")
        self.assertIn("no zones", self.browser.text("#reasons"))
        self.browser.sees(".none", "No zones are served")
        self.silent.add(self.shadow.http)  # its 404 is what is asked for
        self.browser.open(self.shadow.http, "/?zone=other.test.").sees("#content", "no such zone")

    def test_ten_thousand_zones(self):
        self.browser.open(self.many.http).sees(".pager", "1–50 of 10,000")
        self.assertEqual(len(self.browser.texts(".zones tbody tr")), 50)
        self.browser.picture("many", whole=False)
        self.browser.click(".pager button:nth-of-type(2)")
        self.browser.sees(".pager", "51–100 of 10,000")
        self.browser.focus("input[type=search]")
        self.browser.type("r-0123")
        self.browser.sees(".zones tbody", "customer-01230.example.")
        until("the others are gone", lambda: len(self.browser.texts(".zones tbody tr")) == 10)
        self.assertEqual(self.browser.path(), "/?name=r-0123")
        self.browser.reload()
        self.browser.sees(".zones tbody", "customer-01239.example.")
        self.assertEqual(len(self.browser.texts(".zones tbody tr")), 10, "the address keeps the filter")
        # Of the metrics, ten have series of their own and the rest is counted.
        self.assertEqual(self.many.metric("zones_suppressed"), MANY - 10)
        until("all of them are read", lambda: self.many.metric("zones", state="fresh") == MANY)
        self.assertIsNotNone(self.many.metric("zone_serial", zone="customer-00003.example."))
        self.assertIsNone(self.many.metric("zone_serial", zone="customer-00010.example."))

    def test_the_keyboard_is_enough(self):
        self.browser.open(self.shadow.http).sees(".zones tbody", "drift.test.")
        self.browser.press("Tab")
        self.assertEqual(self.browser.focused(), "Skip to the zones")
        self.browser.press("Enter")
        self.browser.press("Tab")
        self.assertEqual(self.browser.focused(), "Filter by name")
        self.browser.type("drift")
        until("the list is filtered", lambda: len(self.browser.texts(".zones tbody tr")) == 1)
        for _ in range(20):  # past the chips, to the zone's own link
            self.browser.press("Tab")
            if self.browser.focused() == "drift.test.":
                break
        outline = self.browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        self.assertNotEqual(outline, "none", "where the focus is can be seen")
        self.browser.press("Enter")
        until("the reading position follows", lambda: self.browser.focused() == "drift.test." and "zone=" in self.browser.path())
        self.browser.back()
        until("the filter is still there", lambda: self.browser.texts(".zones tbody tr") and self.browser.path() == "/?name=drift")
        self.assertEqual(len(self.browser.texts(".zones tbody tr")), 1)

    def test_chips_filter_and_say_so(self):
        self.browser.open(self.shadow.http).sees(".chips", "Held")
        self.browser.focus(".chip[data-state=held]")
        self.browser.press("Space")
        until("only what is held is left", lambda: len(self.browser.texts(".zones tbody tr")) == 1)
        self.assertEqual(self.browser.path(), "/?state=held")
        self.assertEqual(self.browser.attribute(".chip[data-state=held]", "aria-pressed"), "true")
        self.assertEqual(self.browser.run("return document.activeElement.dataset.state"), "held", "focus stays where it was")

    def test_assistive_technology_is_told(self):
        self.browser.open(self.shadow.http, "/?zone=drift.test.").sees("#differences-heading", ": 2")
        roles = self.browser.roles()
        self.assertTrue({"banner", "main", "contentinfo"} <= {role for role, _ in roles})
        headings = [name for role, name in roles if role == "heading"]
        self.assertTrue(headings[0].startswith("Can this server take over right now?"), headings)
        for heading in ("drift.test.", "What differs right now: 2", "Primaries", "Timeline", "www.drift.test. A"):
            self.assertIn(heading, headings)
        self.browser.size(375, 812, mobile=True)  # where rows are cards, they are rows all the same
        self.browser.open(self.shadow.http).sees(".zones tbody", "drift.test.")
        roles = self.browser.roles()
        self.assertIn(("table", "Zones"), roles)
        self.assertEqual([name for role, name in roles if role == "columnheader"], ["Zone", "State", "Serial", "Checked", "Compared"])
        self.assertEqual(len([role for role, _ in roles if role == "rowheader"]), 4 + 5, "zones and response codes")
        self.assertEqual(len([role for role, _ in roles if role == "row"]), 1 + 4 + 5, "their head, zones and response codes")

    def test_contrast_and_width_in_both_schemes(self):
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            for width in (1280, 375, 320):
                self.browser.size(width, 900, mobile=width < 1000)
                for path, selector, text in (("/", ".zones tbody", "drift.test."), ("/?zone=drift.test.", ".difference", "TTL"),
                                             ("/?zone=held.test.", ".events", "Version")):
                    with self.subTest(scheme=scheme, width=width, path=path):
                        self.browser.open(self.shadow.http, path).sees(selector, text)
                        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)
                        if width == 1280:
                            self.assertEqual(self.browser.low_contrasts(), [])
                        if (scheme, width) in (("dark", 1280), ("light", 375)) and path != "/?zone=held.test.":
                            self.browser.picture(f"{scheme}-{width}{'-zone' if 'zone' in path else ''}")

    def test_the_public_page(self):
        self.browser.open(self.shadow.public).sees("#answer", "No")
        self.assertEqual(self.browser.text("#because"), "1 of 4 zones is not answered.")
        self.assertEqual([row.split() for row in self.browser.texts(".zones tbody tr")],
                         [["drift.test.", "Fresh"], ["empty.test.", "Empty"], ["equal.test.", "Fresh"], ["held.test.", "Fresh"]])
        page = self.browser.run("return document.documentElement.outerHTML")
        for secret in (str(self.provider.port), "127.0.0.1", "held back", "192.0.2"):
            self.assertNotIn(secret, page)
        self.browser.picture("public")
        self.browser.size(375, 812, mobile=True)
        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), 375)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
