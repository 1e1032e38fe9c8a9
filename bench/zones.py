"""The zones that the loads ask about, made once and kept in the scratch directory: plain, and signed with NSEC or NSEC3."""
import os
import shutil
import socket
import struct
import subprocess
import sys

from servers import ZONE

NSEC, NSEC3 = 47, 50
FIVE_YEARS = "now+157680000"


def plain(options, names):
    """The directory of a zone of that many names; the same names give the same octets."""
    directory = f"{options.scratch}/zone-{names}"
    if not os.path.exists(f"{directory}/done"):
        subprocess.run([sys.executable, f"{options.here}/genzone.py", str(names), directory], check=True,
                       capture_output=True)
        open(f"{directory}/done", "w").close()
    return directory


def signed(options, names, denial):
    """The same zone signed by BIND's dnssec-signzone, ECDSA P-256, no opt-out; NSEC3 without iterations and salt (RFC 9276)."""
    source, directory = plain(options, names), f"{options.scratch}/zone-{names}-{denial}"
    if os.path.exists(f"{directory}/done"):
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    shutil.copy(f"{source}/queries.txt", directory)
    shutil.copy(f"{source}/{ZONE}.zone", f"{directory}/unsigned")
    for flags in ([], ["-f", "KSK"]):
        subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, "-K", directory, ZONE], check=True,
                       capture_output=True)
    subprocess.run(["dnssec-signzone", "-q", "-S", "-P", "-K", directory, "-d", directory, "-o", ZONE, "-e", FIVE_YEARS,
                    *(["-3", "-", "-H", "0"] if denial == "nsec3" else []), "-f", f"{directory}/{ZONE}.zone",
                    f"{directory}/unsigned"], check=True, capture_output=True, cwd=directory)
    open(f"{directory}/done", "w").close()
    return directory


def skip_name(message, at):
    while message[at] != 0:
        if message[at] >= 192:
            return at + 2
        at += 1 + message[at]
    return at + 1


def denial_types(port):
    """The types in the authority section of a name error, asked with DO over TCP, where nothing is cut."""
    label = b"does-not-exist"
    query = (struct.pack("!6H", 7, 0, 1, 0, 0, 1) + bytes([len(label)]) + label + b"\x05bench\x07example\0" +
             struct.pack("!2H", 1, 1) + b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0))
    with socket.create_connection(("127.0.0.1", port), 5) as s, s.makefile("rb") as stream:
        s.sendall(struct.pack("!H", len(query)) + query)
        message = stream.read(struct.unpack("!H", stream.read(2))[0])
    answers, authorities = struct.unpack("!2H", message[6:10])
    at, types = skip_name(message, 12) + 4, set()
    for n in range(answers + authorities):
        at = skip_name(message, at)
        rr_type, _, _, length = struct.unpack("!HHIH", message[at:at + 10])
        at += 10 + length
        if n >= answers:
            types.add(rr_type)
    return types


def proves(port, denial):
    """Whether the server proves a name error with the records of that kind of denial."""
    return (NSEC3 if denial == "nsec3" else NSEC) in denial_types(port)
