"""Where name servers differ from one another: what the RFC says, what we do, and whom it explains.

Each row is a line of docs/conformance.md. A row explains why one peer's answer to one question is not ours; an answer
that no row explains fails tests/interop/differential.py.
"""

import dataclasses
import typing

import dns.rdatatype as rt

# How many links the shortest-winded peer follows (Knot 3.2 has the least).
SHORTEST_BOUND = 5


class Case:
    """One question and what everybody said: `told` is {server: Answer}."""

    def __init__(self, zone, name, rdtype, told):
        self.zone, self.name, self.rdtype = zone, name, rdtype
        self.ours = told["understudy"]
        self.theirs = {server: answer for server, answer in told.items() if server != "understudy"}
        self._links = None

    @property
    def links(self):
        """The names that a chain led to in anybody's answer, the question's first."""
        if self._links is None:
            self._links = {self.name: None}
            for answer in (self.ours, *self.theirs.values()):
                self._links.update((rdata.target, None) for rdata in answer.cnames)
        return list(self._links)

    def ancestors(self):
        """All names of the zone at or above a link."""
        for link in self.links:
            while link.is_subdomain(self.zone.apex):
                yield link
                if link == self.zone.apex:
                    break
                link = link.parent()

    def has(self, name, rdtype):
        return rdtype in self.zone.nodes.get(name, {})

    def hides(self, name):
        """Is there data below the name?"""
        return any(node != name and node.is_subdomain(name) for node in self.zone.nodes)


def differs_only_in(*parts):
    def applies(case, answer):
        ours, theirs = dict(case.ours.said), dict(answer.said)
        return ours.keys() == theirs.keys() and all(ours[key] == theirs[key] for key in ours if key not in parts)
    return applies


def soa_ttl_is_zero(case, answer):
    return case.rdtype == rt.SOA and differs_only_in("soa")(case, answer) and any(row[2] == 0 for row in answer["soa"])


def dname_hides_data(case, answer):
    return any(case.has(name, "DNAME") and case.hides(name) for name in case.ancestors())


def cut_below_cut(case, answer):
    cuts = [name for name in case.ancestors() if case.has(name, "NS") and name != case.zone.apex]
    return any(low != high and low.is_subdomain(high) for low in cuts for high in cuts)


def is_part_or_servfail(case, answer):
    ours, theirs = case.ours["answer"], answer["answer"]
    return ours <= theirs or theirs <= ours or answer["rcode"] == "SERVFAIL"


def long_chain(case, answer):
    return (len(case.ours.cnames) >= SHORTEST_BOUND or same_dname_again(case)) and is_part_or_servfail(case, answer)


def same_dname_again(case):
    """Did a DNAME of our answer serve for more than one link?"""
    dnames = [rrset.name for rrset in case.ours.message.answer if rrset.rdtype == rt.DNAME]
    links = [rrset.name for rrset in case.ours.message.answer if rrset.rdtype == rt.CNAME]
    return any(sum(link != dname and link.is_subdomain(dname) for link in links) > 1 for dname in dnames)


def is_loop(case, answer):
    """Does our chain come back to a name that it has been at?"""
    owners = {rrset.name for rrset in case.ours.message.answer if rrset.rdtype == rt.CNAME}
    return bool(owners) and all(rdata.target in owners for rdata in case.ours.cnames)


def soa_beside_data(case, answer):
    return differs_only_in("soa")(case, answer) and not case.ours["soa"] and bool(case.ours["answer"])


def link_asked_for(case, answer):
    return case.rdtype == rt.CNAME and bool(case.ours.cnames) and is_part_or_servfail(case, answer)


def substitution_too_long(case, answer):
    return case.ours["rcode"] == "YXDOMAIN"


def glue_by_wildcard(case, answer):
    more = answer["glue"] - case.ours["glue"]
    return (differs_only_in("glue")(case, answer) and case.ours["glue"] <= answer["glue"]
            and all(not case.has(row[0], rt.to_text(row[1])) for row in more))


def glue_below_dname(case, answer):
    missing = case.ours["glue"] - answer["glue"]
    return differs_only_in("glue")(case, answer) and bool(missing) and all(case.zone.is_below_dname(row[0]) for row in missing)


def leads_to_another_zone(case, answer):
    return any(link.is_subdomain(child) for link in case.links[1:] for child in case.zone.children)


@dataclasses.dataclass
class Decision:
    section: str
    ours: str
    others: str
    peers: tuple
    test: typing.Callable

    def applies(self, case, peer, answer):
        return peer in self.peers and answer.message is not None and self.test(case, answer)


TABLE = [
    Decision("2308 3", "the SOA beside a denial has the lesser of its TTL and its MINIMUM, whatever was asked",
             "BIND sets it to 0 where the SOA was asked for", ("bind",), soa_ttl_is_zero),
    Decision("2308 2.2", "the SOA stands beside an empty answer only", "PowerDNS adds it to data made from a wildcard", ("powerdns",),
             soa_beside_data),
    Decision("6672 2.4", "what is below a DNAME is hidden: the DNAME answers", "Knot and PowerDNS answer from the hidden data",
             ("knot", "powerdns"), dname_hides_data),
    Decision("1034 4.3.2", "step 3b: the topmost cut is referred to", "PowerDNS refers to the lowest", ("powerdns",), cut_below_cut),
    Decision("1034 3.6.2", "a loop is told, each link once, with the RCODE of the last link (RFC 6604 3); who resolves sees it and "
             "signals the error", "BIND and PowerDNS say SERVFAIL", ("bind", "powerdns"), is_loop),
    Decision("1034 3.6.2", "chains are followed, 16 links at most; what was found so far is the answer",
             "each has its own bound, NSD lets no DNAME lead back to itself, and some say SERVFAIL then", ("nsd", "knot", "bind", "powerdns"), long_chain),
    Decision("6672 3.2", "who asks for the CNAME gets the one at that name, from a record, a wildcard or a DNAME, and the chain ends "
             "(RFC 1034 3.6.2)", "PowerDNS goes on", ("powerdns",), link_asked_for),
    Decision("6672 2.2", "a substitution beyond 255 octets is YXDOMAIN with the DNAME, and that is all",
             "Knot adds the SOA or a CNAME, or says NXDOMAIN", ("knot",), substitution_too_long),
    Decision("1034 4.2.1", "glue is what stands at the server's own name; a wildcard below a cut is the child's and makes none",
             "NSD and Knot make glue from it", ("nsd", "knot"), glue_by_wildcard),
    Decision("1034 4.2.1", "glue is glue, also where the server's name is below a DNAME below the cut",
             "NSD refuses to load such a record, so its zone is without", ("nsd",), glue_below_dname),
    Decision("1034 4.3.2", "a chain is followed within the zone of the question; step 3a would go on in another zone that the server "
             "has, and there the client asks again: at a cut it is referred", "NSD and PowerDNS go on in the other zone, BIND stops",
             ("nsd", "bind", "powerdns"), leads_to_another_zone),
]
