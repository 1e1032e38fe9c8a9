"""The executable under test: its configuration, its life, its verbs and its HTTP pages."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request

from processes import DEADLINE, Process, until

REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BINARY = os.environ.get("UNDERSTUDY_BINARY") or os.path.join(REPOSITORY, "build", "debug", "understudy")
SHARED = os.environ.get("UNDERSTUDY_SHARED") or os.path.join(REPOSITORY, "..", "shared")
SANITIZER_REPORT = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:)[^\n]*")


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)


def table(header, options):
    return "\n".join([header, *(f"{key} = {toml(value)}" for key, value in options.items()), ""])


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)


class Understudy:
    """`zones` is a list of dictionaries with the configuration's own keys, `keys` one for [[key]], and so on; `tables` are further
    tables by name."""

    def __init__(self, scratch, zones, name="understudy", listen=("127.0.0.1:0",), http="127.0.0.1:0", tables=None, keys=(),
                 public=None, catalogs=(), templates=(), **server):
        self.name = name
        self.scratch = scratch
        self.directory = scratch.directory(name)
        self.data = os.path.join(self.directory, "data")
        self.control = os.path.join(self.directory, "control.sock")
        self.config = os.path.join(self.directory, "understudy.toml")
        self.server = {"listen": list(listen), "data": self.data, "control": self.control, "workers": 2, **server}
        self.http_options = {"listen": http} if public is None else {"listen": http, "public": public}
        self.zones = zones
        self.tables = tables or {}
        self.keys = list(keys)
        self.catalogs, self.templates = list(catalogs), list(templates)
        self.process = None
        self.address = self.port = self.http = self.public = None
        self.endpoints = []
        self.tls_endpoints = []
        self._read = 0
        scratch.own(self)

    def write_config(self):
        parts = [table("[server]", self.server), table("[http]", self.http_options)]
        parts += [table(f"[{name}]", options) for name, options in self.tables.items()]
        parts += [table("[[key]]", key) for key in self.keys]
        parts += [table("[[zone]]", zone) for zone in self.zones]
        parts += [table("[[template]]", template) for template in self.templates]
        parts += [table("[[catalog]]", catalog) for catalog in self.catalogs]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(parts))

    def start(self, environment=None):
        """Starts `serve` and waits for its `ready`."""
        self.write_config()
        log = os.path.join(self.directory, f"{self.name}.log")
        self._read = os.path.getsize(log) if os.path.exists(log) else 0
        self.process = Process(self.name, [BINARY, "serve", "--config", self.config], self.directory,
                               environment)
        until(f"{self.name} says ready", lambda: self.process.require_alive() and self._is_ready())
        return self

    def _is_ready(self):
        lines = self.log().splitlines()
        if "ready" not in (line.strip() for line in lines):
            return False
        self.endpoints = []
        self.tls_endpoints = []
        for line in lines:
            if found := re.match(r"listening (udp\+tcp|tls) (\S+):(\d+)$", line.strip()):
                endpoints = self.tls_endpoints if found[1] == "tls" else self.endpoints
                endpoints.append((found[2].strip("[]"), int(found[3])))
            elif found := re.match(r"http (\S+:\d+)$", line.strip()):
                self.http = found[1]
            elif found := re.match(r"public http (\S+:\d+)$", line.strip()):
                self.public = found[1]
        assert self.endpoints, f"no listening line before ready:\n{self.log()}"
        self.address, self.port = self.endpoints[0]
        return True

    def log(self):
        """What this start has written so far."""
        with open(self.process.log_path, "rb") as file:
            file.seek(self._read)
            return file.read().decode("utf-8", "replace")

    def kill(self):
        self.process.kill()
        self.process = None

    def stop(self):
        """Ends it and insists on a clean end: exit code 0 and no word from a sanitizer."""
        if self.process is None:
            return
        process, self.process = self.process, None
        was_alive = process.alive()
        code = process.stop()
        log = process.log()
        if found := SANITIZER_REPORT.search(log):
            raise AssertionError(f"{self.name}: {found[0]}\n{log[found.start():][:6000]}")
        assert was_alive and code == 0, f"{self.name} ended with {code}:\n{log[-4000:]}"

    def reload_signal(self):
        self.process.signal(signal.SIGHUP)

    # --- verbs ---

    def verb(self, *arguments, config=True, deadline=DEADLINE):
        command = [BINARY, *arguments]
        if config:
            command += ["--config", self.config]
        return subprocess.run(command, capture_output=True, text=True, timeout=deadline, check=False)

    def json_verb(self, *arguments):
        done = self.verb(*arguments, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise AssertionError(f"{arguments}: no JSON ({error}): {done.stdout!r} {done.stderr!r}") from error

    def status(self, zone):
        answer = self.json_verb("status", zone)
        return answer["zones"][0] if isinstance(answer, dict) and "zones" in answer else answer

    # --- HTTP ---

    def get(self, path):
        """Status code and body."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of the samples of `name` (without prefix) whose labels include those given; None without any."""
        _, body = self.get("/metrics")
        total = None
        for line in body.splitlines():
            found = re.match(r"understudy_" + re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if not found:
                continue
            have = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[1] or ""))
            if all(have.get(key) == value for key, value in labels.items()):
                total = (total or 0) + float(found[2])
        return total
