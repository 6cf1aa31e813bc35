package accounttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Platform is an HTTP server in place of WeChat's that gives canned answers and keeps what it was asked. It is closed
// at the end of the test.
type Platform struct {
	server *httptest.Server

	mu       sync.Mutex
	answers  map[string]string
	requests []*url.URL
}

// NewPlatform returns a platform that answers whatever path with a text, until Answer says otherwise.
func NewPlatform(t testing.TB, answer string) *Platform {
	p := &Platform{answers: map[string]string{"": answer}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// ServeHTTP gives the canned answer.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.URL)
	answer, ok := p.answers[r.URL.Path]
	if !ok {
		answer = p.answers[""]
	}
	_, _ = io.WriteString(w, answer)
}

// Answer sets what is answered at a path from now on, such as
// `{"errcode":40029,"errmsg":"invalid code"}` at /sns/oauth2/access_token.
func (p *Platform) Answer(path, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

// Requests returns the addresses that were asked, in their order.
func (p *Platform) Requests() []*url.URL {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*url.URL(nil), p.requests...)
}

// Calls returns how often a path was asked.
func (p *Platform) Calls(path string) (n int) {
	for _, u := range p.Requests() {
		if u.Path == path {
			n++
		}
	}
	return n
}

// URL returns the platform's base URL, without a slash at the end.
func (p *Platform) URL() string { return p.server.URL }

// Client returns a client for which the platform is WeChat.
func (p *Platform) Client() *weixin.Client {
	return &weixin.Client{Hosts: weixin.HostsAt(p.server.URL, ""), Transport: p.server.Client().Transport}
}
