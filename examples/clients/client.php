<?php
// A client of the chat in PHP: php client.php [HOST [PORT [UID]]]. No extension needed.

const MAGIC = 0x7978AECF;
const HEADER_BYTES = 24;
const LOGIN = 1;
const SAY = 2;
const HEAR = 100;

// Sends a request and waits for its answer; what comes meanwhile is news.
function request($socket, int $cmd, int $sn, string $body): int
{
    // magic, version, flag, length of the whole box, cmd, ret, sn; big-endian; then the body
    $length = HEADER_BYTES + strlen($body);
    fwrite($socket, pack('NnnNNNN', MAGIC, 0, 0, $length, $cmd, 0, $sn) . $body);
    do {
        $box = receive($socket);
    } while ($box['cmd'] !== $cmd || $box['sn'] !== $sn);
    // It is signed, N is not.
    return $box['ret'] << 32 >> 32;
}

// The next box; news is shown.
function receive($socket): array
{
    $box = unpack('Nmagic/nversion/nflag/Nlength/Ncmd/Nret/Nsn', take($socket, HEADER_BYTES));
    if ($box['magic'] !== MAGIC) {
        exit("this is no box\n");
    }
    $body = take($socket, $box['length'] - HEADER_BYTES);
    if ($box['cmd'] === HEAR) {
        echo "heard: $body\n";
    }
    return $box;
}

// So many bytes, however many pieces they come in.
function take($socket, int $bytes): string
{
    for ($data = ''; strlen($data) < $bytes; $data .= $piece) {
        $piece = fread($socket, $bytes - strlen($data));
        if ($piece === false || $piece === '') {
            exit("the connection has ended\n");
        }
    }
    return $data;
}

[$host, $port, $uid] = array_slice($argv, 1) + ['127.0.0.1', '29000', '7'];
$socket = stream_socket_client("tcp://$host:$port") or exit(1);
// News may be long in coming.
stream_set_timeout($socket, 3600);
echo 'login: ' . request($socket, LOGIN, 1, json_encode(['uid' => (int) $uid])) . "\n";
echo 'say: ' . request($socket, SAY, 2, 'hello from PHP') . "\n";
while (true) {
    receive($socket);
}
