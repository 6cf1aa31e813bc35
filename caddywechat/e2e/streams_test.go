package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// streamsEnd is how soon a stream is over after its session, with what a machine under load adds.
const streamsEnd = 5*time.Second + 2*time.Second

// socket is an open WebSocket. over is closed when it has ended.
type socket struct {
	net.Conn
	over chan struct{}
}

// untilSocketsClosed waits until Caddy has forgotten so many WebSockets. One that is stopped earlier reads what their
// copying has written without a lock, in its reverse_proxy, and the race detector reports that.
func (s *site) untilSocketsClosed(n int) {
	s.t.Helper()
	s.caddy.eventually("the sockets are closed", func() bool {
		return strings.Count(s.caddy.log.String(), `"msg":"connection closed"`) >= n
	})
}

// openSocket opens a WebSocket of a visitor.
func (v *visitor) openSocket(path string) *socket {
	v.t.Helper()
	config, err := websocket.NewConfig("ws"+strings.TrimPrefix(v.url(path), "http"), v.url(""))
	if err != nil {
		v.t.Fatal(err)
	}
	config.Header = http.Header{"User-Agent": {inWeChat}, "Cookie": {v.cookies()}}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", v.port))
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	ws, err := websocket.NewClient(config, conn)
	if err != nil {
		v.t.Fatal(err)
	}
	var says string
	if err := websocket.Message.Send(ws, "hi"); err != nil {
		v.t.Fatal(err)
	}
	if err := websocket.Message.Receive(ws, &says); err != nil || !strings.Contains(says, "says hi") {
		v.t.Fatalf("%q, %v", says, err)
	}
	opened := &socket{conn, make(chan struct{})}
	go func() {
		defer close(opened.over)
		for websocket.Message.Receive(ws, &says) == nil {
		}
	}()
	return opened
}

// openEvents opens an event stream of a visitor, reads its beginning, and returns what waits for its end and counts
// lines.
func (v *visitor) openEvents(path string) (over <-chan struct{}) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", v.url(path), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header = http.Header{"User-Agent": {inWeChat}, "Accept": {"text/event-stream"}}
	client := *v.Client
	client.Timeout = 0
	res, err := client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	if res.StatusCode != http.StatusOK || !lines.Scan() {
		v.t.Fatalf("%s: status %d, %v", path, res.StatusCode, lines.Err())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
		}
	}()
	return done
}

func TestStreams_EndSoonAfterTheSession(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	dir := t.TempDir()
	const events = `<?php
header('Content-Type: text/event-stream');
for ($i = 0; $i < 300; $i++) { echo "data: $i\n\n"; ob_flush(); flush(); usleep(100000); }
`
	if err := os.WriteFile(filepath.Join(dir, "events.php"), []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	php := startPHP(t)
	for name, tt := range map[string]struct {
		session string
		end     func(s *site, v *visitor)
	}{
		"logout": {"", func(_ *site, v *visitor) { v.open("/_wechat/logout", byALink...) }},
		"revoked": {"", func(s *site, _ *visitor) {
			out, err := run(s.t, s.env, "wechat", "revoke", "--user", person, "--address", s.adminAddress())
			if err != nil {
				s.t.Errorf("revoke: %v\n%s", err, out)
			}
		}},
		"lifetime": {"session {\nlifetime 6s\n}", func(*site, *visitor) { time.Sleep(4 * time.Second) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "http", `wechat_auth {
				{account}
				optional /optional/*
				`+tt.session+`
			}
			handle /php/* {
				root * `+dir+`
				uri strip_prefix /php
				php_fastcgi `+php+`
			}
			handle {
				reverse_proxy `+app.Listener.Addr().String()+`
			}`)
			v := s.visitor()
			v.follow("/page")
			over := map[string]<-chan struct{}{
				"a WebSocket":                     v.openSocket("/socket").over,
				"a WebSocket on an optional path": v.openSocket("/optional/socket").over,
				"an event stream":                 v.openEvents("/events"),
				"an event stream behind FastCGI":  v.openEvents("/php/events.php"),
			}
			nobody := s.visitor().openSocket("/optional/socket")
			tt.end(s, v)
			deadline := time.After(streamsEnd)
			for what, over := range over {
				select {
				case <-over:
				case <-deadline:
					t.Errorf("%s goes on", what)
				}
			}
			select {
			case <-nobody.over:
				t.Error("a WebSocket of nobody ended, too")
			default:
			}
			nobody.Close()
			s.untilSocketsClosed(3)
		})
	}
}
