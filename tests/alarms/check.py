"""The alarms of deploy/prometheus/: what each fires on (promtool), that the series they watch are ones that we export, and
that each has its section in the runbook, with what it means, what to look at and what to do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
RULES = os.path.join(ROOT, "deploy", "prometheus", "understudy.rules.yml")


def text(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


class Alarms(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_rules_are_sound(self):
        self.promtool("check", "rules", RULES)

    def test_the_example_routes_call_who_they_should(self):
        example = os.path.join("deploy", "prometheus", "alertmanager.example.yml")

        def amtool(*arguments):
            done = subprocess.run(["amtool", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout.strip()

        amtool("check-config", example)
        for severity, receivers in (("critical", "pager,chat"), ("warning", "chat"), ("", "chat")):
            self.assertEqual(amtool("config", "routes", "test", f"--config.file={example}", f"severity={severity}"), receivers)
        severities = set(re.findall(r"labels: {severity: (\w+)}", text("deploy", "prometheus", "understudy.rules.yml")))
        self.assertEqual(severities, {"critical", "warning"}, "every severity has its route")

    def test_the_example_has_words_for_several_zones_at_once(self):
        """The pager has one call for all zones of an alarm: annotations that they do not share must not leave it empty."""
        alert = ('{"status": "firing", "labels": {"alertname": "UnderstudyAllPrimariesDown", "zone": "%s"}, "annotations":'
                 ' {"summary": "No primary of %s answers", "description": "d", "runbook_url": "docs/operations.md#primary-down"}}')
        data = self.scratch("alerts.json", '{"receiver": "pager", "status": "firing", "alerts": [%s, %s], "groupLabels": {"alertname":'
                            ' "UnderstudyAllPrimariesDown"}, "commonLabels": {}, "commonAnnotations": {"runbook_url":'
                            ' "docs/operations.md#primary-down"}}' % (alert % ("a.", "a."), alert % ("b.", "b.")))
        nothing = self.scratch("empty.tmpl", "")
        example = text("deploy", "prometheus", "alertmanager.example.yml")
        for key, wanted in (("description", "2 x UnderstudyAllPrimariesDown: No primary of a. answers"),
                            ("runbook", "https://docs.example/understudy/docs/operations.md#primary-down"), ("zones", "a. b.")):
            template = re.search(rf"^ +{key}: '(.+)'$", example, re.MULTILINE).group(1)
            done = subprocess.run(["amtool", "template", "render", f"--template.glob={nothing}", f"--template.text={template}",
                                   f"--template.data={data}"], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual((done.returncode, done.stdout.strip()), (0, wanted), done.stderr)

    def scratch(self, name, content):
        directory = tempfile.mkdtemp(prefix="understudy-test-")
        self.addCleanup(shutil.rmtree, directory)
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def test_each_fires_when_it_should_and_only_then(self):
        self.promtool("test", "rules", os.path.join("tests", "alarms", "rules_test.yml"))

    def test_each_has_been_seen_to_fire(self):
        alarms = re.findall(r"- alert: (\w+)", text("deploy", "prometheus", "understudy.rules.yml"))
        tested = text("tests", "alarms", "rules_test.yml")
        live = text("tests", "alarms", "live.py")
        for alarm in alarms:
            self.assertRegex(tested, rf"alertname: {alarm}\n\s+exp_alerts:\n", alarm)
            self.assertIn(f'"{alarm.removeprefix("Understudy")}"', live, "and end to end")

    def test_they_watch_what_we_export(self):
        exported = set(re.findall(r'"(understudy_\w+)"', text("metrics", "families.cpp")))
        watched = set(re.findall(r"\bunderstudy_\w+", text("deploy", "prometheus", "understudy.rules.yml")))
        self.assertEqual(watched - exported, set())
        self.assertGreater(len(watched), 10)

    def test_each_has_a_runbook(self):
        sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text("docs", "operations.md"), re.MULTILINE | re.DOTALL))
        anchors = {title.lower().replace(" ", "-"): body for title, body in sections.items()}
        for anchor in re.findall(r'runbook_url: "docs/operations.md#(.+?)"', text("deploy", "prometheus", "understudy.rules.yml")):
            self.assertIn(anchor, anchors)
            for part in ("**Means**", "**Look at**", "**Do**"):
                self.assertIn(part, anchors[anchor], anchor)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
