// What a client of pinus says and hears, in pomelo's protocol over TCP; a part of epoll_load.c.
//
// A package is its type, three bytes of length, and so much. A request in it is the flag 0, an id, one byte of length with the route behind
// it, and a body, which is JSON. Its answer is the flag 4, the id and a body. Ids have 7 bits a byte, the lowest first; these have two bytes,
// so that all requests have one length.

enum { PINUS_HANDSHAKE = 1, PINUS_ACK = 2, PINUS_DATA = 4 };
enum { PINUS_ANSWER = 4, PINUS_PACKAGE = 4, PINUS_HEAD = PINUS_PACKAGE + 3, PINUS_ID = 1 << 7, PINUS_SLOTS = 10000 };

static const char PINUS_TEXT[] = "{\"text\":\"", PINUS_END[] = "\"}";
enum { PINUS_BODY = sizeof PINUS_TEXT + sizeof PINUS_END - 2 };

static void pinus_prepare(void) {
  memset(body_bytes, 'x', body);
  memcpy(body_bytes, PINUS_TEXT, sizeof PINUS_TEXT - 1);
  memcpy(body_bytes + body - (sizeof PINUS_END - 1), PINUS_END, sizeof PINUS_END - 1);
}

static void pinus_package(unsigned char *at, int type, long length) {
  put(at, length);
  at[0] = type;
}

static int pinus_header(unsigned char *at, int slot) {
  int route = strlen(pinus), id = PINUS_ID + slot;
  pinus_package(at, PINUS_DATA, PINUS_HEAD - PINUS_PACKAGE + 1 + route + body);
  at[4] = 0;
  at[5] = 0x80 | (id & 0x7f);
  at[6] = id >> 7;
  at[7] = route;
  memcpy(at + 8, pinus, route);
  return 8 + route;
}

static void pinus_begin(int fd) {
  static const char hello[] = "{\"sys\":{\"type\":\"c\",\"version\":\"1\"}}";
  unsigned char head[PINUS_PACKAGE], answer[4096];
  pinus_package(head, PINUS_HANDSHAKE, sizeof hello - 1);
  write_all(fd, head, sizeof head);
  write_all(fd, hello, sizeof hello - 1);
  read_all(fd, head, sizeof head);
  long length = get(head) & 0xffffff;
  if (head[0] != PINUS_HANDSHAKE || length >= (long)sizeof answer) errno = EPROTO, die("handshake");
  read_all(fd, answer, length);
  answer[length] = 0;
  if (!strstr((char *)answer, "\"code\":200")) errno = EPROTO, die("handshake");
  pinus_package(head, PINUS_ACK, 0);
  write_all(fd, head, sizeof head);
}

static long pinus_body(const unsigned char *head) {
  // Without heartbeats nothing else is sent, but where a client is thrown out.
  if (head[0] != PINUS_DATA) errno = EPROTO, die("package");
  return (long)(get(head) & 0xffffff) - (PINUS_HEAD - PINUS_PACKAGE);
}

// The slot that a message is the answer to; a negative one where it is none.
static int pinus_slot(const unsigned char *head) {
  if (head[4] != PINUS_ANSWER) return -1;
  return (head[5] & 0x7f) + (head[6] << 7) - PINUS_ID;
}
