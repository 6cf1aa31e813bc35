package caddywechat

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (b *browser) changeCookies(change func(*http.Cookie)) {
	u := &url.URL{Scheme: b.scheme, Host: host, Path: "/"}
	cookies := b.client.Jar.Cookies(u)
	for _, c := range cookies {
		c.Path = "/"
		change(c)
	}
	b.client.Jar.SetCookies(u, cookies)
}

func (b *browser) deleteCookies() { b.changeCookies(func(c *http.Cookie) { c.MaxAge = -1 }) }

// post sends a program's JSON.
func (b *browser) post(path, body string, headers ...string) response {
	b.t.Helper()
	req, err := http.NewRequest("POST", b.site(path), strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response{res, string(text)}
}

const (
	inWeChat   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"
	onDesktop  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	onPhone    = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Mobile Safari/537.36"
	host       = "h5.example.com"
	sessionKey = "Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP"
)

// browser is a visitor's browser with cookies of its own. It follows no redirect by itself.
type browser struct {
	*world
	agent   string
	client  *http.Client
	cookies bool
}

func (w *world) browser(agent string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.Contains(strings.ToLower(addr), "example") {
			addr = w.gate.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{world: w, agent: agent, cookies: true, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// site returns the address of a page of the site.
func (w *world) site(pathAndQuery string) string { return w.scheme + "://" + host + pathAndQuery }

// open goes to an address as a person does; header lines ("Name: value") come on top.
func (b *browser) open(address string, headers ...string) response {
	b.t.Helper()
	return b.send("GET", address, append([]string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, headers...)...)
}

func (b *browser) send(method, address string, headers ...string) response {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site(address)
	}
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	// Byte by byte what is asked for, whatever net/url makes of it.
	if target, ok := strings.CutPrefix(address, b.site("")); ok && strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") {
		req.URL.Opaque, req.URL.RawQuery = target, ""
	}
	req.Header.Set("User-Agent", b.agent)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	client := *b.client
	if !b.cookies {
		client.Jar = nil
	}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response{res, string(body)}
}

// follow opens an address and goes on as long as it is redirected.
func (b *browser) follow(address string) response {
	b.t.Helper()
	for range 20 {
		a := b.open(address)
		location := a.Header.Get("Location")
		if location == "" {
			return a
		}
		next, err := a.Request.URL.Parse(location)
		if err != nil {
			b.t.Fatal(err)
		}
		address = next.String()
	}
	b.t.Fatalf("redirected for ever, at last to %s", address)
	return response{}
}

// cookieNames returns the names of the cookies that the browser has for the site.
func (b *browser) cookieNames() []string {
	u, _ := url.Parse(b.site("/"))
	var names []string
	for _, c := range b.client.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// cookie returns the value of a cookie.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.site("/"))
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) deleteCookie(name string) {
	u, _ := url.Parse(b.site("/"))
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1, Secure: b.scheme == "https"}})
}
