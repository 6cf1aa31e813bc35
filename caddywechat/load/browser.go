//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/testbrowser"
)

// sessionCookie is the name of a session's cookie on plain http.
const sessionCookie = "wechat_session"

// client is what all visitors ask by, as WeChat's browser does. It keeps no cookies: each request is given those of its
// visitor.
type client struct {
	*testbrowser.Browser
	requests atomic.Int64
	cut      atomic.Int64 // connections that ended before a response, and were made once more
}

func newClient() *client {
	c := new(client)
	c.Browser = testbrowser.New(testbrowser.Config{Retry: c.retries})
	c.Jar = nil
	return c
}

// retries reports whether a connection was cut: what comes at the moment of a reload may have been given to the
// listener that closes. Browsers ask once more, too.
func (c *client) retries(err error) bool {
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	c.cut.Add(1)
	c.requests.Add(1)
	return true
}

// response is what a site answered.
type response struct{ testbrowser.Response }

// user returns whom the app saw, "" for nobody.
func (r response) user() string { return r.Header.Get(echoHeader) }

func (r response) String() string { return fmt.Sprintf("%s, to the user %q", r.Response, r.user()) }

// cookie returns what is to be sent back of the cookies of this name, or with an empty name of all of them.
func (r response) cookie(name string) string {
	var kept []*http.Cookie
	for _, c := range r.Cookies() {
		if c.MaxAge >= 0 && (name == "" || c.Name == name) {
			kept = append(kept, c)
		}
	}
	return testbrowser.CookieHeader(kept)
}

// get asks for an address with an Accept header and cookies, "" for none.
func (c *client) get(ctx context.Context, address, accept, cookie string) (response, error) {
	c.requests.Add(1)
	lines := []string{"Accept: " + accept, "Referer: " + address} // over http this is how a site knows its own links
	if cookie != "" {
		lines = append(lines, "Cookie: "+cookie)
	}
	r, err := c.Open(ctx, address, lines...)
	return response{r}, err
}

// login logs a person in by way of a page, and returns the session's cookie.
func (c *client) login(ctx context.Context, page, person string) (cookie string, err error) {
	begun, err := c.get(ctx, page, testbrowser.AcceptPage, "")
	if err != nil {
		return "", fmt.Errorf("beginning a login: %w", err)
	}
	wechat, err := c.get(ctx, begun.Next(), testbrowser.AcceptPage, "simulator_person="+person)
	if err != nil {
		return "", fmt.Errorf("going to WeChat after %s: %w", begun, err)
	}
	back, err := c.get(ctx, wechat.Next(), testbrowser.AcceptPage, begun.cookie(""))
	if err != nil {
		return "", fmt.Errorf("coming back after %s: %w", wechat, err)
	}
	cookie = back.cookie(sessionCookie)
	if back.Next() != page || cookie == "" {
		return "", fmt.Errorf("the login did not return to %s with a session, but: %s", page, back)
	}
	return cookie, nil
}
