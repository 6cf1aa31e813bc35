package login

import (
	"context"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// exchange gives a code to the account that an attempt was started with, once, and makes a session of what comes.
func (f *Flow) exchange(ctx context.Context, c *callback, code string) Result {
	ctx = weixin.WithRequestID(ctx, c.ID())
	if network := f.Site.ClientNetwork(c.Request); network.IsValid() {
		ctx = weixin.WithCaller(ctx, network.String())
	}
	granted, err := c.account.Exchange(ctx, code, c.attempt.Profile)
	if err != nil {
		return Result{Err: err}
	}
	s, err := f.issue(ctx, c, granted)
	if err != nil {
		return Result{Err: err}
	}
	return Result{Session: s}
}
