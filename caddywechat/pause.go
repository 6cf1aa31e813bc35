package caddywechat

import (
	"sync/atomic"
	"time"
)

// pause lets something happen once in a while.
type pause struct{ last atomic.Int64 }

func (p *pause) allow(now time.Time, every time.Duration) bool {
	last, second := p.last.Load(), now.Unix()
	return second-last >= int64(every/time.Second) && p.last.CompareAndSwap(last, second)
}
