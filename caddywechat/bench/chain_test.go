package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddywechat/caddy-wechat/caddywechat"
)

func init() {
	caddy.RegisterModule(nowhere{})
	caddy.RegisterModule(nothing{})
	httpcaddyfile.RegisterHandlerDirective("nothing", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return nothing{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("nothing", httpcaddyfile.Before, "reverse_proxy")
}

// nowhere is a transport of reverse_proxy that writes the request as for a socket, and throws it away.
type nowhere struct{}

func (nowhere) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.reverse_proxy.transport.nowhere",
		New: func() caddy.Module { return new(nowhere) },
	}
}

func (*nowhere) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(io.Discard); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:    io.NopCloser(strings.NewReader("<p>Hello</p>")),
		Request: r,
	}, nil
}

// nothing is a handler that does nothing: what it seems to cost is the noise of a measurement.
type nothing struct{}

func (nothing) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.nothing", New: func() caddy.Module { return new(nothing) }}
}

func (nothing) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

const (
	host     = "h5.example.com"
	key      = "Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP"
	platform = "http://127.0.0.1:1" // nobody is asked anything here
	app      = "reverse_proxy app.internal:8080 {\ntransport nowhere\n}\n"
)

// chain is a site of a Caddy server that listens nowhere.
type chain struct{ server *caddyhttp.Server }

// newChain makes a site with these directives in front of the app.
func newChain(tb testing.TB, directives string) chain {
	return newChainOf(tb, "http://"+host+" {\n"+directives+app+"}\n")
}

// newChainOf makes the server of a whole Caddyfile.
func newChainOf(tb testing.TB, sites string) chain {
	tb.Helper()
	ctx := provision(tb, sites)
	server, err := serverOf(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return chain{server}
}

func provision(tb testing.TB, sites string) caddy.Context {
	tb.Helper()
	text := fmt.Sprintf("{\nstorage file_system %s\nlog {\noutput discard\n}\n}\n%s", tb.TempDir(), sites)
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		tb.Fatal(err)
	}
	var config caddy.Config
	if err := caddy.StrictUnmarshalJSON(raw, &config); err != nil {
		tb.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		tb.Fatal(err)
	}
	return ctx
}

func serverOf(ctx caddy.Context) (*caddyhttp.Server, error) {
	module, err := ctx.App("http")
	if err != nil {
		return nil, err
	}
	for _, server := range module.(*caddyhttp.App).Servers {
		return server, nil
	}
	return nil, fmt.Errorf("no server")
}

// gate returns a wechat_auth directive with these options.
func gate(options string) string {
	return fmt.Sprintf("wechat_auth {\nofficial_account %s 4d27eb0f2f4cb9bd0a1f3b6ec4a1a9d2\n"+
		"platform %s\nsession {\nkey %s\n}\n%s\n}\n",
		appID, platform, key, options)
}

// conn is the server's side of one visitor's connection.
type conn struct {
	chain  chain
	ctx    context.Context
	bytes  bytes.Reader
	buffer *bufio.Reader
	answer discarded
	number []byte // the last request that was sent by its number
}

func (c chain) conn() *conn {
	ctx := context.WithValue(context.Background(), http.ServerContextKey, new(http.Server))
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}))
	return &conn{chain: c, ctx: ctx, buffer: bufio.NewReader(nil)}
}

// send serves one raw request, and returns the answer's status.
func (c *conn) send(request []byte) int {
	c.bytes.Reset(request)
	c.buffer.Reset(&c.bytes)
	r, err := http.ReadRequest(c.buffer)
	if err != nil {
		panic(err)
	}
	r.RemoteAddr = "203.0.113.7:51234"
	c.answer = discarded{header: make(http.Header, 8)}
	c.chain.server.ServeHTTP(&c.answer, r.WithContext(c.ctx))
	return c.answer.status
}

// sendNumber serves one of many requests, and returns the answer's status.
func (c *conn) sendNumber(r requests, i int) int {
	c.number = r(c.number[:0], i)
	return c.send(c.number)
}

// discarded is an answer that goes nowhere.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header { return d.header }

func (d *discarded) Write(p []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	return len(p), nil
}

func (d *discarded) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}

// Flush does nothing, as nothing is kept.
func (*discarded) Flush() {}

// somewhere is a page of the site.
const somewhere = "/shop/items/1024?from=list"

// page is a navigation in WeChat's browser on a phone with Android, with a Cookie header unless cookie is "".
func page(path, cookie string) []byte {
	lines := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: keep-alive\r\n" +
		"Upgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (Linux; Android 14; V2309A Build/UP1A.231005.007; wv) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.103 Mobile Safari/537.36 XWEB/1300199 MMWEBSDK/20240802 " +
		"MMWEBID/2817 MicroMessenger/8.0.53.2740(0x2800353D) WeChat/arm64 Weixin " +
		"NetType/WIFI Language/zh_CN ABI/arm64\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/wxpic,image/avif,image/webp," +
		"*/*;q=0.8\r\n" +
		"X-Requested-With: com.tencent.mm\r\n" +
		"Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n" +
		"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7\r\n"
	if cookie != "" {
		lines += "Cookie: " + cookie + "\r\n"
	}
	return []byte(lines + "\r\n")
}
