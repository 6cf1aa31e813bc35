package caddywechat

import (
	"sync/atomic"
	"time"
)

// limiter lets something happen once a second, so that strangers cannot fill a log.
type limiter struct{ last atomic.Int64 }

func (l *limiter) allow(now time.Time) bool {
	last, second := l.last.Load(), now.Unix()
	return last != second && l.last.CompareAndSwap(last, second)
}
