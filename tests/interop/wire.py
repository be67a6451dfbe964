"""The wire in plain Python: Box and Task frames, the protobuf bodies, a blocking frame reader.

Written from the protocol's tables alone, independent of the TypeScript sources, so that the two
implementations check each other. Standard library only.
"""

import select
import socket
import struct
import time

MAGIC = 2037952207
MAX_FRAME_BYTES = 16 * 1024 * 1024

# commands of a Task
CLIENT_REQ = 10
CLIENT_CREATED = 15
CLIENT_CLOSED = 20
WRITE_TO_WORKER = 100
WORKER_ASK_FOR_TASK = 210
WRITE_TO_CLIENT = 220
WRITE_TO_USERS = 230
CLOSE_CLIENT = 240
CLOSE_USERS = 250
LOGIN_CLIENT = 260
LOGOUT_CLIENT = 270
CLEAR_CLIENT_TASKS = 280

FLAG_INNER, FLAG_IPV6, FLAG_REDELIVERED = 1, 2, 4

RET_INVALID_CMD = -10000
RET_INTERNAL = -10001

# field numbers of the protobuf bodies
ROW_FIELDS = {1: "uids", 2: "buf", 3: "userdata", 4: "exclude"}  # RspToUsers holds rows as 1
CLOSE_USERS_FIELDS = {1: "uids", 2: "userdata", 3: "exclude"}


class WireError(Exception):
    """The bytes are no frame or no message."""


class Frame:
    """A header given by a subclass's FORMAT and FIELDS, and a body; packet_len counts both."""

    def __init__(self, body=b"", **fields):
        defaults = {name: 0 for name in self.FIELDS}
        defaults.update(magic=MAGIC, client_ip_num=b"")
        for name in self.FIELDS:
            setattr(self, name, fields.pop(name, defaults[name]))
        if fields:
            raise TypeError("no such field: %s" % ", ".join(sorted(fields)))
        self.body = body.encode() if isinstance(body, str) else bytes(body)

    def pack(self):
        self.packet_len = self.FORMAT.size + len(self.body)
        return self.FORMAT.pack(*(getattr(self, name) for name in self.FIELDS)) + self.body

    @classmethod
    def check(cls, buf, max_bytes=MAX_FRAME_BYTES):
        """Bytes the first frame of buf uses, 0 if more are needed, below 0 if it is no frame."""
        if len(buf) < cls.FORMAT.size:
            return 0
        header = dict(zip(cls.FIELDS, cls.FORMAT.unpack_from(buf)))
        if header["magic"] != MAGIC:
            return -1
        if header["packet_len"] < cls.FORMAT.size:
            return -2
        if header["packet_len"] > max_bytes:
            return -3
        return header["packet_len"] if len(buf) >= header["packet_len"] else 0

    def unpack(self, buf, max_bytes=MAX_FRAME_BYTES):
        """Takes the first frame of buf into self; returns what check() returns."""
        used = self.check(buf, max_bytes)
        if used > 0:
            for name, value in zip(self.FIELDS, self.FORMAT.unpack_from(buf)):
                setattr(self, name, value)
            self.body = bytes(buf[self.FORMAT.size:used])
        return used

    def map(self, **fields):
        """The reply to this frame: same class, REPLY_FIELDS copied, the rest as given."""
        copied = {name: getattr(self, name) for name in self.REPLY_FIELDS}
        return type(self)(**{**copied, **fields})


class Box(Frame):
    """The frame between a client and a server."""

    FORMAT = struct.Struct("!ihhiiii")
    FIELDS = ("magic", "version", "flag", "packet_len", "cmd", "ret", "sn")
    REPLY_FIELDS = ("cmd", "sn")


class Task(Frame):
    """The frame between the gateway and a worker or trigger."""

    FORMAT = struct.Struct("!ihhiiiii16sqqqq")
    FIELDS = ("magic", "version", "flags", "packet_len", "cmd", "ret", "node_id", "tag",
              "client_ip_num", "conn_id", "uid", "userdata", "custom")
    REPLY_FIELDS = ("conn_id", "tag", "node_id")

    @property
    def client_ip(self):
        raw = self.client_ip_num.ljust(16, b"\0")
        if self.flags & FLAG_IPV6:
            return socket.inet_ntop(socket.AF_INET6, raw)
        return socket.inet_ntoa(raw[:4])


class OldTask(Frame):
    """A Task as the PHP trigger of 2016 wrote it: 16 bytes of header, 44 zero ones."""

    FORMAT = struct.Struct("!ihhii44x")
    FIELDS = ("magic", "version", "flags", "packet_len", "cmd")
    REPLY_FIELDS = ()


def connect(host, port):
    sock = socket.create_connection((host, port), timeout=10)
    sock.settimeout(None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class FrameReader:
    """Reads frames of one class from a socket; a timed out read can be repeated."""

    def __init__(self, sock, frame_class):
        self.sock = sock
        self.frame_class = frame_class
        self.buf = b""

    def read(self, timeout=None):
        """The next frame, None when the peer has closed; buf keeps an unfinished frame.

        Raises WireError for bytes that are no frame, socket.timeout after timeout seconds,
        ConnectionError when the peer has reset the connection.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            frame = self.frame_class()
            used = frame.unpack(self.buf)
            if used < 0:
                raise WireError("no %s (%d): %s" % (
                    self.frame_class.__name__, used, self.buf[:16].hex()))
            if used > 0:
                self.buf = self.buf[used:]
                return frame
            left = None if deadline is None else max(0, deadline - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                raise socket.timeout("no whole frame within %s s" % timeout)
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buf += data


def encode_varint(value):
    """An int64 as protobuf has it: a negative one as its 64-bit two's complement."""
    if not -(1 << 63) <= value < 1 << 63:
        raise WireError("no int64: %d" % value)
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(buf, pos):
    """The int64 at pos and the position behind it."""
    value = 0
    for index, byte in enumerate(buf[pos:pos + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            value &= (1 << 64) - 1
            return value - (1 << 64) if value >> 63 else value, pos + index + 1
    raise WireError("varint cut short or of more than 10 bytes")


def _encode_bytes(number, data):
    return encode_varint(number << 3 | 2) + encode_varint(len(data)) + data


def _encode(message, names, packed):
    out = b""
    for number, name in names.items():
        value = message.get(name)
        if value and name == "buf":
            out += _encode_bytes(number, value)
        elif value and name != "userdata" and packed:
            out += _encode_bytes(number, b"".join(map(encode_varint, value)))
        elif value:
            for item in [value] if name == "userdata" else value:
                out += encode_varint(number << 3) + encode_varint(item)
    return out


def _fields(buf):
    """Number and value of each field: an int for a varint, else bytes; fixed-size ones skipped."""
    pos = 0
    while pos < len(buf):
        key, pos = decode_varint(buf, pos)
        if key >> 3 < 1 or key & 7 not in (0, 1, 2, 5):
            raise WireError("bad field key %d" % key)
        length = {1: 8, 5: 4}.get(key & 7)
        if length is None:
            value, pos = decode_varint(buf, pos)
            length = value if key & 7 == 2 else 0
        if not 0 <= length <= len(buf) - pos:
            raise WireError("field of %d bytes, %d are left" % (length, len(buf) - pos))
        if key & 7 in (0, 2):
            yield key >> 3, value if key & 7 == 0 else bytes(buf[pos:pos + length])
        pos += length


def _decode(buf, names):
    message = {name: {"buf": b"", "userdata": 0}.get(name, []) for name in names.values()}
    for number, value in _fields(buf):
        name = names.get(number)
        if name in ("uids", "exclude"):
            pos = 0
            while isinstance(value, bytes) and pos < len(value):
                item, pos = decode_varint(value, pos)
                message[name].append(item)
            if isinstance(value, int):
                message[name].append(value)
        elif name and type(value) is type(message[name]):
            message[name] = value
    return message


# Messages are dicts by field name. Encoding leaves out what is missing, empty or 0 and writes
# repeated numbers packed, as the originals do, or one by one; decoding takes both, and skips
# unknown fields.

def encode_rsp_to_users(rows, packed=True):
    return b"".join(_encode_bytes(1, _encode(row, ROW_FIELDS, packed)) for row in rows)


def decode_rsp_to_users(buf):
    return [_decode(value, ROW_FIELDS) for number, value in _fields(buf)
            if number == 1 and isinstance(value, bytes)]


def encode_close_users(message, packed=True):
    return _encode(message, CLOSE_USERS_FIELDS, packed)


def decode_close_users(buf):
    return _decode(buf, CLOSE_USERS_FIELDS)
