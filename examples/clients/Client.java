// A client of the chat in Java 11 or later: java Client.java [HOST [PORT [UID]]]. No library needed.

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

public class Client {
    static final int MAGIC = 0x7978AECF, HEADER_BYTES = 24, LOGIN = 1, SAY = 2, HEAR = 100;

    /** Sends a request and waits for its answer, whose ret it gives; news that comes is shown. */
    static int request(DataOutputStream out, DataInputStream in, int cmd, int sn, String text)
            throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        // magic, version, flag, length of the whole box, cmd, ret, sn; big-endian; then the body
        ByteBuffer box = ByteBuffer.allocate(HEADER_BYTES + body.length);
        box.putInt(MAGIC).putShort((short) 0).putShort((short) 0).putInt(box.capacity());
        box.putInt(cmd).putInt(0).putInt(sn).put(body);
        out.write(box.array());
        while (true) {
            ByteBuffer header = receive(in);
            if (header.getInt(12) == cmd && header.getInt(20) == sn) return header.getInt(16);
        }
    }

    /** The header of the next box; news is shown. */
    static ByteBuffer receive(DataInputStream in) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        in.readFully(header.array());
        if (header.getInt(0) != MAGIC) throw new IOException("this is no box");
        byte[] body = new byte[header.getInt(8) - HEADER_BYTES];
        in.readFully(body);
        if (header.getInt(12) == HEAR) {
            System.out.println("heard: " + new String(body, StandardCharsets.UTF_8));
        }
        return header;
    }

    public static void main(String[] args) throws IOException {
        String host = args.length > 0 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 29000;
        String uid = args.length > 2 ? args[2] : "7";
        try (Socket socket = new Socket(host, port)) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            System.out.println("login: " + request(out, in, LOGIN, 1, "{\"uid\":" + uid + "}"));
            System.out.println("say: " + request(out, in, SAY, 2, "hello from Java"));
            while (true) receive(in);
        }
    }
}
