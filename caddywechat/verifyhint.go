package caddywechat

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// passVerifyFile passes on a request for a verification file that wechat_verify does not serve. If nobody behind does
// either, it tells the operator the line to add: WeChat itself only says that the file was not found.
func (h *Handler) passVerifyFile(w http.ResponseWriter, v *visit, name string) error {
	rec := caddyhttp.NewResponseRecorder(w, nil, nil)
	err := h.pass(rec, v, nil)
	status := rec.Status()
	if handlerErr, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		status = handlerErr.StatusCode
	}
	if status == http.StatusNotFound && h.verifyFileHint.allow(h.now()) {
		h.logger.Warn("a domain verification file was asked for and is not there; if you are setting up the domain, add the line to the site",
			zap.String("line", "wechat_verify "+name), zap.String("host", v.Host))
	}
	return err
}

// limiter lets something happen once a second, so that strangers cannot fill a log.
type limiter struct{ last atomic.Int64 }

func (l *limiter) allow(now time.Time) bool {
	last, second := l.last.Load(), now.Unix()
	return last != second && l.last.CompareAndSwap(last, second)
}
