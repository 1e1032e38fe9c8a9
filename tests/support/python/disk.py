"""A disk under the mirror that tells what was written and that can be full (tests/fault/preload/disk.cpp)."""

import os


def disk_under(server, **variables):
    """The environment in which `server` runs on such a disk; `variables` are DISK_LOG and DISK_FULL."""
    return {
        "LD_PRELOAD": os.environ["UNDERSTUDY_DISK"],
        "DISK_FILE": os.path.join(os.path.realpath(server.data), "mirror.mdb"),
        # The disk has to come first, and asks for its turn itself.
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        **variables,
    }
