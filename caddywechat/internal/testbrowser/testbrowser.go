// Package testbrowser is an HTTP client for tests and measurements that does what a browser does where that matters to
// a login: it keeps cookies, names itself in a User-Agent, and asks for pages with the Accept header of a navigation.
// Unlike a browser it shows every redirect to its caller, and reaches every host on the loopback interface, whatever
// its name.
package testbrowser

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// User-Agent headers of browsers.
const (
	InWeChat = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"
	OnDesktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	OnPhone   = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 " +
		"Mobile Safari/537.36"
)

// Accept headers of a navigation, and of a script's fetch.
const (
	AcceptPage  = "text/html,application/xhtml+xml,*/*;q=0.8"
	AcceptFetch = "*/*"
)

// maxRedirects is how many responses Follow takes, as many as browsers do.
const maxRedirects = 20

// Config says what is special about a browser. All of it may be left out.
type Config struct {
	// Agent is the User-Agent header, InWeChat unless another is given.
	Agent string
	// Base is put in front of addresses that begin with a slash, such as "https://h5.example.com:8443".
	Base string
	// Retry says after which errors Open asks once more, as browsers do where a connection ended before the response:
	// for example while a server is reloaded. Without it Open never does.
	Retry func(error) bool
	// Transport is shared with other browsers. Without it the browser has connections of its own.
	Transport *http.Transport
}

// Browser keeps the cookies of one visitor. One whose Jar is set to nil keeps none.
type Browser struct {
	*http.Client
	Agent string
	Base  string
	Retry func(error) bool
}

// New returns a browser that nobody has used yet.
func New(c Config) *Browser {
	jar, _ := cookiejar.New(nil) // which fails never
	if c.Transport == nil {
		c.Transport = NewTransport(Loopback)
	}
	if c.Agent == "" {
		c.Agent = InWeChat
	}
	return &Browser{Agent: c.Agent, Base: c.Base, Retry: c.Retry, Client: &http.Client{
		Jar: jar, Transport: c.Transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// NewTransport returns a transport that trusts every certificate, speaks HTTP/2 where it can, and connects where
// connectTo says for the host and port of a URL.
func NewTransport(connectTo func(hostPort string) string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, connectTo(address))
		},
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
	}
}

// Loopback is where a host of any name is reached: on 127.0.0.1, at the same port. An IP address is reached as it is.
func Loopback(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || net.ParseIP(host) != nil {
		return hostPort
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// Response is a response whose body has been read.
type Response struct {
	*http.Response
	Text string // the body
}

// Read reads a response to its end.
func Read(res *http.Response) (Response, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return Response{res, string(body)}, err
}

// Next returns the address that the response redirects to, "" for none.
func (r Response) Next() string {
	if u, err := r.Location(); err == nil {
		return u.String()
	}
	return ""
}

// String describes the response in a message about a failure.
func (r Response) String() string {
	if r.Response == nil {
		return "no response"
	}
	return fmt.Sprintf("%s %s: status %d, redirect to %q: %.300s",
		r.Request.Method, r.Request.URL, r.StatusCode, r.Next(), r.Text)
}

// NewRequest makes a request with header lines such as "Accept: */*", whose names are sent as they are written. The
// browser adds its User-Agent unless a line has one.
func (b *Browser) NewRequest(ctx context.Context, method, address, body string, lines ...string) (*http.Request,
	error,
) {
	if strings.HasPrefix(address, "/") {
		address = b.Base + address
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	if !has(lines, "User-Agent") {
		req.Header.Set("User-Agent", b.Agent)
	}
	return req, nil
}

// Fetch sends a request that NewRequest made, and reads the response.
func (b *Browser) Fetch(req *http.Request) (Response, error) {
	res, err := b.Do(req)
	if err != nil {
		return Response{}, err
	}
	return Read(res)
}

// Send sends a request with the given header lines, a User-Agent and the cookies, and nothing else.
func (b *Browser) Send(ctx context.Context, method, address, body string, lines ...string) (Response, error) {
	req, err := b.NewRequest(ctx, method, address, body, lines...)
	if err != nil {
		return Response{}, err
	}
	return b.Fetch(req)
}

// Open asks for a page as a person does who opens its address. A line with another Accept takes the place of a
// navigation's.
func (b *Browser) Open(ctx context.Context, address string, lines ...string) (Response, error) {
	if !has(lines, "Accept") {
		lines = append([]string{"Accept: " + AcceptPage}, lines...)
	}
	r, err := b.Send(ctx, http.MethodGet, address, "", lines...)
	if err != nil && b.Retry != nil && b.Retry(err) {
		r, err = b.Send(ctx, http.MethodGet, address, "", lines...)
	}
	return r, err
}

// Follow opens a page and follows redirects until a response has none. It returns every response, the last one also
// where it fails.
func (b *Browser) Follow(ctx context.Context, address string) ([]Response, error) {
	var chain []Response
	for len(chain) < maxRedirects {
		r, err := b.Open(ctx, address)
		if err != nil {
			return chain, err
		}
		chain = append(chain, r)
		if address = r.Next(); address == "" {
			return chain, nil
		}
	}
	return chain, errors.New("redirected too often, at last to " + address)
}

// Cookies returns the cookies that the browser sends to an address.
func (b *Browser) Cookies(address string) []*http.Cookie { return b.Jar.Cookies(b.parse(address)) }

// SetCookies stores cookies as if a response from an address had set them.
func (b *Browser) SetCookies(address string, cookies ...*http.Cookie) {
	b.Jar.SetCookies(b.parse(address), cookies)
}

// parse panics where an address of the test's own is none.
func (b *Browser) parse(address string) *url.URL {
	if strings.HasPrefix(address, "/") {
		address = b.Base + address
	}
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}

// CookieHeader returns cookies as the value of a Cookie header.
func CookieHeader(cookies []*http.Cookie) string {
	pairs := make([]string, 0, len(cookies))
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// has reports whether one of the header lines has a name, however it is written.
func has(lines []string, name string) bool {
	for _, line := range lines {
		if written, _, _ := strings.Cut(line, ": "); textproto.CanonicalMIMEHeaderKey(written) == name {
			return true
		}
	}
	return false
}
