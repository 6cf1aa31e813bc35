// Package weixin is what kinds of account share of WeChat's and WeCom's platform: its hosts, the way its API answers,
// the calls that several kinds make, and the server tokens and tickets that all instances of a site share.
//
// It owns whatever is sent to WeChat: an app's secret leaves [App] here and nowhere else, and no error, log line or
// cache key of the package holds a secret, a code or a URL. It knows identities, and neither accounts, stores nor
// Caddy; where server tokens are shared it is told by a [TokenCache].
package weixin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Client calls WeChat's API. Its fields must not change once it is in use.
type Client struct {
	Hosts     Hosts
	Transport http.RoundTripper // nil: one for the whole process, which honours HTTPS_PROXY
	Timeout   time.Duration     // for one call to one host from beginning to end; 0: DefaultTimeout
	Now       func() time.Time  // nil: time.Now
	Logger    *zap.Logger       // for the line that says which host is called from now on; nil: none

	app    string  // whose calls these are
	parent *Client // the client that ForApp was called of, nil for others
	detour detour
}

// ForApp returns a client for the calls of one app, which has a share of those that may be under way. A hundred apps
// don't learn one by one that a host is down: what one of them sees all clients made of c know.
func (c *Client) ForApp(app string) *Client {
	return &Client{
		Hosts: c.Hosts, Transport: c.Transport, Timeout: c.Timeout, Now: c.Now, Logger: c.Logger,
		app: app, parent: c,
	}
}

// DefaultTimeout bounds one call.
const DefaultTimeout = 5 * time.Second

// What can go wrong beside an [Error] that WeChat names. No error of this package holds a URL, and so no secret.
var (
	// ErrTimeout: no whole answer within the client's timeout.
	ErrTimeout = errors.New("WeChat did not answer in time")
	// ErrUnreachable: no connection, or one that broke.
	ErrUnreachable = errors.New("WeChat could not be reached")
	// ErrBusy: too many calls are under way, of this process, the app or the caller; this one was not made.
	ErrBusy = errors.New("too many calls to WeChat are under way")
	// ErrNoCode: what was to be exchanged is no code of WeChat's at first sight; it was not sent.
	ErrNoCode = errors.New("that is no code of WeChat's")
	// ErrTokenRefused: WeChat refuses the server token that it says is the latest; what it says of it is wrapped, too.
	ErrTokenRefused = errors.New("the server token is the latest that WeChat gives, and is refused")
	// ErrAnswer: an answer that is none of WeChat's API: HTML, nothing at all, too long.
	ErrAnswer = errors.New("WeChat's answer was not understood")
	// ErrUnreadable is an ErrAnswer, too: an answer of the API, but not as it is documented. It will be so again.
	ErrUnreadable = fmt.Errorf("%w, although it is one of its API", ErrAnswer)
)

// maxAnswer is the length in bytes of the longest answer that is read. WeChat's own are below 4 KiB.
const maxAnswer = 64 << 10

// transport serves the whole process, so that connections outlive a reload of the configuration. It keeps as many idle
// connections as there may be calls.
var transport = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	TLSHandshakeTimeout:    5 * time.Second,
	MaxIdleConns:           2 * maxInFlight,
	MaxIdleConnsPerHost:    maxInFlight,
	IdleConnTimeout:        60 * time.Second,
	MaxResponseHeaderBytes: 64 << 10,
}

// call is one call of the API: a GET, or with a body a POST of JSON.
type call struct {
	path  string
	query query
	body  []byte
}

// getOnce calls an API by GET, sends the request at most once, and decodes the answer into out. An answer that names an
// errcode other than 0 is an *[Error].
func (c *Client) getOnce(ctx context.Context, path string, query query, out any) error {
	return c.call(ctx, call{path: path, query: query}, out, false)
}

// getRepeatable is getOnce for a call that does no harm when it is made twice: where one host fails, the other is
// asked.
func (c *Client) getRepeatable(ctx context.Context, path string, query query, out any) error {
	return c.call(ctx, call{path: path, query: query}, out, true)
}

// postRepeatable is getRepeatable by POST, with body as JSON.
func (c *Client) postRepeatable(ctx context.Context, path string, body, out any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, call{path: path, body: encoded}, out, true)
}

// postOnce is getOnce by POST, with body as JSON.
func (c *Client) postOnce(ctx context.Context, path string, query query, body, out any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, call{path: path, query: query, body: encoded}, out, false)
}

// getFromWeCom calls WeCom's API by GET.
func (c *Client) getFromWeCom(ctx context.Context, path string, query query, out any) error {
	return c.callWeCom(ctx, call{path: path, query: query}, out)
}

// postToWeCom calls WeCom's API by POST, with body as JSON.
func (c *Client) postToWeCom(ctx context.Context, path string, query query, body, out any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.callWeCom(ctx, call{path: path, query: query, body: encoded}, out)
}

// callWeCom makes one call: WeCom has one host only.
func (c *Client) callWeCom(ctx context.Context, call call, out any) error {
	_, err := c.callAt(ctx, c.Hosts.WeCom, call, out)
	if apiErr, ok := errors.AsType[*Error](err); ok {
		apiErr.WeCom = true
	}
	return err
}

func (c *Client) call(ctx context.Context, call call, out any, repeatable bool) error {
	host, other := c.hosts()
	sent, err := c.callAt(ctx, host, call, out)
	if err == nil || other == "" || ctx.Err() != nil {
		return err
	}
	failed := isFailureOfHost(err)
	if failed {
		c.avoid(host, err)
	}
	if failed && !sent || repeatable && (failed || isSystemError(err)) {
		_, err = c.callAt(ctx, other, call, out)
	}
	return err
}

// callAt makes one call to one host. It reports whether the request may have got there.
func (c *Client) callAt(ctx context.Context, host string, call call, out any) (sent bool, err error) {
	app, caller := flightApp{c.Hosts.API, c.app}, callerOf(ctx)
	if err := inFlight.acquire(app, caller); err != nil {
		return false, err
	}
	defer inFlight.release(app, caller)
	timeout := c.timeout()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	body, err := c.fetch(ctx, host, call)
	switch {
	case err == nil:
		return true, decode(body, out)
	case errors.Is(err, ErrAnswer):
		return true, err
	case isTimeout(ctx, err):
		return connected.Load(), fmt.Errorf("%w: %s, %s", ErrTimeout, call.path, timeout)
	default:
		return connected.Load(), fmt.Errorf("%w: %s: %w", ErrUnreachable, call.path, err)
	}
}

func (c *Client) timeout() time.Duration {
	if c.Timeout != 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

// fetch goes through the transport itself: an http.Client would follow redirects and put the URL, in which the app
// secret stands, into its errors. The body is never nil, which keeps the transport from sending the request again when
// a connection breaks: WeChat may have taken the code by then.
func (c *Client) fetch(ctx context.Context, host string, call call) ([]byte, error) {
	method, url := http.MethodGet, host+call.path
	if call.body != nil {
		method = http.MethodPost
	}
	if len(call.query) > 0 {
		url += "?" + string(call.query)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, io.NopCloser(bytes.NewReader(call.body)))
	if err != nil {
		return nil, errors.New("the address of WeChat's API is no URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "caddywechat")
	if call.body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = int64(len(call.body))
	}
	rt := c.Transport
	if rt == nil {
		rt = transport
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrAnswer, maxAnswer)
	}
	if !json.Valid(sanitize(body)) {
		return nil, fmt.Errorf("%w: HTTP status %d, content type %.40q, %d bytes that are not JSON",
			ErrAnswer, res.StatusCode, res.Header.Get("Content-Type"), len(body))
	}
	return body, nil
}

func isTimeout(ctx context.Context, err error) bool {
	var netErr net.Error
	return errors.Is(ctx.Err(), context.DeadlineExceeded) ||
		errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}

// decode reads an answer by its errcode, never by the HTTP status or the content type: WeChat sends errors with status
// 200, and successes as text/plain.
func decode(body []byte, out any) error {
	var e struct {
		Code    number `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if e.Code != 0 {
		return &Error{Code: int(e.Code), Message: e.Message}
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}

// sanitize makes of an answer, in place, what it was meant to be: nicknames were seen with raw control characters in
// them, which JSON forbids, and texts with a byte order mark in front.
func sanitize(body []byte) []byte {
	for i, c := range body {
		if c < ' ' {
			body[i] = ' '
		}
	}
	if bom := []byte("\ufeff"); bytes.HasPrefix(body, bom) {
		copy(body, "   ")
	}
	return body
}

// number is a number that may also come as a string.
type number int64

// UnmarshalJSON takes 1, "1" and "".
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	return json.Unmarshal([]byte(text), (*int64)(n))
}
