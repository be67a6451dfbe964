# Takes what programs tell a service manager, at the path that is given, and prints each message.
import socket
import sys

told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(told.recv(4096).decode(), flush=True)
