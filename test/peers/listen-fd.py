#!/usr/bin/env -S python3 -SE
"""listen-fd.py - runs a command with a listening socket as a descriptor

usage: listen-fd.py N HOST:PORT COMMAND...
"""
import os
import socket
import sys

number, (host, port) = int(sys.argv[1]), sys.argv[2].rsplit(':', 1)
sock = socket.create_server((host, int(port)))
os.dup2(sock.fileno(), number)      # which makes it inheritable
os.execvp(sys.argv[3], sys.argv[3:])
