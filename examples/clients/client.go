// A client of the chat in Go: go run client.go [HOST [PORT [UID]]]. Standard library only.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

const magic, headerBytes, login, say, hear = 0x7978AECF, 24, 1, 2, 100

// magic, version and flag, length of the whole box, cmd, ret, sn; big-endian; then the body
type header [6]int32

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Sends a request and waits for its answer; what comes meanwhile is news.
func request(conn net.Conn, cmd, sn int32, body string) int32 {
	box := header{magic, 0, int32(headerBytes + len(body)), cmd, 0, sn}
	check(binary.Write(conn, binary.BigEndian, box))
	check(binary.Write(conn, binary.BigEndian, []byte(body)))
	for {
		if answer := receive(conn); answer[3] == cmd && answer[5] == sn {
			return answer[4]
		}
	}
}

// The header of the next box; news is shown.
func receive(conn net.Conn) (box header) {
	check(binary.Read(conn, binary.BigEndian, &box))
	if box[0] != magic {
		log.Fatal("this is no box")
	}
	body, err := io.ReadAll(io.LimitReader(conn, int64(box[2]-headerBytes)))
	check(err)
	if box[3] == hear {
		fmt.Println("heard:", string(body))
	}
	return box
}

func main() {
	args := append(os.Args[1:], []string{"127.0.0.1", "29000", "7"}[len(os.Args)-1:]...)
	conn, err := net.Dial("tcp", net.JoinHostPort(args[0], args[1]))
	check(err)
	fmt.Println("login:", request(conn, login, 1, `{"uid":`+args[2]+`}`))
	fmt.Println("say:", request(conn, say, 2, "hello from Go"))
	for {
		receive(conn)
	}
}
