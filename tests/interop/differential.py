"""Random zones and questions at their edges to Understudy, NSD, Knot, BIND and PowerDNS: where all peers agree, so do we.

Where they differ among themselves, a row of support/python/decisions.py says what the RFC wants of each that is not with
us. One without a row is printed, and a failure where more say the same without a row than are with us.
UNDERSTUDY_DIFFERENTIAL_SEED chooses the zones (0: others each time), UNDERSTUDY_DIFFERENTIAL_QUESTIONS sets how many questions it asks."""

import collections
import concurrent.futures
import multiprocessing
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import dns.flags
import dns.message
import dns.name
import dns.rdatatype

import decisions
import peers
import query
from mirrored import question_wire
from processes import Scratch, until
from random_zones import SERIAL, RandomZone
from understudy import Understudy

# The same zones in every run, so that what fails is a change's fault; 0 chooses others.
SEED = int(os.environ.get("UNDERSTUDY_DIFFERENTIAL_SEED") or 7) or random.SystemRandom().randrange(1 << 32)
QUESTIONS = int(os.environ.get("UNDERSTUDY_DIFFERENTIAL_QUESTIONS") or 50000)
ZONES = 16
SHOWN = 12  # failures that are printed whole
OURS = "understudy"
WRONG, UNDECIDED = "WRONG", "undecided"


def random_world(seed):
    """Every other zone has odd labels, one is all DNAME, the first is the last one's parent."""
    rng = random.Random(seed)
    apexes = [f"z{i}.differential.example." for i in range(ZONES - 1)] + ["child.z0.differential.example."]
    return [RandomZone(apex, rng, odd=i % 2 == 1 and i < ZONES - 1, apex_dname=i == 7, children=[apexes[-1]] if i == 0 else [])
            for i, apex in enumerate(apexes)]


def start_peers(scratch, world):
    """Each with the zones that it loads, as {name: server}."""
    servers = {}
    for kind in (peers.Nsd, peers.Knot, peers.Bind, peers.PowerDns):
        loaded = [zone for zone in world if loads(kind, zone)]
        server = kind(scratch, [zone.apex.to_text() for zone in loaded])
        for zone in loaded:
            # NSD refuses a zone with data below a DNAME; RFC 6672 2.4 hides such data.
            server.write_zone(zone.apex.to_text(), zone.zone_file(without_occluded_by_dname=kind is peers.Nsd))
        servers[server.name] = server.start()
    return servers


def loads(kind, zone):
    return not (kind is peers.PowerDns and zone.odd)


def ask(endpoint, kind, wires):
    with query.Flow(*endpoint, kind) as flow:
        return [wire for _, wire in flow.ask(wires)]


def is_truncated(wire):
    return bool(wire[2] & dns.flags.TC >> 8)


def answers(servers, wires):
    """{name: the messages}: over UDP, and again over TCP where it does not fit one of them."""
    replies = {name: ask(server, "udp", wires) for name, server in servers.items()}
    again = [i for i in range(len(wires)) if any(is_truncated(said[i]) for said in replies.values())]
    for name, server in servers.items():
        for i, wire in zip(again, ask(server, "tcp", [wires[i] for i in again])):
            replies[name][i] = wire
    return replies


class Answer:
    """What one server says, in a form that can be compared and shown."""

    def __init__(self, wire):
        try:
            self.message = dns.message.from_wire(wire)
            self.said = tuple(query.said(self.message).items())
        except Exception as error:  # what dnspython cannot read is shown as it is
            self.message = None
            self.said = (("unreadable", f"{error!r}: {wire.hex()}"),)

    def __getitem__(self, part):
        return dict(self.said)[part]

    @property
    def cnames(self):
        """The RDATA of each link."""
        answer = self.message.answer if self.message else []
        return [rdata for rrset in answer if rrset.rdtype == dns.rdatatype.CNAME for rdata in rrset]

    def __str__(self):
        return " ".join(f"{key}={query.show(value)}" for key, value in self.said)


def compare(zone, servers, questions):
    """(how often which verdict, what is wrong in words, what is undecided)."""
    tally, failures, undecided = collections.Counter(), [], []
    replies = answers(servers, [question_wire(name, rdtype) for name, rdtype in questions])
    for i, (name, rdtype) in enumerate(questions):
        told = {server: Answer(said[i]) for server, said in replies.items()}
        found = verdict(decisions.Case(zone, name, dns.rdatatype.from_text(rdtype), told))
        tally[found] += 1
        if found.startswith((WRONG, UNDECIDED)):
            told = [f"{server}: {answer}" for server, answer in told.items()]
            (failures if found.startswith(WRONG) else undecided).append("\n    ".join([f"{found}: {name} {rdtype}", *told]))
    return tally, failures, undecided


class Differential(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def test_the_peers_and_we_say_the_same(self):
        print(f"UNDERSTUDY_DIFFERENTIAL_SEED={SEED}", flush=True)
        world = random_world(SEED)
        servers = start_peers(self.scratch, world)
        servers[OURS] = self.start_ours(world)
        tally, failures, undecided = collections.Counter(), [], []
        # A process a core, since what takes long is reading the messages.
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
            jobs = []
            for zone in world:
                endpoints = {name: (server.address, server.port) for name, server in servers.items() if loads(type(server), zone)}
                jobs.append(pool.submit(compare, zone, endpoints, zone.questions(QUESTIONS // ZONES)))
            for zone, job in zip(world, jobs):
                counted, wrong, open_questions = job.result()
                tally += counted
                undecided += open_questions
                failures += [f"{line}\nzone:\n{zone.zone_file()}" if i == 0 else line for i, line in enumerate(wrong)]
        for what, count in sorted(tally.items()):
            print(f"{count:7} {what}")
        print("\n".join(undecided[:SHOWN]))
        self.assertGreaterEqual(tally.total(), QUESTIONS * 95 // 100, "the zones give enough to ask")
        if failures:
            self.fail("\n".join([f"{len(failures)} answers differ; seed {SEED}", *failures[:SHOWN]]))

    def start_ours(self, world):
        zones = [{"name": zone.apex.to_text(),
                  "source": ["file:" + self.scratch.write(zone.apex.to_text() + "zone", zone.zone_file())]} for zone in world]
        # A child without keys whose parent has a DS for it is served here whichever of the two comes first.
        ours = Understudy(self.scratch, zones, tables={"gate": {"ds-at-parent": "off"}}).start()
        for zone in world:
            until(f"we serve {zone.apex}", lambda zone=zone: query.serial(ours.address, ours.port, zone.apex.to_text()) == SERIAL)
        return ours


def verdict(case):
    """Why our answer is right, or how it is WRONG."""
    if case.ours.message is None:
        return f"{WRONG}, it cannot be read"
    against = [peer for peer, answer in case.theirs.items() if answer.said != case.ours.said]
    if not against:
        return "all agree"
    if len(set(answer.said for answer in case.theirs.values())) == 1:
        return f"{WRONG}, where the peers agree"
    sections = {}
    for peer in against:
        sections[peer] = next((row.section for row in decisions.TABLE if row.applies(case, peer, case.theirs[peer])), None)
    unexplained = sorted(peer for peer, section in sections.items() if section is None)
    if unexplained:
        together = max(collections.Counter(case.theirs[peer].said for peer in unexplained).values())
        kind = UNDECIDED if together <= len(case.theirs) - len(against) else WRONG
        return f"{kind}, without a reason: {', '.join(unexplained)}; against us: {', '.join(sorted(against))} of {len(case.theirs)}"
    alone = " against all" if len(against) == len(case.theirs) else ""
    return f"decided by RFC {', '.join(sorted(set(sections.values())))}{alone}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
