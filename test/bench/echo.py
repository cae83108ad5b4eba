"""tcpecho beside tcpserver with cat: bytes and messages that come back.

The server, with all its processes, is on the first CPU, and the client on
the last.  A client that copies and compares every byte both ways is what
limits the slower of its two jobs, not the server: there the server's CPU says
more than GB/s.  So there is another, which sends a file and throws away seven
pieces of eight, but counts them.
"""

from harness import CPUS, Server, find, load, ours, said
from report import Row

PEERS = ["tcpserver+cat"]
ROWS = [
    Row("echo-bulk", "tcpecho, touchless client, 1", "echo bulk", "GB/s",
        PEERS, 1.5),
    Row("echo-bulk-copy", "tcpecho, client that copies, 1",
        "echo bulk copy", "GB/s", PEERS, None),
    Row("echo-bulk-cpu", "tcpecho, client that copies, 1, CPU",
        "echo bulk copy", "CPU s/GB", PEERS, None),
    Row("echo-messages", "tcpecho, 64 connections", "echo messages",
        "messages/s", PEERS, 2),
]


def serve(name):
    if name == "tcpserver+cat":
        return Server(lambda _: [find(name), "-HRl0", "-c", "2000", "-b",
                                 "4096", "127.0.0.1", "0", "/bin/cat"],
                      CPUS[0])
    return Server(lambda _: [ours(name, "tcpecho"), "--quiet",
                             "127.0.0.1:0"], CPUS[0])


def run(bench, case, name):
    server = serve(name)
    if case == "echo messages":
        each, p99, _ = said(load("messages", server.port, 64,
                                 bench.size(1, 0.05), cpu=CPUS[-1]))
        return {"messages/s": each, "p99 us": p99}
    how = "copy" if case == "echo bulk copy" else "trunc"
    mib = bench.size(1024 if how == "copy" else 2048, 16)
    took = said(load("echo", server.port, 1, mib, how, cpu=CPUS[-1]))[0]
    gb = (mib << 20) / 1e9
    return {"GB/s": gb / took, "CPU s/GB": server.used() / gb}
