"""A worker that pulls as the 2016 ones did: one ASK after connecting, one after each task.

Prints `worker ready` after its first ASK, then a JSON line per event: created, closed, inner (from
a trigger or worker; its custom is the milliseconds that it takes, and slow is told before them),
unexpected. Ends on TERM (after the task in hand, asking for no more), after --count-of-tasks tasks
of any kind, or when the gateway closes. Actions go out before answers.
"""

import argparse
import json
import select
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
import wire  # noqa: E402
from wire import Box, Task  # noqa: E402


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def header(task):
    names = ("cmd", "flags", "node_id", "tag", "conn_id", "uid", "userdata", "custom", "client_ip")
    return {name: getattr(task, name) for name in names}


class Request:
    """A box in a task, and what can be done about it."""

    def __init__(self, sock, task, box):
        self.sock, self.task, self.box = sock, task, box
        self.args = lambda: json.loads(box.body)

    def send(self, cmd, **fields):
        self.sock.sendall(self.task.map(cmd=cmd, **fields).pack())

    def answer(self, body=b"", ret=0):
        self.send(wire.WRITE_TO_CLIENT, body=self.box.map(ret=ret, body=body).pack())

    def act(self, cmd, **fields):
        self.send(cmd, **fields)
        self.answer()

    def write_to_users(self, uids, userdata=0, exclude=(), body="", cmd=0):
        buf = Box(cmd=cmd, body=body).pack()
        row = {"buf": buf, "userdata": userdata, "uids": uids, "exclude": exclude}
        self.act(wire.WRITE_TO_USERS, body=wire.encode_rsp_to_users([row]))

    def close_client(self):
        self.answer()
        self.send(wire.CLOSE_CLIENT)

    def write_to_worker(self, body="", **fields):
        """No answer here: the worker that gets the task sends it, to the client named in it."""
        reply_to = {name: getattr(self.task, name) for name in Task.REPLY_FIELDS}
        body = json.dumps({"reply_to": reply_to, "body": body})
        self.send(wire.WRITE_TO_WORKER, body=self.box.map(body=body).pack(), **fields)

    def sleep(self):
        time.sleep(int(self.box.body) / 1000)
        self.answer(self.box.body)

    def arrived(self):
        """A task for a worker: printed and, if it names a client, told to that client."""
        what = {**header(self.task), "inner": bool(self.task.flags & wire.FLAG_INNER),
                "box_cmd": self.box.cmd, "body": self.box.body.decode(errors="replace")}
        try:
            args = self.args()
            reply_to, what["body"] = Task(**args["reply_to"]), args["body"]
        except (ValueError, TypeError, KeyError):
            reply_to = None  # from a trigger: any body will do, and there is nobody to answer
        if what["custom"] > 0 and not reply_to:
            say("slow", **what)
            time.sleep(what["custom"] / 1000)
        say("inner", **what)
        if reply_to:
            Request(self.sock, reply_to, self.box).answer(json.dumps(what))


ROUTES = {
    1: lambda it: it.answer(it.box.body),
    2: lambda it: it.act(wire.LOGIN_CLIENT, **it.args()),
    3: lambda it: it.act(wire.LOGOUT_CLIENT),
    4: lambda it: it.write_to_users(**it.args()),
    5: Request.close_client,
    6: lambda it: it.act(wire.CLOSE_USERS, body=wire.encode_close_users(it.args())),
    7: lambda it: it.write_to_worker(**it.args()),
    8: lambda it: it.act(wire.CLEAR_CLIENT_TASKS),
    9: Request.sleep,
    10: lambda it: it.answer(json.dumps(header(it.task))),
    None: lambda it: it.answer(ret=wire.RET_INVALID_CMD),  # for all others
}


def handle(sock, task):
    if task.cmd in (wire.CLIENT_CREATED, wire.CLIENT_CLOSED):
        return say("created" if task.cmd == wire.CLIENT_CREATED else "closed", **header(task))
    request = Request(sock, task, Box())
    whole = request.box.unpack(task.body) == len(task.body) > 0
    if not whole or task.cmd not in (wire.CLIENT_REQ, wire.WRITE_TO_WORKER):
        return say("unexpected", body_hex=task.body.hex(), **header(task))
    if task.cmd == wire.WRITE_TO_WORKER or task.flags & wire.FLAG_INNER:
        return request.arrived()
    try:
        ROUTES.get(request.box.cmd, ROUTES[None])(request)
    except OSError:
        raise
    except Exception as error:  # a bad request must not end the worker
        print("cmd %d: %r" % (request.box.cmd, error), file=sys.stderr, flush=True)
        request.answer(ret=wire.RET_INTERNAL)


def work(sock, stop, count_of_tasks):
    """One task at a time until stop is readable, count_of_tasks are done or the gateway closes."""
    reader, done = wire.FrameReader(sock, Task), 0
    while done != count_of_tasks and not select.select([stop], [], [], 0)[0]:
        sock.sendall(Task(cmd=wire.WORKER_ASK_FOR_TASK).pack())
        if done == 0:
            print("worker ready", flush=True)
        if sock not in select.select([sock, stop], [], [])[0]:
            break
        if (task := reader.read()) is None:
            return
        handle(sock, task)
        done += 1
    sock.shutdown(socket.SHUT_WR)
    select.select([sock], [], [], 5)  # lets the gateway read to the end and close first


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="the gateway's inner port")
    parser.add_argument("--count-of-tasks", type=int, help="end after so many tasks of any kind")
    args = parser.parse_args()
    stop, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGTERM, lambda *_: None)  # the wake-up byte is what counts
    try:
        work(wire.connect(args.host, args.port), stop, args.count_of_tasks)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the gateway is gone
    except (OSError, wire.WireError) as error:
        sys.exit("worker: %s" % error)


if __name__ == "__main__":
    main()
