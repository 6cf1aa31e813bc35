package account

import (
	"errors"
	"fmt"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// CodeError returns the error of an exchange, which wraps [ErrCodeRefused] where the code is what is wrong.
func CodeError(err error) error {
	if weixin.RefusesCode(err) {
		return fmt.Errorf("%w: %w", ErrCodeRefused, err)
	}
	return err
}

// LoginProfileError returns the error of asking for a profile during a login, which wraps [ErrCodeRefused] where WeChat
// refused the token: that is as old as the login, and the person has begun another one meanwhile.
func LoginProfileError(err error) error {
	return marked(err, ErrCodeRefused, (*weixin.Error).RefusesToken)
}

// RenewalError returns the error of a renewal, which wraps [ErrConsentEnded] where WeChat says so.
func RenewalError(err error) error {
	return marked(err, ErrConsentEnded, (*weixin.Error).EndsConsent)
}

func marked(err, mark error, is func(*weixin.Error) bool) error {
	if apiErr, ok := errors.AsType[*weixin.Error](err); ok && is(apiErr) {
		return fmt.Errorf("%w: %w", mark, err)
	}
	return err
}
