"""The alarms and the dashboard from end to end: a real name server as primary drifts, stops transferring, dies; a real Prometheus scrapes and a
real Alertmanager tells a webhook that each alarm fires, and that it clears again.

The rules are those of deploy/prometheus/ with their times made short.
"""

import http.server
import json
import os
import re
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
import signers
from compared import OPEN_GATE
from disk import disk_under
from processes import Scratch, free_port, until
from understudy import REPOSITORY, Understudy

PARENT = "example."
# One that lives long; one that expires soon; one that is served stale then, and is signed; one without series of its own.
ZONE, SHORT, STALE, QUIET = (f"{label}.{PARENT}" for label in ("alarms", "short", "stale", "quiet"))
ZONES = (ZONE, SHORT, STALE, QUIET)


def zone_text(apex, serial, host="192.0.2.1", ttl=300, hosts=20):
    expire = 60 if apex in (SHORT, STALE) else 1209600
    return f"""$ORIGIN {apex}
$TTL 300
@    IN SOA  ns1 hostmaster {serial} 1 1 {expire} 60
@    IN NS   ns1
ns1  {ttl} IN A 192.0.2.1
www  IN A    {host}
""" + "".join(f"h{i} IN A 192.0.2.{i}\n" for i in range(hosts))


def parent_text(ds=False):
    cuts = "".join(f"{apex} 300 NS ns1.{apex}\nns1.{apex} 300 A 192.0.2.1\n" for apex in ZONES)
    return zone_text(PARENT, 1) + cuts + f"{ZONE} 300 DS 1 13 2 {'00' * 32}\n" * ds


class Provider(peers.Nsd):
    transfers = True

    def configuration(self):
        text = super().configuration()
        return text if self.transfers else re.sub(r" +provide-xfr: .*\n", "", text)


class Webhook:
    """What Alertmanager has told: the newest status of each alarm and zone, and which fired at all."""

    def __init__(self, scratch):
        self.status, self.fired = {}, set()
        told, fired = self.status, self.fired

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    key = (alert["labels"]["alertname"], alert["labels"].get("zone"))
                    told[key] = alert["status"]
                    if alert["status"] == "firing":
                        fired.add(key)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        scratch.own(self)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Alarms(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)
        self.webhook = Webhook(self.scratch)
        self.signer = signers.KeptKeys(self.scratch)
        self.parent = peers.Nsd(self.scratch, [PARENT], name="parent")
        self.parent.write_zone(PARENT, parent_text())
        self.parent.start()
        self.provider = Provider(self.scratch, ZONES)
        for apex in ZONES:
            self.provider.write_zone(apex, zone_text(apex, 1))
        self.sign(1, "20380101")
        self.provider.start()
        timers = {"refresh-min": "1s", "refresh-max": "1s", "retry-min": "1s", "retry-max": "1s", "expire-min": "60s"}
        policy = {STALE: {"on-expire": "serve-stale:7d", **OPEN_GATE}}
        self.server = Understudy(
            self.scratch, [{"name": apex, "source": [self.provider.source], **timers, **policy.get(apex, {})} for apex in ZONES],
            http=f"127.0.0.1:{free_port()}",
            tables={"compare": {"period": "1s", "rate": 100}, "gate": {"parent-resolver": [f"127.0.0.1:{self.parent.port}"]},
                    "metrics": {"zones": [ZONE, SHORT, STALE]}})
        self.full = os.path.join(self.scratch.path, "full")
        self.start_server()
        for apex in ZONES:
            until(f"{apex} arrives", lambda apex=apex: query.serial("127.0.0.1", self.server.port, apex) == 1)
        self.start_monitoring()

    def start_server(self):
        self.server.start(disk_under(self.server, DISK_FULL=self.full))

    def sign(self, serial, end):
        """STALE, with signatures that end then."""
        self.provider.write_zone(STALE, self.signer.signed(STALE, zone_text(STALE, serial), end=end))

    def publish(self, apex, serial, **options):
        self.provider.write_zone(apex, zone_text(apex, serial, **options))
        self.restart_provider()

    def start_monitoring(self):
        with open(os.path.join(REPOSITORY, "deploy", "prometheus", "understudy.rules.yml"), encoding="utf-8") as file:
            rules = file.read()
        rules = re.sub(r"\bfor: \d+[mh]", "for: 1s", rules)
        rules = re.sub(r"\[\d+m\]", "[10s]", rules)
        rules = rules.replace("out_of_sync_seconds > 1800", "out_of_sync_seconds > 2")
        self.scratch.write("rules.yml", rules)
        alertmanager = free_port()
        self.prometheus = free_port()
        self.scratch.write("prometheus.yml", f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{self.scratch.path}/rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: understudy
    static_configs: [{{targets: ["{self.server.http}"]}}]
""")
        self.scratch.write("alertmanager.yml", f"""
route: {{receiver: hook, group_by: [alertname, zone], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{self.webhook.port}/", send_resolved: true}}]}}]
""")
        self.scratch.start("alertmanager", [
            "prometheus-alertmanager", f"--config.file={self.scratch.path}/alertmanager.yml", "--cluster.listen-address=",
            f"--storage.path={self.scratch.directory('alertmanager')}", f"--web.listen-address=127.0.0.1:{alertmanager}"])
        self.scratch.start("prometheus", [
            "prometheus", f"--config.file={self.scratch.path}/prometheus.yml",
            f"--storage.tsdb.path={self.scratch.directory('prometheus')}", f"--web.listen-address=127.0.0.1:{self.prometheus}"])
        until("Prometheus sees the comparison", lambda: self.ask("understudy:compare:rate15m"))

    def ask(self, expression):
        """The samples of an expression; none while Prometheus is not up."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    def told(self, status, alarm, zone=None):
        return self.webhook.status.get((f"Understudy{alarm}", zone)) == status

    def fire(self, *alarms):
        """Each fires, or did since it was cleared last: one of them may be over before its turn to be looked at."""
        for alarm, zone in alarms:
            until(f"{alarm} fires", lambda alarm=alarm, zone=zone: (f"Understudy{alarm}", zone) in self.webhook.fired, deadline=180)

    def clear(self, *alarms):
        for alarm, zone in alarms:
            until(f"{alarm} clears", lambda alarm=alarm, zone=zone: self.told("resolved", alarm, zone), deadline=180)
            self.webhook.fired.discard((f"Understudy{alarm}", zone))

    def restart_provider(self):
        self.provider.stop()
        self.provider.start()

    def test_the_dashboard_has_data(self):
        """Every query of deploy/grafana, as Grafana would ask it."""
        with open(os.path.join(REPOSITORY, "deploy", "grafana", "understudy.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 20)
        variables = [re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]) for variable in dashboard["templating"]["list"]
                     if variable["type"] == "query"]
        for expression in [*queries, *(variable.group(1) for variable in variables)]:
            self.assertNotIn("vector(", expression, "which has data whatever the rest of it is")
            for variable, value in (("$instance", ".+"), ("$zone", ".+"), ("$__rate_interval", "10s")):
                expression = expression.replace(variable, value)
            with self.subTest(expression=expression):
                query.serial("127.0.0.1", self.server.port, ZONE)  # something to count
                until("data", lambda expression=expression: any(s["value"][1] != "NaN" for s in self.ask(expression)), deadline=60)

    def test_what_primaries_do(self):
        # They drift: another address, another TTL, and the serial stays.
        self.publish(ZONE, 1, host="192.0.2.66", ttl=30)
        drift = [("AnswersMismatch", ZONE), ("AnswersMismatchMinor", ZONE), ("MismatchAmongMany", None)]
        self.fire(*drift)
        self.publish(ZONE, 1)
        self.clear(*drift)

        # They answer, but let us transfer no more.
        self.provider.transfers = False
        self.publish(ZONE, 2)
        apart = [("ZoneOutOfSync", ZONE), ("TransfersStopped", None)]
        self.fire(*apart)
        self.provider.transfers = True
        self.restart_provider()
        self.clear(*apart)

        # The signer lags, and then they die.
        self.sign(2, time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 12 * 3600)))
        self.restart_provider()
        self.fire(("SignatureEndsBeforeExpire", STALE))
        self.provider.stop()
        dead = [("PrimaryDown", ZONE), ("AllPrimariesDown", ZONE), ("ComparerBlind", ZONE), ("ZoneNearExpiry", SHORT), ("ZoneExpired", None),
                ("ServingStale", STALE), ("StaleSignatureEnds", STALE), ("TroubleAmongMany", None)]
        self.fire(*dead)
        until("SERVFAIL is told", lambda: query.serial("127.0.0.1", self.server.port, SHORT) or self.told("firing", "QueryErrors"),
              deadline=180)
        self.assertEqual([query.serial("127.0.0.1", self.server.port, apex) for apex in (ZONE, STALE)], [2, 2])
        self.sign(3, "20380101")
        self.provider.start()
        self.clear(*dead, ("SignatureEndsBeforeExpire", STALE), ("QueryErrors", None))

    def test_what_becomes_of_us(self):
        # Most of a zone is lost: held, until somebody decides.
        self.publish(ZONE, 2, hosts=0)
        self.fire(("VersionHeld", ZONE))
        held = self.server.status(ZONE)["held"]["version"]
        self.assertEqual(self.server.verb("accept", ZONE, "--version", str(held)).returncode, 0)
        self.clear(("VersionHeld", ZONE))

        # The parent comes to have a DS record for a zone without keys, and is silent later.
        self.restart_parent(ds=True)
        self.publish(ZONE, 3, hosts=0)
        self.fire(("UnsignedUnderDs", ZONE))
        self.parent.stop()
        self.fire(("ParentNotAsked", ZONE))
        self.restart_parent(ds=False)
        self.clear(("UnsignedUnderDs", ZONE), ("ParentNotAsked", ZONE))

        # The disk is full.
        with open(self.full, "w", encoding="utf-8"):
            pass
        self.fire(("MirrorNearlyFull", None))
        os.remove(self.full)
        self.clear(("MirrorNearlyFull", None))

        # And we die.
        self.server.stop()
        self.fire(("Down", None))
        self.start_server()
        self.clear(("Down", None))

    def restart_parent(self, ds):
        self.parent.stop()
        self.parent.write_zone(PARENT, parent_text(ds))
        self.parent.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
