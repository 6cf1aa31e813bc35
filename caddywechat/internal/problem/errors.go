package problem

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Errors of logins.
var (
	// ErrSnapshot is the error of a login by the visitor of a snapshot page, whom WeChat made up.
	ErrSnapshot = errors.New("a snapshot page's visitor is nobody")
	// ErrNoUnionID is the error of a login that brought all that WeChat gives, and no unionid.
	ErrNoUnionID = errors.New("WeChat gives no unionid")
)

// meaning is what an error comes to.
type meaning struct {
	err     error
	word    event.Outcome
	problem Problem
	cure    string
}

// cases are the errors that have an answer of their own. Of those that an error is, the first counts. They are looked
// at before what WeChat itself says is.
var cases = []meaning{
	{account.ErrCodeRefused, event.Failed, CodeUsed, ""},
	{account.ErrNotAMember, event.NotAMember, NotAMember, ""},
	{ErrSnapshot, event.Snapshot, Snapshot, ""},
	{
		ErrNoUnionID, event.UnionIDMissing, NoUnionID,
		"bind the account to an Open Platform account, or write user_id openid",
	},
	{store.ErrStore, event.Failed, Store, ""},
	{
		session.ErrTooLong, event.Failed, TooLong,
		"if it is departments: narrow the visible range (可见范围) of the app in WeCom's console, for WeCom lists those " +
			"only that the app may see; else give the session's cookie a shorter name or domain",
	},
	{weixin.ErrTimeout, event.Failed, Timeout, ""},
	{weixin.ErrBusy, event.Failed, Busy, ""},
	{weixin.ErrUnreadable, event.Failed, Unreadable, ""},
}

// Of returns what a client is told of an error.
func Of(err error) Problem {
	for _, c := range cases {
		if errors.Is(err, c.err) {
			return c.problem
		}
	}
	apiErr, named := errors.AsType[*weixin.Error](err)
	if named && !apiErr.IsBusy() && weixin.Cure(err) != "" {
		return Misconfigured
	}
	return WeChat
}

// OfProgram is Of for a program of an account's own people. It is told what the account says, and, since it asks again
// at once, of a quota that is used up by a word of its own.
func OfProgram(err error) Problem {
	if told, ok := errors.AsType[*account.Problem](err); ok && http.StatusText(told.Status) != "" {
		return Problem{told.Status, told.Word, told.Message, page.BadRequest}
	}
	p := Of(err)
	apiErr, named := errors.AsType[*weixin.Error](err)
	if p == WeChat && named && apiErr.IsBusy() && apiErr.Code != systemError {
		return Busy
	}
	return p
}

// systemError is the errcode by which WeChat says that it failed.
const systemError = -1

// OutcomeOf returns the word for how a login ended with an error.
func OutcomeOf(err error) event.Outcome {
	for _, c := range cases {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	return event.Failed
}

// Cure returns what an operator can do about an error, "" where that is nothing.
func Cure(err error) string {
	for _, c := range cases {
		if errors.Is(err, c.err) && c.cure != "" {
			return c.cure
		}
	}
	return weixin.Cure(err)
}

// CureField is the field of a log line that says what an operator can do about an error, none where that is nothing.
func CureField(err error) zap.Field {
	if text := Cure(err); text != "" {
		return zap.String("cure", text)
	}
	return zap.Skip()
}
