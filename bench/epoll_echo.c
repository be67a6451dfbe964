// A yardstick: what the machine can do. One thread, epoll, sends back what comes. Prints its address when it is ready.
//
//   cc -O2 -o epoll_echo epoll_echo.c && ./epoll_echo

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// The socket blocks when its buffer is full: a client that does not read holds up the others. The clients of a benchmark read.
static int write_all(int fd, const char *bytes, ssize_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written <= 0) return -1;
    bytes += written;
    count -= written;
  }
  return 0;
}

int main(void) {
  // A client that is gone must not end this.
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096) ||
      getsockname(listener, (void *)&address, &size)) {
    perror("epoll_echo");
    return 1;
  }
  printf("ready 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int epoll = epoll_create1(0);
  watch(epoll, listener);
  static char buffer[1 << 16];
  struct epoll_event events[1024];
  for (;;) {
    int count = epoll_wait(epoll, events, 1024, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int conn = accept(listener, 0, 0);
        if (conn < 0) continue;
        setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(epoll, conn);
        continue;
      }
      ssize_t got = read(fd, buffer, sizeof buffer);
      if (got <= 0 || write_all(fd, buffer, got)) close(fd);
    }
  }
}
