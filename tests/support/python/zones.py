"""The zone of the interop suites: every feature of RFC 1034, every type that ldns knows, 20,000 owner names.

generate() gives the zone file and the questions worth asking. What the right answers are is the primary's to say.
"""

import random
import struct

import dns.name
import dns.rdatatype


def wire(text):
    return dns.name.from_text(text).to_wire()


def counted(text):
    return bytes([len(text)]) + text


def rdatas(apex):
    """One piece of RDATA for every type of ldns 1.8.3 that can be data of a zone, and for some that it does not know.

    By number and in wire form (RFC 3597), so that no server's own idea of a type's text stands between us."""
    host = wire("host.types." + apex)
    window = b"\0\x06\x40\x01\0\0\0\x03"
    signature = struct.pack("!HBBIIIH", 1, 13, 3, 300, 1893456000, 1577836800, 12345) + wire(apex) + bytes(64)
    return {
        1: b"\xc0\0\2\7", 3: host, 4: host, 7: host, 8: host, 9: host, 10: b"anything", 11: b"\xc0\0\2\1\6\0\0\0\x40",
        12: host, 13: counted(b"CPU") + counted(b"OS"), 14: host + host, 15: b"\0\x0a" + host,
        16: counted(b"text") + counted(b""), 17: host + host, 18: b"\0\1" + host, 19: counted(b"311061700956"),
        20: counted(b"150862028003217") + counted(b"004"), 21: b"\0\x0a" + host, 22: bytes.fromhex("47000580005a0000000001e133ffffff00016100"),
        23: host, 24: signature, 25: b"\1\0\3\5" + bytes(32), 26: b"\0\x0a" + host + host,
        27: counted(b"-32.6882") + counted(b"116.8652") + counted(b"10.0"), 28: b"\x20\1\x0d\xb8" + bytes(11) + b"\1",
        29: bytes.fromhex("0012161389172dd070be15f000988d20"), 30: host + b"\x60\0\0\2", 31: b"\1\2\3\4", 32: b"\1\2\3\4",
        33: b"\0\1\0\2\0\x35" + host, 34: b"\1\x33\x34", 35: b"\0\x64\0\x32" + counted(b"s") + counted(b"http+I2L") + counted(b"") + host,
        36: b"\0\x0a" + host, 37: b"\0\1\0\2\x05" + bytes(20), 38: b"\0" + b"\x20\1\x0d\xb8" + bytes(12), 39: wire("elsewhere.example."),
        40: b"\x40\1\2", 42: bytes.fromhex("00011803c00002" + "000240" + "82" + "2001"), 44: b"\1\1" + bytes(20), 45: b"\x0a\1\2" + b"\xc0\0\2\x26" + b"\1\3" + bytes(20),
        46: signature, 47: host + window, 48: b"\1\0\3\x0d" + bytes(64), 49: bytes(35), 51: b"\1\0\0\5\4\xaa\xbb\xcc\xdd", 52: b"\3\1\1" + bytes(32),
        53: b"\3\1\1" + bytes(32), 55: b"\x04\2\0\x04" + bytes(4) + bytes(4) + host, 56: counted(b"zone status"), 57: b"\0\0\3\5" + bytes(16), 58: host + host,
        59: b"\x30\x39\x0d\2" + bytes(32), 60: b"\1\0\3\x0d" + bytes(64), 61: bytes(40), 62: struct.pack("!IH", 66, 3) + b"\0\1\x60", 64: b"\0\1" + host + b"\0\1\0\3\2h2",
        65: b"\0\0" + host, 99: counted(b"v=spf1 -all"), 104: b"\0\x0a" + bytes(8), 105: b"\0\x0a" + b"\x0a\1\2\0", 106: b"\0\x0a" + bytes(8), 107: b"\0\x0a" + host,
        108: bytes(6), 109: bytes(8), 256: b"\0\x0a\0\1" + b"ftp://ftp1.example.com/public", 257: b"\0" + counted(b"issue") + b"ca.example.net",
        258: counted(b"app-name:workspace"), 259: b"\0\0\0\1\0\0\0\2" + b"\1" + counted(b"text/plain") + b"x", 260: b"\x0a\1" + b"\xc0\0\2\1", 261: counted(b"qnamemin"),
        32768: b"\x30\x39\x0d\2" + bytes(32), 32769: b"\x30\x39\x0d\2" + bytes(32), 65280: b"\0\1\2\3 unknown", 65534: b"",
    }


FEATURES = """
; wildcards, and what stands in their way
*.wild            300 IN A 192.0.2.10
*.wild            300 IN TXT "any"
there.wild        300 IN TXT "the name exists: no wildcard here"
deep.under.wild   300 IN A 192.0.2.11
*.cwild           300 IN CNAME host
*.cnowhere        300 IN CNAME nowhere
*.mx              300 IN MX 10 host
*.*.two           300 IN A 192.0.2.12
x.*.literal       300 IN A 192.0.2.13
*.literal         300 IN A 192.0.2.14
*.a.nested        300 IN A 192.0.2.15
*.nested          300 IN A 192.0.2.16
; empty non-terminals
a.b.c.ent         300 IN A 192.0.2.20
_tcp._sip.ent     300 IN SRV 1 2 5060 host
; CNAME chains
c1                300 IN CNAME c2
c2                400 IN CNAME c3
c3                500 IN CNAME c4
c4                300 IN CNAME c5
c5                300 IN CNAME host
toent             300 IN CNAME c.ent
tonowhere         300 IN CNAME nowhere
outside           300 IN CNAME www.elsewhere.example.
towild            300 IN CNAME some.wild
tocut             300 IN CNAME www.cut
tobelow           300 IN CNAME a.deep.cut
todname           300 IN CNAME x.dn
host              300 IN A 192.0.2.30
host              300 IN AAAA 2001:db8::30
; DNAMEs
dn                300 IN DNAME target
dn                300 IN A 192.0.2.40
a.target          300 IN A 192.0.2.41
b.target          300 IN CNAME host
*.w.target        300 IN A 192.0.2.42
dnout             300 IN DNAME elsewhere.example.
dnchain           300 IN DNAME dn
dnwild            300 IN DNAME wild
dncut             300 IN DNAME cut
occluded.dn       300 IN A 192.0.2.43
dnlong            300 IN DNAME {long}
; delegations
cut               300 IN NS ns1.cut
cut               300 IN NS ns2.cut
cut               300 IN DS 12345 13 2 {digest}
ns1.cut           300 IN A 192.0.2.50
ns1.cut           300 IN AAAA 2001:db8::50
ns2.cut           300 IN A 192.0.2.51
occluded.cut      300 IN TXT "below a cut"
*.cut             300 IN A 192.0.2.52
inner.cut         300 IN NS ns.inner.cut
ns.inner.cut      300 IN A 192.0.2.53
noglue            300 IN NS ns.elsewhere.example.
noglue            300 IN NS ns.elsewhere.test.
lame              300 IN NS ns.lame
sibling           300 IN NS ns1.cut
insider           300 IN NS host
v6only            300 IN NS ns.v6only
ns.v6only         300 IN AAAA 2001:db8::54
deep.enough.ent   300 IN NS ns.deep.enough.ent
ns.deep.enough.ent 300 IN A 192.0.2.55
; names of all sorts
MiXeD.CaSe        300 IN A 192.0.2.60
dot\\.in.label     300 IN A 192.0.2.61
\\000\\001.zero     300 IN A 192.0.2.62
\\255.high         300 IN A 192.0.2.63
sp\\032ace         300 IN TXT "a space"
{l63}             300 IN A 192.0.2.64
{l63}.{l63}.{l63} 300 IN A 192.0.2.65
zerottl           0 IN A 192.0.2.66
onesecond         1 IN A 192.0.2.67
longttl           2147483647 IN A 192.0.2.68
manytexts         300 IN TXT "{t250}" "{t250}" "{t250}" "{t250}" "{t250}" "{t250}"
"""

EXTRA_QUESTIONS = """
some.wild A/some.wild TXT/some.wild MX/a.b.wild A/there.wild A/there.wild TXT/x.there.wild A/under.wild A/x.under.wild A/*.wild A/*.wild MX
x.cwild A/x.cwild CNAME/x.cwild MX/x.cnowhere A/x.mx MX/x.mx A/x.y.two A/y.two A/*.two A/x.*.two A/x.*.literal A/y.*.literal A/y.literal A
x.a.nested A/a.nested A/x.nested A/x.y.nested A/y.a.nested TXT
ent A/c.ent A/b.c.ent TXT/x.c.ent A/a.b.c.ent A/x.a.b.c.ent A/_sip.ent SRV/_tcp._sip.ent SRV/_tcp._sip.ent A
c1 A/c1 AAAA/c1 CNAME/c1 MX/c3 A/toent A/tonowhere A/tonowhere CNAME/outside A/outside CNAME/towild A/towild MX/tocut A/tobelow A/tocut CNAME/todname A
dn A/dn DNAME/dn CNAME/dn MX/a.dn A/a.dn TXT/b.dn A/x.dn A/x.dn CNAME/y.w.dn A/occluded.dn A/occluded.dn TXT/x.occluded.dn A
a.dnout A/a.dnout CNAME/dnout DNAME/dnout A/a.dnchain A/x.dnchain A/some.dnwild A/some.dnwild MX/www.dncut A/dncut A/dncut DNAME
cut NS/cut A/cut DS/cut SOA/www.cut A/ns1.cut A/ns1.cut AAAA/occluded.cut TXT/x.occluded.cut A/*.cut A/inner.cut NS/inner.cut DS/a.inner.cut A/x.cut DS
noglue NS/noglue DS/www.noglue A/lame A/lame NS/ns.lame A/sibling NS/www.sibling A/insider A/www.insider A/v6only NS/www.v6only AAAA
enough.ent A/deep.enough.ent A/x.deep.enough.ent A/deep.enough.ent DS
mixed.case A/MIXED.CASE A/mixed.case TXT/case A/dot\\.in.label A/\\000\\001.zero A/\\255.high A/zero A/sp\\032ace TXT
@ SOA/@ NS/@ A/@ MX/@ DS/@ DNSKEY/@ TXT/@ NSEC/@ RRSIG/nowhere A/x.nowhere A/*.nowhere A/host A/host AAAA/host MX/host TXT/host TYPE65280
x.host A/large A/large AAAA/x.large A/manytexts TXT/zerottl A/longttl A/onesecond A/www.elsewhere.test A/example A
"""


def small(apex, serial):
    """A zone of four records that says which version it is. Its refresh is a day: what comes sooner comes by NOTIFY."""
    return f"""$ORIGIN {apex}
$TTL 300
@    IN SOA  ns1 hostmaster {serial} 86400 86400 1209600 60
@    IN NS   ns1
ns1  IN A    192.0.2.1
www  IN TXT  "serial {serial}"
"""


def long_name(apex, octets):
    """A name whose wire form has exactly so many octets."""
    left = octets - len(wire(apex))
    labels = []
    while left > 64:
        labels.append("l" * min(62, left - 3))
        left -= len(labels[-1]) + 1
    labels.append("l" * (left - 1))
    return ".".join(labels) + "." + apex


def bulk(count, rng):
    """Ordinary names: hosts, mail, aliases, delegations, wildcards; (lines, questions)."""
    lines, questions = [], []
    words = ["api", "www", "mail", "db", "cache", "edge", "node", "img"]

    def address():
        return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"

    for i in range(count):
        owner = f"{rng.choice(words)}{i}" + (f".{rng.choice(words)}" if rng.random() < 0.3 else "")
        kind = rng.random()
        ttl = rng.choice([60, 300, 3600])
        if kind < 0.70:
            lines += [f"{owner} {ttl} IN A {address()}", f"{owner} {ttl} IN AAAA 2001:db8::{i:x}"]
            questions += [(owner, "A"), (owner, "AAAA")]
            if i % 4 == 0:
                questions += [(owner, "MX")]
        elif kind < 0.80:
            lines += [f"{owner} {ttl} IN MX 10 mail.{owner}", f"mail.{owner} {ttl} IN A {address()}",
                      f'{owner} {ttl} IN TXT "v=spf1 ip4:{address()} -all"']
            questions += [(owner, "MX"), (owner, "TXT"), (f"mail.{owner}", "A"), (owner, "A")]
        elif kind < 0.90:
            lines.append(f"{owner} {ttl} IN CNAME host")
            questions += [(owner, "A"), (owner, "CNAME")]
        elif kind < 0.95:
            lines += [f"{owner} {ttl} IN NS ns1.{owner}", f"{owner} {ttl} IN NS ns.elsewhere.example.",
                      f"ns1.{owner} {ttl} IN A {address()}"]
            questions += [(owner, "NS"), (f"h{i}.{owner}", "A"), (f"ns1.{owner}", "A"), (owner, "DS")]
        else:
            lines.append(f"*.{owner} {ttl} IN A {address()}")
            questions += [(f"*.{owner}", "A"), (f"w{rng.randrange(10**6)}.{owner}", "A"), (owner, "A"),
                          (f"w{rng.randrange(10**6)}.x.{owner}", "AAAA")]
        if i % 5 == 0:
            questions.append((f"nx{rng.randrange(10**8)}" + rng.choice(["", ".www", ".deep.api"]), rng.choice(["A", "TXT"])))
    return lines, questions


def generate(apex, serial, names=20000, leave_out=(), changed=False):
    """(zone file, questions). `changed` is the version after: a record more, one fewer, one other, among them a cut.
    `leave_out`: owners that the primary at hand does not load."""
    rng = random.Random(2)
    fill = {"long": long_name(apex, 250), "l63": "a" * 63, "t250": "t" * 250, "digest": "ab" * 32}
    lines = [f"$ORIGIN {apex}", "$TTL 300", f"@ 3600 IN SOA ns1 hostmaster {serial} 86400 86400 1209600 77",
             "@ 3600 IN NS ns1", "@ 3600 IN NS ns.elsewhere.example.", "ns1 3600 IN A 192.0.2.1",
             "ns1 3600 IN AAAA 2001:db8::1", "@ 300 IN MX 10 host", '@ 300 IN TXT "apex"']
    lines += FEATURES.format(**fill).splitlines()
    questions = []
    for row in EXTRA_QUESTIONS.strip().splitlines():
        questions += [tuple(question.rsplit(" ", 1)) for question in row.split("/")]
    questions += [(fill["l63"], "A"), (".".join([fill["l63"]] * 3), "A"), ("x.dnlong", "A"), ("toolong.dnlong", "A")]
    lines.append("host.types 300 IN A 192.0.2.70")
    for number, octets in rdatas(apex).items():
        lines.append(f"type{number}.types 300 IN TYPE{number} \\# {len(octets)} {octets.hex()}")
        questions += [(f"type{number}.types", f"TYPE{number}"), (f"type{number}.types", "SRV")]
    lines += [f"large 300 IN A 10.1.{i >> 8}.{i & 255}" for i in range(4000)]
    more, asked = bulk(names, rng)
    lines += more
    questions += asked
    lines = [line for line in lines if line.split(" ", 1)[0] not in leave_out]
    if changed:
        lines = [line for line in lines if not line.startswith("there.wild ")]
        lines = [line.replace("192.0.2.30", "192.0.2.130") for line in lines]
        lines += ["fresh 300 IN A 192.0.2.131", "api0new 300 IN NS ns.api0new", "ns.api0new 300 IN A 192.0.2.132"]
        questions += [("fresh", "A"), ("x.api0new", "A")]
    absolute = [(apex if owner == "@" else owner if owner in ("example", "www.elsewhere.test") else f"{owner}.{apex}", rdtype)
                for owner, rdtype in questions]
    return "\n".join(lines) + "\n", absolute
