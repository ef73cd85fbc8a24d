// Main: open the engine, listen, and say where.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 4 && len(os.Args) != 6 {
		panic("usage: shim libchdb.so folder address-file [user password]")
	}
	if err := serve(os.Args[1:]); err != nil {
		panic(err)
	}
}

// listenOn is where a former process on the same folder listened: its clients look for it there. The
// first takes any port.
func listenOn(addressFile string) string {
	if former, err := os.ReadFile(addressFile + ".former"); err == nil {
		return string(former)
	}
	return "127.0.0.1:0"
}

func serve(args []string) error {
	e, err := openEngine(args[0], args[1])
	if err != nil {
		return fmt.Errorf("open engine: %w", err)
	}
	listener, err := net.Listen("tcp", listenOn(args[2]))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h := newHandler(e)
	if len(args) == 5 {
		h.user, h.password = args[3], args[4]
	}
	// Renamed, so that who waits for the file reads all of it.
	if err := os.WriteFile(args[2]+".next", []byte(listener.Addr().String()), 0o644); err != nil {
		return fmt.Errorf("write address: %w", err)
	}
	if err := os.Rename(args[2]+".next", args[2]); err != nil {
		return fmt.Errorf("write address: %w", err)
	}
	return (&http.Server{Handler: h, ReadHeaderTimeout: time.Minute}).Serve(listener)
}
