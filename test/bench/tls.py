"""TLS: what a server's CPU has to do, beside nginx.

Both are one process, with the same P-256 certificate and cipher suite.  The
client counts: a handshake that was to be a full one and was resumed, or the
other way round, has no figure.  tcpcat sends what nginx says, from a file.
"""

import os
import socket
import ssl
import subprocess

from harness import Failed, Server, find, finish, kill, load, ours, said, \
    start, write
from report import Row

MIB = 1 << 20

ROWS = [
    Row("tls-bulk-cpu", "TLS in bulk, CPU", "tls bulk", "CPU s/GB",
        ["nginx"], 0.8),
    Row("tls-resumed-cpu", "TLS handshake, resumed, CPU", "tls resumed",
        "CPU us", ["nginx"], 1.2),
    Row("tls-full-cpu", "TLS handshake, full, CPU", "tls full", "CPU us",
        ["nginx"], None),       # it is BearSSL's arithmetic
]

NGINX = """
daemon off; master_process off; worker_processes 1; pid {dir}/tls.pid;
error_log {dir}/tls.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile off; default_type application/octet-stream;
    client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
    fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
    scgi_temp_path {dir}/s; output_buffers 2 512k; ssl_buffer_size 16k;
    server {{
        listen 127.0.0.1:{port} ssl; root {dir};
        ssl_certificate {cert}; ssl_certificate_key {cert};
        ssl_protocols TLSv1.2; ssl_session_cache shared:a:1m;
        ssl_session_tickets off;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
    }}
}}
"""


def nginx(bench):
    def command(port):
        values = {"dir": bench.dir, "port": port, "cert": bench.cert()}
        return [find("nginx"), "-c", write(bench.dir + "/tls.conf",
                                           NGINX.format(**values))]
    return Server(command)


def shake(context, port, session):
    """A handshake and a proper end: its session."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        with context.wrap_socket(s, session=session,
                                 server_hostname="127.0.0.1") as t:
            if t.session_reused != (session is not None):
                raise Failed("a handshake is of the other kind")
            if t.cipher()[0] != "ECDHE-ECDSA-AES128-GCM-SHA256":
                raise Failed("the cipher suite is " + t.cipher()[0])
            return t.session


def handshakes(bench, name, resumed):
    """Server CPU of each of them."""
    n = bench.size(1000, 10)
    context = ssl.create_default_context(cafile=bench.cert())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    context.options |= ssl.OP_NO_TICKET
    if name == "nginx":
        server = nginx(bench)
    else:
        server = Server(lambda port: [
            ours(name, "tcpecho"), "--quiet",
            "tls://127.0.0.1:%d,cert=%s" % (port, bench.cert())])
    session = shake(context, server.port, None)
    before = server.cpu()
    for _ in range(n):
        shake(context, server.port, session if resumed else None)
    return {"CPU us": (server.cpu() - before) / n * 1e6}


def answer(bench, size):
    """The file with what nginx says before it."""
    def make(path):
        with open(path, "wb") as f:
            f.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            f.flush()
            subprocess.run(["cat", bench.source(size)], stdout=f, check=True)
    return bench.once("answer-%d" % size, make)


def bulk(bench, name, size):
    """Server CPU of a file that curl fetches."""
    source = bench.source(size)
    if name == "nginx":
        server = nginx(bench)
    else:
        stdin = open(answer(bench, size), "rb")
        server = Server(lambda _: [
            ours(name, "tcpcat"), "-l", "--tls-cert", bench.cert(),
            "127.0.0.1:0"], stdin=stdin)
        stdin.close()
    sink = load("sink", stdin=subprocess.PIPE)
    curl = start(["curl", "-s", "--cacert", bench.cert(), "--tls-max", "1.2",
                  "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256",
                  "https://127.0.0.1:%d/%s" %
                  (server.port, os.path.basename(source))],
                 stdout=sink.stdin)
    sink.stdin.close()
    sink.stdin = None
    finish(curl)
    if said(sink) != [size]:
        raise Failed("bytes are lost")
    if name == "nginx":
        cpu = server.cpu() - server.began
        kill(server.p)
    else:
        cpu = finish(server.p)
    return {"CPU s/GB": cpu / (size / 1e9)}


def run(bench, case, name):
    if case == "tls bulk":
        return bulk(bench, name, bench.size(512, 4) * MIB)
    return handshakes(bench, name, case == "tls resumed")
