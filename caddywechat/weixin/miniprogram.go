package weixin

import (
	"context"
	"encoding/json"
	"fmt"
)

// MiniProgramSession is what WeChat gives for a code of wx.login: a person, and the key of what it encrypts for them.
type MiniProgramSession struct {
	OpenID  string
	UnionID string // "" where the mini-program is not bound to an Open Platform account
	Key     SessionKey
}

// ExchangeMiniProgramCode gives a code of wx.login to WeChat for a session. A code works once, even when the answer is
// lost or an error -1: this must not be called twice with one code
// (https://developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session).
func (c *Client) ExchangeMiniProgramCode(ctx context.Context, app App, code string) (MiniProgramSession, error) {
	if err := checkCode(code); err != nil {
		return MiniProgramSession{}, err
	}
	q := query{}.
		with("appid", app.ID).
		with("secret", app.Auth.text()).
		with("js_code", code).
		with("grant_type", "authorization_code")
	var answer miniProgramAnswer
	if err := c.getOnce(ctx, "/sns/jscode2session", q, &answer); err != nil {
		return MiniProgramSession{}, withoutSecrets(err, app.Auth.text(), code)
	}
	return answer.session()
}

type miniProgramAnswer struct {
	OpenID  string     `json:"openid"`
	UnionID string     `json:"unionid"`
	Key     SessionKey `json:"session_key"`
}

func (a miniProgramAnswer) session() (MiniProgramSession, error) {
	if err := checkIDs("a session", a.OpenID, a.UnionID); err != nil {
		return MiniProgramSession{}, err
	}
	if _, ok := a.Key.bytes(); !ok {
		return MiniProgramSession{}, fmt.Errorf("%w: a session without a key", ErrUnreadable)
	}
	return MiniProgramSession(a), nil
}

// checkSessionKey asks WeChat whether key is a person's session key still; where it is not, the error is an *[Error]
// that [Error.EndsSession]. token is the mini-program's server token
// (https://developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_checksessionkey).
func (c *Client) checkSessionKey(ctx context.Context, token, openID string, key SessionKey) error {
	q := query{}.
		with("access_token", token).
		with("openid", openID).
		with("signature", key.Sign("")).
		with("sig_method", "hmac_sha256")
	var answer struct{}
	return withoutSecrets(c.getRepeatable(ctx, "/wxa/checksession", q, &answer), token, openID, key.Sign(""))
}

// PhoneNumber is one that a person gave to a mini-program.
type PhoneNumber struct {
	Full    string // with the country code where it is not of mainland China
	Pure    string // without it
	Country string // the country code, such as 86
}

// PhoneNumber gives a code of the button getPhoneNumber to WeChat for the number; token is the mini-program's server
// token. Such a code works once, like one of wx.login, and is none
// (https://developers.weixin.qq.com/miniprogram/dev/server/API/user-info/phone-number/api_getphonenumber).
func (c *Client) PhoneNumber(ctx context.Context, token, code string) (PhoneNumber, error) {
	if err := checkCode(code); err != nil {
		return PhoneNumber{}, err
	}
	body := struct {
		Code string `json:"code"`
	}{code}
	var answer phoneAnswer
	asking := query{}.with("access_token", token)
	if err := c.postOnce(ctx, "/wxa/business/getuserphonenumber", asking, body, &answer); err != nil {
		return PhoneNumber{}, withoutSecrets(err, token, code)
	}
	return answer.number()
}

type phoneAnswer struct {
	Info struct {
		Full    text `json:"phoneNumber"`
		Pure    text `json:"purePhoneNumber"`
		Country text `json:"countryCode"`
	} `json:"phone_info"`
}

func (a phoneAnswer) number() (PhoneNumber, error) {
	number := PhoneNumber{string(a.Info.Full), string(a.Info.Pure), string(a.Info.Country)}
	if number.Full == "" {
		return PhoneNumber{}, fmt.Errorf("%w: no phone number", ErrUnreadable)
	}
	return number, nil
}

// text is a text that may also come as a number.
type text string

// UnmarshalJSON takes "86", 86 and null. Its error does not hold the value, which may be somebody's name or phone
// number.
func (t *text) UnmarshalJSON(b []byte) error {
	var number json.Number
	switch {
	case json.Unmarshal(b, (*string)(t)) == nil:
		return nil
	case json.Unmarshal(b, &number) == nil:
		*t = text(number)
		return nil
	default:
		return fmt.Errorf("%s where a text should be", kindOf(b))
	}
}

// kindOf names what a JSON value is that is neither a text nor a number.
func kindOf(b []byte) string {
	switch b[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	default:
		return "true or false"
	}
}
