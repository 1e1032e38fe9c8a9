"""Writes docs/conformance.md: the cases of tests/rfc/ with the sentences that they hold to, and the decisions where name
servers differ (tests/support/python/decisions.py). `--check` only says whether the page is current."""

import glob
import os
import re
import sys

TESTS = os.path.dirname(os.path.realpath(__file__))
PAGE = os.path.join(TESTS, "..", "docs", "conformance.md")
sys.path.insert(0, os.path.join(TESTS, "support", "python"))

import decisions

HEAD = """# Conformance

Made by `tests/conformance.py` from `tests/rfc/` and `tests/support/python/decisions.py`: change those, then run it.
Each row is a test that runs in every build: a sentence of the RFC, or its gist, and the case that holds us to it.
"""
DECISIONS = """
## Where name servers differ

`tests/interop/differential.py` asks NSD, Knot, BIND, PowerDNS and Understudy the same about random zones. Where the four
agree, so do we. Where they differ, what follows decides; the test holds us to it.

| RFC | we | others |
|---|---|---|
"""
CASE = re.compile(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)")


def comment_above(lines, index):
    """The // lines that end just above `index`, as one sentence."""
    first = index
    while first > 0 and lines[first - 1].startswith("//"):
        first -= 1
    return joined(lines[first:index])


def joined(comment_lines):
    return " ".join(line.removeprefix("//").strip() for line in comment_lines).replace("|", "\\|")


def title(lines):
    """The RFC's name: the first sentence of the file's head."""
    count = next(i for i, line in enumerate(lines) if not line.startswith("//"))
    return re.split(r"\.(?: |$)", joined(lines[:count]))[0]


def in_words(name):
    """Section4_1_2TheNameOfACase -> ("4.1.2", "the name of a case")."""
    section, words = re.fullmatch(r"(?:Section((?:[0-9]+_)*[0-9]+))?(.*)", name).groups()
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", words)
    return (section or "").replace("_", "."), parted[:1] + parted[1:].lower()


def cases_of(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    rows = [f"\n## {title(lines)}\n", "| section | case | holds to |", "|---|---|---|"]
    for index, line in enumerate(lines):
        if found := CASE.match(line):
            section, words = in_words(found[2])
            rows.append(f"| {section} | {words} (`{found[1]}.{found[2]}`) | {comment_above(lines, index)} |")
    return "\n".join(rows) + "\n"


def page():
    files = sorted(glob.glob(os.path.join(TESTS, "rfc", "*_test.cpp")), key=lambda path: int(re.search(r"rfc(\d+)", path)[1]))
    rows = [f"| {decision.section} | {decision.ours} | {decision.others} |\n" for decision in decisions.TABLE]
    return HEAD + "".join(cases_of(path) for path in files) + DECISIONS + "".join(rows)


def main():
    made = page()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() != made:
                sys.exit("docs/conformance.md is not current: run tests/conformance.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main()
