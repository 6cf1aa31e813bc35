package caddywechat

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
)

// openStream opens an event stream, and returns a function that waits for its end.
func (b *browser) openStream(path string, headers ...string) (ended func(within time.Duration) bool) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", b.site(path), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	client := *b.client
	client.Timeout = 0
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	if res.StatusCode != http.StatusOK || !lines.Scan() || !strings.HasPrefix(lines.Text(), "data: hello") {
		b.t.Fatalf("status %d, %q, %v", res.StatusCode, lines.Text(), lines.Err())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
		}
	}()
	return func(within time.Duration) bool {
		select {
		case <-done:
			return true
		case <-time.After(within):
			return false
		}
	}
}

func newStreamWorld(t *testing.T, options string) *world {
	w := newWorld(t, options)
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "event-stream") {
			fmt.Fprintf(rw, "app %s", r.Header.Get("X-Wechat-User"))
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(rw, "data: hello %s\n\n", r.Header.Get("X-Wechat-User"))
		http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
	return w
}

func TestStreams_EndWithTheSession(t *testing.T) {
	const soon = 10 * time.Second
	revoke := func(w *world, request revocation.Request) {
		if _, err := revokeEverywhere(w.t.Context(), request); err != nil {
			t.Error(err)
		}
	}
	for name, end := range map[string]func(w *world, b *browser){
		"logout": func(_ *world, b *browser) { b.logout("") },
		"revoked": func(w *world, _ *browser) {
			revoke(w, revocation.Request{User: person})
		},
		"everybody is": func(w *world, _ *browser) {
			revoke(w, revocation.Request{All: true})
		},
		"lifetime is over": func(w *world, _ *browser) { w.advance(7*24*time.Hour + time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newStreamWorld(t, "optional /optional")
			b := w.browser(inWeChat)
			b.login("/")
			ended := []func(time.Duration) bool{b.openStream("/events"), b.openStream("/optional")}
			other := w.browser(inWeChat) // without a session
			stays := other.openStream("/optional")
			w.handler.lease.memory.streams.judge()
			if ended[0](50 * time.Millisecond) {
				t.Fatal("it ended before its session")
			}
			end(w, b)
			w.handler.lease.memory.streams.judge()
			for i, ended := range ended {
				if !ended(soon) {
					t.Errorf("stream %d goes on", i)
				}
			}
			if stays(10 * time.Millisecond) {
				t.Error("a stream without a session ended, too")
			}
		})
	}
}

// Nobody tells the old configuration's handlers any more what is revoked.
func TestStreams_EndWhenAReloadTakesTheStoreAway(t *testing.T) {
	t.Parallel()
	w := newStreamWorld(t, "store memory")
	b := w.browser(inWeChat)
	b.login("/")
	before := w.handler
	ended := b.openStream("/events")
	w.swap(w.newHandler(officialAccount, sessionKeys(sessionKey), "store caddy"))
	before.lease.memory.streams.judge()
	if ended(50 * time.Millisecond) {
		t.Fatal("it ended while the store was in use")
	}
	if err := before.Cleanup(); err != nil {
		t.Fatal(err)
	}
	before.lease.memory.streams.judge()
	if !ended(10 * time.Second) {
		t.Error("it goes on, and would after a logout")
	}
}

func TestStreams_AreNeverIdle(t *testing.T) {
	t.Parallel()
	w := newStreamWorld(t, sessionWith("idle 1h"))
	b := w.browser(inWeChat)
	b.login("/")
	ended := b.openStream("/events")
	w.advance(2 * time.Hour)
	w.handler.lease.memory.streams.judge()
	if ended(50 * time.Millisecond) {
		t.Error("a stream ended since nobody went to a page")
	}
	b.open("/page").wantStatus(t, http.StatusFound)
}

func TestStreams_DropWritesAfterTheEnd(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits until streams are judged")
	}
	w := newStreamWorld(t, "")
	wrote := make(chan error, 1)
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "event-stream") {
			fmt.Fprintf(rw, "app %s", r.Header.Get("X-Wechat-User"))
			return
		}
		fmt.Fprint(rw, "data: hello\n\n")
		http.NewResponseController(rw).Flush()
		<-r.Context().Done() // an app behind FastCGI, which does not see the end, goes on writing
		_, err := fmt.Fprint(rw, "data: secret\n\n")
		if err == nil {
			_, err = rw.(interface {
				ReadFrom(r interface {
					Read([]byte) (int, error)
				}) (int64, error)
			}).ReadFrom(strings.NewReader("data: secret\n\n"))
		}
		wrote <- err
	}
	b := w.browser(inWeChat)
	b.login("/")
	b.openStream("/events")
	b.logout("")
	select {
	case err := <-wrote:
		if err == nil {
			t.Error("what the app wrote after the end passed")
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

func TestStreams_WatchWhileAnyIsOpen(t *testing.T) {
	var s streams
	allowed := true
	var ended atomic.Int64
	var ending sync.WaitGroup
	ending.Add(3)
	for range 3 {
		one := &stream{isAllowed: func() bool { return allowed }, end: func() { ended.Add(1); ending.Done() }}
		s.add(one)
	}
	if !s.judge() || ended.Load() != 0 {
		t.Errorf("%d ended", ended.Load())
	}
	allowed = false
	if s.judge() {
		t.Error("it goes on without a stream")
	}
	s.mu.Lock()
	if len(s.open) != 0 || s.watching {
		t.Errorf("%d left, watching %t", len(s.open), s.watching)
	}
	s.mu.Unlock()
	ending.Wait()
}

func TestStreams_KeepTheRewrittenURL(t *testing.T) {
	t.Parallel()
	w := newStreamWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	r := httptest.NewRequest("GET", b.site("/outer?a=1"), nil)
	r.Header = http.Header{"Cookie": {"wechat_session=" + b.cookie("wechat_session")}, "Accept": {"text/event-stream"}}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
	r.URL.Path, r.URL.RawQuery, r.RequestURI = "/inner", "b=2", "/inner?b=2" // as a rewrite in front does
	err := w.handler.ServeHTTP(httptest.NewRecorder(), r,
		caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
			if r.RequestURI != "/inner?b=2" || r.URL.RequestURI() != "/inner?b=2" ||
				r.Header.Get("X-Wechat-User") != person {
				t.Errorf("the app got %s, %s, %v", r.RequestURI, r.URL, r.Header)
			}
			return nil
		}))
	if err != nil {
		t.Error(err)
	}
}
