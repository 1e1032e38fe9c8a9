"""A real zone: the root as IANA published it on two days, behind NSD and behind Knot. The days are the change."""

import gzip
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "python"))

import peers
import primary_suite
from understudy import SHARED

DAYS = ("2020071800", "2020072100")


def day_file(day):
    return os.path.join(SHARED, "data", "root", f"{day}.zone.gz")


class RootZone(primary_suite.PrimarySuite):
    apex = "."

    def setUp(self):
        missing = [day_file(day) for day in DAYS if not os.path.exists(day_file(day))]
        if missing:
            print(f"skipped: {missing[0]} is not here; name the directory of the real zones in UNDERSTUDY_SHARED", flush=True)
            self.skipTest(f"{missing[0]} is missing")
        super().setUp()

    def versions(self):
        for day in DAYS:
            with gzip.open(day_file(day), "rt") as file:
                text = file.read()
            yield int(day), text, self.questions(text)

    @staticmethod
    def questions(text):
        """Every owner and type, each delegation from below and for its DS, and names that do not exist."""
        pairs = sorted({(fields[0], fields[3]) for fields in map(str.split, text.splitlines()) if len(fields) > 4})
        questions = list(pairs)
        cuts = [owner for owner, rdtype in pairs if rdtype == "NS" and owner != "."]
        assert len(cuts) > 1000, "the zone was not understood"
        questions += [question for cut in cuts for question in ((f"www.{cut}", "A"), (cut, "DS"), (cut, "SOA"))]
        questions += [(f"nx-{index}.{cut.strip('.')}x.", "AAAA") for index, cut in enumerate(cuts[::3])]
        questions += [(".", rdtype) for rdtype in ("A", "DS", "DNSKEY", "TXT")]
        return questions


class RootOfNsd(RootZone, unittest.TestCase):
    peer = peers.Nsd


class RootOfKnot(RootZone, unittest.TestCase):
    peer = peers.Knot


if __name__ == "__main__":
    primary_suite.main()
