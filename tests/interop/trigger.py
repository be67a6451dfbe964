"""A trigger: sends one task, ends its side and waits until the gateway has closed.

  trigger.py --port N write-to-worker --cmd 1 --body hi --uid 7 --userdata 3 --custom 9
  trigger.py --port N write-to-users --uids 1,2 --userdata 0 --exclude 2 --cmd 1 --body hi
  trigger.py --port N close-users --uids -1 --exclude 7

Exit code 0 when the gateway has closed without a word, 1 for any failure, 2 for bad use.
"""

import argparse
import socket
import struct
import sys

sys.dont_write_bytecode = True
import wire  # noqa: E402
from wire import Box, OldTask, Task  # noqa: E402


def make_task(args):
    if args.old_header:
        return make_old_task(args)
    box = Box(cmd=args.cmd, ret=args.ret, sn=args.sn, body=args.body).pack()
    to_users = {"userdata": args.userdata, "uids": args.uids, "exclude": args.exclude}
    if args.action == "write-to-worker":
        return Task(cmd=wire.WRITE_TO_WORKER, uid=args.uid, userdata=args.userdata,
                    custom=args.custom, body=box)
    if args.action == "write-to-users":
        body = wire.encode_rsp_to_users([{"buf": box, **to_users}], not args.unpacked)
        return Task(cmd=wire.WRITE_TO_USERS, body=body)
    return Task(cmd=wire.CLOSE_USERS, body=wire.encode_close_users(to_users, not args.unpacked))


def make_old_task(args):
    if args.action == "write-to-worker":
        return OldTask(cmd=wire.WRITE_TO_WORKER, body=Box(cmd=args.cmd, body=args.body).pack())
    return OldTask(cmd=wire.CLOSE_USERS, body=wire.encode_close_users({"uids": args.uids}))


def send(args, task):
    with wire.connect(args.host, args.port) as sock:
        sock.sendall(task.pack())
        sock.shutdown(socket.SHUT_WR)
        reader = wire.FrameReader(sock, Task)
        if reader.read(args.timeout) or reader.buf:
            raise wire.WireError("the gateway sent what nobody asked for")


def uid_list(text):
    return [int(uid) for uid in text.split(",") if uid]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("write-to-worker", "write-to-users", "close-users"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="the gateway's inner port")
    parser.add_argument("--timeout", type=float, default=10, help="seconds to wait for the close")
    for name in ("--cmd", "--ret", "--sn", "--uid", "--userdata", "--custom"):
        parser.add_argument(name, type=int, default=0)
    parser.add_argument("--body", default="")
    parser.add_argument("--uids", type=uid_list, default=[], help="such as 1,2,-1")
    parser.add_argument("--exclude", type=uid_list, default=[])
    parser.add_argument("--unpacked", action="store_true", help="each uid a field of its own")
    parser.add_argument("--old-header", action="store_true", help="Task headers of 60 bytes, which"
                        " say nothing but the command")
    argv = sys.argv[1:]
    for at in range(len(argv) - 1, 0, -1):
        if argv[at - 1] in ("--uids", "--exclude"):  # else argparse takes "-1,2" for an option
            argv[at - 1:at + 1] = ["%s=%s" % (argv[at - 1], argv[at])]
    args = parser.parse_args(argv)
    try:
        send(args, make_task(args))
    except (OSError, struct.error, wire.WireError) as error:
        sys.exit("trigger: %s" % error)


if __name__ == "__main__":
    main()
