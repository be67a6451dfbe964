"""A client made with Python's websockets (Debian: python3-websockets): echoes, pieces, a ping, a
close. Prints what it saw as one line of JSON.

client.py URL SIZE...
"""
import asyncio
import json
import struct
import sys

import websockets

HEADER = struct.Struct(">ihhiiii")  # magic, version, flag, total length, cmd, ret, sn
MAGIC = 2037952207


def box(size, sn):
    body = bytes(i * 7 & 255 for i in range(size - HEADER.size))
    return HEADER.pack(MAGIC, 0, 0, size, 1, 0, sn) + body


async def main(url, sizes):
    seen = {"echoed": [], "pieces": 0, "pong": False}
    async with websockets.connect(
        url, subprotocols=["maple"], max_size=None, compression="deflate"
    ) as socket:
        seen["subprotocol"] = socket.subprotocol
        seen["extensions"] = [type(one).__name__ for one in socket.extensions]
        for sn, size in enumerate(sizes):
            sent = box(size, sn)
            await socket.send(sent)
            if await socket.recv() == sent:
                seen["echoed"].append(size)
        # One message in fragments.
        sent = box(3000, 1)
        await socket.send(sent[at:at + 100] for at in range(0, len(sent), 100))
        seen["pieces"] = len(await socket.recv())
        await asyncio.wait_for(await socket.ping(b"are you there"), 20)
        seen["pong"] = True
        print("connected", flush=True)
        # The server closes.
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            seen["code"] = closed.code
            seen["reason"] = closed.reason
    print(json.dumps(seen), flush=True)


asyncio.run(main(sys.argv[1], [int(size) for size in sys.argv[2:]]))
