package account

import (
	"context"
	"time"
)

// ProfileRefresher is an account that can bring a person's profile up to date without the visitor, by the refresh token
// of the last login.
type ProfileRefresher interface {
	Account
	// RefreshProfile returns the present profile, and with it the refresh token for the next time. An error that wraps
	// [ErrConsentEnded] ends the session: the person has to log in again. It does no harm to call it twice with one
	// token.
	RefreshProfile(ctx context.Context, refreshToken string) (Grant, error)
}

// RefreshTokenLifetime is how long the refresh token of a [Grant] is kept at most
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsrefreshtoken).
const RefreshTokenLifetime = 30 * 24 * time.Hour
