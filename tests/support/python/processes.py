"""Processes, ports and scratch directories of the suites.

Whatever a test starts belongs to its Scratch and ends with it, by its own process id. Nothing here waits for a length
of time: until() polls the condition itself and gives up at a deadline that is far beyond what a loaded machine takes.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

# Generous on purpose: a deadline only decides how long a failure takes.
DEADLINE = 90.0


class GaveUp(AssertionError):
    pass


def until(what, condition, deadline=DEADLINE, pause=0.02):
    """Returns the first true value of condition(), asked again and again."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise GaveUp(f"{what}: not within {deadline:.0f} s (last: {value!r})")
        threading.Event().wait(pause)


def free_port(address="127.0.0.1"):
    """A port that is free for UDP and TCP at this moment, chosen by the kernel."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(100):
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port
    raise GaveUp("no port is free for UDP and TCP")


class Process:
    """One child; its output goes to a file that tests may read."""

    def __init__(self, name, command, directory, environment=None):
        self.name = name
        self.log_path = os.path.join(directory, f"{name}.log")
        self._log = open(self.log_path, "ab")
        self.child = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def alive(self):
        return self.child.poll() is None

    def require_alive(self):
        if not self.alive():
            raise AssertionError(f"{self.name} ended with {self.child.returncode}:\n{self.log()[-4000:]}")
        return True

    def signal(self, number):
        self.child.send_signal(number)

    def stop(self, deadline=DEADLINE):
        """Ends it politely, by force if it must be; returns its exit code."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(deadline)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()
        self._log.close()
        return self.child.returncode

    def kill(self):
        self.child.kill()
        self.child.wait()
        self._log.close()


class Scratch:
    """A directory and the processes of one test. Use as a context, or close() it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="understudy-test-")
        os.chmod(self.path, 0o755)
        self._owned = []

    def directory(self, name):
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def own(self, stoppable):
        self._owned.append(stoppable)
        return stoppable

    def start(self, name, command, directory=None, environment=None):
        return self.own(Process(name, command, directory or self.directory(name), environment))

    def close(self):
        """Ends everything, the last first; a complaint of one does not keep the others alive."""
        complaints = []
        while self._owned:
            try:
                self._owned.pop().stop()
            except (AssertionError, OSError, subprocess.SubprocessError) as complaint:  # a pipe's end is gone, a wait was too long
                complaints.append(complaint)
        if "UNDERSTUDY_KEEP" in os.environ:
            print(f"kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        if complaints:
            raise complaints[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
