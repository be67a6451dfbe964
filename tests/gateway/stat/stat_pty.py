"""Runs a command in a pseudo terminal of 80 columns and 24 rows, which it controls.

Reads a line each from stdin: `size COLUMNS ROWS`, `keys TEXT`. Prints a JSON line each: {"output": ...}
for what came, at last {"code": ..., "restored": whether the terminal is in the mode it began with}.
"""

import codecs
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def control():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def obey(words):
    if words[0] == "size":
        set_size(master, int(words[1]), int(words[2]))
    elif words[0] == "keys":
        os.write(master, words[1].encode().decode("unicode_escape").encode())


master, slave = os.openpty()
set_size(master, 80, 24)
before = termios.tcgetattr(slave)
child = subprocess.Popen(
    sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=control
)
decoder = codecs.getincrementaldecoder("utf-8")("replace")
sources = [master, sys.stdin]
rest = b""
while True:
    ended = child.poll() is not None
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        output = decoder.decode(os.read(master, 65536))
        print(json.dumps({"output": output}), flush=True)
    elif ended:
        break
    if sys.stdin in ready:
        # Not by sys.stdin: select does not see what is in its buffer.
        received = os.read(0, 4096)
        if not received:
            sources.remove(sys.stdin)
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            obey(line.decode().split())
code = child.returncode
print(json.dumps({"code": code, "restored": termios.tcgetattr(slave) == before}), flush=True)
