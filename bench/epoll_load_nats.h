// What a client of a nats-server says and hears, in NATS's own text protocol; a part of epoll_load.c.
//
// A request is PUB SUBJECT INBOX BYTES with the body behind, its answer MSG INBOX SID BYTES. Inboxes are r.CONNECTION.SLOT, in digits of
// fixed width, so that all requests have one length; a connection subscribes once to all of its own.

enum { NATS_CONNS = 100000, NATS_SLOTS = 10000, CONN_DIGITS = 5, SLOT_DIGITS = 4 };

static char nats_template[LONGEST_HEADER];
// How long it is, and where the digits of the inbox stand in it.
static int nats_length, conn_at, slot_at;

static void nats_prepare(void) {
  int before = sprintf(nats_template, "PUB %s r.", nats);
  conn_at = before;
  slot_at = before + CONN_DIGITS + 1;
  nats_length = before + sprintf(nats_template + before, "%0*d.%0*d %d\r\n", CONN_DIGITS, 0, SLOT_DIGITS, 0, body);
}

static void put_digits(unsigned char *at, int digits, int value) {
  for (int i = digits; i-- > 0; value /= 10) at[i] = '0' + value % 10;
}

static int nats_header(unsigned char *at, int conn, int slot) {
  memcpy(at, nats_template, nats_length);
  put_digits(at + conn_at, CONN_DIGITS, conn);
  put_digits(at + slot_at, SLOT_DIGITS, slot);
  return nats_length;
}

static void nats_subscribe(int fd, int conn) {
  char lines[256], answer[4096] = "";
  int length = sprintf(lines, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"protocol\":0}\r\n"
                              "SUB r.%0*d.* 1\r\nPING\r\n", CONN_DIGITS, conn);
  write_all(fd, lines, length);
  // The server has told who it is, and done what was asked before, when it answers PING.
  for (int got = 0; !strstr(answer, "PONG\r\n");) {
    ssize_t count = got < (int)sizeof answer - 1 ? read(fd, answer + got, sizeof answer - 1 - got) : 0;
    if (count <= 0 || strstr(answer, "-ERR")) errno = EPROTO, die("subscribing");
    got += count;
  }
}

// The slot that a line is the answer to, and the bytes that follow it.
static int nats_slot(const char *line, long *bytes) {
  if (strncmp(line, "MSG r.", 6)) {
    fprintf(stderr, "epoll_load: the nats-server says %s", line);
    exit(1);
  }
  *bytes = atol(strrchr(line, ' ') + 1) + 2;
  return atoi(line + 6 + CONN_DIGITS + 1);
}
