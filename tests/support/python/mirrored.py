"""Does the server under test say what its primary says? The same questions to both, over UDP and TCP."""

import struct

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

import query

# A reply that the primary fits into so many octets must fit into ours; beyond, compression may decide.
FITS_EVERYWHERE = 1000


def question_wire(owner, rdtype):
    """A question with EDNS and 1232 octets, without flags."""
    owner = dns.name.from_text(owner) if isinstance(owner, str) else owner
    return (struct.pack("!6H", 0, 0, 1, 0, 0, 1) + owner.to_wire()
            + struct.pack("!HH", dns.rdatatype.from_text(rdtype), 1) + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0))


def compare(ours, theirs, questions, decided=None):
    """Asks both (address, port) everything and returns what differs, a line each.

    `decided` says for some (owner, type) what the RFCs want, (RCODE, [(owner, type) of the answer section]), where the
    primary does otherwise."""
    decided = decided or {}
    report = []
    said_over_udp = {}
    wires = [question_wire(owner, rdtype) for owner, rdtype in questions]
    for kind in ("udp", "tcp"):
        with query.Flow(*ours, kind) as left, query.Flow(*theirs, kind) as right:
            for (index, mine), (_, other) in zip(left.ask(wires), right.ask(wires)):
                owner, rdtype = questions[index]
                if kind == "udp":
                    said_over_udp[index] = hash((mine[2:], other[2:]))
                elif said_over_udp[index] == hash((mine[2:], other[2:])):
                    continue  # octet for octet what was compared already
                if (owner, rdtype) in decided:
                    found = against_the_rfc(mine, *decided[owner, rdtype])
                else:
                    found = compare_one(mine, other, kind)
                report += [f"{kind} {owner} {rdtype}: {line}" for line in found]
    return report


def against_the_rfc(mine, rcode, answer):
    message = dns.message.from_wire(mine)
    said = (dns.rcode.to_text(message.rcode()),
            [(str(rrset.name), dns.rdatatype.to_text(rrset.rdtype)) for rrset in message.answer])
    return [] if said == (rcode, answer) else [f"{said}, where the RFC says {(rcode, answer)}"]


def compare_one(mine, other, kind):
    try:
        left = dns.message.from_wire(mine)
    except Exception as error:  # whatever dnspython cannot read is our fault
        return [f"our message cannot be read: {error!r}: {mine.hex()}"]
    right = dns.message.from_wire(other)
    if left.question != right.question:
        return [f"question {left.question} is not {right.question}"]
    truncated = (bool(left.flags & dns.flags.TC), bool(right.flags & dns.flags.TC))
    if any(truncated):
        if kind == "tcp":
            return [f"TC over TCP: ours, theirs {truncated}"]
        if truncated[0] and len(other) <= FITS_EVERYWHERE and not truncated[1]:
            return [f"truncated, where the primary needs {len(other)} octets"]
        return []  # TCP tells
    return query.differences(left, right)
