#!/usr/bin/env -S python3 -SE
"""events.py - checks messages that are JSON, and shows some of their values

usage: events.py [EVENT KEY...] < messages

Every line has to be an object of the keys that are promised.  Prints the
values of the keys, a line for each EVENT; without arguments the events.
"""
import json
import re
import sys

KEYS = {'time', 'level', 'event', 'tool', 'conn', 'local', 'peer', 'bytes_in',
        'bytes_out', 'duration', 'reason', 'error',
        # of TLS
        'tls', 'suite', 'alpn', 'sni', 'resumed', 'subject', 'issuer',
        'names', 'not_before', 'not_after', 'key', 'pin', 'verified',
        'doubt',
        # of a server's statistics
        'clients', 'total', 'denied', 'tls_failed', 'proxy_failed',
        # of a relay
        'target', 'side',
        # digests
        'sha256_in', 'sha256_out',
        # of a scan: what was asked for
        'host', 'port',
        # of a PROXY header: who sent it
        'via'}
MUST = {'time', 'level', 'event', 'tool'}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z')

wanted = sys.argv[1:]
for line in sys.stdin:
    message = json.loads(line)
    for key in set(message) - KEYS:
        sys.exit(f'events: unknown key "{key}": {line}')
    for key in MUST - set(message):
        sys.exit(f'events: no key "{key}": {line}')
    if not TIME.fullmatch(message['time']):
        sys.exit(f'events: time "{message["time"]}"')
    for key in ('bytes_in', 'bytes_out'):
        if type(message.get(key, 0)) is not int:
            sys.exit(f'events: {key} is not a whole number: {line}')
    if type(message.get('duration', 0)) not in (int, float):
        sys.exit(f'events: duration is not a number: {line}')
    if not wanted:
        print(message['event'])
    elif message['event'] == wanted[0]:
        print(*[message[key] for key in wanted[1:]])
