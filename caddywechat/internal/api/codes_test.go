package api

import (
	"errors"
	"fmt"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestIsRefusal_TakesNobodysWordForIt(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no error":              {nil, false},
		"the sentinel":          {fmt.Errorf("exchange: %w", account.ErrCodeRefused), true},
		"a refused problem":     {fmt.Errorf("endpoint: %w", &account.Problem{Word: "expired", Refused: true}), true},
		"a problem that is not": {&account.Problem{Word: "bad_request"}, false},
		"only its word":         {&account.Problem{Word: problem.CodeUsed.Word}, false},
		"both":                  {errors.Join(&account.Problem{Word: "expired"}, account.ErrCodeRefused), true},
		"a failure":             {weixin.ErrTimeout, false},
	} {
		if got := isRefusal(tt.err); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
