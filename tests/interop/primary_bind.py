"""Debian's Bind as the primary (see support/primary_suite.py)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import primary_suite


class BindAsPrimary(primary_suite.PrimarySuite, unittest.TestCase):
    peer = peers.Bind
    # MD and MF are errors to BIND; SIG and NXT make it take the zone for one of the DNSSEC before RFC 4034.
    leave_out = ("type3.types", "type4.types", "type24.types", "type30.types")


if __name__ == "__main__":
    primary_suite.main()
