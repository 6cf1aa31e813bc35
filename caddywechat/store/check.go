package store

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"
)

// MaxValue is the length in bytes of the longest value.
const MaxValue = 64 << 10

// maxKey is the length in bytes of the longest key: file systems have names of 255.
const maxKey = 200

// Forever is the ttl of what never expires.
const Forever = time.Duration(math.MaxInt64)

var keyForm = regexp.MustCompile(`^[a-z0-9_-]+(/[a-z0-9_-]+)*$`)

// Check judges a call about a key or journal. For implementations of [Store]; the error wraps [ErrStore].
func Check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	if len(key) > maxKey || !keyForm.MatchString(key) {
		return fmt.Errorf("%w: %.40q is no key: write words of a-z, 0-9, - and _ with slashes between them, "+
			"at most %d bytes", ErrStore, key, maxKey)
	}
	return nil
}

// CheckPut judges a call that is to keep something. For implementations of [Store]; the error wraps [ErrStore].
func CheckPut(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := Check(ctx, key); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return fmt.Errorf("%w: the value of %s has %d bytes, and may have %d", ErrStore, key, len(value), MaxValue)
	}
	if ttl <= 0 {
		return fmt.Errorf("%w: the life of %s is %s, and must be more than 0", ErrStore, key, ttl)
	}
	return nil
}
