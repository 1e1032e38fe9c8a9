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
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import query
from processes import Scratch, free_port, until
from understudy import REPOSITORY, Understudy

ZONE, SHORT = "alarms.example.", "short.example."


def zone_text(apex, serial, host="192.0.2.1"):
    expire = 60 if apex == SHORT else 1209600
    return f"""$ORIGIN {apex}
$TTL 300
@    IN SOA  ns1 hostmaster {serial} 1 1 {expire} 60
@    IN NS   ns1
ns1  IN A    192.0.2.1
www  IN A    {host}
"""


class Provider(peers.Nsd):
    transfers = True

    def configuration(self):
        text = super().configuration()
        return text if self.transfers else re.sub(r" +provide-xfr: .*\n", "", text)


class Webhook:
    """What Alertmanager has told: the newest status of each alarm and zone."""

    def __init__(self, scratch):
        self.status = {}
        told = self.status

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    told[(alert["labels"]["alertname"], alert["labels"].get("zone"))] = alert["status"]
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
        self.provider = Provider(self.scratch, [ZONE, SHORT])
        for apex in (ZONE, SHORT):
            self.provider.write_zone(apex, zone_text(apex, 1))
        self.provider.start()
        timers = {"refresh-min": "1s", "refresh-max": "1s", "retry-min": "1s", "retry-max": "1s", "expire-min": "60s"}
        self.server = Understudy(
            self.scratch, [{"name": apex, "source": [self.provider.source], **timers} for apex in (ZONE, SHORT)],
            http=f"127.0.0.1:{free_port()}", tables={"compare": {"period": "1s", "rate": 100}})
        self.server.start()
        for apex in (ZONE, SHORT):
            until(f"{apex} arrives", lambda apex=apex: query.serial("127.0.0.1", self.server.port, apex) == 1)
        self.start_monitoring()

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

    def fires(self, alarm, zone=None):
        until(f"{alarm} fires", lambda: self.told("firing", alarm, zone), deadline=180)

    def clears(self, *alarms):
        for alarm, zone in alarms:
            until(f"{alarm} clears", lambda alarm=alarm, zone=zone: self.told("resolved", alarm, zone), deadline=180)

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

    def test_each_fires_and_clears(self):
        # The primary drifts: another address, and the serial stays.
        self.provider.write_zone(ZONE, zone_text(ZONE, 1, host="192.0.2.66"))
        self.restart_provider()
        self.fires("AnswersMismatch", ZONE)
        self.provider.write_zone(ZONE, zone_text(ZONE, 1))
        self.restart_provider()
        self.clears(("AnswersMismatch", ZONE))

        # It answers, but lets us transfer no more.
        self.provider.transfers = False
        self.provider.write_zone(ZONE, zone_text(ZONE, 2))
        self.restart_provider()
        self.fires("ZoneOutOfSync", ZONE)
        self.fires("TransfersStopped")
        self.provider.transfers = True
        self.restart_provider()
        self.clears(("ZoneOutOfSync", ZONE), ("TransfersStopped", None))

        # It dies.
        self.provider.stop()
        self.fires("PrimaryDown", ZONE)
        self.fires("AllPrimariesDown", ZONE)
        self.fires("ComparerBlind", ZONE)
        self.fires("ZoneNearExpiry", SHORT)
        self.fires("ZoneExpired")
        until("SERVFAIL is told", lambda: query.serial("127.0.0.1", self.server.port, SHORT) or self.told("firing", "QueryErrors"),
              deadline=180)
        self.assertEqual(query.serial("127.0.0.1", self.server.port, ZONE), 2)
        self.provider.start()
        self.clears(("PrimaryDown", ZONE), ("AllPrimariesDown", ZONE), ("ComparerBlind", ZONE), ("ZoneNearExpiry", SHORT),
                    ("ZoneExpired", None), ("QueryErrors", None))

        # And so do we.
        self.server.stop()
        self.fires("Down")
        self.server.start()
        self.clears(("Down", None))


if __name__ == "__main__":
    unittest.main(verbosity=2)
