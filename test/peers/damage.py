#!/usr/bin/env -S python3 -SE
"""damage.py - between the two ends of a bench, and not always honest

usage: damage.py DAMAGE PLACE COMMAND...
       damage.py DAMAGE PLACE -

Runs COMMAND, a load generator, in whose arguments PORT is a port of ours and
FD a socket where the target of a relay is to be.  With FD we are a relay to
that target, else an echo.  DAMAGE is done once, at PLACE in the first
connection, to what comes back, or with "bulk" to what goes to the target:

  right    nothing is done
  lost     a byte is left out
  changed  a byte is another
  doubled  a byte comes twice
  early    there and nothing behind it: the stream ends

At its end "passed BYTES in CONNECTIONS" is said, of the stream that could be
damaged, and we leave with COMMAND's status.  With - we are a filter instead.
"""
import socket
import subprocess
import sys
import threading

damage, place = sys.argv[1], int(sys.argv[2])
passed, connections = 0, 0
lock = threading.Lock()


def worse(data, at):
    """What becomes of a piece; None: the end."""
    k = place - at
    if damage == "right" or not 0 <= k < len(data):
        return data
    if damage == "lost":
        return data[:k] + data[k + 1:]
    if damage == "changed":
        return data[:k] + bytes([data[k] ^ 1]) + data[k + 1:]
    if damage == "doubled":
        return data[:k + 1] + data[k:]
    return None


def pump(read, write, end, honest):
    """One direction, to its end; after an early one it is only emptied."""
    at, ended = 0, False
    while data := read(65536):
        out = data if honest else worse(data, at)
        at += len(data)
        if out is None:
            ended = True
            end()
        if not ended and out:
            write(out)
    if not ended:
        end()
    return at


def direction(source, target, honest, counted):
    global passed
    at = 0
    try:
        at = pump(source.recv, target.sendall,
                  lambda: target.shutdown(socket.SHUT_WR), honest)
    except OSError:             # they have seen it, and left: so do we
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    with lock:
        passed += at if counted else 0


def serve(listener, target, forward):
    global connections
    threads = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            break
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with lock:
            first = connections == 0
            connections += 1
        pairs = [(client, client, not first, True)]
        if target:
            back = socket.create_connection(target)
            back.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs = [(client, back, not (first and forward), forward),
                     (back, client, not (first and not forward),
                      not forward)]
        for p in pairs:
            t = threading.Thread(target=direction, args=p, daemon=True)
            t.start()
            threads.append(t)
    for t in threads:
        t.join(5)


def listen():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1024)
    return s


def main():
    if sys.argv[3] == "-":
        def end():
            sys.stdout.buffer.close()
        pump(sys.stdin.buffer.read1, sys.stdout.buffer.write, end, False)
        return 0
    command = sys.argv[3:]
    front, back = listen(), listen()
    words = {"PORT": str(front.getsockname()[1]), "FD": str(back.fileno())}
    target = back.getsockname() if "FD" in command else None
    t = threading.Thread(target=serve,
                         args=(front, target, "bulk" in command),
                         daemon=True)
    t.start()
    status = subprocess.run([words.get(a, a) for a in command],
                            pass_fds=[back.fileno()]).returncode
    front.shutdown(socket.SHUT_RDWR)
    t.join()
    print("passed %d in %d" % (passed, connections), flush=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
