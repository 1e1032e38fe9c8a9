"""Debian's Knot as the primary (see support/primary_suite.py)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import primary_suite


class KnotAsPrimary(primary_suite.PrimarySuite, unittest.TestCase):
    peer = peers.Knot
    decided = {
        # RFC 6672 2.4: names below a DNAME are occluded. Knot 3.2 answers from them.
        **{(owner + ".dn.interop.example.", rdtype):
           ("NXDOMAIN", [("dn.interop.example.", "DNAME"), (owner + ".dn.interop.example.", "CNAME")])
           for owner, rdtype in (("occluded", "A"), ("occluded", "TXT"), ("x.occluded", "A"))},
        # RFC 6672 2.2: a substitution that overflows 255 octets is YXDOMAIN, with the DNAME. Knot 3.2 says NXDOMAIN.
        ("toolong.dnlong.interop.example.", "A"): ("YXDOMAIN", [("dnlong.interop.example.", "DNAME")]),
    }


if __name__ == "__main__":
    primary_suite.main()
