// Package api owns what programs and scripts are answered: logins by a code for a token, what an account offers to the
// programs of its people, who somebody is, and signatures for the JS-SDK. It owns the limit on refused codes.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Config is what an [API] is made of. All of it is needed.
type Config struct {
	Site     *site.Site
	Accounts *account.Set
	Sessions *session.Manager
	Grants   *grant.Keeper
	Login    *login.Flow
	Limiter  *Limiter // of the process
	Answers  *problem.Writer
	Events   event.Sink
	Timeout  time.Duration // of one call to WeChat
	// Works asks whether the store works.
	Works  func(context.Context) bool
	Now    func() time.Time
	Logger *zap.Logger
}

// API answers the programs and scripts of one site. It is safe for concurrent use.
type API struct {
	Config
	jssdkHint, limitHint event.Hint
}

// New returns the API of a site.
func New(c Config) *API { return &API{Config: c} }

const (
	// bodyTimeout is how long a program may take to post.
	bodyTimeout = 10 * time.Second
	// maxBody is the length in bytes of the longest body that is read.
	maxBody = 64 << 10
)

// Me tells a page's script who the visitor is.
func (a *API) Me(w http.ResponseWriter, r *visitor.Request) error {
	s, err := a.Sessions.Find(r)
	if err != nil {
		return a.Answers.Fail(w, r, problem.Store, err)
	}
	if s == nil {
		return a.Login.LoginRequired(w, r)
	}
	body := map[string]string{"expires_at": s.Expiry(a.Sessions.PolicyOf(r)).UTC().Format(time.RFC3339)}
	for _, f := range s.Identity {
		body[f.Name] = f.Value
	}
	return a.Answers.JSON(w, http.StatusOK, body)
}

// Health tells a balancer whether all that visitors may need works here: the session key, and the store.
func (a *API) Health(w http.ResponseWriter, r *visitor.Request) error {
	status := http.StatusOK
	if _, err := a.Sessions.Keys.Keyset(r.Context()); err != nil || !a.Works(r.Context()) {
		status = http.StatusServiceUnavailable
	}
	problem.SetHeaders(w.Header())
	w.WriteHeader(status)
	return nil
}

// tokenRequest is what a program posts for a token.
type tokenRequest struct {
	Code string `json:"code"`
}

// readCode reads the code that a program posted.
func (a *API) readCode(w http.ResponseWriter, r *visitor.Request) (code string, p *problem.Problem) {
	body, p := a.readBody(w, r)
	if p != nil {
		return "", p
	}
	var request tokenRequest
	if json.Unmarshal(body, &request) != nil || request.Code == "" {
		return "", badRequest(`write {"code":"…"} as JSON, with the code that WeChat gave: a form is not read`)
	}
	if !login.IsCode(request.Code) {
		return "", badRequest("what stands as code is no code of WeChat's: it is too long")
	}
	return request.Code, nil
}

// badRequest tells a program what is wrong with what it posted.
func badRequest(message string) *problem.Problem {
	p := problem.BadRequest.With(message)
	return &p
}

// readBody reads what a program posted. What another site's page makes a browser post is nobody's request, and counts
// for nobody: it cannot be JSON, for which browsers ask first. Mini-programs on a computer send JSON, and call
// themselves another site.
func (a *API) readBody(w http.ResponseWriter, r *visitor.Request) ([]byte, *problem.Problem) {
	if r.Origin.Host == "" {
		return nil, &problem.BadRequest
	}
	if site.IsCrossSite(r) && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, badRequest("send JSON, and Content-Type: application/json, " +
			"where the request comes from another origin")
	}
	// The real clock, for the connection's sake. Not every writer can; then the server's own limits hold.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = connection.SetReadDeadline(time.Time{}) // or what comes next would end with it
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &problem.TooLarge
	}
	if err != nil {
		return nil, &problem.BadRequest
	}
	return body, nil
}

// askTimeout bounds all that an account does for a program: whatever calls WeChat has deadlines of its own.
const askTimeout = time.Minute

// withoutCancel returns a context for a call whose client may leave: it has asked WeChat all the same, and what became
// of its code counts.
func withoutCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
}
