"""tcprelay beside haproxy, nginx stream, socat and rinetd.

Each is one process with one thread, on the first CPU (socat: a process for
each connection, all there); the generator's two ends are on the last, or
"on one core" with it.  Memory is measured wherever they run.
"""

import re
import socket
import subprocess

from harness import CPUS, Failed, Server, descriptors, find, load, \
    children, kill, ours, said, threads, write
from report import Row

HAPROXY = """
global
    nbthread 1
    maxconn 6000
    maxpipes 1000
    stats socket {dir}/haproxy.{port}
defaults
    mode tcp
    {splice}
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    timeout tunnel 600s
listen relay
    bind 127.0.0.1:{port} {tls}
    server target 127.0.0.1:{target}
"""
SPLICE = "option splice-request\n    option splice-response"
HAPROXY_TLS = "ssl crt {cert} ciphers ECDHE-ECDSA-AES128-GCM-SHA256 " \
    "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2"

NGINX = """
daemon off; master_process off; pid {dir}/nginx.pid;
error_log {dir}/nginx.log; worker_rlimit_nofile 20000;
include /etc/nginx/modules-enabled/*stream.conf;
events {{ worker_connections 20000; }}
stream {{
    server {{
        listen 127.0.0.1:{port} {tls} backlog=4096;
        proxy_pass 127.0.0.1:{target};
        proxy_buffer_size 64k;
        proxy_timeout 600s;
        {tls_more}
    }}
}}
"""
NGINX_TLS = "ssl_certificate {cert}; ssl_certificate_key {cert}; " \
    "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;"

ALL = ["haproxy", "haproxy-splice", "nginx", "socat", "rinetd"]
CELLS = [("copy 1", "ends that copy, 1"), ("copy 64", "ends that copy, 64"),
         ("trunc 1", "touchless ends, 1"),
         ("trunc 64", "touchless ends, 64")]

ROWS = [Row("relay-cpu-" + case.replace(" ", "-"),
            "tcprelay, " + words + ", CPU", case, "CPU s/GB",
            ["haproxy-splice"], 0.8) for case, words in CELLS]
ROWS += [Row("relay-" + case.replace(" ", "-"), "tcprelay, " + words, case,
             "GB/s", ALL, 1) for case, words in CELLS]
ROWS += [
    Row("relay-ping", "tcprelay, p50 of 64 bytes", "ping", "us",
        ["haproxy"], 0.9),
    Row("relay-rate", "tcprelay, connections", "rate", "conn/s", ["nginx"],
        1),
    Row("relay-rate-core", "tcprelay, connections, one core",
        "rate one core", "conn/s", ["nginx"], 1),
    Row("relay-idle", "tcprelay, idle connection", "idle", "bytes",
        ["haproxy"], 512, of="figure"),
    Row("relay-idle-tls", "tcprelay, idle connection, TLS", "idle tls",
        "bytes", ["haproxy"], 4096, of="figure"),
]


def command(name, bench, port, target, tls=False):
    """The command line of a peer; with tls, clients speak that to it."""
    cert = bench.cert() if tls else ""
    v = {"dir": bench.dir, "port": port, "target": target, "cert": cert}
    if name in ("tcpkit", "portable"):
        listen = "127.0.0.1:%d" % port
        if tls:
            listen = "tls://%s,cert=%s" % (listen, cert)
        return [ours(name, "tcprelay"), "--quiet", listen,
                "127.0.0.1:%d" % target]
    if name.startswith("haproxy"):
        v["splice"] = SPLICE if name.endswith("splice") else ""
        v["tls"] = HAPROXY_TLS.format(**v) if tls else ""
        return [find(name), "-db", "-q", "-f",
                write(bench.dir + "/" + name, HAPROXY.format(**v))]
    if name == "nginx":
        v["tls"] = "ssl" if tls else ""
        v["tls_more"] = NGINX_TLS.format(**v) if tls else ""
        return [find(name), "-c",
                write(bench.dir + "/nginx.conf", NGINX.format(**v))]
    if name == "socat":
        return [find(name), "-b", "65536", "TCP-LISTEN:%d,bind=127.0.0.1,"
                "reuseaddr,fork,backlog=4096" % port,
                "TCP:127.0.0.1:%d" % target]
    return [find(name), "-f", "-c",
            write(bench.dir + "/rinetd.conf",
                  "127.0.0.1 %d 127.0.0.1 %d\n" % (port, target))]


class Relay(Server):
    """A peer, running, and the socket of its target."""

    def __init__(self, name, bench, cpu=None, tls=False):
        self.name = name
        self.target = socket.socket()
        # What it accepts is not paced, as load.c's clients are not.
        self.target.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION,
                               b"reno")
        self.target.bind(("127.0.0.1", 0))
        self.target.listen(4096)
        back = self.target.getsockname()[1]
        super().__init__(lambda port: command(name, bench, port, back, tls),
                         cpu)
        self.admin = bench.dir + "/haproxy.%d" % self.port

    def ends(self, cpu, mode, *args, port=None, **how):
        fd = self.target.fileno()
        return load(mode, port or self.port, fd, *args, cpu=cpu,
                    pass_fds=[fd], **how)

    def pipes(self):
        """How many a haproxy has made: as many as it needs to splice."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.admin)
            s.sendall(b"show info\n")
            with s.makefile() as f:
                return sum(int(n) for n in
                           re.findall(r"Pipes(?:Used|Free): (\d+)",
                                      f.read()))

    def check(self):
        """It is what it is said to be; else its figure would be wrong."""
        if self.name != "socat" and (children(self.pid) or
                                     len(threads(self.pid)) > 1 and
                                     self.name != "rinetd"):
            raise Failed("%s is more than one" % self.name)
        if self.name.startswith("haproxy") and \
                (self.pipes() > 0) != self.name.endswith("splice"):
            raise Failed("%s: pipes: %d" % (self.name, self.pipes()))


def bulk(bench, name, how, n):
    mib = bench.size(1024, 8)
    relay = Relay(name, bench, CPUS[0])
    took = said(relay.ends(CPUS[-1], "bulk", n, mib, how))[0]
    gb = (mib << 20) // n * n / 1e9
    cpu = relay.used()
    relay.check()
    return {"GB/s": gb / took, "CPU s/GB": cpu / gb}


def rate(bench, name, cpu):
    relay = Relay(name, bench, CPUS[0])
    each, n = said(relay.ends(cpu, "rate", 64, bench.size(1, 0.05)))
    cpu = relay.used()
    relay.check()
    return {"conn/s": each, "CPU us": cpu / n * 1e6}


def ping(bench, name):
    relay = Relay(name, bench, CPUS[0])
    p50, p99, n = said(relay.ends(CPUS[0], "ping", bench.size(1, 0.05)))
    cpu = relay.used()
    relay.check()
    return {"us": p50, "p99 us": p99, "CPU us": cpu / n * 1e6}


def held(relay, p):
    if p.stdout.readline() != b"held\n":
        raise Failed("%s does not hold them" % relay.name)
    return relay.memory()


def idle(bench, name, tls):
    """Bytes for each of many more connections that do nothing.

    The first ones pay for what is made and touched once, and do not count.
    """
    n = bench.size(1000 if tls else 5000, 50)
    if name == "portable":      # poll looks at all of them each time
        n = min(n, 500)
    relay = Relay(name, bench, tls=tls)
    port = None
    if tls:     # the generator does not speak it
        port = Server(lambda p: [
            ours("tcpkit", "tcprelay"), "--quiet", "127.0.0.1:%d" % p,
            "tls://127.0.0.1:%d,ca=%s" % (relay.port, bench.cert())]).port
    p = relay.ends(None, "hold", bench.size(500, 20), n, port=port,
                   stdin=subprocess.PIPE)
    before = held(relay, p)
    p.stdin.write(b"\n")
    p.stdin.flush()
    grown = held(relay, p) - before
    kill(p)
    return {"bytes": grown / n}


def run(bench, case, name):
    kind, _, how = case.partition(" ")
    if kind in ("copy", "trunc"):
        return bulk(bench, name, kind, int(how))
    if kind == "rate":
        return rate(bench, name, CPUS[0 if how else -1])
    if kind == "ping":
        return ping(bench, name)
    return idle(bench, name, how == "tls")
