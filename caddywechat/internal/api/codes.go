package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// tryCode lets an account ask WeChat about what a program sent, unless too much of what came from its address was
// refused lately: then the error is a tooMany. Where others' of the same address are not decided yet, it waits for
// them.
func (a *API) tryCode(r *visitor.Request, by account.Account, ask func(context.Context) error) error {
	at := client{account.Ref(by), a.Site.ClientNetwork(r)}
	ctx, cancel := context.WithTimeout(r.Context(), 2*a.Timeout) // a call to each of two hosts
	defer cancel()
	err := a.Limiter.acquire(ctx, at, a.Now)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: others' of the same address were not decided in time", weixin.ErrBusy)
	}
	if err != nil {
		return err
	}
	refused := false
	defer func() {
		if a.Limiter.release(at, refused, a.Now()) {
			a.logTooMany(r, at)
		}
	}()
	ctx, cancel = withoutCancel(r.Context())
	defer cancel()
	ctx = weixin.WithRequestID(ctx, r.ID())
	if at.network.IsValid() {
		ctx = weixin.WithCaller(ctx, at.network.String())
	}
	err = ask(ctx)
	refused = isRefusal(err)
	return err
}

// isRefusal reports whether WeChat took what a program sent for wrong, used or too old.
func isRefusal(err error) bool {
	told, isTold := errors.AsType[*account.Problem](err)
	return isTold && told.Refused || errors.Is(err, account.ErrCodeRefused)
}

// tellTooMany tells a program when to come again.
func (a *API) tellTooMany(w http.ResponseWriter, r *visitor.Request, limit tooMany) error {
	problem.RetryAfter(w.Header(), limit.wait)
	return a.Answers.Problem(w, r, problem.TooManyCodes, page.Data{Refused: true})
}

// logTooMany tells the operator of a client that has to wait, and what else the reason may be.
func (a *API) logTooMany(r *visitor.Request, at client) {
	a.limitHint.Do(a.Now(), func() {
		fields := event.RequestFields(r, zap.Stringer("network", at.network), zap.String("account", at.account),
			zap.Duration("for", refusedWithin))
		if address := at.network.Addr(); address.IsPrivate() || address.IsLoopback() {
			fields = append(fields, zap.String("cure", "if visitors come by a proxy at this address, name it as "+
				"trusted_proxies in the global option servers: until then all of them count as one"))
		}
		a.Logger.Warn("too many codes of an address were refused: nobody there can log in by a program for now",
			fields...)
	})
}
