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

// browser is a visitor's browser with cookies of its own. It follows no redirect by itself.
type browser struct {
	*world
	agent   string
	client  *http.Client
	cookies bool // whether it keeps and sends any
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

// open requests an address as a person does. Header lines ("Name: value") come on top.
func (b *browser) open(address string, headers ...string) response {
	b.t.Helper()
	return b.send("GET", address, append([]string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, headers...)...)
}

// send sends a request without a body, and with these header lines only.
func (b *browser) send(method, address string, headers ...string) response {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site(address)
	}
	req := b.newRequest(method, address, "", headers)
	// The request target is sent byte by byte as it is, whatever net/url makes of it.
	target, ok := strings.CutPrefix(address, b.site(""))
	if ok && strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") {
		req.URL.Opaque, req.URL.RawQuery = target, ""
	}
	return b.fetch(req)
}

// post sends JSON, unless a header line has another Content-Type.
func (b *browser) post(path, body string, headers ...string) response {
	b.t.Helper()
	req := b.newRequest("POST", b.site(path), body, headers)
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return b.fetch(req)
}

// newRequest makes a request with header lines, whose names are sent as they are written.
func (b *browser) newRequest(method, address, body string, headers []string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("User-Agent", b.agent)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	return req
}

// fetch sends a request and reads the response.
func (b *browser) fetch(req *http.Request) response {
	b.t.Helper()
	client := *b.client
	if !b.cookies {
		client.Jar = nil
	}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response{res, string(body)}
}

// follow opens an address and follows redirects.
func (b *browser) follow(address string) response {
	b.t.Helper()
	for range 20 {
		a := b.open(address)
		location := a.location()
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

// siteCookies returns the cookies that the browser sends to the site, by name and value.
func (b *browser) siteCookies() []*http.Cookie {
	return b.client.Jar.Cookies(&url.URL{Scheme: b.scheme, Host: host, Path: "/"})
}

// setCookies stores cookies as if the site had set them for all its paths.
func (b *browser) setCookies(cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Path = "/"
	}
	b.client.Jar.SetCookies(&url.URL{Scheme: b.scheme, Host: host, Path: "/"}, cookies)
}

// changeCookies changes every cookie of the site.
func (b *browser) changeCookies(change func(*http.Cookie)) {
	cookies := b.siteCookies()
	for _, c := range cookies {
		change(c)
	}
	b.setCookies(cookies)
}

func (b *browser) deleteCookies() { b.changeCookies(func(c *http.Cookie) { c.MaxAge = -1 }) }

func (b *browser) deleteCookie(name string) {
	b.setCookies([]*http.Cookie{{Name: name, MaxAge: -1, Secure: b.scheme == "https"}})
}

// cookieNames returns the names of the site's cookies, sorted.
func (b *browser) cookieNames() []string {
	var names []string
	for _, c := range b.siteCookies() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// cookie returns the value of one of the site's cookies, "" for none.
func (b *browser) cookie(name string) string {
	for _, c := range b.siteCookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// cookieSize returns how many bytes the site's cookies that meet a condition take in each request.
func (b *browser) cookieSize(counts func(name string) bool) (size int) {
	for _, c := range b.siteCookies() {
		if counts(c.Name) {
			size += len(c.Name + "=" + c.Value + "; ")
		}
	}
	return size
}
