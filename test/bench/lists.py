"""tcpacl-check: a log filtered by a list, beside grepcidr and wc.

Before the first figure grepcidr and tcpacl-check must print the very same
lines.  Both read the log and write to /dev/null, wherever they run.
"""

import hashlib
import os
import subprocess
import time

from harness import Failed, LOAD, find, finish, ours, start
from report import Row

ROWS = [
    Row("acl-grepcidr", "tcpacl-check, 10 M lines", "filter",
        "M lines/s", ["grepcidr"], 10),
    Row("acl-wc", "tcpacl-check, its time", "filter", "s", ["wc -l"], 4),
    Row("acl-load", "tcpacl-check, 1,000,000 read", "load", "s", [], 1,
        of="figure"),
]


def files(bench):
    """Lines, networks, rules: where they are, and how many lines."""
    lines = bench.size(10000000, 20000)
    networks = bench.size(100000, 1000)

    def make(path):
        subprocess.run([LOAD, "lines", path + ".nets", path + ".rules", path,
                        str(networks), str(lines)], check=True)
    path = bench.once("lines-%d" % lines, make)
    return path, path + ".nets", path + ".rules", lines


def command(name, bench):
    path, nets, rules, lines = files(bench)
    if name == "grepcidr":
        return [find(name), "-f", nets]
    if name == "wc -l":
        return [find(name), "-l"]
    return [ours(name, "tcpacl-check"), "-f", rules, "--allowed"]


def digest(name, bench):
    """What it prints, in short."""
    path = files(bench)[0]

    def make(out):
        with open(path, "rb") as log, open(out, "wb") as f:
            finish(start(command(name, bench), stdin=log, stdout=f))
        with open(out, "rb") as f:
            h = hashlib.file_digest(f, "sha256").hexdigest()
        if os.path.getsize(out) == 0:
            raise Failed("%s prints nothing" % name)
        with open(out, "w") as f:
            f.write(h)
    with open(bench.once(os.path.basename(path) + "." + name, make)) as f:
        return f.read()


def run(bench, case, name):
    if case == "load":
        return loading(bench, name)
    path, *_, lines = files(bench)
    if name != "wc -l" and find("grepcidr") and \
            digest(name, bench) != digest("grepcidr", bench):
        raise Failed("it prints other lines than grepcidr")
    with open(path, "rb") as log:
        began = time.monotonic()
        cpu = finish(start(command(name, bench), stdin=log))
        took = time.monotonic() - began
    return {"M lines/s": lines / took / 1e6, "s": took, "CPU s": cpu}


def loading(bench, name):
    """A list is read and compiled, to decide of a few addresses."""
    n = bench.size(1000000, 1000)

    def make(path):
        subprocess.run([LOAD, "lines", path + ".nets", path, path + ".lines",
                        str(n), "100"], check=True)
    rules = bench.once("rules-%d" % n, make)
    with open(rules + ".lines", "rb") as log:
        began = time.monotonic()
        finish(start([ours(name, "tcpacl-check"), "-f", rules, "--allowed"],
                     stdin=log))
        return {"s": time.monotonic() - began}
