#!/usr/bin/env -S python3 -SE
"""terminal.py - runs a command with its standard error on a terminal

usage: terminal.py [-o] [-b] [-r COLUMNS] [-s FILE] COLUMNS NAME
           COMMAND...

The terminal has so many columns (0: it does not know).  NAME.drawn gets, as
it comes, a line for each piece of output between carriage returns and line
feeds, blanks at its end left out; NAME.screen at the end what is to be seen:
what is written over is gone, and what is too wide goes on below.

  -o            standard output is the terminal, too
  -b            another process group has the terminal: it is busy with that
  -r COLUMNS    make it so wide once something has been drawn
  -s FILE       stop its output (^S) when something has been drawn, until
                there is FILE

Leaves with the status of the command, 128+n for a signal.
"""
import fcntl
import getopt
import os
import pty
import select
import struct
import subprocess
import sys
import termios


class Screen:
    def __init__(self, columns):
        self.columns = columns or 80
        self.rows = ['']
        self.at = 0

    def put(self, char):
        if char == '\r':
            self.at = 0
        elif char == '\n':
            self.rows.append('')
            self.at = 0
        else:
            if self.at == self.columns:
                self.put('\n')
            row = self.rows[-1].ljust(self.at)
            self.rows[-1] = row[:self.at] + char + row[self.at + 1:]
            self.at += 1

    def resize(self, columns):
        self.columns = columns
        self.rows = [row[:columns] for row in self.rows]
        self.at = min(self.at, columns - 1)

    def text(self):
        return ''.join(row.rstrip() + '\n' for row in self.rows)


def set_columns(fd, columns):
    size = struct.pack('HHHH', 24 if columns else 0, columns, 0, 0)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, size)


def own_terminal(fd, busy):
    """In the child: the terminal is its own, perhaps another's in front."""
    def prepare():
        os.setsid()
        fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
        if busy and os.fork() != 0:
            os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
        if busy:
            os.setpgid(0, 0)
    return prepare


class Run:
    def __init__(self, options, columns, name, command):
        self.resize = int(options.get('-r', 0))
        self.stop = options.get('-s')
        self.stopped = False
        self.name = name
        self.screen = Screen(columns)
        self.part = ''
        self.seen = 0
        self.master, self.slave = pty.openpty()
        set_columns(self.slave, columns)
        self.child = subprocess.Popen(
            command, stderr=self.slave,
            stdout=self.slave if '-o' in options else None,
            preexec_fn=own_terminal(self.slave, '-b' in options))

    def take(self, drawn):
        data = os.read(self.master, 65536).decode('latin-1')
        for char in data:
            self.screen.put(char)
            if char not in '\r\n':
                self.part += char
                continue
            self.draw(drawn)
        # A line of progress is followed by nothing: it is whole here.
        self.draw(drawn)

    def draw(self, drawn):
        if self.part.rstrip():
            drawn.write(self.part.rstrip() + '\n')
            drawn.flush()
            self.seen += 1
        self.part = ''

    def react(self):
        if self.seen > 0 and self.resize:
            self.screen.resize(self.resize)
            set_columns(self.slave, self.resize)
            self.resize = 0
        if self.seen > 0 and self.stop and not self.stopped:
            termios.tcflow(self.slave, termios.TCOOFF)
            self.stopped = True
        if self.stopped and os.path.exists(self.stop):
            termios.tcflow(self.slave, termios.TCOON)
            self.stop, self.stopped = None, False

    def all(self):
        with open(self.name + '.drawn', 'w', encoding='latin-1') as drawn:
            while True:
                ended = self.child.poll() is not None
                if select.select([self.master], [], [], 0.02)[0]:
                    self.take(drawn)
                    self.react()
                elif ended:
                    break
                else:
                    self.react()
        with open(self.name + '.screen', 'w', encoding='latin-1') as screen:
            screen.write(self.screen.text())
        status = self.child.returncode
        return status if status >= 0 else 128 - status


def main():
    options, rest = getopt.getopt(sys.argv[1:], 'obr:s:')
    return Run(dict(options), int(rest[0]), rest[1], rest[2:]).all()


if __name__ == '__main__':
    sys.exit(main())
