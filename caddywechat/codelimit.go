package caddywechat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// askTimeout bounds all that an account does for a program: whatever calls WeChat has deadlines of its own.
const askTimeout = time.Minute

// tryCode lets an account ask WeChat about what a program sent, unless too much of what came from its address was
// refused lately: then the error is a tooMany. Where others' of the same address are not decided yet, it waits for
// them.
func (h *Handler) tryCode(v *visit, a account.Account, ask func(context.Context) error) error {
	at := refusedAt{account.Ref(a), h.networkOf(v)}
	ctx, cancel := context.WithTimeout(v.Context(), 2*h.timeout) // a call to each of two hosts
	defer cancel()
	err := h.memory.refusals.begin(ctx, at, h.now)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: others' of the same address were not decided in time", weixin.ErrBusy)
	}
	if err != nil {
		return err
	}
	refused := false
	defer func() {
		if h.memory.refusals.end(at, refused, h.now()) {
			h.logTooMany(v, at)
		}
	}()
	// A program that leaves has asked WeChat all the same: what became of its code counts.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(v.Context()), askTimeout)
	defer cancel()
	err = ask(asCaller(ctx, at.network))
	refused = isRefusal(err)
	return err
}

// asCaller returns a context for calls of WeChat that a network's client caused.
func asCaller(ctx context.Context, network netip.Prefix) context.Context {
	if !network.IsValid() {
		return ctx
	}
	return weixin.WithCaller(ctx, network.String())
}

// isRefusal reports whether WeChat took what a program sent for wrong, used or too old.
func isRefusal(err error) bool {
	told, isTold := errors.AsType[*account.Problem](err)
	if isTold {
		return told.Refused || told.Word == problemCodeUsed.word
	}
	return errors.Is(err, account.ErrCodeRefused)
}

// tellTooMany tells a program when to come again.
func (h *Handler) tellTooMany(w http.ResponseWriter, v *visit, limit tooMany) error {
	seconds := max(1, int(math.Ceil(limit.wait.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return h.answer(w, v, problemTooManyCodes, page.Data{Refused: true})
}

// logTooMany tells the operator of a client that has to wait, and what else the reason may be.
func (h *Handler) logTooMany(v *visit, at refusedAt) {
	if !h.tooManyHint.allow(h.now()) {
		return
	}
	fields := v.log(zap.Stringer("network", at.network), zap.String("account", at.account),
		zap.Duration("for", refusedWithin))
	if address := at.network.Addr(); address.IsPrivate() || address.IsLoopback() {
		fields = append(fields, zap.String("cure", "if visitors come by a proxy at this address, name it as "+
			"trusted_proxies in the global option servers: until then all of them count as one"))
	}
	h.logger.Warn("too many codes of an address were refused: nobody there can log in by a program for now", fields...)
}
