"""Debian's Nsd as the primary (see support/primary_suite.py)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import primary_suite


class NsdAsPrimary(primary_suite.PrimarySuite, unittest.TestCase):
    peer = peers.Nsd
    # NSD refuses a zone with data below a DNAME; RFC 6672 2.4 wants it ignored, as Knot and BIND do.
    leave_out = ("occluded.dn",)


if __name__ == "__main__":
    primary_suite.main()
