package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// OAuth is WeChat's OAuth 2.0 as official accounts, websites and mobile apps have it in common: a code for a token, the
// profile by the token, and another token by the refresh token. A kind that embeds or uses one sets App when it is
// provisioned, and Client in UseWeChat.
type OAuth struct {
	App    weixin.App
	Client *weixin.Client
}

// Exchange returns whom a code stands for, with the profile and a refresh token if givesProfile says that the token is
// good for them. It must be called once per code. The error wraps [ErrCodeRefused] if the visitor has but to log in
// once more.
func (o *OAuth) Exchange(ctx context.Context, code string, givesProfile func(weixin.Token) bool) (Grant, error) {
	token, err := o.Client.ExchangeCode(ctx, o.App, code)
	if err != nil {
		return Grant{}, CodeError(err)
	}
	if !givesProfile(token) {
		return Grant{Identity: token.Identity()}, nil
	}
	grant, err := o.profile(ctx, token)
	if err != nil {
		// A token that WeChat refuses is as new as the login, so the person has started another one meanwhile.
		return Grant{}, mark(err, ErrCodeRefused, (*weixin.Error).RefusesToken)
	}
	return grant, nil
}

// RefreshProfile implements [ProfileRefresher].
func (o *OAuth) RefreshProfile(ctx context.Context, refreshToken string) (Grant, error) {
	token, err := o.Client.RefreshToken(ctx, o.App, refreshToken)
	if err != nil {
		return Grant{}, mark(err, ErrConsentEnded, (*weixin.Error).EndsConsent)
	}
	grant, err := o.profile(ctx, token)
	if err != nil {
		return Grant{}, mark(err, ErrConsentEnded, (*weixin.Error).EndsConsent)
	}
	return grant, nil
}

func (o *OAuth) profile(ctx context.Context, token weixin.Token) (Grant, error) {
	id, err := o.Client.Profile(ctx, token)
	if err != nil {
		return Grant{}, err
	}
	return Grant{Identity: id, RefreshToken: token.Refresh}, nil
}

// CodeError returns the error of exchanging a code of WeChat's or WeCom's, which wraps [ErrCodeRefused] if it is the
// code that is wrong.
func CodeError(err error) error {
	if weixin.RefusesCode(err) {
		return fmt.Errorf("%w: %w", ErrCodeRefused, err)
	}
	return err
}

// mark returns the error of a call, which wraps another one, too, if it is one that WeChat names and is says so.
func mark(err, as error, is func(*weixin.Error) bool) error {
	if apiErr, ok := errors.AsType[*weixin.Error](err); ok && is(apiErr) {
		return fmt.Errorf("%w: %w", as, err)
	}
	return err
}
