package weixin

import (
	"context"
	"fmt"
	"time"
)

// ServerToken is the access token with which a server calls what WeChat offers to servers, in the name of one account.
// All instances that share a [TokenCache] share one token: WeChat is asked for one per lifetime of two hours, by the
// first use in the last minutes of the former one, which everybody goes on with meanwhile; and when it refuses the one
// that it gave, for the latest, which another server of the account may have got, and only where that is the refused
// one for another by force.
//
// Where WeChat gives none, it is not asked again for 2 s to a minute, the longer the more often; meanwhile everybody
// gets the error that it gave. There should be one ServerToken for an account in a process.
type ServerToken struct {
	client *Client
	cache  TokenCache // nil: this process is alone
	app    App
	host   string // that gives it
	wecom  bool
	token  *sharedCredential
}

// ServerToken returns the token of an official account or a mini-program. It is WeChat's stable one: nothing else that
// uses the account is disturbed by it. A nil cache is for a process that is alone. Nothing is
// asked before it is needed.
func (c *Client) ServerToken(cache TokenCache, app App) *ServerToken {
	t := &ServerToken{client: c, cache: cache, app: app, host: c.Hosts.API}
	t.token = newShared(t, "access token", t.limit())
	t.token.ask = func(ctx context.Context) (string, time.Duration, error) {
		return c.stableToken(ctx, app, false)
	}
	t.token.force = func(ctx context.Context) (string, time.Duration, error) {
		return c.stableToken(ctx, app, true)
	}
	return t
}

// WeComToken returns the token of a WeCom app, whose ID is the corp id. Else it is like [Client.ServerToken].
func (c *Client) WeComToken(cache TokenCache, app App) *ServerToken {
	t := &ServerToken{client: c, cache: cache, app: app, host: c.Hosts.WeCom, wecom: true}
	t.token = newShared(t, "access token", t.limit())
	t.token.ask = func(ctx context.Context) (string, time.Duration, error) {
		return c.weComToken(ctx, app)
	}
	return t
}

// limit is how long asking for a token may take: a call to each of two hosts.
func (t *ServerToken) limit() time.Duration { return 2*t.client.timeout() + time.Second }

// Do runs a call that needs the token. Where WeChat refuses the token, it runs once more with another one. The error is
// the call's, or says why there is no token: an *[Error], one of this package's, or that of ctx.
func (t *ServerToken) Do(ctx context.Context, call func(token string) error) error {
	token, err := t.token.get(ctx)
	if err != nil {
		return fmt.Errorf("no server token: %w", err)
	}
	err = call(token)
	if !refusesToken(err) {
		return err
	}
	other, tokenErr := t.token.replace(ctx, token)
	switch {
	case tokenErr != nil:
		return fmt.Errorf("no other server token than a refused one: %w", tokenErr)
	case other != token:
		err = call(other)
	}
	if refusesToken(err) {
		return fmt.Errorf("%w: %w", ErrTokenRefused, err)
	}
	return err
}

// credentialAnswer is an answer that holds an access token or a ticket.
type credentialAnswer struct {
	Token     string `json:"access_token"`
	Ticket    string `json:"ticket"`
	ExpiresIn number `json:"expires_in"` // in seconds
}

// stableToken asks for the access token of an official account or a mini-program. WeChat gives the one that it gave
// before with the rest of its time, and another one in the last five minutes, or, at most every 30 s and 20 times a
// day, by force (https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken).
func (c *Client) stableToken(ctx context.Context, app App, force bool) (string, time.Duration, error) {
	body := struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}{"client_credential", app.ID, app.Auth.text(), force}
	var answer credentialAnswer
	if err := c.postRepeatable(ctx, "/cgi-bin/stable_token", body, &answer); err != nil {
		return "", 0, withoutSecrets(err, app.Auth.text())
	}
	return granted(answer.Token, answer.ExpiresIn)
}

// weComToken asks for the access token of a WeCom app (https://developer.work.weixin.qq.com/document/path/91039).
func (c *Client) weComToken(ctx context.Context, app App) (string, time.Duration, error) {
	q := query{}.
		with("corpid", app.ID).
		with("corpsecret", app.Auth.text())
	var answer credentialAnswer
	if err := c.getFromWeCom(ctx, "/cgi-bin/gettoken", q, &answer); err != nil {
		return "", 0, withoutSecrets(err, app.Auth.text())
	}
	return granted(answer.Token, answer.ExpiresIn)
}

// granted returns a token or ticket of an answer and how long it is valid.
func granted(secret string, seconds number) (string, time.Duration, error) {
	if !isCredential(secret) || seconds <= 0 {
		return "", 0, fmt.Errorf("%w: no token or ticket, or one without a life", ErrUnreadable)
	}
	return secret, time.Duration(min(seconds, number(maxTTL/time.Second))) * time.Second, nil
}
