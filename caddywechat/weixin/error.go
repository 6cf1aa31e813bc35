package weixin

import (
	"errors"
	"fmt"
)

// Error is an error that the API of WeChat or WeCom names.
type Error struct {
	Code    int    // errcode
	Message string // errmsg: for a log only; its text varies
	WeCom   bool   // WeCom says so, whose codes mean something else here and there
}

// Error returns code and message; the message is cut, since it comes from outside.
func (e *Error) Error() string {
	return fmt.Sprintf("%s answered errcode %d: %.200q", e.who(), e.Code, e.Message)
}

func (e *Error) who() string {
	if e.WeCom {
		return "WeCom"
	}
	return "WeChat"
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
// The codes are those of https://developers.weixin.qq.com/doc/store/API/basics/commErrCode.html, and of WeCom's
// https://developer.work.weixin.qq.com/document/path/90313.
func Cure(err error) string {
	if errors.Is(err, ErrTokenRefused) {
		return tokenCure
	}
	if apiErr, ok := errors.AsType[*Error](err); ok {
		if apiErr.WeCom {
			return weComCures[apiErr.Code]
		}
		return cures[apiErr.Code]
	}
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable) {
		return "if this lasts, check that this server gets out to api.weixin.qq.com:443, or for WeCom to qyapi.weixin.qq.com:443"
	}
	return ""
}

// tokenCure is for a server token that is refused although it is new.
const tokenCure = "if other programs of this account fetch tokens, let them use stable_token without force_refresh; " +
	"if there are none, see whether the account may use what was asked for"

var cures = map[int]string{
	-1:    "WeChat is busy: nothing to change here",
	40001: "check the app secret: WeChat takes it for another account's, or it was reset",
	40013: "check the app id: WeChat does not know it",
	40125: "check the app secret: WeChat takes it for wrong; it may have been reset in the account's settings",
	40164: "add this server's IP address to the account's IP whitelist",
	40243: "unfreeze the app secret in the account's settings",
	41002: "the app id is empty: check the configuration",
	41004: "the app secret is empty: check the configuration",
	43004: "the account lets only its followers do this: have visitors follow it first",
	45009: "the account's daily quota of calls is used up: wait, or reset it in the account's settings",
	45011: "too many calls within a minute: wait",
	48001: "the account may not use web authorization: it must be a verified service account",
	48004: "the account was forbidden to use this API: see the notices in its settings",
	50001: "WeChat does not let this account do this: check the scopes that the account was granted",
	50002: "the account is restricted: see the notices in its settings",
}

var weComCures = map[int]string{
	-1:    "WeCom is busy: nothing to change here",
	40001: "check the secret: WeCom takes it for no app's of this company, or it was reset",
	40013: "check the corp id (企业ID): WeCom does not know it",
	40056: "check agent_id (AgentId): WeCom takes it for none of the company's apps",
	40058: "WeCom takes a parameter for wrong: check corp id, secret and agent_id",
	40091: "check the secret: WeCom takes it for wrong",
	41002: "the corp id is empty: check the configuration",
	41004: "the secret is empty: check the configuration",
	45009: "the WeCom app asked too often: wait",
	45033: "too many calls of the WeCom app at once: wait",
	48002: "the WeCom app may not use this API: check its permissions in WeCom's admin console",
	50001: "make the site's host, with the port if it has one, the WeCom app's trusted domain (可信域名), and check that " +
		"agent_id and secret are of the same app",
	50003:  "the WeCom app is disabled: enable it in WeCom's admin console",
	60011:  "the WeCom app may not see this member: add them to its visible range (可见范围)",
	60020:  "add this server's IP address to the WeCom app's trusted IPs (企业可信IP)",
	81013:  "nobody of those is in the WeCom app's visible range (可见范围): add them",
	301002: "the WeCom app may not act as this one: check that agent_id and secret are of the same app",
}
