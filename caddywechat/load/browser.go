//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// agent is how WeChat's browser calls itself.
const agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"

// sessionCookie is the name of a session's cookie on plain http.
const sessionCookie = "wechat_session"

// What is asked for, as an Accept header says it.
const (
	aPage  = "text/html,application/xhtml+xml,*/*;q=0.8"
	aFetch = "*/*"
)

// browser asks as WeChat's does. It follows no redirect, and keeps no cookies.
type browser struct {
	client   *http.Client
	requests atomic.Int64
	cut      atomic.Int64 // connections that ended before an answer, and were made anew
}

func newBrowser() *browser {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.Replace(address, "localhost:", "127.0.0.1:", 1))
	}
	return &browser{client: &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) close() { b.client.CloseIdleConnections() }

// answer is a response that was read to its end.
type answer struct {
	status  int
	next    string // where it leads, "" for nowhere
	user    string // whom the app saw, "" for nobody
	cookies []*http.Cookie
	body    string
}

func (a answer) String() string {
	return fmt.Sprintf("status %d, to %q, user %q: %.200q", a.status, a.next, a.user, a.body)
}

// cookie returns what is to be sent back of the cookies of this name, or with an empty name of all of them.
func (a answer) cookie(name string) string {
	var pairs []string
	for _, c := range a.cookies {
		if c.MaxAge >= 0 && (name == "" || c.Name == name) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// get asks for an address. A connection that is cut is made anew once, as browsers do: what comes at the moment of a
// reload may have been given to the listener that closes.
func (b *browser) get(ctx context.Context, address, accept, cookie string) (answer, error) {
	a, err := b.getOnce(ctx, address, accept, cookie)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		b.cut.Add(1)
		a, err = b.getOnce(ctx, address, accept, cookie)
	}
	return a, err
}

func (b *browser) getOnce(ctx context.Context, address, accept, cookie string) (answer, error) {
	b.requests.Add(1)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", accept)
	req.Header.Set("Referer", address) // over http this is how a site knows its own links
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, user: res.Header.Get(echoHeader), cookies: res.Cookies(), body: string(body)}
	if location, err := res.Location(); err == nil {
		a.next = location.String()
	}
	return a, nil
}

// login logs a person in by way of a page, and returns the session's cookie.
func (b *browser) login(ctx context.Context, page, person string) (cookie string, err error) {
	challenge, err := b.get(ctx, page, aPage, "")
	if err != nil {
		return "", fmt.Errorf("beginning a login: %w", err)
	}
	wechat, err := b.get(ctx, challenge.next, aPage, "simulator_person="+person)
	if err != nil {
		return "", fmt.Errorf("going to WeChat, by an answer with %s: %w", challenge, err)
	}
	back, err := b.get(ctx, wechat.next, aPage, challenge.cookie(""))
	if err != nil {
		return "", fmt.Errorf("coming back, by an answer with %s: %w", wechat, err)
	}
	cookie = back.cookie(sessionCookie)
	if back.next != page || cookie == "" {
		return "", fmt.Errorf("the login did not lead back to %s with a session, but: %s", page, back)
	}
	return cookie, nil
}

// getJSON reads what an address answers, without a cookie or a proxy.
func getJSON(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := adminClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}
