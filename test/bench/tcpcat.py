"""tcpcat: pipes and files through TCP and TLS, digests, scans.

CPU is that of the two tested processes, the receiver and the sender,
together; of --sha256 it is what the sender takes more than without.
"""

import hashlib
import math
import re
import subprocess
import time

from harness import Failed, Server, arrived, bound, clean, finish, find, \
    load, ours, said, start
from report import Row

MIB = 1 << 20

# NAME: (receiver, sender), where PORT and CERT are filled in.
TCP = {
    "nc": (["nc.openbsd", "-d", "-l", "127.0.0.1", "0"],
           ["nc.openbsd", "-N", "127.0.0.1", "PORT"]),
    "socat": (["socat", "-u", "-b", "65536",
               "TCP-LISTEN:0,bind=127.0.0.1", "STDOUT"],
              ["socat", "-u", "-b", "65536", "STDIN",
               "TCP:127.0.0.1:PORT"]),
}
TLS = {
    "socat": (["socat", "-u", "-b", "65536", "OPENSSL-LISTEN:0,"
               "bind=127.0.0.1,verify=0,cert=CERT", "STDOUT"],
              ["socat", "-u", "-b", "65536", "STDIN",
               "OPENSSL:127.0.0.1:PORT,cafile=CERT"]),
    "ncat": (["ncat", "--ssl", "--ssl-cert", "CERT", "--ssl-key", "CERT",
              "-l", "--recv-only", "127.0.0.1", "0"],
             ["ncat", "--ssl", "--send-only", "127.0.0.1", "PORT"]),
}

ROWS = [
    Row("pipe-nc", "tcpcat, pipe to pipe", "pipe", "GB/s", ["nc"], 3),
    Row("pipe-socat", "tcpcat, pipe to pipe", "pipe", "GB/s", ["socat"],
        2.5),
    Row("pipe-cpu-nc", "tcpcat, pipe to pipe, CPU", "pipe", "CPU s/GB",
        ["nc"], 0.3),
    Row("pipe-cpu-socat", "tcpcat, pipe to pipe, CPU", "pipe", "CPU s/GB",
        ["socat"], None),
    Row("file-nc", "tcpcat, file to null", "file", "GB/s", ["nc"], 1.3),
    Row("file-cpu-nc", "tcpcat, file to null, CPU", "file", "CPU s/GB",
        ["nc"], 0.5),
    Row("tls", "tcpcat, TLS, pipe to pipe", "tls", "GB/s", ["socat"], 2),
    Row("tls-cpu", "tcpcat, TLS, pipe to pipe, CPU", "tls", "CPU s/GB",
        ["socat"], 0.65),
    Row("tls-lost", "tcpcat, TLS, failed of 100 runs", "tls-runs", "runs",
        ["ncat"], 0, of="sum"),
    Row("sha256", "tcpcat --sha256, extra CPU", "sha256", "CPU s/GB",
        ["BearSSL"], 1.1),
    Row("scan", "tcpcat -z, 10,000 ports", "scan", "s", ["nc"], 1,
        of="figure"),
]


def pair(name, bench, tls):
    """What receives and what sends."""
    if name in ("tcpkit", "portable"):
        cat = ours(name, "tcpcat")
        r = [cat, "-l", "--recv-only", "127.0.0.1:0"]
        s = [cat, "--send-only", "127.0.0.1:PORT"]
        if tls:
            r += ["--tls-cert", "CERT"]
            s += ["--tls-ca", "CERT"]
    else:
        r, s = (TLS if tls else TCP)[name]
    if not tls:
        return r, s
    cert = bench.cert()
    return tuple([a.replace("CERT", cert) for a in c] for c in (r, s))


def transfer(commands, size, source=None, **how):
    """From a pipe to a pipe, or from a file to nowhere.

    Seconds, and CPU seconds of the receiver and the sender.
    """
    receiver, sender = commands
    sink = None if source else load("sink", stdin=subprocess.PIPE)
    r = Server(lambda _: receiver,
               stdout=sink.stdin if sink else subprocess.DEVNULL)
    if sink:
        sink.stdin.close()
        sink.stdin = None
        into = load("feed", size).stdout
    else:
        into = open(source, "rb")
    before, began = arrived(), time.monotonic()
    s = start([a.replace("PORT", str(r.port)) for a in sender], stdin=into,
              **how)
    into.close()
    cpu = finish(s), finish(r.p)
    got = said(sink) if sink else None
    took = time.monotonic() - began
    # Nobody counts what is written to /dev/null; but it has come.
    if got != [size] if sink else arrived() - before < size:
        raise Failed("bytes are lost")
    return took, cpu[1], cpu[0], s


def moved(bench, name, tls, null, size):
    source = bench.source(size) if null else None
    took, r, s, _ = transfer(pair(name, bench, tls), size, source)
    return {"GB/s": size / took / 1e9, "CPU s/GB": (r + s) / (size / 1e9)}


def runs(bench, name):
    """Small ones over TLS, a hundred of them in all rounds together."""
    n = bench.size(math.ceil(100 / bench.rounds), 2)
    lost = 0
    for _ in range(n):
        try:
            transfer(pair(name, bench, True), bench.size(8, 1) * MIB)
        except Failed:
            lost += 1
        clean()
    return {"runs": lost, "of": n}


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(MIB):
            h.update(chunk)
    return h.hexdigest()


def sha256(bench, name, size):
    gb = size / 1e9
    if name == "BearSSL":
        p = start([find(name), size], stdout=subprocess.PIPE)
        return {"CPU s/GB": said(p)[0] / gb}
    r, s = pair(name, bench, False)
    plain = transfer((r, s), size)[2]
    _, _, cpu, p = transfer((r, s + ["--sha256"]), size,
                            stderr=subprocess.PIPE)
    told = re.search(r"sent ([0-9a-f]{64})", p.stderr.read().decode())
    if not told or told.group(1) != digest(bench.source(size)):
        raise Failed("the digest is wrong")
    return {"CPU s/GB": (cpu - plain) / gb}


def scan(bench, name):
    """Closed ports, and behind them one that is open and must be found."""
    command = ["nc.openbsd", "-z"] if name == "nc" else \
        [ours(name, "tcpcat"), "-z"]
    with bound() as s:
        s.listen(5)
        last = s.getsockname()[1]
        ports = "%d-%d" % (last - bench.size(10000, 500) + 1, last)
        began = time.monotonic()
        p = start(command + ["127.0.0.1", ports], stdout=subprocess.PIPE)
        out = p.stdout.read().decode()
        cpu = finish(p)         # status 0: there is one
        took = time.monotonic() - began
    if name != "nc" and ":%d\n" % last not in out:
        raise Failed("it has not found the open port")
    return {"s": took, "CPU s": cpu}


def run(bench, case, name):
    if case == "scan":
        return scan(bench, name)
    if case == "tls-runs":
        return runs(bench, name)
    if case == "sha256":
        return sha256(bench, name, bench.size(512, 4) * MIB)
    tls = case == "tls"
    return moved(bench, name, tls, case == "file",
                 bench.size(512 if tls else 1024, 4) * MIB)
