#!/usr/bin/env -S python3 -SE
"""promcheck.py - is this Prometheus' text format, version 0.0.4?

usage: promcheck.py [NAME[{LABEL="VALUE",...}]...] < TEXT

Stricter than Prometheus itself: every family has its HELP and TYPE, once and
in front of its samples, which are together; no sample is there twice; a
counter ends in _total, is whole and not negative.  Then prints the value of
each sample that is named; of the labels it has to have those that are given.
"""
import re
import sys

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
SAMPLE = re.compile(rf'({NAME})(?:\{{({LABEL}(?:,{LABEL})*),?\}})? (\S+)')
TYPES = {'counter', 'gauge', 'histogram', 'summary', 'untyped'}


def labels_of(text):
    pairs = re.findall(LABEL, text or '')
    labels = dict(pairs)
    if len(labels) != len(pairs):
        sys.exit(f'promcheck: a label twice: {text}')
    return labels


text = sys.stdin.buffer.read().decode('utf-8')
if not text.endswith('\n'):
    sys.exit('promcheck: the last line has no end')
helps, types, samples, done = set(), {}, {}, set()
family = None
for line in text[:-1].split('\n'):
    if m := re.fullmatch(rf'# HELP ({NAME}) (\S.*)', line):
        name = m[1]
        if name in helps:
            sys.exit(f'promcheck: HELP twice: {line}')
        helps.add(name)
        family = name
    elif m := re.fullmatch(rf'# TYPE ({NAME}) (\w+)', line):
        name = m[1]
        if name in types or m[2] not in TYPES or name != family:
            sys.exit(f'promcheck: TYPE twice, unknown or astray: {line}')
        types[name] = m[2]
    elif m := SAMPLE.fullmatch(line):
        name, labels, value = m[1], labels_of(m[2]), m.groups()[-1]
        if name != family or name not in helps or name not in types:
            sys.exit(f'promcheck: not within its family: {line}')
        key = name, frozenset(labels.items())
        if key in samples:
            sys.exit(f'promcheck: a sample twice: {line}')
        samples[key] = float(value)
        if types[name] == 'counter' and not (
                name.endswith('_total') and value.isdecimal()):
            sys.exit(f'promcheck: no counter: {line}')
    else:
        sys.exit(f'promcheck: no line of the format: {line!r}')
for name in helps:
    if name not in types:
        sys.exit(f'promcheck: no TYPE: {name}')

for arg in sys.argv[1:]:
    want, _, rest = arg.partition('{')
    wanted = set(labels_of(rest.rstrip('}')).items())
    found = [v for (name, labels), v in samples.items()
             if name == want and wanted <= labels]
    if len(found) != 1:
        sys.exit(f'promcheck: {len(found)} samples are {arg}')
    print('%.15g' % found[0])
