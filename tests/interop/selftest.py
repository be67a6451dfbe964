"""Holds wire.py against bytes written by hand. Run: python3 tests/interop/selftest.py"""

import socket
import sys
import threading
import unittest

sys.dont_write_bytecode = True
import wire  # noqa: E402
from wire import Box, Task  # noqa: E402

BOX = bytes.fromhex("7978aecf 0001 0002 0000001a 000003e8 ffffd8f0 00000007 6869")
TASK = bytes.fromhex(
    "7978aecf 0000 0003 0000004e 0000000a 00000005 00000002 fffffffe"
    "20010db8000000000000000000000001"
    "7fffffffffffffff 8000000000000000 0020000000000001 ffffffffffffffff 6869")
MIN, MAX = -(1 << 63), (1 << 63) - 1


class FrameTest(unittest.TestCase):
    def test_pack_gives_the_exact_bytes(self):
        self.assertEqual((Box.FORMAT.size, Task.FORMAT.size), (24, 76))
        box = Box(version=1, flag=2, cmd=1000, ret=-10000, sn=7, body="hi")
        self.assertEqual(box.pack(), BOX)
        task = Task(flags=3, cmd=10, ret=5, node_id=2, tag=-2, body=b"hi", conn_id=MAX, uid=MIN,
                    userdata=(1 << 53) + 1, custom=-1, client_ip_num=TASK[28:44])
        self.assertEqual(task.pack(), TASK)
        self.assertEqual(Box().pack().hex(), "7978aecf0000000000000018" + "00" * 12)
        self.assertEqual(Task(cmd=210).pack().hex(), "7978aecf000000000000004c000000d2" + "00" * 60)

    def test_pack_of_an_old_task_puts_60_bytes_before_the_box(self):
        raw = wire.OldTask(cmd=100, body=BOX).pack()
        self.assertEqual(raw[:16].hex(), "7978aecf00000000" + "%08x" % (60 + len(BOX)) + "00000064")
        self.assertEqual(raw[16:], bytes(44) + BOX)

    def test_each_field_is_at_its_documented_offset(self):
        last_bytes = {"version": 5, "flags": 7, "cmd": 15, "ret": 19, "node_id": 23, "tag": 27,
                      "conn_id": 51, "uid": 59, "userdata": 67, "custom": 75}
        for name, last in last_bytes.items():
            expected = bytearray(Task().pack())
            expected[last - 1:last + 1] = b"\1\2"
            self.assertEqual(Task(**{name: 258}).pack(), bytes(expected), name)

    def test_unpack_reads_what_was_packed(self):
        box = Box()
        self.assertEqual(box.unpack(BOX + b"next"), len(BOX))
        self.assertEqual((box.version, box.flag, box.packet_len, box.body), (1, 2, 26, b"hi"))
        self.assertEqual((box.cmd, box.ret, box.sn), (1000, -10000, 7))
        task = Task()
        self.assertEqual(task.unpack(TASK), len(TASK))
        self.assertEqual((task.conn_id, task.uid, task.userdata, task.custom, task.tag),
                         (MAX, MIN, (1 << 53) + 1, -1, -2))
        self.assertEqual((task.ret, task.body, task.client_ip), (5, b"hi", "2001:db8::1"))
        self.assertEqual(Task(client_ip_num=b"\x7f\0\0\1").client_ip, "127.0.0.1")
        self.assertEqual(task.pack(), TASK)

    def test_check_asks_for_more_at_every_cut(self):
        for frame_class, raw in ((Box, BOX), (Task, TASK)):
            for cut in range(len(raw)):
                self.assertEqual(frame_class.check(raw[:cut]), 0, cut)
            self.assertEqual(frame_class.check(raw), len(raw))

    def test_check_refuses_what_is_no_frame(self):
        self.assertEqual(Box.check(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), -1)
        for length in (0, 23, -1, MIN >> 32):
            raw = BOX[:8] + length.to_bytes(4, "big", signed=True) + BOX[12:]
            self.assertEqual(Box.check(raw), -2, length)
        self.assertEqual(Box.check(BOX[:8] + b"\x7f\xff\xff\xff" + BOX[12:]), -3)
        self.assertEqual((Box.check(BOX, 26), Box.check(BOX, 25)), (26, -3))

    def test_map_copies_only_what_a_reply_carries(self):
        reply = Box(cmd=5, sn=6, ret=7, flag=8, body="x").map(body="y")
        self.assertEqual(reply.pack(), Box(cmd=5, sn=6, body="y").pack())
        task = Task()
        task.unpack(TASK)
        self.assertEqual(task.map(cmd=wire.WRITE_TO_CLIENT).pack(),
                         Task(cmd=220, conn_id=MAX, tag=-2, node_id=2).pack())


class FrameReaderTest(unittest.TestCase):
    def setUp(self):
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(lambda: (self.ours.close(), self.theirs.close()))

    def test_read_takes_frames_split_at_each_byte(self):
        reader = wire.FrameReader(self.ours, Task)
        for cut in range(1, len(TASK)):
            self.theirs.sendall(TASK[:cut])
            with self.assertRaises(socket.timeout):
                reader.read(timeout=0)
            self.theirs.sendall(TASK[cut:])
            self.assertEqual(reader.read(timeout=5).pack(), TASK, cut)

    def test_read_takes_frames_one_by_one_then_the_end(self):
        big = Box(sn=2, body=b"x" * 1000000).pack()
        threading.Thread(daemon=True, target=lambda: (
            self.theirs.sendall(BOX + big + BOX[:9]), self.theirs.close())).start()
        reader = wire.FrameReader(self.ours, Box)
        self.assertEqual([reader.read(5).pack(), reader.read(5).pack()], [BOX, big])
        self.assertEqual((reader.read(5), reader.buf), (None, BOX[:9]))

    def test_read_raises_for_what_is_no_frame(self):
        self.theirs.sendall(b"\0" * 24)
        with self.assertRaises(wire.WireError):
            wire.FrameReader(self.ours, Box).read(5)


class ProtobufTest(unittest.TestCase):
    ROWS = [{"buf": b"hi", "userdata": 3, "uids": [1, 300, -1], "exclude": [-2]},
            {"buf": b"", "userdata": 0, "uids": [], "exclude": []}]
    UNPACKED = bytes.fromhex("0a21 0801 08ac02 08ffffffffffffffffff01 12026869 1803"
                             "20feffffffffffffffff01 0a00")
    PACKED = bytes.fromhex("0a21 0a0d01ac02ffffffffffffffffff01 12026869 1803"
                           "220afeffffffffffffffff01 0a00")

    def test_varints_hold_every_int64(self):
        for value, text in ((0, "00"), (127, "7f"), (128, "8001"), (-1, "ffffffffffffffffff01"),
                            (MAX, "ffffffffffffffff7f"), (MIN, "80808080808080808001")):
            raw = bytes.fromhex(text)
            self.assertEqual(wire.encode_varint(value), raw)
            self.assertEqual(wire.decode_varint(b"?" + raw + b"?", 1), (value, 1 + len(raw)))
        self.assertRaises(wire.WireError, wire.encode_varint, MAX + 1)

    def test_rsp_to_users_gives_the_exact_bytes_and_is_read_back(self):
        for packed, raw in ((False, self.UNPACKED), (True, self.PACKED)):
            self.assertEqual(wire.encode_rsp_to_users(self.ROWS, packed), raw)
            self.assertEqual(wire.decode_rsp_to_users(raw), self.ROWS)

    def test_rsp_to_users_is_the_originals_byte_for_byte(self):
        self.assertEqual(wire.encode_rsp_to_users([{"uids": [1, 2], "buf": b"hi"}]),
                         bytes.fromhex("0a080a02010212026869"))

    def test_close_users_gives_the_exact_bytes_and_is_read_mixed(self):
        message = {"uids": [7, -3], "userdata": MIN, "exclude": [MAX]}
        minus3, low, high = "fdffffffffffffffff01", "80808080808080808001", "ffffffffffffffff7f"
        unpacked = bytes.fromhex("0807 08" + minus3 + "10" + low + "18" + high)
        packed = bytes.fromhex("0a0b 07" + minus3 + "10" + low + "1a09" + high)
        mixed = bytes.fromhex("18" + high + "0a0107 10" + low + "08" + minus3)
        self.assertEqual(wire.encode_close_users(message, packed=False), unpacked)
        self.assertEqual(wire.encode_close_users(message), packed)
        for raw in (unpacked, packed, mixed):
            self.assertEqual(wire.decode_close_users(raw), message)

    def test_unknown_fields_are_skipped(self):
        extra = bytes.fromhex("2805 310102030405060708 3a0161 4501020304")
        self.assertEqual(wire.decode_close_users(extra + b"\x08\x07" + extra)["uids"], [7])

    def test_broken_messages_are_refused(self):
        for text in ("08", "0880", "08" + "80" * 10 + "01", "0a0501", "00", "0b", "29010203",
                     "0affffffffffffffffff01", "0a0180"):
            self.assertRaises(wire.WireError, wire.decode_close_users, bytes.fromhex(text))
        whole = wire.encode_rsp_to_users(self.ROWS[:1])
        for cut in range(1, len(whole)):
            self.assertRaises(wire.WireError, wire.decode_rsp_to_users, whole[:cut])


if __name__ == "__main__":
    unittest.main()
