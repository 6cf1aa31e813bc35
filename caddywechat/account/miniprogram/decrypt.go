package miniprogram

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// sessionMessage is also the answer to data that was changed: who can tell the two apart is able to make up data.
const sessionMessage = "the data does not belong to the session of the last login: call wx.login, log in with its " +
	"code, and get the data again"

var (
	problemSession = &account.Problem{Status: http.StatusConflict, Word: "session_key_expired", Message: sessionMessage}
	// problemReplaced is what WeChat had to be asked about, and would be with each call.
	problemReplaced = &account.Problem{
		Status: http.StatusConflict, Word: "session_key_expired", Message: sessionMessage, Refused: true,
	}
)

// decrypt opens what WeChat encrypted for the mini-program, with the session key of the person's last login. The key
// must be that of the person's present session: an older one may be known to others by now.
func (a *Account) decrypt(ctx context.Context, call account.Call) (any, error) {
	var asked struct {
		EncryptedData string `json:"encryptedData"`
		IV            string `json:"iv"`
		RawData       string `json:"rawData"`
		Signature     string `json:"signature"`
	}
	if err := json.Unmarshal(call.Body, &asked); err != nil {
		return nil, badRequest(`write {"encryptedData":"…","iv":"…"} as JSON, with what wx.getUserInfo and others gave`)
	}
	if (asked.RawData == "") != (asked.Signature == "") {
		return nil, badRequest("rawData and signature come together or not at all")
	}
	session := weixin.MiniProgramSession{
		OpenID:  call.Identity.Get(identity.OpenID),
		UnionID: call.Identity.Get(identity.UnionID),
		Key:     weixin.SessionKey(call.SessionSecret),
	}
	text, err := session.Decrypt(a.app.ID, asked.EncryptedData, asked.IV)
	switch {
	case errors.Is(err, weixin.ErrMalformed):
		return nil, badRequest("encryptedData and iv are base64, as WeChat gave them: " +
			"a + may have become a blank on the way")
	case err != nil, asked.Signature != "" && !session.Key.Signed(asked.RawData, asked.Signature):
		return nil, problemSession
	}
	err = a.sessions.Check(ctx, session.OpenID, session.Key)
	if apiErr, ok := errors.AsType[*weixin.Error](err); ok && apiErr.EndsSession() {
		return nil, problemReplaced
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

func badRequest(message string) *account.Problem {
	return &account.Problem{Status: http.StatusBadRequest, Word: "bad_request", Message: message}
}
