"""Random zones that are all edges, and the questions aimed at them.

Few labels, so that names meet: delegations with and without glue, wildcards at every depth, DNAMEs, chains and loops of
CNAMEs, empty non-terminals, data that a cut or a DNAME occludes, odd labels. What the right answers are is not said here.
"""

import dns.name

PLAIN = [b"a", b"b", b"c", b"d", b"*"] * 4 + [b"*a", b"**", b"_tcp", b"-", b"UpPeR", b"l" * 63]
# RFC 2181 11: any octets may be a label. PowerDNS answers SERVFAIL for most of these.
ODD = [b"dot.ted", b"sp ace", b"quo\"te", b"back\\slash", b"@", b"$", b"semi;colon", b"(", b"\\000", b"\0", b"\0\1", b"\xff",
       b"\xc0\x0c", b"\x5b\x7b", b"\x7f\n", b"\xff" * 63]
TYPES = ["A", "AAAA", "TXT", "MX", "CNAME", "DNAME", "NS", "DS", "SOA", "SRV", "TYPE65280"]
OUTSIDE = dns.name.from_text("www.elsewhere.example.")
LONGEST = 255
SERIAL = 7


def text(name):
    """With \\DDD for whatever is no letter or digit: of other characters every server's parser has its own idea."""
    plain = b"-_*"
    return "".join("".join(chr(c) if chr(c).isascii() and chr(c).isalnum() or c in plain else f"\\{c:03}" for c in label) + "."
                   for label in name.labels[:-1])


def octets(name):
    return len(name.to_wire())


def fits(name):
    return octets(name) <= LONGEST


def below(labels, name):
    """None where the name would be too long."""
    labels = labels if isinstance(labels, tuple) else (labels,)
    if sum(len(label) + 1 for label in labels) + octets(name) > LONGEST:
        return None
    return dns.name.Name(labels + name.labels)


def stretched(name, size):
    """A name below `name` with exactly so many octets."""
    labels = []
    left = size - octets(name)
    while left > 64:
        labels.append(b"s" * min(62, left - 3))
        left -= len(labels[-1]) + 1
    return below((b"e" * (left - 1), *labels), name)


class RandomZone:
    """`nodes`: what stands at a name, as {type: [RDATA as text]}; `odd`: with labels of any octets;
    `apex_dname`: everything below the apex is elsewhere; `children`: apexes of zones below that the servers have too."""

    def __init__(self, apex, rng, odd=False, apex_dname=False, children=()):
        self.apex = dns.name.from_text(apex)
        self.rng = rng
        self.odd = odd
        self.nodes = {}
        self.targets = []  # where the records lead
        self.children = [dns.name.from_text(child) for child in children]
        self.alphabet = PLAIN + (ODD if odd else [])
        self._add(self.apex, "SOA", f"ns.elsewhere.example. hostmaster.elsewhere.example. {SERIAL} 86400 86400 1209600 60")
        self._add(self.apex, "NS", "ns.elsewhere.example.")
        if apex_dname:
            self._add(self.apex, "DNAME", "elsewhere.example.")
            return
        for _ in range(rng.randrange(40, 90)):
            self._grow()
        self._chain(rng.choice([3, 9, 15, 30]))
        self._loop(rng.randrange(1, 5))
        self._long_names()
        for child in self.children:  # last: NSD mixes up what stands below with the child's own
            self._add(child, "NS", "ns.elsewhere.example.")
            self._add(child, "DS", "12345 13 2 " + "ab" * 32)
            self._add(below(b"tochild", self.apex), "CNAME", text(below(b"a", child)))

    def _add(self, owner, rdtype, rdata):
        kept = self.nodes.setdefault(owner, {}).setdefault(rdtype, [])
        if rdata not in kept:
            kept.append(rdata)

    def _name(self, deepest=5):
        labels = tuple(self.rng.choice(self.alphabet) for _ in range(self.rng.randrange(1, deepest)))
        return below(labels, self.apex) or below(b"a", self.apex)

    def _target(self):
        """Where a record leads: to a name that is there, below one, anywhere, out of the zone."""
        kind = self.rng.random()
        if kind < 0.5:
            target = self.rng.choice(list(self.nodes))
        elif kind < 0.75:
            target = below(self.rng.choice(self.alphabet), self.rng.choice(list(self.nodes))) or self.apex
        elif kind < 0.92:
            target = self._name()
        else:
            target = OUTSIDE
        self.targets.append(target)
        return text(target)

    def _grow(self):
        owner = self._name()
        parent = self.rng.choice(list(self.nodes))
        if self.rng.random() < 0.4 and (child := below(self.rng.choice(self.alphabet), parent)):
            owner = child
        if owner in self.nodes:
            return
        kind = self.rng.random()
        # RFC 4592 4.2 and 4.4 leave open what NS and DNAME at a wildcard mean: servers refuse such zones.
        wild = owner.labels[0] == b"*"
        if kind < 0.45 or (wild and kind >= 0.65):
            for rdtype in self.rng.sample(["A", "AAAA", "TXT", "MX", "SRV", "TYPE65280"], self.rng.randrange(1, 3)):
                for _ in range(self.rng.randrange(1, 3)):
                    self._add(owner, rdtype, self._data(rdtype))
        elif kind < 0.65:
            self._add(owner, "CNAME", self._target())
        elif kind < 0.80:
            self._add(owner, "DNAME", self._target())
            if self.rng.random() < 0.3:
                self._add(owner, "TXT", '"beside a DNAME"')
            if self.rng.random() < 0.4 and (hidden := below(self.rng.choice(self.alphabet), owner)) \
                    and hidden not in self.nodes:
                self._add(hidden, "A", self._data("A"))
        else:
            self._delegate(owner)

    def _data(self, rdtype):
        number = self.rng.randrange(256)
        return {"A": f"192.0.2.{number}", "AAAA": f"2001:db8::{number:x}", "TXT": f'"text {number}"', "MX": f"{number} mx.elsewhere.example.",
                "SRV": f"1 2 {number} srv.elsewhere.example.", "TYPE65280": f"\\# 1 {number:02x}"}[rdtype]

    def _delegate(self, owner):
        for label in self.rng.sample([b"ns", b"ns2", b"*", b"a"], self.rng.randrange(1, 3)):
            server = below(label, owner)
            if self.rng.random() < 0.6 and server:
                self._add(owner, "NS", text(server))
                if self.rng.random() < 0.8 and "CNAME" not in self.nodes.get(server, {}):
                    rdtype = self.rng.choice(["A", "AAAA"])
                    self._add(server, rdtype, self._data(rdtype))
            else:
                self._add(owner, "NS", self._target())
        if self.rng.random() < 0.3:
            self._add(owner, "DS", "12345 13 2 " + "ab" * 32)
        if self.rng.random() < 0.4 and (hidden := below(self.rng.choice(self.alphabet), owner)) and hidden not in self.nodes:
            self._add(hidden, "TXT", '"below a cut"')

    def _chain(self, length):
        names = [below(b"chain%d" % i, self.apex) for i in range(length)]
        for owner, target in zip(names, names[1:]):
            self._add(owner, "CNAME", text(target))
        self._add(names[-1], "CNAME", self._target())
        if length > 1:  # the same by DNAMEs
            for i in range(min(length, 12)):
                self._add(below(b"dn%d" % i, self.apex), "DNAME", text(below(b"dn%d" % (i + 1), self.apex)))
            self._add(below((b"a", b"dn%d" % min(length, 12)), self.apex), "A", "192.0.2.77")

    def _loop(self, length):
        names = [below(b"loop%d" % i, self.apex) for i in range(length)]
        for owner, target in zip(names, names[1:] + names[:1]):
            self._add(owner, "CNAME", text(target))
        self._add(below(b"tail", self.apex), "CNAME", text(names[-1]))
        self._add(below((b"*", b"wildloop"), self.apex), "CNAME", text(below((b"x", b"wildloop"), self.apex)))
        self._add(below(b"dloop", self.apex), "DNAME", text(below((b"deeper", b"dloop"), self.apex)))

    def _long_names(self):
        longest = stretched(self.apex, LONGEST)
        self._add(longest, "A", "192.0.2.255")
        self._add(below(b"tolongest", self.apex), "CNAME", text(longest))
        near = stretched(below(b"near", self.apex), LONGEST - self.rng.randrange(2, 9))
        self._add(below(b"todlong", self.apex), "DNAME", text(near))
        self._add(below((b"*", b"wildlong"), self.apex), "CNAME", text(below((b"xx", b"todlong"), self.apex)))
        self.targets += [longest, near]

    def zone_file(self, without_occluded_by_dname=False):
        lines = []
        for owner, rrsets in self.nodes.items():
            if without_occluded_by_dname and self.is_below_dname(owner):
                continue
            for rdtype, rdatas in rrsets.items():
                lines += [f"{text(owner)} {300 + len(rdtype)} IN {rdtype} {rdata}" for rdata in rdatas]
        return "\n".join(lines) + "\n"

    def is_below_dname(self, owner):
        while owner != self.apex:
            owner = owner.parent()
            if "DNAME" in self.nodes.get(owner, {}):
                return True
        return False

    def questions(self, count):
        """(name, type), no two alike."""
        rng = self.rng
        seeds = list(self.nodes) + [target for target in self.targets if target.is_subdomain(self.apex)]
        asked = {}
        for _ in range(20 * count):
            if len(asked) == count:
                break
            name = rng.choice(seeds)
            for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):  # up, as far as the apex
                if name != self.apex:
                    name = name.parent()
            for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):  # down
                name = below(rng.choice(self.alphabet + [b"x", b"y" * 60, b"ns", b"*"]), name) or name
            if rng.random() < 0.05:
                name = dns.name.Name([label.swapcase() for label in name.labels])
            rrsets = list(self.nodes.get(name, {}))
            rdtype = rng.choice(rrsets) if rrsets and rng.random() < 0.3 else rng.choice(TYPES[:7] + TYPES)
            asked.setdefault((name, rdtype), None)
        return list(asked)
