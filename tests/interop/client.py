"""A client driven by JSON lines: one command per line on stdin, one result per line on stdout.

  {"op":"send","cmd":1,"sn":7,"body":"text"}  ret, flag and version too; body_hex for other bytes
                                              -> {"sent": bytes}
  {"op":"send_raw","hex":"7978aecf"}          -> {"sent": bytes}
  {"op":"recv","timeout":5}                   seconds, 10 if not given -> the box's fields,
                                              {"closed": true} or {"timeout": true}
  {"op":"close"}                              -> {"closed": true}, and the client ends

A connection that ended adds "reset" (by RST, not FIN) and "unread" (bytes of an unfinished
box) to its {"closed": true}. A mistake gives {"error": why}. Ends with stdin, too.
"""

import argparse
import json
import socket
import sys

sys.dont_write_bytecode = True
import wire  # noqa: E402
from wire import Box  # noqa: E402


def send(sock, data):
    try:
        sock.sendall(data)
    except ConnectionError:
        return {"closed": True, "reset": True, "unread": 0}
    return {"sent": len(data)}


def recv(reader, timeout):
    reset = False
    try:
        box = reader.read(timeout)
    except socket.timeout:
        return {"timeout": True}
    except ConnectionError:
        box, reset = None, True
    if box is None:
        return {"closed": True, "reset": reset, "unread": len(reader.buf)}
    fields = {name: getattr(box, name) for name in Box.FIELDS}
    return {**fields, "body": box.body.decode(errors="replace"), "body_hex": box.body.hex()}


def run(sock, reader, op, timeout=10, hex="", body="", body_hex="", **fields):
    if op == "send":
        body = bytes.fromhex(body_hex) if body_hex else body
        return send(sock, Box(body=body, **fields).pack())
    if op == "send_raw":
        return send(sock, bytes.fromhex(hex))
    if op == "recv":
        return recv(reader, timeout)
    if op == "close":
        sock.close()
        return {"closed": True}
    raise ValueError("unknown op: %s" % op)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="the gateway's outer port")
    args = parser.parse_args()
    try:
        sock = wire.connect(args.host, args.port)
    except OSError as error:
        sys.exit("client: %s" % error)
    reader = wire.FrameReader(sock, Box)
    for line in sys.stdin:
        try:
            result = run(sock, reader, **json.loads(line))
        except Exception as error:  # any mistake of the driver's is told, and the next line taken
            result = {"error": repr(error)}
        print(json.dumps(result), flush=True)
        if sock.fileno() < 0:
            break


if __name__ == "__main__":
    main()
