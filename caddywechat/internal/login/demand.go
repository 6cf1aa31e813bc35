package login

import (
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// NoteUselessDemand tells operators that an app answers that it wants a login, which would bring no more than there is:
// its answer went out as it is.
func (f *Flow) NoteUselessDemand(r *visitor.Request, reason string) {
	f.demandHint.Do(f.Now(), func() {
		f.Logger.Warn("the app asks for a login, and another would bring no more: its answer went out as it is",
			event.RequestFields(r, zap.String("reason", reason))...)
	})
}
