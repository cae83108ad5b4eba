"""What the benches share: the processes, and what the kernel says of them.

A run starts its processes here; whatever is left of them is ended when the
run is over.  A run in which a byte is lost or wrong, or whose peer is not
what it is meant to be, raises Failed: it has no figure.
"""

import ctypes
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

BUILD = os.path.abspath(os.environ.get("TCPKIT_BUILD", "build"))
PORTABLE = os.environ.get("TCPKIT_PORTABLE")
LOAD = os.path.join(BUILD, "bench_load")
LIMIT = 100             # seconds, of any one run
TICK = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
SYSTEM = os.environ["PATH"] + ":/usr/sbin:/sbin"

# Whom they call by another name than their program's.  tcpkit and portable
# are two builds of ours.
PROGRAMS = {"nc": "nc.openbsd", "haproxy-splice": "haproxy",
            "tcpserver+cat": "tcpserver", "wc -l": "wc",
            "BearSSL": os.path.join(BUILD, "bench_sha"),
            "tcpkit": os.path.join(BUILD, "tcpcat"),
            "portable": os.path.join(PORTABLE or "", "tcpcat")}

LIBC = ctypes.CDLL(None)
running = []            # what has been started and not yet waited for


class Failed(Exception):
    """This run has no figure, and why."""


def find(name):
    """The path of a peer's program, or None."""
    if name == "portable" and not PORTABLE:
        return None
    return shutil.which(PROGRAMS.get(name, name), path=SYSTEM)


def ours(name, tool):
    """A tool of ours, of the build that is meant."""
    return os.path.join(PORTABLE if name == "portable" else BUILD, tool)


# --- processes --------------------------------------------------------------

def place(cpu):
    """In a child: it runs there, and not longer than we do."""
    def before():
        LIBC.prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
    return before


def start(command, cpu=None, **how):
    """A process in a group of its own, on one CPU if that is given."""
    how.setdefault("stdin", subprocess.DEVNULL)
    how.setdefault("stdout", subprocess.DEVNULL)
    if not os.environ.get("BENCH_VERBOSE"):
        how.setdefault("stderr", subprocess.DEVNULL)
    p = subprocess.Popen([str(a) for a in command], start_new_session=True,
                         preexec_fn=place(cpu), **how)
    running.append(p)
    return p


def load(*args, cpu=None, **how):
    """A load generator, which says what it found."""
    return start([LOAD, *args], cpu, stdout=subprocess.PIPE, **how)


def kill(p):
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def finish(p, status=0):
    """Wait for its end: its CPU seconds, with its children's."""
    limit = threading.Timer(LIMIT, kill, [p])
    limit.start()
    _, ended, usage = os.wait4(p.pid, 0)
    limit.cancel()
    p.returncode = os.waitstatus_to_exitcode(ended)
    if p.returncode != status:
        raise Failed("%s left with status %d" %
                     (os.path.basename(p.args[0]), p.returncode))
    return usage.ru_utime + usage.ru_stime


def said(p, text=None):
    """The numbers that a generator says at its end."""
    try:
        out, _ = p.communicate(text, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failed("%s does not end" % p.args[0]) from None
    if p.returncode != 0 or not out:
        raise Failed("%s: status %d" % (" ".join(p.args[1:2]),
                                        p.returncode))
    return [float(x) for x in out.split()]


def clean():
    """End what is left of a run."""
    for p in running:
        kill(p)
        if p.returncode is None:
            p.wait()
        for f in (p.stdin, p.stdout, p.stderr):
            if f:
                f.close()
    running.clear()


# --- what the kernel says ---------------------------------------------------

def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            found += [int(x) for x in f.read().split()]
    return found


def cpu_of(pid):
    """CPU seconds of a living process and its children, living or dead."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    total = (int(fields[13]) + int(fields[14])) / TICK
    # A living one's own clock has nanoseconds where stat has ticks.
    for one in [pid] + children(pid):
        try:
            total += time.clock_gettime((~one << 3) | 2)
        except OSError:         # it has gone
            pass
    return total


def memory_of(pid):
    """Bytes that a process and its children have for themselves alone."""
    total = 0
    for one in [pid] + children(pid):
        with open("/proc/%d/smaps_rollup" % one) as f:
            total += int(re.search(r"Private_Dirty: +(\d+)",
                                   f.read()).group(1)) * 1024
    return total


def descriptors(pid):
    """What its descriptors are, as the kernel names them."""
    names = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            names.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except OSError:
            pass
    return names


def threads(pid):
    return [int(t) for t in os.listdir("/proc/%d/task" % pid)]


def listening():
    """(port, inode) of all who listen over IPv4, from sock_diag(7).

    /proc/net/tcp has the same, behind all connections that there ever were.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as s:
        s.send(struct.pack("=IHHII4BI48x", 72, 20, 0x301, 0, 0,
                           socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << 10))
        while True:
            data = s.recv(1 << 16)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind != 20:          # done, or an error
                    return
                yield (*struct.unpack_from("!H", data, 20),
                       *struct.unpack_from("=I", data, 84))
                data = data[size + 3 & ~3:]


def listens(pid):
    """The TCP port on which a process listens, or None."""
    mine = set(descriptors(pid))
    for port, inode in listening():
        if "socket:[%d]" % inode in mine:
            return port
    return None


def arrived():
    """Bytes that have come over the loopback interface, of everybody."""
    with open("/sys/class/net/lo/statistics/rx_bytes") as f:
        return int(f.read())


# --- servers ----------------------------------------------------------------

def bound():
    """A socket with a port that no client will be given."""
    while True:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(12000, 32000)))
            return s
        except OSError:
            s.close()


def free_port():
    """A port for those who take no 0."""
    with bound() as s:
        return s.getsockname()[1]


class Server:
    """A server that runs, and listens on a port."""

    def __init__(self, command, cpu=None, **how):
        """command(port): with what it is started, if need be once more."""
        for _ in range(3):
            self.p = start(command(free_port()), cpu, **how)
            self.pid = self.p.pid
            self.port = self.wait()
            if self.port:
                break
            kill(self.p)
        else:
            raise Failed("%s does not listen" % self.p.args[0])
        for task in threads(self.pid) if cpu is not None else []:
            if os.sched_getaffinity(task) != {cpu}:
                raise Failed("%s is not on one CPU" % self.p.args[0])
        self.began = self.cpu()

    def wait(self):
        end = time.monotonic() + 10
        while self.p.poll() is None and time.monotonic() < end:
            try:
                port = listens(self.pid)
            except FileNotFoundError:
                return None
            if port:
                return port
            time.sleep(0.002)
        return None

    def cpu(self):
        return cpu_of(self.pid)

    def used(self):
        """CPU seconds since it began, once its children have gone."""
        end = time.monotonic() + 5
        while children(self.pid) and time.monotonic() < end:
            time.sleep(0.005)
        return self.cpu() - self.began

    def memory(self):
        return memory_of(self.pid)


# --- files ------------------------------------------------------------------

def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


class Bench:
    """A directory, what is in it, and the sizes of this time."""

    def __init__(self, quick, rounds):
        self.quick, self.rounds = quick, rounds
        self.keep = tempfile.TemporaryDirectory(prefix="bench-")
        self.dir = self.keep.name
        os.chmod(self.dir, 0o755)
        self.made = {}

    def size(self, full, quick):
        return quick if self.quick else full

    def once(self, name, make):
        """A file, made at its first use: make(path)."""
        path = os.path.join(self.dir, name)
        if path not in self.made:
            make(path)
            self.made[path] = True
        return path

    def source(self, size):
        """A file of so many bytes of the generators' pattern."""
        def make(path):
            with open(path, "wb") as f:
                subprocess.run([LOAD, "feed", str(size)], stdout=f,
                               check=True)
        return self.once("source-%d" % size, make)

    def cert(self):
        """A self-signed P-256 certificate, with its key, in one file."""
        def make(path):
            key = path + ".key"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", key, "-out", path], check=True,
                stderr=subprocess.DEVNULL)
            with open(path, "a") as out, open(key) as f:
                out.write(f.read())
            os.chmod(path, 0o600)
        return self.once("cert.pem", make)
