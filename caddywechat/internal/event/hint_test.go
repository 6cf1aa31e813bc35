package event

import (
	"testing"
	"time"
)

func TestHint_WritesOnceInAWhile(t *testing.T) {
	for every, while := range map[time.Duration]time.Duration{
		0: time.Second, time.Millisecond: time.Second, time.Hour: time.Hour,
	} {
		h := Hint{Every: every}
		written, now := 0, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
		do := func(after time.Duration, want int) {
			now = now.Add(after)
			h.Do(now, func() { written++ })
			if written != want {
				t.Errorf("every %s: %d lines, want %d", every, written, want)
			}
		}
		do(0, 1)
		do(0, 1)
		do(while-time.Millisecond, 1)
		do(time.Millisecond, 2)
		do(10*while, 3)
		do(0, 3)
	}
}
