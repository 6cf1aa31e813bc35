package problem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// wechat returns what WeChat says by an errcode.
func wechat(code int) error { return &weixin.Error{Code: code, Message: "by WeChat"} }

func TestOf_EachErrorHasItsAnswer(t *testing.T) {
	for _, tt := range []struct {
		err     error
		status  int
		word    string
		page    page.Name
		outcome event.Outcome
		cure    string // part of it, "" for none
	}{
		{account.ErrCodeRefused, 409, "code_used", page.BadRequest, event.Failed, ""},
		{account.ErrNotAMember, 403, "not_a_member", page.NotAllowed, event.NotAMember, ""},
		{problem.ErrSnapshot, 403, "snapshot", page.Snapshot, event.Snapshot, ""},
		{problem.ErrNoUnionID, 403, "unionid_missing", page.Misconfigured, event.UnionIDMissing, "user_id openid"},
		{store.ErrStore, 503, "store_unavailable", page.Busy, event.Failed, ""},
		{session.ErrTooLong, 500, "internal_error", page.Misconfigured, event.Failed, "可见范围"},
		{weixin.ErrTimeout, 504, "wechat_timeout", page.Unavailable, event.Failed, weixin.Cure(weixin.ErrTimeout)},
		{weixin.ErrBusy, 503, "wechat_busy", page.Busy, event.Failed, weixin.Cure(weixin.ErrBusy)},
		{weixin.ErrUnreadable, 502, "wechat_error", page.Unreadable, event.Failed, weixin.Cure(weixin.ErrUnreadable)},

		{errors.New("strange"), 502, "wechat_error", page.Unavailable, event.Failed, ""},
		{wechat(-1), 502, "wechat_error", page.Unavailable, event.Failed, ""},
		{wechat(45011), 502, "wechat_error", page.Unavailable, event.Failed, weixin.Cure(wechat(45011))},
		{wechat(40125), 502, "wechat_error", page.Misconfigured, event.Failed, weixin.Cure(wechat(40125))},
		{wechat(99999), 502, "wechat_error", page.Unavailable, event.Failed, ""},

		// Of those that an error is, the first counts, and before what WeChat itself says.
		{errors.Join(wechat(40125), account.ErrCodeRefused), 409, "code_used", page.BadRequest, event.Failed, ""},
		{
			errors.Join(store.ErrStore, account.ErrNotAMember), 403, "not_a_member", page.NotAllowed,
			event.NotAMember, "",
		},
	} {
		for _, err := range []error{tt.err, fmt.Errorf("the exchange failed on another instance: %w", tt.err)} {
			p := problem.Of(err)
			if p.Status != tt.status || p.Word != tt.word || p.Page != tt.page || p.Message == "" {
				t.Errorf("%v: %+v", err, p)
			}
			if got := problem.OutcomeOf(err); got != tt.outcome {
				t.Errorf("%v: %s, want %s", err, got, tt.outcome)
			}
			cure := problem.Cure(err)
			if tt.cure != "" && !strings.Contains(cure, tt.cure) {
				t.Errorf("%v: %q, want %q", err, cure, tt.cure)
			}
			if tt.cure == "" && cure != weixin.Cure(err) {
				t.Errorf("%v: %q, want none of its own", err, cure)
			}
			field := problem.CureField(err)
			if isNone := field.Type == zapcore.SkipType; isNone != (cure == "") || !isNone && (field.Key != "cure" ||
				field.String != cure) {
				t.Errorf("%v: the field is %+v", err, field)
			}
		}
	}
}

func TestOf_ProgramsAreToldWhatAnAccountSays(t *testing.T) {
	told := &account.Problem{Status: 418, Word: "teapot", Message: "short and stout"}
	for _, err := range []error{told, fmt.Errorf("endpoint: %w", told), errors.Join(account.ErrCodeRefused, told)} {
		want := problem.Problem{Status: 418, Word: "teapot", Message: "short and stout", Page: page.BadRequest}
		if got := problem.Of(err); got.Word == want.Word { // which people in browsers would not understand
			t.Errorf("%v, in a browser: %+v", err, got)
		}
		if got := problem.OfProgram(err); got != want {
			t.Errorf("%v, for a program: %+v", err, got)
		}
	}
}

func TestOfProgram_TellsQuotasApart(t *testing.T) {
	for err, want := range map[error]problem.Problem{
		wechat(45011):          problem.Busy,
		wechat(45009):          problem.Busy,
		wechat(-1):             problem.WeChat, // WeChat itself failed: that is no matter of waiting
		wechat(99999):          problem.WeChat,
		wechat(40125):          problem.Misconfigured,
		errors.New("strange"):  problem.WeChat,
		weixin.ErrTimeout:      problem.Timeout,
		weixin.ErrBusy:         problem.Busy,
		weixin.ErrUnreadable:   problem.Unreadable,
		account.ErrCodeRefused: problem.CodeUsed,
		errors.Join(wechat(45011), account.ErrNotAMember): problem.NotAMember,
	} {
		if got := problem.OfProgram(err); got != want {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
	}
}

func TestProblem_IsServerErrorFrom500On(t *testing.T) {
	for p, want := range map[problem.Problem]bool{
		problem.CodeUsed: false, problem.Loop: false, problem.Internal: true, problem.WeChat: true,
		{Status: 499}: false,
	} {
		if got := p.IsServerError(); got != want {
			t.Errorf("%d: %t", p.Status, got)
		}
	}
	if p := problem.BadRequest.With("other words"); p.Message != "other words" || p.Word != problem.BadRequest.Word {
		t.Errorf("got %+v", p)
	}
}
