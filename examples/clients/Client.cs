// A client of the chat in C#: mcs Client.cs && mono Client.exe [HOST [PORT [UID]]], or as the
// Program.cs of a console project of .NET. No package needed.

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;

static class Client
{
    const int Magic = 0x7978AECF, HeaderBytes = 24, Login = 1, Say = 2, Hear = 100;

    // What is big-endian on the wire.
    static int Order(int value) { return IPAddress.HostToNetworkOrder(value); }

    // Sends a request and waits for its answer, whose ret it gives; news that comes is shown.
    static int Request(Stream stream, int cmd, int sn, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        var box = new MemoryStream();
        var writer = new BinaryWriter(box);
        // magic, version and flag, length of the whole box, cmd, ret, sn; then the body
        foreach (int field in new[] { Magic, 0, HeaderBytes + body.Length, cmd, 0, sn })
            writer.Write(Order(field));
        writer.Write(body);
        box.WriteTo(stream);
        while (true)
        {
            int[] header = Receive(stream);
            if (header[3] == cmd && header[5] == sn) return header[4];
        }
    }

    // The six numbers of the next box's header; news is shown.
    static int[] Receive(Stream stream)
    {
        var reader = new BinaryReader(stream);
        var header = new int[6];
        for (int i = 0; i < 6; i++) header[i] = Order(reader.ReadInt32());
        if (header[0] != Magic) throw new IOException("this is no box");
        byte[] body = reader.ReadBytes(header[2] - HeaderBytes);
        if (header[3] == Hear) Console.WriteLine("heard: " + Encoding.UTF8.GetString(body));
        return header;
    }

    static void Main(string[] args)
    {
        string host = args.Length > 0 ? args[0] : "127.0.0.1";
        int port = args.Length > 1 ? int.Parse(args[1]) : 29000;
        string uid = args.Length > 2 ? args[2] : "7";
        Stream stream = new TcpClient(host, port).GetStream();
        Console.WriteLine("login: " + Request(stream, Login, 1, "{\"uid\":" + uid + "}"));
        Console.WriteLine("say: " + Request(stream, Say, 2, "hello from C#"));
        while (true) Receive(stream);
    }
}
