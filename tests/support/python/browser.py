"""Debian's Chromium, driven by its own driver: what a page shows, what it asks for, what its console complains of."""

import json
import os

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from processes import until

__all__ = ["Browser", "Keys"]

# Of the flags, those from disable-background-networking on keep Chromium itself from asking anybody anything.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
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
    """One window. `open` takes a server's "host:port" and a path."""

    def __init__(self, scratch):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={scratch.directory('chromium')}", "--window-size=1280,1000"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        service = Service("/usr/bin/chromedriver", log_path=os.path.join(scratch.directory("chromium"), "driver.log"))
        self.driver = webdriver.Chrome(service=service, options=options)
        self.driver.set_page_load_timeout(60)
        self.asked = []  # every address that a page has asked for
        self.complaints = []  # of the console
        scratch.own(self)

    def stop(self):
        self.driver.quit()

    def open(self, server, path="/"):
        self.driver.get(f"http://{server}{path}")
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        """What is shown, as one reads it; None where there is no such element or it is not shown."""
        return self.run("const n = document.querySelector(arguments[0]); return n && n.checkVisibility() ? n.innerText.trim() : null", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].filter((n) => n.checkVisibility()).map((n) => n.innerText.trim())",
                        selector)

    def sees(self, selector, wanted, deadline=90):
        """Waits until the element's text has `wanted` in it."""
        return until(f"{selector} shows {wanted!r}", lambda: wanted in (self.text(selector) or "") and self.text(selector), deadline)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys):
        """Keys to whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        return self.run("const n = document.activeElement; return n.innerText?.trim() || n.getAttribute('aria-label') || n.tagName")

    def path(self):
        return self.run("return location.pathname + location.search")

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def size(self, width, height, mobile=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile})

    def low_contrasts(self):
        return self.run(CONTRASTS)

    def roles(self):
        """Role and name of all that assistive technology is told of."""
        self.driver.execute_cdp_cmd("Accessibility.enable", {})
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]

    def picture(self, name, whole=True):
        """A picture for people to look at, where UNDERSTUDY_PICTURES names a directory."""
        directory = os.environ.get("UNDERSTUDY_PICTURES")
        if not directory:
            return
        import base64
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, name + ".png"), "wb") as file:
            file.write(base64.b64decode(taken["data"]))

    def read_logs(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
        self.complaints += [entry["message"] for entry in self.driver.get_log("browser")]
