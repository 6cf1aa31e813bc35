package api

import (
	"context"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// TokenLogin gives a program a token for the code that it got from WeChat.
func (a *API) TokenLogin(w http.ResponseWriter, r *visitor.Request, by account.TokenLogin) error {
	code, p := a.readCode(w, r)
	if p != nil {
		return a.Answers.Problem(w, r, *p, page.Data{})
	}
	if _, err := a.Sessions.Keys.Keyset(r.Context()); err != nil {
		return a.Answers.Fail(w, r, problem.Store, err)
	}
	var s session.Session
	err := a.tryCode(r, by, func(ctx context.Context) error {
		granted, err := by.Login(ctx, code)
		if err != nil {
			return err
		}
		s, err = a.Login.IssueToken(ctx, by, granted)
		return err
	})
	if err != nil {
		return a.refuseToken(w, r, by, err)
	}
	if !a.Sessions.IsLive(&s, a.Sessions.Policy.WithoutIdle()) { // revoked at this very second
		return a.Login.TokenRequired(w, r, by)
	}
	a.Events.Emit(event.Event{
		Subject: event.TokenLogin, Outcome: event.LoggedIn, Request: r, Account: by.Kind(), AppID: account.Ref(by),
		UserID: a.Sessions.UserID(&s), Session: s.ID.String(),
	})
	return a.Login.GiveToken(w, r, s)
}

// refuseToken tells a program why it gets no token.
func (a *API) refuseToken(w http.ResponseWriter, r *visitor.Request, by account.TokenLogin, err error) error {
	if r.Context().Err() != nil {
		return nil // nobody is there any more
	}
	if limit, ok := errors.AsType[tooMany](err); ok {
		return a.tellTooMany(w, r, limit)
	}
	p := problem.OfProgram(err)
	a.Events.Emit(event.Event{
		Subject: event.TokenLogin, Outcome: problem.OutcomeOf(err), Request: r,
		Account: by.Kind(), AppID: account.Ref(by), Err: err, ByClient: !p.IsServerError(), Cure: problem.Cure(err),
	})
	return a.Answers.Problem(w, r, p, page.Data{})
}

// Serve answers what an account offers to the programs of its people. A cookie does not do: another site's page could
// make a browser send it.
func (a *API) Serve(w http.ResponseWriter, r *visitor.Request, of account.Account, e account.Endpoint) error {
	if len(r.Tokens) == 0 {
		return a.Login.TokenRequired(w, r, of)
	}
	s, err := a.Sessions.Find(r)
	if err != nil {
		return a.Answers.Fail(w, r, problem.Store, err)
	}
	if s == nil || a.Accounts.Of(s.Account, s.Identity) != of {
		return a.Login.TokenRequired(w, r, of)
	}
	body, p := a.readBody(w, r)
	if p != nil {
		return a.Answers.Problem(w, r, *p, page.Data{})
	}
	secret, err := a.Grants.Secret(r.Context(), of, s.Identity.Get(identity.ID))
	if err != nil {
		return a.Answers.Fail(w, r, problem.Store, err)
	}
	var answer any
	err = a.tryCode(r, of, func(ctx context.Context) (err error) {
		answer, err = e.Serve(ctx, account.Call{Identity: s.Identity, SessionSecret: secret, Body: body})
		return err
	})
	if limit, ok := errors.AsType[tooMany](err); ok {
		return a.tellTooMany(w, r, limit)
	}
	if err != nil {
		p := problem.OfProgram(err)
		if r.Context().Err() == nil && p.IsServerError() {
			a.Logger.Error("an account's endpoint failed", event.RequestFields(r, zap.String("account", of.Kind()),
				zap.String("app_id", account.Ref(of)), zap.String("endpoint", e.Name), zap.Error(err),
				problem.CureField(err))...)
		}
		return a.Answers.Problem(w, r, p, page.Data{})
	}
	return a.Answers.JSON(w, http.StatusOK, answer)
}
