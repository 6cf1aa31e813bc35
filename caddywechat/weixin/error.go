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

// RefusesCode reports whether WeChat took the code for wrong, used or too old: nothing is wrong but that the visitor
// has to come again.
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

// RefusesToken reports whether WeChat takes an access token for wrong, replaced, too old, or void since the person
// changed the password.
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
