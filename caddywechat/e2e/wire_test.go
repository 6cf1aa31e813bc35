package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// head returns the lines of a request's head as they go over the wire.
func head(lines ...string) string {
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// send sends a request byte for byte, with {host} replaced, and returns the answer. The site must be on http.
func (s *site) send(request string) response {
	s.t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	request = strings.ReplaceAll(request, "{host}", s.authority())
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("%.200q: %v\n%s", request, err, s.caddy.log.tail())
	}
	return response{Response: res, Text: readAll(s.t, res.Body)}
}

// authority is what stands in the Host header.
func (s *site) authority() string { return fmt.Sprintf("%s:%d", s.host, s.port) }

// withServerOptions restarts the site with options of the server.
func (s *site) withServerOptions(options, directives string) {
	s.t.Helper()
	s.config = write(s.t, "Caddyfile", strings.Replace(s.caddyfile(directives), "debug",
		"debug\n\tservers {\n"+options+"\n\t}", 1))
	s.restart()
}

// rawApp is an app that answers with the very bytes of the request that it got, trailers included.
type rawApp struct {
	address string
	mu      sync.Mutex
	all     bytes.Buffer
}

func newRawApp(t *testing.T) *rawApp {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := &rawApp{address: l.Addr().String()}
	var wait sync.WaitGroup
	conns := make(map[net.Conn]bool)
	t.Cleanup(func() {
		l.Close()
		app.mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		app.mu.Unlock()
		wait.Wait()
	})
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			app.mu.Lock()
			conns[conn] = true
			app.mu.Unlock()
			wait.Go(func() { app.serve(conn) })
		}
	})
	return app
}

func (app *rawApp) serve(conn net.Conn) {
	defer conn.Close()
	var seen bytes.Buffer
	in := bufio.NewReader(io.TeeReader(conn, &seen))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		raw := seen.String()
		seen.Reset()
		app.mu.Lock()
		app.all.WriteString(raw)
		app.mu.Unlock()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-App: reached\r\nContent-Length: %d\r\n\r\n",
			len(raw))
		if req.Method != http.MethodHead {
			io.WriteString(conn, raw)
		}
	}
}

// everything returns all the bytes that the app has got.
func (app *rawApp) everything() string {
	app.mu.Lock()
	defer app.mu.Unlock()
	return app.all.String()
}
