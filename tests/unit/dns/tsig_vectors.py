"""Prints tsig_vectors.h: TSIG messages made by hand from RFC 8945 4.3 with nothing but Python's hmac, so that the product's
own code has no part in what it is compared with."""

import hmac
import struct

KEY, SECRET = "xfr.example", bytes(range(32))
TIME, FUDGE, IDENT = 1700000000, 300, 0x1234
ALGORITHMS = {"hmac_md5": ("hmac-md5.sig-alg.reg.int", "md5"), "hmac_sha1": ("hmac-sha1", "sha1"),
              "hmac_sha224": ("hmac-sha224", "sha224"), "hmac_sha256": ("hmac-sha256", "sha256"),
              "hmac_sha384": ("hmac-sha384", "sha384"), "hmac_sha512": ("hmac-sha512", "sha512")}


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def header(flags, questions, answers, additionals=0):
    return struct.pack("!6H", IDENT, flags, questions, answers, 0, additionals)


QUESTION = name("example") + struct.pack("!HH", 6, 1)
ADDRESS = struct.pack("!HHIH4B", 1, 1, 300, 4, 192, 0, 2, 1)
QUERY = (0, 1, 0, QUESTION)
FIRST = (0x8400, 1, 1, QUESTION + b"\xc0\x0c" + ADDRESS)
LATER = (0x8400, 0, 1, name("example") + ADDRESS)
REFUSED = (0x8000 | 9, 1, 0, QUESTION)


def plain(message):
    flags, questions, answers, body = message
    return header(flags, questions, answers) + body


def timers(time, fudge):
    return struct.pack("!HIH", time >> 32, time & 0xffffffff, fudge)


def with_record(message, algorithm, time, mac, error=0, other=b"", fudge=FUDGE):
    flags, questions, answers, body = message
    rdata = (name(algorithm) + timers(time, fudge) + struct.pack("!H", len(mac)) + mac
             + struct.pack("!HHH", IDENT, error, len(other)) + other)
    return (header(flags, questions, answers, 1) + body + name(KEY) + struct.pack("!HHIH", 250, 255, 0, len(rdata)) + rdata)


def variables(algorithm, time, error=0, other=b"", fudge=FUDGE):
    return (name(KEY) + struct.pack("!HI", 255, 0) + name(algorithm) + timers(time, fudge)
            + struct.pack("!HH", error, len(other)) + other)


def counted(mac):
    return struct.pack("!H", len(mac)) + mac


def row(label, algorithm, digest):
    def mac(octets):
        return hmac.new(SECRET, octets, digest).digest()

    asked = mac(plain(QUERY) + variables(algorithm, TIME))
    first = mac(counted(asked) + plain(FIRST) + variables(algorithm, TIME + 1))
    # Two messages without a record come in between.
    later = mac(counted(first) + plain(LATER) + plain(LATER) + plain(LATER) + timers(TIME + 2, FUDGE))
    second = mac(counted(first) + plain(LATER) + timers(TIME + 2, FUDGE))
    server_time = struct.pack("!HI", 0, TIME + 1000)
    late = mac(counted(asked) + plain(REFUSED) + variables(algorithm, TIME, 18, server_time))
    half = max(10, len(asked) // 2)
    short = mac(counted(asked[:half]) + plain(REFUSED) + variables(algorithm, TIME + 1, 22))
    messages = [with_record(QUERY, algorithm, TIME, asked), with_record(FIRST, algorithm, TIME + 1, first),
                with_record(LATER, algorithm, TIME + 2, second), with_record(LATER, algorithm, TIME + 2, later),
                with_record(REFUSED, algorithm, TIME, late, 18, server_time),
                with_record(QUERY, algorithm, TIME, asked[:half]), with_record(REFUSED, algorithm, TIME + 1, short, 22)]
    return f"    {{TsigAlgorithm::{label},\n" + ",\n".join(f'     "{octets.hex()}"' for octets in messages) + "},\n"


print("""// Made by tsig_vectors.py.
#pragma once

#include "dns/tsig.h"

namespace understudy::dns {

// Key xfr.example., secret 00 to 1f (hex), query at 1700000000, responses a second later each.
struct TsigVector {
  TsigAlgorithm algorithm;
  const char* query;
  const char* first;        // of the response
  const char* second;       // right after it
  const char* fourth;       // after two messages that are not signed
  const char* late;         // BADTIME, by a clock 1000 seconds ahead
  const char* short_query;  // with half the MAC
  const char* too_short;    // BADTRUNC to that
};
""")
for title, message in (("first", FIRST), ("later", LATER), ("refused", REFUSED)):
    print(f'inline constexpr const char* plain_{title} = "{plain(message).hex()}";')
print("\ninline constexpr TsigVector tsig_vectors[] = {")
print("".join(row(label, *names) for label, names in ALGORITHMS.items()) + "};\n\n}  // namespace understudy::dns")
