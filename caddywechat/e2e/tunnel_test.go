package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// asgiApp tells who is asking for what.
const asgiApp = `
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    user = dict(scope["headers"]).get(b"x-wechat-user", b"nobody").decode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"asgi")]})
    await send({"type": "http.response.body", "body": f"{scope['path']} as {user}".encode()})
`

// startHypercorn runs the application in a server that upgrades connections to HTTP/2 without TLS.
func startHypercorn(t *testing.T) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freeport.Get(t))
	file := write(t, "asgiapp.py", asgiApp)
	p := startProgram(t, program(t, "hypercorn"), "--bind", address, file+":app")
	p.answers("http://" + address + "/")
	return address
}

// askForH2C asks for a page with an upgrade to HTTP/2, and returns the answer's status and how to go on on the
// connection.
func askForH2C(t *testing.T, address, path string, lines ...string) (int, net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", path, host, strings.Join(lines, "\r\n"))
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body.Close()
	}
	return res.StatusCode, conn, reader
}

// askAsAnybody asks by HTTP/2 on stream 3, and returns the body of the answer there.
func askAsAnybody(t *testing.T, conn net.Conn, reader io.Reader, path string) string {
	t.Helper()
	io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, reader)
	framer.WriteSettings()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "GET"}, {":scheme", "http"}, {":authority", host}, {":path", path}, {"x-wechat-user", evil},
	} {
		encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 3, BlockFragment: block.Bytes(), EndStream: true,
		EndHeaders: true,
	})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("no answer on the stream: %v", err)
		}
		if data, ok := frame.(*http2.DataFrame); ok && data.StreamID == 3 && len(data.Data()) > 0 {
			return string(data.Data())
		}
	}
}

var h2c = []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"}

func TestH2C_OpensNoTunnelPastTheGate(t *testing.T) {
	t.Parallel()
	address := startHypercorn(t)
	// The server by itself does upgrade, and then answers for any path: the test would see it.
	status, conn, reader := askForH2C(t, address, "/public/x", h2c...)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("without the gate: status %d", status)
	}
	if got := askAsAnybody(t, conn, reader, "/admin"); got != "/admin as "+evil {
		t.Fatalf("without the gate: %q", got)
	}

	s := newSite(t, "http", `@site not path /outside/*
	wechat_auth @site {
		{account}
		public /public/*
		optional /optional/*
	}
	reverse_proxy `+address)
	for _, path := range []string{
		"/public/x", "/optional/x", "/outside/x", "/page", "/_wechat/health",
		"/MP_verify_0123456789abcdef.txt",
	} {
		for name, lines := range map[string][]string{
			"h2c":            h2c,
			"in other cases": {"CONNECTION: upgrade,http2-settings", "UPGRADE: H2C", "http2-settings: AAMAAABk"},
			"beside another": {
				"Connection: Upgrade, HTTP2-Settings", "Upgrade: websocket, h2c",
				"HTTP2-Settings: AAMAAABk",
			},
			"on two lines": {
				"Connection: Upgrade, HTTP2-Settings", "Upgrade: websocket", "Upgrade: h2c",
				"HTTP2-Settings: AAMAAABk",
			},
		} {
			status, _, _ := askForH2C(t, fmt.Sprintf("127.0.0.1:%d", s.port), path, lines...)
			if status == http.StatusSwitchingProtocols {
				t.Errorf("%s, %s: the connection was switched", path, name)
			}
		}
	}
}
