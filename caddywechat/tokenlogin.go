package caddywechat

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
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// bodyTimeout is how long a program may take to post.
const bodyTimeout = 10 * time.Second

// maxBody is the length in bytes of the longest body that an endpoint reads.
const maxBody = 64 << 10

// accountEndpoints returns the addresses that the site's accounts bring, by what stands behind the prefix.
func (h *Handler) accountEndpoints() map[string]endpoint {
	found := map[string]endpoint{}
	for _, a := range h.accounts {
		if a, ok := a.(account.TokenLogin); ok {
			found[a.Kind()+"/login"] = posted(func(h *Handler, w http.ResponseWriter, v *visit) error {
				return h.tokenLogin(w, v, a)
			})
		}
		brings, ok := a.(account.Endpoints)
		if !ok {
			continue
		}
		for _, e := range brings.Endpoints() {
			found[a.Kind()+"/"+e.Name] = posted(func(h *Handler, w http.ResponseWriter, v *visit) error {
				return h.serveAccount(w, v, a, e)
			})
		}
	}
	return found
}

func posted(serve func(*Handler, http.ResponseWriter, *visit) error) endpoint {
	return endpoint{methods: []string{http.MethodPost}, late: true, serve: serve}
}

// tokenAnswer is what a program gets for a code.
type tokenAnswer struct {
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expires_in"` // in seconds
	User      string `json:"user"`
	OpenID    string `json:"openid,omitempty"`
	UnionID   string `json:"unionid,omitempty"`
}

// tokenLogin gives a program a token for the code that it got from WeChat.
func (h *Handler) tokenLogin(w http.ResponseWriter, v *visit, a account.TokenLogin) error {
	body, p := h.readOrder(w, v)
	if p != nil {
		return h.answer(w, v, *p, page.Data{})
	}
	var order struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &order) != nil || order.Code == "" {
		p := badOrder(`write {"code":"…"} as JSON, with the code that WeChat gave: a form is not read`)
		return h.answer(w, v, p, page.Data{})
	}
	if !isCode(order.Code) {
		return h.answer(w, v, badOrder("what stands as code is no code of WeChat's: it is too long"), page.Data{})
	}
	if _, err := h.keyring.sealers(v.Context()); err != nil {
		return h.fail(w, v, problemStore, err)
	}
	var s session.Session
	err := h.tryCode(v, a, func(ctx context.Context) (err error) {
		s, err = h.loginByCode(ctx, a, order.Code)
		return err
	})
	if err != nil {
		return h.refuseToken(w, v, a, err)
	}
	if !h.isLive(&s, session.Lives{Lifetime: h.lives.Lifetime}) { // revoked at this very second
		return h.tokenRequired(w, v, a)
	}
	h.logger.Info("token login", v.log(zap.String("outcome", "logged in"), zap.String("account", a.Kind()),
		zap.String("user_id", h.person(a, s.Identity)), zap.Stringer("session", s.ID))...)
	return h.giveToken(w, v, a, s)
}

// giveToken gives a program the token of a session.
func (h *Handler) giveToken(w http.ResponseWriter, v *visit, a account.Account, s session.Session) error {
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	sealed, err := sealers.session[asToken].Seal(h.site(v.origin), s)
	if err != nil {
		return h.fail(w, v, problemInternal, err)
	}
	return writeJSON(w, http.StatusOK, tokenAnswer{
		Token:     tokenMark + sealed,
		ExpiresIn: s.End(session.Lives{Lifetime: h.lives.Lifetime}).Unix() - h.now().Unix(),
		User:      h.person(a, s.Identity),
		OpenID:    s.Identity.Get(identity.OpenID),
		UnionID:   s.Identity.Get(identity.UnionID),
	})
}

// loginByCode returns a new session of the person whom a code stands for.
func (h *Handler) loginByCode(ctx context.Context, a account.TokenLogin, code string) (session.Session, error) {
	grant, err := a.Login(ctx, code)
	if err != nil {
		return session.Session{}, err
	}
	id := grant.Identity.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID())
	if !admits(a, id) || id.Get(identity.Snapshot) != "" {
		return session.Session{}, account.ErrNotAMember
	}
	if id, err = h.identify(ctx, a, id); errors.Is(err, store.ErrNotFound) {
		return session.Session{}, errNoUnionID
	} else if err != nil {
		return session.Session{}, err
	}
	grant.RefreshToken = "" // a program keeps its token, and with it the profile of the login
	h.keepGranted(ctx, a, id, grant)
	return h.newSession(ctx, a, id, h.lives.Lifetime), nil
}

// refuseToken tells a program why it gets no token.
func (h *Handler) refuseToken(w http.ResponseWriter, v *visit, a account.TokenLogin, err error) error {
	if v.Context().Err() != nil {
		return nil // nobody is there any more
	}
	if limit, ok := errors.AsType[tooMany](err); ok {
		return h.tellTooMany(w, v, limit)
	}
	p := problemOfLogin(err)
	fields := v.log(zap.String("outcome", "refused"), zap.String("account", a.Kind()), zap.Error(err), cure(err))
	if p.status >= http.StatusInternalServerError {
		h.logger.Error("token login", fields...)
	} else {
		h.logger.Info("token login", fields...)
	}
	return h.answer(w, v, p, page.Data{})
}

// problemOfLogin returns what a program is told of a login that did not work out.
func problemOfLogin(err error) problem {
	told, isTold := errors.AsType[*account.Problem](err)
	apiErr, isNamed := errors.AsType[*weixin.Error](err)
	switch {
	case isTold:
		return problem{told.Status, told.Word, told.Message, page.BadRequest}
	case errors.Is(err, account.ErrCodeRefused):
		return problemCodeUsed
	case errors.Is(err, account.ErrNotAMember):
		return problemNotAMember
	case errors.Is(err, errNoUnionID):
		return problemNoUnionID
	case errors.Is(err, store.ErrStore):
		return problemStore
	case isNamed && apiErr.IsBusy() && apiErr.Code != -1:
		return problemBusy // a quota: to be told apart from a failure, since asking again at once makes it worse
	default:
		return problemOf(err)
	}
}

// serveAccount answers what an account offers to the programs of its people. A cookie does not do: another site's page
// could make a browser send it.
func (h *Handler) serveAccount(w http.ResponseWriter, v *visit, a account.Account, e account.Endpoint) error {
	if len(v.tokens) == 0 {
		return h.tokenRequired(w, v, a)
	}
	s, err := h.liveSession(v)
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	if s == nil || s.Identity.Get(identity.Account) != a.Kind() {
		return h.tokenRequired(w, v, a)
	}
	body, p := h.readOrder(w, v)
	if p != nil {
		return h.answer(w, v, *p, page.Data{})
	}
	secret, err := h.secret(v.Context(), h.personKey(secretArea, a, s.Identity.Get(identity.ID)))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return h.fail(w, v, problemStore, err)
	}
	var answer any
	err = h.tryCode(v, a, func(ctx context.Context) (err error) {
		answer, err = e.Serve(ctx, account.Call{Identity: s.Identity, SessionSecret: secret, Body: body})
		return err
	})
	if limit, ok := errors.AsType[tooMany](err); ok {
		return h.tellTooMany(w, v, limit)
	}
	if err != nil {
		p := problemOfLogin(err)
		if v.Context().Err() == nil && p.status >= http.StatusInternalServerError {
			h.logger.Error("an account's endpoint failed", v.log(zap.String("account", a.Kind()), zap.String("endpoint", e.Name),
				zap.Error(err), cure(err))...)
		}
		return h.answer(w, v, p, page.Data{})
	}
	return writeJSON(w, http.StatusOK, answer)
}

// badOrder tells a program what is wrong with what it posted.
func badOrder(message string) problem {
	p := problemBadRequest
	p.message = message
	return p
}

// readOrder reads what a program posted to an account. What another site's page makes a browser post is nobody's
// order, and counts for nobody: it cannot be JSON, for which browsers ask first. Mini-programs on a computer send
// JSON, and call themselves another site.
func (h *Handler) readOrder(w http.ResponseWriter, v *visit) ([]byte, *problem) {
	if v.origin.host == "" {
		return nil, &problemBadRequest
	}
	if isFromElsewhere(v) && !strings.HasPrefix(v.Header.Get("Content-Type"), "application/json") {
		p := badOrder("send JSON, and Content-Type: application/json, where the request comes from another origin")
		return nil, &p
	}
	// The real clock, for the connection's sake. Not every writer can; then the server's own limits hold.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, v.Body, maxBody))
	_ = connection.SetReadDeadline(time.Time{}) // or what comes next would end with it
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &problemTooLarge
	}
	if err != nil {
		return nil, &problemBadRequest
	}
	return body, nil
}
