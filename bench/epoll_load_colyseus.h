// How a client of Colyseus gets into a room, and what its messages are; a part of epoll_load.c.
//
// It asks for a seat by HTTP, opens a WebSocket whose path names the room and the seat, and answers the room's greeting. From then on a box
// is a message of bytes, of the type 1, behind which it stands as it is.

// JOIN_ROOM, ROOM_DATA_BYTES.
enum { COLYSEUS_JOIN = 10, COLYSEUS_BYTES = 17 };

static const unsigned char COLYSEUS_LEAD[2] = {COLYSEUS_BYTES, 1};

// The text that follows a name in JSON.
static void colyseus_field(const char *json, const char *name, char *value) {
  char pattern[32];
  snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
  const char *at = strstr(json, pattern);
  if (!at || sscanf(at + strlen(pattern), "%31[A-Za-z0-9_-]", value) != 1) errno = EPROTO, die("seat");
}

static void colyseus_join(int fd) {
  char request[256], answer[2048], process[32], room[32], seat[32], path[128];
  int http = open_socket(), got = 0, part;
  int length = snprintf(request, sizeof request, "POST /matchmake/joinOrCreate/%s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", colyseus);
  write_all(http, request, length);
  while ((part = read(http, answer + got, sizeof answer - 1 - got)) > 0) got += part;
  close(http);
  answer[got] = 0;
  if (strncmp(answer, "HTTP/1.1 200", 12)) {
    fprintf(stderr, "epoll_load: no seat in a room of Colyseus: %s\n", answer);
    exit(1);
  }
  colyseus_field(answer, "processId", process);
  colyseus_field(answer, "roomId", room);
  colyseus_field(answer, "sessionId", seat);
  snprintf(path, sizeof path, "/%s/%s?sessionId=%s", process, room, seat);
  shake_hands(fd, path);
  unsigned char greeting[2 + 125];
  read_all(fd, greeting, 2);
  if (greeting[0] != 0x82 || greeting[1] < 1 || greeting[1] > 125) errno = EPROTO, die("greeting");
  read_all(fd, greeting + 2, greeting[1]);
  if (greeting[2] != COLYSEUS_JOIN) errno = EPROTO, die("greeting");
  unsigned char joined[8];
  length = ws_header(joined, 1);
  joined[length] = COLYSEUS_JOIN ^ MASK[0];
  write_all(fd, joined, length + 1);
}
