package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

func TestWebSockets_NeedWhatTheirPathNeeds(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	v := s.visitor()
	v.follow("/page")
	opened := 0
	for _, tc := range []struct {
		path    string
		session bool
		says    string // "" where there is to be no socket
	}{
		{"/socket", true, person + " says hi"},
		{"/socket", false, ""},
		{"/optional/socket", true, person + " says hi"},
		{"/optional/socket", false, " says hi"},
		{"/public/socket", true, " says hi"},
		{"/outside/socket", true, " says hi"},
		{"/profile/socket", true, ""},
		{"/_wechat/socket", true, ""},
	} {
		config, err := websocket.NewConfig("ws"+strings.TrimPrefix(s.url(tc.path), "http"), s.url(""))
		if err != nil {
			t.Fatal(err)
		}
		config.Header = http.Header{"User-Agent": {inWeChat}, "X-Wechat-User": {evil}, "Accept": {"text/html"}}
		if tc.session {
			config.Header.Set("Cookie", v.cookies())
		}
		says, err := askBySocket(t, s, config)
		if (err == nil) != (tc.says != "") || says != tc.says {
			t.Errorf("%s, session %t: %q, %v", tc.path, tc.session, says, err)
		}
		if err == nil {
			opened++
		}
	}
	s.untilSocketsClosed(opened)
	// The answer to a handshake without a session is JSON, and leaves no cookie.
	a := s.send(head("GET /socket HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat, "Accept: text/html",
		"Connection: Upgrade",
		"Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="))
	if o := outcomeOf(a); o != (outcome{status: 401, word: "login_required"}) || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("%+v, Set-Cookie: %s", o, a.Header.Get("Set-Cookie"))
	}
}

// askBySocket opens a socket, says hi and returns what comes back.
func askBySocket(t *testing.T, s *site, config *websocket.Config) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	socket, err := websocket.NewClient(config, conn)
	if err != nil {
		return "", err
	}
	var says string
	err = errors.Join(websocket.Message.Send(socket, "hi"), websocket.Message.Receive(socket, &says))
	return says, err
}

func TestEvents_ArriveWhenTheyAreSent(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	for _, scheme := range []string{"http", "https"} {
		s := newSite(t, scheme, allRules(app.Listener.Addr().String()))
		v := s.visitor()
		v.follow("/page")
		for path, event := range map[string]string{
			"/events": "data: hello " + person, "/public/events": "data: hello ",
			"/optional/events": "data: hello " + person,
		} {
			app.wantEvents(v, path, event, "Accept: text/event-stream")
		}
		a := s.visitor().request("GET", "/events", "", "Accept: text/event-stream")
		if o := outcomeOf(a); o != (outcome{status: 401, word: "login_required"}) {
			t.Errorf("%s, without a session: %+v", scheme, o)
		}
	}
}

func TestEvents_StreamBesideANewCookie(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", `wechat_auth {
		{account}
		session {
			idle 5s
		}
	}
	reverse_proxy `+app.Listener.Addr().String())
	v := s.visitor()
	v.follow("/page")
	// The cookie comes again after a tenth of the time that a visitor may be idle.
	s.caddy.eventually("a page brings the cookie again", func() bool {
		header := app.wantEvents(v, "/events", "data: hello "+person, "Accept: text/html")
		if header.Get("Set-Cookie") == "" {
			return false
		}
		if got := header["Cache-Control"]; len(got) != 1 || got[0] != "private, no-store" {
			t.Errorf("Cache-Control: %q", got)
		}
		return true
	})
}

// wantEvents asks for events, and fails the test unless each arrives before the app sends the next one. It returns the
// answer's headers.
func (app *modernApp) wantEvents(v *visitor, path, event string, headers ...string) http.Header {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", v.url(path), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	res, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != event {
		v.t.Fatalf("%s: status %d, %q, %v", path, res.StatusCode, lines.Text(), lines.Err())
	}
	app.goOn <- struct{}{}
	lines.Scan() // the blank line that ends an event
	if !lines.Scan() || lines.Text() != "data: bye" {
		v.t.Errorf("%s: then %q, %v", path, lines.Text(), lines.Err())
	}
	return res.Header
}
