package weixin

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Authorization is a page of WeChat's that asks a visitor and comes back with a code.
type Authorization struct {
	AppID, RedirectURI, Scope, State string
}

// AuthorizeURL returns the address of the page for visitors inside WeChat. WeChat checks the order of the parameters,
// and wants the fragment, which its own browser looks at
// (https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html).
func (h Hosts) AuthorizeURL(a Authorization) string {
	return h.Open + "/connect/oauth2/authorize?" + string(a.query()) + "#wechat_redirect"
}

// QRConnectURL returns the address of the page with a QR code, for visitors of a website in other browsers. Its
// parameters are those of [Hosts.AuthorizeURL]
// (https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html).
func (h Hosts) QRConnectURL(a Authorization) string {
	return h.Open + "/connect/qrconnect?" + string(a.query()) + "#wechat_redirect"
}

func (a Authorization) query() query {
	return make(query, 0, 256).
		with("appid", a.AppID).
		with("redirect_uri", a.RedirectURI).
		with("response_type", "code").
		with("scope", a.Scope).
		with("state", a.State)
}

// Token is what WeChat gives for a code.
type Token struct {
	OpenID   string
	UnionID  string // "" where the account is not bound to an Open Platform account, and with most silent logins
	Scope    string // comma separated
	Snapshot bool   // a visitor of a snapshot page: the ids are virtual ones

	// Refresh renews the token, see [Client.RefreshToken]. It is a secret.
	Refresh string

	access string // the user's access token; it never leaves this package
}

// ExchangeCode gives a code to WeChat for a token. A code works once, even when the answer is lost or an error -1: this
// must not be called twice with one code
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken).
func (c *Client) ExchangeCode(ctx context.Context, app App, code string) (Token, error) {
	if err := checkCode(code); err != nil {
		return Token{}, err
	}
	q := query{}.
		with("appid", app.ID).
		with("secret", app.Auth.text()).
		with("code", code).
		with("grant_type", "authorization_code")
	var answer tokenAnswer
	if err := c.getOnce(ctx, "/sns/oauth2/access_token", q, &answer); err != nil {
		return Token{}, withoutSecrets(err, app.Auth.text(), code)
	}
	return answer.token()
}

// maxCode is the length in bytes of the longest code that is sent. WeChat's own have 32 to 64.
const maxCode = 512

// checkCode keeps back what is no code: strangers choose what is sent, and a host that answers too long an address with
// a web page would be taken for one that fails.
func checkCode(code string) error {
	if code == "" || len(code) > maxCode {
		return fmt.Errorf("%w: it has %d bytes", ErrNoCode, len(code))
	}
	return nil
}

// RefreshToken returns a token that is as good as the one that refresh came with, and its scope. It does no harm to
// call it twice: a token that has not ended is the same again
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsrefreshtoken).
func (c *Client) RefreshToken(ctx context.Context, app App, refresh string) (Token, error) {
	q := query{}.
		with("appid", app.ID).
		with("grant_type", "refresh_token").
		with("refresh_token", refresh)
	var answer tokenAnswer
	if err := c.getRepeatable(ctx, "/sns/oauth2/refresh_token", q, &answer); err != nil {
		return Token{}, withoutSecrets(err, refresh)
	}
	return answer.token()
}

type tokenAnswer struct {
	OpenID   string `json:"openid"`
	UnionID  string `json:"unionid"`
	Scope    string `json:"scope"`
	Snapshot number `json:"is_snapshotuser"`
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
}

func (a tokenAnswer) token() (Token, error) {
	if err := checkIDs("a token", a.OpenID, a.UnionID); err != nil {
		return Token{}, err
	}
	return Token{
		OpenID: a.OpenID, UnionID: a.UnionID, Scope: a.Scope, Snapshot: a.Snapshot != 0,
		Refresh: a.Refresh, access: a.Access,
	}, nil
}

// Person is what WeChat tells of someone who agreed.
type Person struct {
	UnionID  string // "" where the account is not bound to an Open Platform account
	Nickname string // any text: emoji, quotes, line breaks; may be empty
	Avatar   string // an URL, "" for someone without a picture
}

// UserInfo asks WeChat for the profile of the person that a token stands for
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html). The other fields that WeChat
// documents have been empty since October 2021.
func (c *Client) UserInfo(ctx context.Context, t Token) (Person, error) {
	q := query{}.
		with("access_token", t.access).
		with("openid", t.OpenID).
		with("lang", "zh_CN")
	var answer struct {
		OpenID   string `json:"openid"`
		UnionID  string `json:"unionid"`
		Nickname text   `json:"nickname"`
		Avatar   text   `json:"headimgurl"`
	}
	if err := c.getRepeatable(ctx, "/sns/userinfo", q, &answer); err != nil {
		return Person{}, fmt.Errorf("the profile: %w", withoutSecrets(err, t.access))
	}
	if err := checkIDs("a profile", answer.OpenID, answer.UnionID); err != nil {
		return Person{}, err
	}
	if answer.OpenID != t.OpenID {
		return Person{}, fmt.Errorf("%w: a profile of somebody else", ErrUnreadable)
	}
	return Person{UnionID: answer.UnionID, Nickname: string(answer.Nickname), Avatar: string(answer.Avatar)}, nil
}

// checkIDs says what is wrong with the ids in an answer: there must be an openid, and may be a unionid.
func checkIDs(what, openID, unionID string) error {
	switch {
	case openID == "":
		return fmt.Errorf("%w: %s without an openid", ErrUnreadable, what)
	case !isID(openID):
		return fmt.Errorf("%w: %s with an openid that is none: %.60q", ErrUnreadable, what, openID)
	case unionID != "" && !isID(unionID):
		return fmt.Errorf("%w: %s with a unionid that is none: %.60q", ErrUnreadable, what, unionID)
	}
	return nil
}

// withoutSecrets keeps what was sent out of an error, should whoever answers repeat it. A code of a few characters is a
// stranger's joke and no secret.
func withoutSecrets(err error, secrets ...string) error {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		for _, secret := range secrets {
			if len(secret) >= 8 {
				apiErr.Message = strings.ReplaceAll(apiErr.Message, secret, "…")
			}
		}
	}
	return err
}

// isID reports whether s can be an openid or unionid: letters, digits, hyphens and underscores.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return 0 < len(s) && len(s) <= 128
}
