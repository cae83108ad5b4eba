"""tcpecho beside tcpserver with cat: bytes and messages that come back.

With one connection the client, which sends, takes back and compares all of
it, may be what limits them: there the server's CPU says more than GB/s.
"""

from harness import Server, find, load, ours, said
from report import Row

PEERS = ["tcpserver+cat"]
ROWS = [
    Row("echo-bulk", "tcpecho, 1 connection", "echo bulk", "GB/s", PEERS,
        1.5),
    Row("echo-bulk-cpu", "tcpecho, 1 connection, CPU", "echo bulk",
        "CPU s/GB", PEERS, None),
    Row("echo-messages", "tcpecho, 64 connections", "echo messages",
        "messages/s", PEERS, 2),
]


def serve(name):
    if name == "tcpserver+cat":
        return Server(lambda _: [find(name), "-HRl0", "-c", "2000", "-b",
                                 "4096", "127.0.0.1", "0", "/bin/cat"])
    return Server(lambda _: [ours(name, "tcpecho"), "--quiet",
                             "127.0.0.1:0"])


def run(bench, case, name):
    server = serve(name)
    if case == "echo bulk":
        mib = bench.size(1024, 16)
        took = said(load("echo", server.port, 1, mib))[0]
        gb = (mib << 20) / 1e9
        return {"GB/s": gb / took, "CPU s/GB": server.used() / gb}
    each, p99, _ = said(load("messages", server.port, 64,
                             bench.size(1, 0.05)))
    return {"messages/s": each, "p99 us": p99}
