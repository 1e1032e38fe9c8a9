"""kill -9 at random instants while an operator's orders follow one another: hold, accept, rollback, resume, refresh and
retransfer, with versions that the gate holds among those that come. What was answered before the kill is in force after the
restart, and the order that was under way is carried out or not at all; each version that is kept or held is whole.

What each order is to do is written down here once more (Orders.after).
"""

import http.client
import json
import os
import random
import socket
import sys
import threading
import unittest
from typing import NamedTuple, Optional

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.rdatatype

import query
from kill_bulk import LITTLE, Bulk
from processes import DEADLINE, until
from steps import APEX, Steps

KILLS = int(os.environ.get("UNDERSTUDY_KILLS", "200")) // 5


class State(NamedTuple):
    served: int  # serials
    held: Optional[int] = None
    by_gate: bool = False  # held for what it is, whatever an operator says
    on_hold: bool = False
    rolled_back: bool = False


class Killed(Exception):
    pass


def is_half(serial):
    return serial % 4 == 0


def taken(state, newest):
    """After the primary was asked for what it has."""
    if newest in (state.served, state.held):
        return state
    if is_half(newest) and not is_half(state.served):
        return state._replace(held=newest, by_gate=True)
    if state.on_hold or state.rolled_back:
        return state._replace(held=newest, by_gate=False)
    return state._replace(served=newest, held=None, by_gate=False)


def resumed(state, newest):
    """All that may be found: what was rolled back has the primary asked, which takes its time."""
    free = state._replace(on_hold=False, rolled_back=False)
    if state.held and not state.by_gate and (state.on_hold or state.rolled_back):
        return {free._replace(served=state.held, held=None)}
    return {free, taken(free, newest)} if state.rolled_back and not state.held else {free}


class Orders(Steps):
    keep = 6
    kills = KILLS
    undisturbed = 8  # orders before the first that may be cut short, fewer than
    delays = (0.003, 0.03, 0.1)  # from then to the kill, at most

    @staticmethod
    def names_of(serial):
        return range(25 if is_half(serial) else 50)

    @staticmethod
    def text_of(serial, _):
        return f"v{serial}"

    def ask(self, verb, **more):
        """One order at the server's door; the words of its answer."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
                door.settimeout(DEADLINE)
                door.connect(self.server.control)
                door.sendall(json.dumps({"verb": verb, "zone": APEX, **more}).encode() + b"\n")
                told = b"".join(iter(lambda: door.recv(1 << 16), b""))
        except ConnectionError as error:
            raise Killed from error
        if not told.endswith(b"\n"):
            raise Killed
        answer = json.loads(told.splitlines()[-1])
        self.assertIn("result", answer, (verb, more))

    def report(self, path=""):
        try:
            code, body = self.server.get(f"/api/v1/zones/{APEX}{path}")
        except (OSError, http.client.HTTPException) as error:
            raise Killed from error
        self.assertEqual(code, 200, body)
        return json.loads(body)

    def state(self):
        status = self.report()
        held = status["held"]
        by_gate = bool(held) and held["reason"] == "shrink"
        return State(status["serial"], held and held["serial"], by_gate, status["on_hold"], status["rolled_back"])

    def choose(self, rng, state):
        """An order that means something just now, and what it leads to from a state."""
        rows = self.report("/history")["versions"]
        orders = [("hold", {}, lambda s: {s._replace(on_hold=True)})]
        orders += [(verb, {}, lambda s: {taken(s, self.primary.serial)}) for verb in ("refresh", "refresh", "retransfer")]
        orders.append(("resume", {}, lambda s: resumed(s, self.primary.serial)))
        if state.held:
            version = next(row["version"] for row in rows if row["held"])
            orders.append(("accept", {"version": version}, lambda s: {s._replace(served=s.held, held=None, by_gate=False)}))
        if older := [row for row in rows if not row["held"] and not row["live"]]:
            row = rng.choice(older)
            orders.append(("rollback", {"version": row["version"]},
                           lambda s: {s._replace(served=row["serial"], held=None, by_gate=False, rolled_back=True)}))
        order = rng.choice(orders)
        self.primary.serial += order[0] == "refresh"
        return order

    def see(self):
        """What is found is what may be found, and nothing else is from now on."""
        state = self.state()
        self.assertIn(state, self.found, self.last)
        self.found = {state}
        return state

    def carry_out(self, rng, killer, answered):
        """Orders, until the kill, which may come with any of the last ones: `found` is always what may be found after it."""
        # A server that could not ask as it started asks once more soon, whoever orders what: now it does not.
        self.found |= {taken(state, self.primary.serial) for state in self.found}
        self.ask("refresh")
        last = len(answered) + rng.randrange(self.undisturbed)
        while True:
            state = self.see()
            verb, more, after = self.choose(rng, state)
            self.last, afterwards = (verb, more, state), after(state)
            if len(answered) == last:
                killer.start()
            self.found = {state} | afterwards
            self.ask(verb, **more)
            self.found = afterwards
            answered.append(verb)
            if len(afterwards) > 1:  # the primary is asked once more, and this waits for it
                self.ask("retransfer")

    def kill_among_orders(self, rng, answered):
        child = self.server.process.child
        killer = threading.Timer(rng.random() * rng.choice(self.delays), child.kill)
        try:
            self.carry_out(rng, killer, answered)
        except Killed:
            self.expect_end(self.last)

    def expect_whole(self, rng):
        """What is served, and another of the versions that are there."""
        rows = self.server.json_verb("history", APEX)
        state = self.see()
        self.assertEqual([row["serial"] for row in rows if row["held"]], [state.held] if state.held else [])
        self.assertEqual([row["serial"] for row in rows if row["live"]], [state.served])
        versions = [row["version"] for row in rows]
        self.assertEqual(versions, sorted(set(versions), reverse=True))
        zone = query.transfer("127.0.0.1", self.server.port, APEX)
        found = {int(str(owner).split(".", maxsplit=1)[0][1:]): rdata.to_text() for owner, _, rdata in zone.iterate_rdatas(dns.rdatatype.TXT)}
        self.expect_text(found, state.served)
        self.expect_read_back(rng.choice(rows))

    def test_orders_that_are_cut_short(self):
        seed = int(os.environ.get("UNDERSTUDY_ORDERS_SEED") or random.randrange(1 << 32))
        print(f"UNDERSTUDY_ORDERS_SEED={seed}, {self.kills} kills", file=sys.stderr)
        rng, answered = random.Random(seed), []
        self.server.start()
        self.publish(1)
        of_a_name = self.used() / len(self.names_of(1))
        self.found, self.last = {State(1)}, None
        for _ in range(self.kills):
            self.primary.dark = False
            self.kill_among_orders(rng, answered)
            self.primary.dark = True
            self.server.start()
            self.expect_whole(rng)
        if self.kills >= 40:
            self.assertEqual(set(answered), {"hold", "refresh", "retransfer", "resume", "accept", "rollback"})
        rows = self.server.json_verb("history", APEX)
        for row in rows:
            self.expect_read_back(row)
        names = sum(len(self.names_of(row["serial"])) for row in rows)
        until("the rest is collected", lambda: self.used() <= names * of_a_name + LITTLE)
        # After all that the newest version comes in.
        self.primary.dark = False
        self.primary.serial += 2 if is_half(self.primary.serial + 1) else 1
        for verb in ("resume", "retransfer"):
            self.ask(verb)
        self.assertEqual(self.served(), self.primary.serial)


class BulkOrders(Orders):
    """Each version takes several transactions, and so does most of what is ordered."""

    kills = KILLS // 4
    undisturbed = 3
    delays = (0.1, 0.5, 1.5)
    strings = staticmethod(Bulk.strings)

    @staticmethod
    def names_of(serial):
        return range(110 if is_half(serial) else 220)


if __name__ == "__main__":
    unittest.main(verbosity=2)
