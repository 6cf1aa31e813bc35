package weixin

import (
	"errors"
	"fmt"
)

// Error is an error that WeChat's API names.
type Error struct {
	Code    int    // errcode
	Message string // errmsg: for a log only; its text varies
}

// Error returns code and message; the message is cut, since it comes from outside.
func (e *Error) Error() string {
	return fmt.Sprintf("WeChat answered errcode %d: %.200q", e.Code, e.Message)
}

// RefusesCode reports whether WeChat took the code for wrong, used or too old: nothing is wrong but that the visitor has
// to come again.
func (e *Error) RefusesCode() bool {
	switch e.Code {
	case 40029, 40163, 42003:
		return true
	}
	return false
}

// RefusesCode reports whether an error says that a code is none, or that WeChat took it for wrong, used or too old.
func RefusesCode(err error) bool {
	apiErr, ok := errors.AsType[*Error](err)
	return errors.Is(err, ErrNoCode) || ok && apiErr.RefusesCode()
}

// DeclinesPerson reports whether WeChat lets a person not log in because it takes them for a risk (高风险等级用户).
func (e *Error) DeclinesPerson() bool { return e.Code == 40226 }

// EndsSession reports whether WeChat knows a mini-program's session key as none of the person's present session.
func (e *Error) EndsSession() bool { return e.Code == 87009 }

// RefusesToken reports whether WeChat takes an access token for wrong, replaced, too old, or void since the person changed
// the password.
func (e *Error) RefusesToken() bool {
	switch e.Code {
	case 40001, 40014, 42001, 42007:
		return true
	}
	return false
}

// EndsConsent reports whether WeChat takes a refresh token for wrong, too old, or void since the person withdrew the
// consent or changed the password.
func (e *Error) EndsConsent() bool {
	switch e.Code {
	case 40030, 42002, 42007:
		return true
	}
	return false
}

func refusesToken(err error) bool {
	apiErr, ok := errors.AsType[*Error](err)
	return ok && apiErr.RefusesToken()
}

// IsBusy reports whether WeChat has too much to do, or the account asked too often: it will pass.
func (e *Error) IsBusy() bool {
	return e.Code == -1 || e.Code == 45009 || e.Code == 45011 || e.Code == 45033
}

// Cure returns what an operator can do about an error of this package, "" where they cannot do anything.
// The codes are those of https://developers.weixin.qq.com/doc/store/API/basics/commErrCode.html.
func Cure(err error) string {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return cures[apiErr.Code]
	}
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) {
		return "if this lasts, check that this server gets out to api.weixin.qq.com:443"
	}
	return ""
}

var cures = map[int]string{
	-1:    "WeChat is busy: nothing to change here",
	40001: "check the app secret: WeChat takes it for another account's, or it was reset",
	40013: "check the app id: WeChat does not know it",
	40091: "check the secret of the WeCom app: WeCom takes it for wrong",
	40125: "check the app secret: WeChat takes it for wrong; it may have been reset in the account's settings",
	40164: "add this server's IP address to the account's IP whitelist",
	40243: "unfreeze the app secret in the account's settings",
	41002: "the app id is empty: check the configuration",
	41004: "the app secret is empty: check the configuration",
	43004: "the account lets only its followers do this: have visitors follow it first",
	45009: "the account's daily quota of calls is used up: wait, or reset it in the account's settings",
	45011: "too many calls within a minute: wait",
	45033: "too many calls of the WeCom app at once: wait",
	48001: "the account may not use web authorization: it must be a verified service account",
	48004: "the account was forbidden to use this API: see the notices in its settings",
	50001: "WeChat does not let this account do this: in WeCom, make the site's host the app's trusted domain (可信域名); " +
		"else check the scopes that the account was granted",
	50002: "the account is restricted: see the notices in its settings",
	60011: "the WeCom app may not see this member: add them to its visible range",
	60020: "add this server's IP address to the WeCom app's trusted IPs (企业可信IP)",
}
