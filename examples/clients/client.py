"""A client of the chat in Python: python3 client.py [HOST [PORT [UID]]]. Standard library only."""

import json
import socket
import struct
import sys

# magic, version, flag, length of the whole box, cmd, ret, sn; big-endian; then the body
HEADER = struct.Struct("!Ihhiiii")
MAGIC = 0x7978AECF
LOGIN, SAY, HEAR = 1, 2, 100


def request(sock, file, cmd, sn, body):
    """Sends a request and waits for its answer; what comes meanwhile is news."""
    sock.sendall(HEADER.pack(MAGIC, 0, 0, HEADER.size + len(body), cmd, 0, sn) + body)
    while True:
        got, ret, answered = receive(file)
        if (got, answered) == (cmd, sn):
            return ret


def receive(file):
    """The cmd, ret and sn of the next box; news is shown."""
    header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        sys.exit("the server has closed the connection")
    magic, _, _, length, cmd, ret, sn = HEADER.unpack(header)
    if magic != MAGIC:
        sys.exit("this is no box")
    body = file.read(length - HEADER.size)
    if cmd == HEAR:
        print("heard:", body.decode(), flush=True)
    return cmd, ret, sn


host, port, uid = sys.argv[1:] + ["127.0.0.1", "29000", "7"][len(sys.argv) - 1:]
with socket.create_connection((host, int(port))) as sock, sock.makefile("rb") as file:
    print("login:", request(sock, file, LOGIN, 1, json.dumps({"uid": int(uid)}).encode()))
    print("say:", request(sock, file, SAY, 2, b"hello from Python"), flush=True)
    while True:
        receive(file)
