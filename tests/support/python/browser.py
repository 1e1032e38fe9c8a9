"""Debian's Chromium, driven by Playwright (tests/support/browser/bridge.mjs): what a page shows, what it asks for, what
its console complains of."""

import json
import os
import subprocess

from processes import until

__all__ = ["Browser"]

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "..")
BRIDGE = os.path.join(ROOT, "tests", "support", "browser", "bridge.mjs")
MODULES = os.path.join(ROOT, "build", "playwright")  # deploy/packages.sh puts Playwright there

# Of the flags, those from disable-background-networking on keep Chromium itself from asking anybody anything.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
         "--disable-features=OptimizationHints,MediaRouter,Translate", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

CONTRASTS = """
const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return {rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1}; };
const luminance = ([r, g, b]) => { const f = (v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
const ground = (node) => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor); if (c.a === 1) return c.rgb; }
  return [255, 255, 255]; };
const low = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text; (text = walker.nextNode());) {
  const node = text.parentElement;
  if (!text.data.trim() || !node.checkVisibility() || node.closest(".unseen, .skip, noscript, script")) continue;
  const style = getComputedStyle(node), a = luminance(parse(style.color).rgb), b = luminance(ground(node));
  const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (contrast < 4.5 && !node.closest(":disabled")) low.push(text.data.trim() + " " + contrast.toFixed(2));
}
return low;
"""


class Browser:
    """One window. `open` takes a server's "host:port" and a path; selectors are Playwright's; keys have the names of
    KeyboardEvent.key."""

    def __init__(self, scratch):
        profile = scratch.directory("chromium")
        self._log = open(os.path.join(profile, "bridge.log"), "wb")
        self._bridge = subprocess.Popen(["node", BRIDGE, os.path.realpath(MODULES), profile, *FLAGS],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self.asked = []  # every address that a page has asked for
        self.complaints = []  # of the console
        scratch.own(self)

    def stop(self):
        self._bridge.stdin.close()
        self._bridge.wait(60)
        self._bridge.stdout.close()
        self._log.close()

    def _do(self, *command):
        self._bridge.stdin.write(json.dumps(command).encode() + b"\n")
        self._bridge.stdin.flush()
        line = self._bridge.stdout.readline()
        if not line:
            with open(self._log.name, encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"the browser ended: {log.read()[-4000:]}")
        outcome = json.loads(line)
        if "error" in outcome:
            raise AssertionError(f"{command}: {outcome['error']}")
        return outcome["value"]

    def open(self, server, path="/"):
        self._do("open", f"http://{server}{path}")
        return self

    def reload(self):
        self._do("reload")

    def back(self):
        self._do("back")

    def run(self, script, *arguments):
        return self._do("run", script, *arguments)

    def text(self, selector):
        """What is shown, as one reads it; None where there is no such element or it is not shown."""
        return self._do("text", selector)

    def texts(self, selector):
        return self._do("texts", selector)

    def attribute(self, selector, name):
        return self._do("attribute", selector, name)

    def sees(self, selector, wanted, deadline=90):
        """Waits until the element's text has `wanted` in it."""
        return until(f"{selector} shows {wanted!r}", lambda: wanted in (self.text(selector) or "") and self.text(selector), deadline)

    def click(self, selector):
        self._do("click", selector)

    def focus(self, selector):
        self._do("focus", selector)

    def press(self, key):
        """A key to whatever has the focus."""
        self._do("press", key)

    def type(self, text):
        """The same, a key for each character."""
        self._do("type", text)

    def focused(self):
        return self.run("const n = document.activeElement; return n.innerText?.trim() || n.getAttribute('aria-label') || n.tagName")

    def path(self):
        return self.run("return location.pathname + location.search")

    def scheme(self, name):
        self._do("scheme", name)

    def size(self, width, height, mobile=False):
        self._do("tool", "Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile})

    def low_contrasts(self):
        return self.run(CONTRASTS)

    def roles(self):
        """Role and name of all that assistive technology is told of."""
        self._do("tool", "Accessibility.enable", {})
        nodes = self._do("tool", "Accessibility.getFullAXTree", {})["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]

    def picture(self, name, whole=True):
        """A picture for people to look at, where UNDERSTUDY_PICTURES names a directory."""
        directory = os.environ.get("UNDERSTUDY_PICTURES")
        if directory:
            self._do("picture", os.path.join(os.path.realpath(directory), name + ".png"), whole)

    def read_logs(self):
        logs = self._do("logs")
        self.asked += logs["asked"]
        self.complaints += logs["complaints"]
