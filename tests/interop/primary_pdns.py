"""Debian's PowerDNS as the primary (see support/primary_suite.py)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import primary_suite


class PowerDnsAsPrimary(primary_suite.PrimarySuite, unittest.TestCase):
    peer = peers.PowerDns
    # It loses a label of \000 and \001, and transfers none of the types that it makes itself in signed zones: RRSIG, DNSKEY,
    # CDS, CDNSKEY.
    leave_out = (r"\000\001.zero", "type46.types", "type48.types", "type59.types", "type60.types")
    # What PowerDNS 4.7 answers otherwise. A referral is no answer: its answer section is empty.
    decided = {
        # RFC 6672 2.4: names below a DNAME are occluded. PowerDNS answers from them.
        **{(owner + ".dn.interop.example.", rdtype):
           ("NXDOMAIN", [("dn.interop.example.", "DNAME"), (owner + ".dn.interop.example.", "CNAME")])
           for owner, rdtype in (("occluded", "A"), ("occluded", "TXT"))},
        # RFC 1034 4.3.2 3.b: the topmost cut is referred to. PowerDNS refers to the lowest, and answers the DS question there.
        **{(owner + ".cut.interop.example.", rdtype): ("NOERROR", [])
           for owner, rdtype in (("inner", "NS"), ("inner", "DS"), ("a.inner", "A"))},
        # RFC 2308 2.2: the SOA stands beside an empty answer only. PowerDNS adds it to a CNAME made from a wildcard.
        ("x.cwild.interop.example.", "CNAME"): ("NOERROR", [("x.cwild.interop.example.", "CNAME")]),
        # RFC 2181 11: any octet may be in a label. PowerDNS says SERVFAIL.
        (r"\000\001.zero.interop.example.", "A"): ("NXDOMAIN", []),
        (r"\255.high.interop.example.", "A"): ("NOERROR", [(r"\255.high.interop.example.", "A")]),
        # RFC 1034 3.7: RRSIG is a type like others to ask for. PowerDNS refuses the question.
        ("interop.example.", "RRSIG"): ("NOERROR", []),
        ("type46.types.interop.example.", "TYPE46"): ("NXDOMAIN", []),
    }


if __name__ == "__main__":
    primary_suite.main()
