#!/usr/bin/env python3
"""Make a zone and a list of queries for it: genzone.py NAMES DIRECTORY [SEED]

The zone bench.example holds NAMES owner names: 70% hosts (A and AAAA), 10% MX and TXT, 10% CNAME, 5% delegations with
glue, 5% wildcards. Queries: 65% hits, 15% NXDOMAIN, 5% NODATA, the rest wildcards, delegations and CNAMEs. The same seed
gives the same octets.
"""
import os
import random
import sys

HEAD = """$ORIGIN bench.example.
$TTL 300
@ 3600 IN SOA ns1.bench.example. hostmaster.bench.example. 2026010100 7200 900 1209600 300
@ IN NS ns1.bench.example.
@ IN NS ns2.bench.example.
ns1 IN A 192.0.2.1
ns2 IN A 192.0.2.2
ns1 IN AAAA 2001:db8::1
"""
WORDS = "api www mail db cache edge node web img cdn auth pay shop blog dev stage".split()
ALIAS_TARGETS = 1000


def records_of(rng, kind, i, name, questions):
    """The records of the i-th name as text; appends a question for it."""
    address = lambda: ".".join(["10"] + [str(rng.randrange(256)) for _ in range(3)])
    if kind < .70:
        text = f"{name} IN A {address()}\n{name} IN AAAA 2001:db8::{i >> 16:x}:{i & 0xffff:x}\n"
        questions.append((name, rng.choice(["A", "A", "AAAA"])))
    elif kind < .80:
        text = (f"{name} IN MX 10 mail.{name}\nmail.{name} IN A {address()}\n"
                f'{name} IN TXT "v=spf1 ip4:{address()} -all"\n')
        questions.append((name, rng.choice(["MX", "TXT"])))
    elif kind < .90:
        text = f"{name} IN CNAME target{i % ALIAS_TARGETS}.bench.example.\n"
        questions.append((name, "A"))
    elif kind < .95:
        text = (f"{name} IN NS ns1.{name}\n{name} IN NS ns2.{name}\n"
                f"ns1.{name} IN A {address()}\nns2.{name} IN A {address()}\n")
        questions.append((f"host{i}.{name}", "A"))
    else:
        text = f"*.{name} IN A {address()}\n"
        questions.append((f"w{rng.randrange(10**6)}.{name}", "A"))
    return text


def write_zone(rng, names, path):
    questions, records = [], HEAD.count("\n") - 2
    with open(path, "w") as zone:
        zone.write(HEAD)
        for i in range(names):
            kind = rng.random()
            name = f"{rng.choice(WORDS)}{i}"
            if rng.random() < .3:
                name += f".{rng.choice(WORDS)}"
            text = records_of(rng, kind, i, name, questions)
            records += text.count("\n")
            zone.write(text)
        for i in range(ALIAS_TARGETS):
            zone.write(f"target{i} IN A 10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}\n")
    return questions, records + ALIAS_TARGETS


def write_questions(rng, questions, path):
    rng.shuffle(questions)
    with open(path, "w") as out:
        for i in range(min(500_000, max(200_000, len(questions)))):
            kind = rng.random()
            name, rr_type = questions[i % len(questions)]
            if kind < .15:
                name, rr_type = f"nx{rng.randrange(10**8)}", "A"
            elif kind < .20:
                rr_type = "SRV"
            out.write(f"{name}.bench.example {rr_type}\n")


def main():
    names, directory = int(sys.argv[1]), sys.argv[2]
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    os.makedirs(directory, exist_ok=True)
    questions, records = write_zone(rng, names, f"{directory}/bench.example.zone")
    write_questions(rng, questions, f"{directory}/queries.txt")
    print("records", records)


if __name__ == "__main__":
    main()
