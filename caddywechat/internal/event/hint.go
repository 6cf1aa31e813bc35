package event

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Hint is a line of the log that strangers can cause, or many at once: it is written once a second, or once in Every.
// The zero Hint is ready to use. It must not be copied once it was used.
type Hint struct {
	Every   time.Duration // 0: a second
	limiter atomic.Pointer[rate.Limiter]
}

// Do calls write if it is time.
func (h *Hint) Do(now time.Time, write func()) {
	limiter := h.limiter.Load()
	if limiter == nil {
		h.limiter.CompareAndSwap(nil, rate.NewLimiter(rate.Every(max(h.Every, time.Second)), 1))
		limiter = h.limiter.Load()
	}
	if limiter.AllowN(now, 1) {
		write()
	}
}
