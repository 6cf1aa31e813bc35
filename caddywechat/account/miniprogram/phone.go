package miniprogram

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

var problemCode = &account.Problem{
	Status: http.StatusConflict, Word: "code_used",
	Message: "the code is used, too old or none of the button getPhoneNumber: have it tapped again; the code of " +
		"wx.login is another one",
	Refused: true,
}

// phoneNumber is the answer to a program, which names things as WeChat does.
type phoneNumber struct {
	Full    string `json:"phoneNumber"`
	Pure    string `json:"purePhoneNumber"`
	Country string `json:"countryCode"`
}

// phone returns the number that a person agreed to give by the button getPhoneNumber.
func (a *Account) phone(ctx context.Context, call account.Call) (any, error) {
	var asked struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(call.Body, &asked); err != nil || asked.Code == "" {
		return nil, badRequest(`write {"code":"…"} as JSON, with the code that the button getPhoneNumber gave`)
	}
	var number weixin.PhoneNumber
	err := a.token.Do(ctx, func(token string) (err error) {
		number, err = a.wechat.PhoneNumber(ctx, token, asked.Code)
		return err
	})
	switch {
	case weixin.RefusesCode(err):
		return nil, problemCode
	case err != nil:
		return nil, err
	}
	return phoneNumber(number), nil
}
