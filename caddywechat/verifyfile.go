package caddywechat

import (
	"context"
	"crypto/tls"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// verifyFileName is the names of files whose content follows from the name
// (https://developers.weixin.qq.com/doc/service/guide/h5/auth.html,
// https://developer.work.weixin.qq.com/document/path/91022).
var verifyFileName = regexp.MustCompile(`^(?:MP|WW)_verify_([0-9A-Za-z]{16})\.txt$`)

// verifyFile returns what a domain verification file in the root holds, if r asks for one as WeChat does: with nothing
// but its name. The bytes of the request line count, since servers behind would read others in their own ways.
func verifyFile(r *http.Request) (content string, ok bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", false
	}
	name, ok := strings.CutPrefix(visitor.Target(r), "/")
	if !ok || !strings.Contains(name, "_verify_") || r.URL.Path != "/"+name {
		return "", false
	}
	match := verifyFileName.FindStringSubmatch(name)
	if match == nil {
		return "", false
	}
	return match[1], true
}

// verifyTimeout bounds how long the app may take: WeChat itself waits about a second.
const verifyTimeout = 5 * time.Second

// verification answers for domain verification files that wechat_verify does not serve, and that the app may have.
type verification struct {
	answers *problem.Writer
	hint    event.Hint
	now     func() time.Time
}

func newVerification(answers *problem.Writer, now func() time.Time) *verification {
	return &verification{answers: answers, now: now}
}

// serve answers for one. Whoever asks is not logged in, so nothing of the request reaches the app, and nothing of the
// app's answer is passed on that does not follow from the name. Where the app has no such file, the log has the line to
// add: WeChat only says that there is none.
func (v *verification) serve(w http.ResponseWriter, p passage, content string) error {
	name := strings.TrimPrefix(p.URL.Path, "/")
	if appHasFile(p, content) {
		return writeVerifyFile(w, p.Request.Request, content)
	}
	v.hint.Do(v.now(), func() {
		v.answers.Logger.Warn("a domain verification file was asked for and is not there; "+
			"if you are setting up the domain, add the line to the site",
			zap.String("line", "wechat_verify "+name), zap.String("host", p.Host))
	})
	return v.answers.Problem(pinned{w}, p.Request, problem.NotFound, page.Data{Action: "/"})
}

// appHasFile asks what is behind for a verification file, by a request that has nothing of the visitor's but path and
// host, and reports whether it holds exactly that.
func appHasFile(p passage, content string) bool {
	ctx, cancel := context.WithTimeout(p.Context(), verifyTimeout)
	defer cancel()
	setPlaceholders(p.Request.Request, nil)
	path := p.URL.Path
	p.restore()
	w := &fileRecorder{header: make(http.Header), limit: len(content) + 1, tooMuch: cancel}
	w.serve(p.next, requestOfOurOwn(ctx, p.Request, path, w))
	return w.status == http.StatusOK && string(w.body) == content
}

// requestOfOurOwn returns a request for a path, on its way through the same site with all that the site knows by now,
// as a client would send it who says nothing of itself.
func requestOfOurOwn(ctx context.Context, v *visitor.Request, path string, w http.ResponseWriter) *http.Request {
	r := (&http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, RequestURI: path,
		Host: v.Host, RemoteAddr: v.RemoteAddr, TLS: v.TLS,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	if r.TLS == nil && v.Origin.Secure() {
		// A proxy in front ends TLS: nobody is to redirect to https.
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	server, _ := v.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	repl := caddy.NewReplacer()
	r = caddyhttp.PrepareRequest(r, repl, w, server)
	if vars, ok := v.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		maps.Copy(r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any), vars)
	}
	if known, ok := v.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) {
			if strings.HasPrefix(key, "http.request.") {
				return nil, false
			}
			return known.Get(key)
		})
	}
	*r.URL, r.RequestURI = *v.URL, v.RequestURI // which something in front may have rewritten
	return r
}

// fileRecorder keeps the beginning of an answer.
type fileRecorder struct {
	header  http.Header
	status  int
	body    []byte
	limit   int    // of the body, in bytes
	tooMuch func() // ends the request when the limit is reached
}

func (w *fileRecorder) serve(next caddyhttp.Handler, r *http.Request) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { // which is how a proxy says that it broke off
			panic(p)
		}
	}()
	if next.ServeHTTP(w, r) != nil {
		w.status = 0
	}
}

// Header implements [http.ResponseWriter].
func (w *fileRecorder) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *fileRecorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *fileRecorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b[:min(len(b), w.limit-len(w.body))]...)
	if len(w.body) == w.limit {
		w.tooMuch()
	}
	return len(b), nil
}
