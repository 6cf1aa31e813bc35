// Package problem owns what a client is told when it does not get what it asked for: status, word, message and page of
// each case, and what an operator can do about it. An error becomes an answer here and nowhere else.
package problem

import (
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
)

// Problem is an answer that is not what was asked for: to a program a word, to a person a page.
type Problem struct {
	Status  int
	Word    string // for programs; it never changes
	Message string // for people who write programs
	Page    page.Name
}

// With returns the problem with another message.
func (p Problem) With(message string) Problem {
	p.Message = message
	return p
}

// IsServerError reports whether it is this server's or WeChat's fault, which an operator may have to act on.
func (p Problem) IsServerError() bool { return p.Status >= http.StatusInternalServerError }

// What can be the matter with a request.
var (
	BadRequest = Problem{
		http.StatusBadRequest, "bad_request", "the request cannot be understood", page.BadRequest,
	}
	OtherHost = Problem{
		http.StatusBadRequest, "bad_request", "the account does not serve this host", page.BadRequest,
	}
	LoginRequired = Problem{
		http.StatusUnauthorized, "login_required", "log in with WeChat first, at login_url", page.BadRequest,
	}
	LoginNeeded = Problem{
		http.StatusUnauthorized, "login_required", "log in with WeChat first", page.LoginNeeded,
	}
	ProfileRequired = Problem{
		http.StatusUnauthorized, "profile_required", "agree to share your profile first, at login_url", page.BadRequest,
	}
	NoProfile = Problem{
		http.StatusForbidden, "profile_unavailable",
		"this way to log in never brings a profile", page.ProfileUnavailable,
	}
	NotFound = Problem{
		http.StatusNotFound, "not_found", "there is nothing at this address", page.NotFound,
	}
	Method = Problem{
		http.StatusMethodNotAllowed, "method_not_allowed", "this address takes other methods", page.MethodNotAllowed,
	}
	TooLarge = Problem{
		http.StatusRequestEntityTooLarge, "too_large", "the body is too long", page.BadRequest,
	}
	TooEarly = Problem{
		http.StatusTooEarly, "too_early", "send the request again when the TLS handshake is complete", page.TooEarly,
	}
)

// Where a visitor has to open the page instead.
var (
	OutsideWeChat = Problem{
		http.StatusForbidden, "login_required", "open this page in WeChat", page.OpenInWeChat,
	}
	OutsideWeCom = Problem{
		http.StatusForbidden, "login_required", "open this page in WeCom", page.OpenInWeCom,
	}
	OutsideBoth = Problem{
		http.StatusForbidden, "login_required", "open this page in WeChat or WeCom", page.OpenInWeChat,
	}
	InsideApp = Problem{
		http.StatusForbidden, "login_required",
		"open this page in a browser outside WeChat and WeCom", page.OpenInBrowser,
	}
	NoBrowser = Problem{
		http.StatusForbidden, "login_required", "log in by the site's mini-program or app, not in a browser",
		page.NotInBrowser,
	}
)

// How a login can end.
var (
	NotAMember = Problem{
		http.StatusForbidden, "not_a_member", "the account does not let this person in", page.NotAllowed,
	}
	Declined = Problem{
		http.StatusForbidden, "declined", "the visitor did not allow the login", page.Declined,
	}
	Snapshot = Problem{
		http.StatusForbidden, "snapshot", "WeChat shows a snapshot of the page, whose visitor is nobody", page.Snapshot,
	}
	NoUnionID = Problem{
		http.StatusForbidden, "unionid_missing", "WeChat does not say who the visitor is over all accounts",
		page.Misconfigured,
	}
	CodeUsed = Problem{
		http.StatusConflict, "code_used", "WeChat refused the code: it is wrong, used or too old; get another one",
		page.BadRequest,
	}
	TooLong = Problem{
		http.StatusInternalServerError, "internal_error", "the session does not fit into a cookie", page.Misconfigured,
	}
)

// What comes too often.
var (
	Loop = Problem{
		http.StatusTooManyRequests, "too_many", "the login goes in circles", page.TooOften,
	}
	TooManyCodes = Problem{
		http.StatusTooManyRequests, "too_many",
		"too many codes from this address were refused within a minute: wait, and send none twice", page.TooOften,
	}
	TooSoon = Problem{
		http.StatusTooManyRequests, "too_many",
		"this was asked for just now: wait a moment, and send it again", page.Busy,
	}
)

// What fails here, or at WeChat.
var (
	Internal = Problem{
		http.StatusInternalServerError, "internal_error", "the server could not do this", page.Busy,
	}
	WeChat = Problem{
		http.StatusBadGateway, "wechat_error", "WeChat failed", page.Unavailable,
	}
	Unreadable = Problem{
		http.StatusBadGateway, "wechat_error",
		"WeChat answered in a way that this server does not understand: its log says how", page.Unreadable,
	}
	Misconfigured = Problem{
		http.StatusBadGateway, "wechat_error", "WeChat does not accept how the site is set up", page.Misconfigured,
	}
	Busy = Problem{
		http.StatusServiceUnavailable, "wechat_busy", "too many logins are under way", page.Busy,
	}
	Store = Problem{
		http.StatusServiceUnavailable, "store_unavailable", "the server's memory cannot be reached", page.Busy,
	}
	Timeout = Problem{
		http.StatusGatewayTimeout, "wechat_timeout", "WeChat did not answer in time", page.Unavailable,
	}
)
