// The load tool of the benchmarks: native, so that it takes less of the machine than what it measures. It understands those flags of load.ts
// that the benchmarks need, and prints the same figures as one JSON object; it trusts the server and gives up at the first error.
//
//   cc -O2 -o epoll_load epoll_load.c && ./epoll_load --url 127.0.0.1:29000 --connections 50 --duration 1
//
// With --url ws://127.0.0.1:29001/ each box is a masked message of a WebSocket. Other systems are spoken to as they want it, each in a file
// of its own: nats://HOST:PORT/SUBJECT (epoll_load_nats.h), colyseus://HOST:PORT/ROOM (epoll_load_colyseus.h) and pinus://HOST:PORT/ROUTE
// (epoll_load_pinus.h).
//
// --reconnect, which load.ts has not: each request on a connection of its own. --prefix 2: the length of each box stands before it as
// well, in two bytes.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 24, FRAMES_A_WRITE = 64, BUCKETS = 4096, LINEAR = 128, LONGEST_HEADER = 128, NATS_LINE = 256, PATH = 32 };

static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

typedef struct {
  int fd;
  long answers;
  // Slots that are to be sent, in a ring, and how much of the first is sent.
  int *queue, queue_at, queued;
  size_t sent_bytes;
  // When each slot's request was sent or due; slots that are free.
  double *since;
  int *free, free_count;
  // Times that requests were due at which no slot was free.
  double *due;
  int due_at, due_count, due_size;
  // The header of a WebSocket's message that is being read, and whether it has been; bytes of a prefix.
  int ws_bytes, ws_size;
  // The line of a nats-server that is being read, and the slot whose answer its body is.
  char line[NATS_LINE];
  int line_bytes, line_slot;
  // Pings that are not answered.
  int pings;
  // The frame that is being read.
  unsigned char header[HEADER];
  int header_bytes;
  long body_bytes;
  int writing;
} Conn;

static struct sockaddr_in server;
static int websocket, prefix;
// What is asked for there, if it is such a system.
static char *nats, *colyseus, *pinus;
// Bytes before each box that are part of its WebSocket's message.
static int lead_bytes;
static const unsigned char *lead;
static int connections = 10, depth = 1, cmd = 1, body = 40, login_cmd = 2, reconnect;
static long login, requests = -1;
static double duration = 10, warm_up, rate;
static int epoll, json, wait_for_start, logging_in;
static char *body_bytes;
static Conn *conns;
static long pushes, failed, logged_in, buckets[BUCKETS], answered;
static double sum, longest;

static void die(const char *what) {
  fprintf(stderr, "epoll_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// Seconds of a processor that this program has used.
static double used(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// Log-linear, in steps of 0.1 µs, as in load/latency_histogram.ts.
static void record(double seconds) {
  double steps = seconds * 1e7;
  uint32_t value = steps > INT32_MAX ? INT32_MAX : (uint32_t)steps;
  int shift = value ? 24 - __builtin_clz(value) : 0;
  if (shift < 0) shift = 0;
  buckets[shift * LINEAR + (value >> shift)]++;
  answered++;
  sum += seconds;
  if (seconds > longest) longest = seconds;
}

static double percentile(double percent) {
  long wanted = answered * percent / 100 + 0.999999, seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += buckets[i];
    if (seen == 0 || seen < wanted) continue;
    int shift = i / LINEAR - 1 > 0 ? i / LINEAR - 1 : 0;
    double edge = (double)(i - shift * LINEAR + 1) * (1l << shift) / 1e4;
    return edge < longest * 1e3 ? edge : longest * 1e3;
  }
  return 0;
}

static void put(unsigned char *at, uint32_t value) {
  value = htonl(value);
  memcpy(at, &value, 4);
}

static uint32_t get(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return ntohl(value);
}

static void watch(Conn *conn, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (conn->writing ? EPOLLOUT : 0), .data.u32 = conn - conns};
  if (epoll_ctl(epoll, operation, conn->fd, &event)) die("epoll_ctl");
}

static void header(unsigned char *at, int command, int serial, int length) {
  memset(at, 0, HEADER);
  put(at, 2037952207);
  put(at + 8, HEADER + length);
  put(at + 12, command);
  put(at + 20, serial);
}

// The header of a client's message of so many bytes; gives its length.
static int ws_header(unsigned char *at, long length) {
  int size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  at[0] = 0x82;
  at[1] = 0x80 | (size == 2 ? length : size == 4 ? 126 : 127);
  for (int i = 2; i < size; i++) at[i] = length >> 8 * (size - 1 - i);
  memcpy(at + size, MASK, 4);
  return size + 4;
}

// The same frame behind the header of its message, masked, where that is wanted; gives how long both are.
static int frame_header(unsigned char *at, int command, int serial, int length) {
  int before = websocket ? ws_header(at, lead_bytes + HEADER + length) : prefix;
  if (prefix) at[0] = (HEADER + length) >> 8, at[1] = HEADER + length;
  if (lead_bytes) memcpy(at + before, lead, lead_bytes);
  header(at + before + lead_bytes, command, serial, length);
  if (websocket) for (int i = 0; i < lead_bytes + HEADER; i++) at[before + i] ^= MASK[i & 3];
  return before + lead_bytes + HEADER;
}

static int open_socket(void) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  if (connect(fd, (void *)&server, sizeof server)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void write_all(int fd, const void *bytes, int count) {
  if (write(fd, bytes, count) != count) die("write");
}

// Waits for so many bytes, of which no more is read.
static void read_all(int fd, void *bytes, int count) {
  for (int got = 0, part; got < count; got += part) {
    part = read(fd, (char *)bytes + got, count - got);
    if (part <= 0) errno = part ? errno : ECONNRESET, die("read");
  }
}

static void shake_hands(int fd, const char *path) {
  char request[512], answer[1024] = "";
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path);
  write_all(fd, request, length);
  // One byte at a time: what comes behind it is a message.
  for (int got = 0; !strstr(answer, "\r\n\r\n"); got++) {
    if (got == sizeof answer - 1) errno = EPROTO, die("handshake");
    read_all(fd, answer + got, 1);
  }
  if (strncmp(answer, "HTTP/1.1 101", 12)) errno = EPROTO, die("handshake");
}

#include "epoll_load_colyseus.h"
#include "epoll_load_nats.h"
#include "epoll_load_pinus.h"

// The header of a request; gives how long it is, which is the same for all.
static int request_header(unsigned char *at, int conn, int slot) {
  if (nats) return nats_header(at, conn, slot);
  if (pinus) return pinus_header(at, slot);
  return frame_header(at, cmd, slot + 1, body);
}

// A WebSocket's is empty, so that its mask, any four bytes, has nothing to mask.
static void pong(int fd) {
  write_all(fd, nats ? "PONG\r\n" : "\x8a\x80mask", 6);
}

static void flush(Conn *conn) {
  unsigned char headers[FRAMES_A_WRITE][LONGEST_HEADER];
  int end = nats ? 2 : 0;
  // Between two requests only.
  for (; conn->pings > 0 && conn->sent_bytes == 0; conn->pings--) pong(conn->fd);
  while (conn->queued > 0) {
    struct iovec parts[FRAMES_A_WRITE * 2];
    int head = HEADER, frames = conn->queued < FRAMES_A_WRITE ? conn->queued : FRAMES_A_WRITE;
    for (int i = 0; i < frames; i++) {
      int slot = conn->queue[(conn->queue_at + i) % depth];
      head = request_header(headers[i], conn - conns, slot);
      parts[2 * i] = (struct iovec){headers[i], head};
      parts[2 * i + 1] = (struct iovec){body_bytes, body + end};
    }
    size_t skip = conn->sent_bytes;
    for (int i = 0; skip > 0; i++) {
      size_t part = skip < parts[i].iov_len ? skip : parts[i].iov_len;
      parts[i].iov_base = (char *)parts[i].iov_base + part;
      parts[i].iov_len -= part;
      skip -= part;
    }
    ssize_t written = writev(conn->fd, parts, frames * 2);
    if (written < 0 && errno != EAGAIN) die("write");
    int full = written < 0;
    if (!full) {
      conn->sent_bytes += written;
      int whole = conn->sent_bytes / (head + body + end);
      full = whole < frames;
      conn->sent_bytes -= (size_t)whole * (head + body + end);
      conn->queue_at = (conn->queue_at + whole) % depth;
      conn->queued -= whole;
    }
    if (full) break;
  }
  int writing = conn->queued > 0;
  if (writing == conn->writing) return;
  conn->writing = writing;
  watch(conn, EPOLL_CTL_MOD);
}

static int queue_request(Conn *conn, double since) {
  if (conn->free_count == 0) return 0;
  int slot = conn->free[--conn->free_count];
  conn->since[slot] = since;
  conn->queue[(conn->queue_at + conn->queued++) % depth] = slot;
  return 1;
}

static void queue_due(Conn *conn, double since) {
  if (conn->due_at == conn->due_count && queue_request(conn, since)) return;
  if (conn->due_count == conn->due_size) {
    conn->due_size = conn->due_size ? conn->due_size * 2 : 16;
    conn->due = realloc(conn->due, conn->due_size * sizeof *conn->due);
  }
  conn->due[conn->due_count++] = since;
}

static void open_conn(Conn *conn) {
  conn->fd = open_socket();
  if (colyseus) colyseus_join(conn->fd);
  else if (websocket) shake_hands(conn->fd, "/");
  if (nats) nats_subscribe(conn->fd, conn - conns);
  if (pinus) pinus_begin(conn->fd);
  conn->ws_bytes = conn->line_bytes = 0;
  conn->line_slot = -1;
  fcntl(conn->fd, F_SETFL, O_NONBLOCK);
  conn->header_bytes = 0;
  conn->body_bytes = 0;
  watch(conn, EPOLL_CTL_ADD);
}

static void on_answer(Conn *conn, int slot, double time) {
  record(time - conn->since[slot]);
  conn->since[slot] = -1;
  conn->free[conn->free_count++] = slot;
  conn->answers++;
  if (rate > 0) {
    if (conn->due_at < conn->due_count) queue_request(conn, conn->due[conn->due_at++]);
    if (conn->due_at == conn->due_count) conn->due_at = conn->due_count = 0;
  } else if (reconnect) {
    close(conn->fd);
    open_conn(conn);
    queue_request(conn, now());
  } else {
    queue_request(conn, time);
  }
}

static void on_frame(Conn *conn, double time) {
  int slot = (int)get(conn->header + 20) - 1;
  if (logging_in) {
    if (get(conn->header + 16) != 0) errno = EACCES, die("login");
    logged_in++;
    return;
  }
  if (slot < 0 || slot >= depth || conn->since[slot] < 0 || get(conn->header + 12) != (uint32_t)cmd) {
    pushes++;
    return;
  }
  if (get(conn->header + 16) != 0) failed++;
  on_answer(conn, slot, time);
}

static void on_pinus_answer(Conn *conn, double time) {
  int slot = pinus_slot(conn->header);
  if (slot < 0 || slot >= depth || conn->since[slot] < 0) {
    pushes++;
    return;
  }
  // An error is an answer as well, with another body.
  if (pinus_body(conn->header) != body) failed++;
  on_answer(conn, slot, time);
}

// Passes over the header of a message and what leads a box in it, before each box; whether both are whole.
static int skip_ws_header(Conn *conn, const unsigned char **bytes, long *count) {
  while (*count > 0) {
    int byte = **bytes;
    conn->ws_bytes++, (*bytes)++, (*count)--;
    if (conn->ws_bytes == 1) {
      conn->ws_size = byte == 0x89 ? -1 : 2 + lead_bytes;
      if (byte != 0x82 && byte != 0x89) errno = EPROTO, die("message");
    } else if (conn->ws_bytes == 2) {
      if (conn->ws_size < 0) {
        if (byte != 0) errno = EPROTO, die("ping");
        conn->ws_bytes = 0, conn->pings++;
      } else if (byte >= 126) conn->ws_size += byte == 126 ? 2 : 8;
    }
    if (conn->ws_bytes > 0 && conn->ws_bytes == conn->ws_size) return 1;
  }
  return 0;
}

// Passes over the answers of a nats-server, which are lines, some of them with a body behind.
static void on_nats_bytes(Conn *conn, const char *bytes, long count, double time) {
  while (count > 0) {
    if (conn->line_slot < 0) {
      const char *end = memchr(bytes, '\n', count);
      long part = end ? end - bytes + 1 : count;
      if (conn->line_bytes + part >= NATS_LINE) errno = EPROTO, die("line");
      memcpy(conn->line + conn->line_bytes, bytes, part);
      conn->line_bytes += part;
      bytes += part;
      count -= part;
      if (!end) return;
      conn->line[conn->line_bytes] = 0;
      conn->line_bytes = 0;
      if (!strncmp(conn->line, "PING", 4)) conn->pings++;
      else if (strncmp(conn->line, "+OK", 3)) conn->line_slot = nats_slot(conn->line, &conn->body_bytes);
      continue;
    }
    long part = conn->body_bytes < count ? conn->body_bytes : count;
    conn->body_bytes -= part;
    bytes += part;
    count -= part;
    if (conn->body_bytes > 0) return;
    int slot = conn->line_slot;
    conn->line_slot = -1;
    if (slot < depth && conn->since[slot] >= 0) on_answer(conn, slot, time);
    else pushes++;
  }
}

static void on_bytes(Conn *conn, const unsigned char *bytes, long count, double time) {
  while (count > 0) {
    for (; prefix && conn->header_bytes == 0 && conn->ws_bytes < prefix && count > 0; conn->ws_bytes++) bytes++, count--;
    if (websocket && conn->ws_bytes != conn->ws_size + (conn->ws_size == 0) && conn->header_bytes == 0) {
      if (!skip_ws_header(conn, &bytes, &count) || count == 0) return;
    }
    int size = pinus ? PINUS_HEAD : HEADER;
    if (conn->header_bytes < size) {
      long part = size - conn->header_bytes < count ? size - conn->header_bytes : count;
      memcpy(conn->header + conn->header_bytes, bytes, part);
      conn->header_bytes += part;
      bytes += part;
      count -= part;
      if (conn->header_bytes < size) return;
      conn->body_bytes = pinus ? pinus_body(conn->header) : (long)get(conn->header + 8) - HEADER;
    }
    long part = conn->body_bytes < count ? conn->body_bytes : count;
    conn->body_bytes -= part;
    bytes += part;
    count -= part;
    if (conn->body_bytes > 0) return;
    conn->header_bytes = conn->ws_bytes = conn->ws_size = 0;
    if (pinus) on_pinus_answer(conn, time);
    else on_frame(conn, time);
  }
}

static void turn(int timeout) {
  static unsigned char buffer[1 << 18];
  struct epoll_event events[1024];
  int count = epoll_wait(epoll, events, 1024, timeout);
  for (int i = 0; i < count; i++) {
    Conn *conn = &conns[events[i].data.u32];
    if (events[i].events & ~EPOLLOUT) {
      ssize_t got = read(conn->fd, buffer, sizeof buffer);
      if (got == 0) errno = ECONNRESET;
      if (got == 0 || (got < 0 && errno != EAGAIN)) die("read");
      if (got > 0 && nats) on_nats_bytes(conn, (char *)buffer, got, now());
      else if (got > 0) on_bytes(conn, buffer, got, now());
    }
    flush(conn);
  }
}

static void log_in(void) {
  logging_in = 1;
  // In lots, so that nobody's accept queue or buffer overflows.
  for (int i = 0; i < connections; i++) {
    unsigned char frame[LONGEST_HEADER + 64];
    char user[64];
    int length = sprintf(user, "{\"uid\":%ld}", login + i);
    int head = frame_header(frame, login_cmd, 1, length);
    for (int j = 0; j < length; j++) frame[head + j] = user[j] ^ (websocket ? MASK[(lead_bytes + j) & 3] : 0);
    if (write(conns[i].fd, frame, head + length) != head + length) die("write");
    while (logged_in < i - 256) turn(10);
  }
  while (logged_in < connections) turn(10);
  logging_in = 0;
}

static int by_size(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return x < y ? -1 : x > y;
}

static void report(double elapsed, double cpu, const long *before) {
  long *served = malloc(connections * sizeof *served);
  for (int i = 0; i < connections; i++) served[i] = conns[i].answers - before[i];
  qsort(served, connections, sizeof *served, by_size);
  printf("{\"transactions\":%ld,\"availability\":%.2f,\"elapsed\":%.4f,\"responseTime\":%.5f,\"transactionRate\":%.1f,"
         "\"successful\":%ld,\"failed\":%ld,\"connections\":%d,\"pushes\":%ld,\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,"
         "\"p999\":%.4f,\"max\":%.4f,\"worst\":%ld,\"mean\":%.2f,\"best\":%ld,\"cpu\":%.3f,\"errors\":{}}\n",
         answered, answered ? 100.0 * (answered - failed) / answered : 100.0, elapsed,
         answered ? sum / answered * 1e3 : 0.0, answered / elapsed, answered - failed, failed, connections, pushes,
         percentile(50), percentile(90), percentile(99), percentile(99.9), longest * 1e3, served[0],
         (double)answered / connections, served[connections - 1], cpu / elapsed);
}

// Takes the scheme and the path off a URL with that scheme.
static void take_path(char **path, const char *scheme) {
  if (strncmp(optarg, scheme, strlen(scheme))) return;
  char *slash = strchr(optarg += strlen(scheme), '/');
  if (!slash || strlen(slash) > PATH) errno = EINVAL, die("url");
  *slash = 0;
  *path = slash + 1;
}

static void read_flags(int count, char **words) {
  static const struct option table[] = {
      {"url", 1, 0, 'u'},    {"connections", 1, 0, 'c'}, {"requests", 1, 0, 'r'}, {"duration", 1, 0, 'd'},
      {"cmd", 1, 0, 'm'},    {"body", 1, 0, 'b'},        {"depth", 1, 0, 1},      {"rate", 1, 0, 2},
      {"login", 1, 0, 3},    {"login-cmd", 1, 0, 4},     {"warm-up", 1, 0, 5},    {"json", 0, &json, 1},
      {"wait", 0, &wait_for_start, 1}, {"reconnect", 0, &reconnect, 1}, {"prefix", 1, 0, 6},     {0}};
  int flag;
  while ((flag = getopt_long(count, words, "u:c:r:d:m:b:", table, 0)) != -1) {
    switch (flag) {
      case 'u': {
        if (!strncmp(optarg, "ws://", 5)) websocket = 1, optarg += 5, optarg[strcspn(optarg, "/")] = 0;
        take_path(&nats, "nats://");
        take_path(&colyseus, "colyseus://");
        take_path(&pinus, "pinus://");
        if (colyseus) websocket = 1, lead = COLYSEUS_LEAD, lead_bytes = sizeof COLYSEUS_LEAD;
        char *colon = strrchr(optarg, ':');
        if (!colon) errno = EINVAL, die("url");
        *colon = 0;
        server.sin_family = AF_INET;
        server.sin_port = htons(atoi(colon + 1));
        if (!inet_aton(optarg, &server.sin_addr)) errno = EINVAL, die("url");
        break;
      }
      case 'c': connections = atoi(optarg); break;
      case 'r': requests = atol(optarg); break;
      case 'd': duration = atof(optarg); break;
      case 'm': cmd = atoi(optarg); break;
      case 'b': body = atoi(optarg); break;
      case 1: depth = atoi(optarg); break;
      case 2: rate = atof(optarg); break;
      case 3: login = atol(optarg); break;
      case 4: login_cmd = atoi(optarg); break;
      case 5: warm_up = atof(optarg); break;
      case 6: prefix = atoi(optarg); break;
      case '?': exit(2);
    }
  }
  if (!server.sin_port || (requests != -1 && requests != 0)) {
    fprintf(stderr, "epoll_load: --url HOST:PORT must be given; --requests may be 0 only\n");
    exit(2);
  }
  if ((prefix != 0 && prefix != 2) || (login && (nats || pinus)) || (nats && (connections > NATS_CONNS || depth > NATS_SLOTS)) ||
      (pinus && (body < PINUS_BODY || depth > PINUS_SLOTS))) {
    fprintf(stderr, "epoll_load: --prefix may be 2 only; no --login to a nats-server or a pinus; to a nats-server at most %d connections with "
            "%d slots, to a pinus %d slots, with at least %d bytes of body\n", NATS_CONNS, NATS_SLOTS, PINUS_SLOTS, PINUS_BODY);
    exit(2);
  }
}

int main(int count, char **words) {
  read_flags(count, words);
  epoll = epoll_create1(0);
  body_bytes = calloc(1, body + 2);
  if (nats) memcpy(body_bytes + body, "\r\n", 2), nats_prepare();
  if (pinus) pinus_prepare();
  if (websocket) for (int i = 0; i < body; i++) body_bytes[i] = MASK[(lead_bytes + i) & 3];
  conns = calloc(connections, sizeof *conns);
  for (int i = 0; i < connections; i++) {
    Conn *conn = &conns[i];
    conn->queue = calloc(depth, sizeof *conn->queue);
    conn->since = calloc(depth, sizeof *conn->since);
    conn->free = calloc(depth, sizeof *conn->free);
    conn->free_count = depth;
    for (int slot = 0; slot < depth; slot++) conn->free[slot] = depth - 1 - slot, conn->since[slot] = -1;
    open_conn(conn);
  }
  if (login) log_in();
  if (wait_for_start) {
    char line[64];
    printf("ready\n");
    fflush(stdout);
    if (read(0, line, sizeof line) <= 0) return 1;
  }
  long *before = calloc(connections, sizeof *before), issued = 0;
  double start = now(), since = start, end = start + warm_up + duration, time, cpu = used();
  int warm = warm_up == 0;
  if (requests != 0 && rate == 0) {
    for (int i = 0; i < connections; i++) {
      while (queue_request(&conns[i], now())) continue;
      flush(&conns[i]);
    }
  }
  while ((time = now()) < end) {
    if (!warm && time >= start + warm_up) {
      warm = 1;
      since = time;
      cpu = used();
      memset(buckets, 0, sizeof buckets);
      answered = pushes = failed = 0;
      sum = longest = 0;
      for (int i = 0; i < connections; i++) before[i] = conns[i].answers;
    }
    for (; rate > 0 && issued < (time - start) * rate; issued++) {
      Conn *conn = &conns[issued % connections];
      queue_due(conn, start + issued / rate);
      flush(conn);
    }
    turn(rate > 0 ? 1 : 10);
  }
  report(now() - since, used() - cpu, before);
}
