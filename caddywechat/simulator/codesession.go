package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Paths that servers of mini-programs call.
const (
	codeSessionPath  = "/sns/jscode2session"
	checkSessionPath = "/wxa/checksession"
	phoneNumberPath  = "/wxa/business/getuserphonenumber"
)

var miniProgramPaths = []string{codeSessionPath, checkSessionPath, phoneNumberPath}

func (s *Simulator) addMiniProgramCalls(mux *http.ServeMux) {
	mux.Handle(codeSessionPath, s.wechat(s.getOnly(s.codeSession)))
	mux.Handle(checkSessionPath, s.wechat(s.getOnly(s.checkSession)))
	mux.Handle(phoneNumberPath, s.wechat(s.phoneNumber))
}

// codeSession is GET /sns/jscode2session: a code of wx.login for the person's session. Source: api_code2session.
func (s *Simulator) codeSession(r *http.Request) response {
	query := r.URL.Query()
	appID, secret, code := query.Get("appid"), query.Get("secret"), query.Get("js_code")
	switch {
	case appID == "":
		return s.refuse(41002)
	case secret == "":
		return s.refuse(41004)
	case code == "":
		return s.refuse(41008)
	case query.Get("grant_type") != "authorization_code":
		return s.refuse(40002)
	}
	account, ok := s.account(appID)
	switch {
	case !ok, account.Kind != kindMiniProgram:
		return s.refuse(40013)
	case account.Secret != secret:
		return s.refuse(40125)
	}
	g, errcode := s.redeemCode(&s.miniPrograms.loginCodes, code, appID)
	if errcode != 0 {
		return s.refuse(errcode)
	}
	f := fields{{"session_key", s.sessionKeyOf(g.openID())}, {"openid", g.openID()}}
	return s.succeed(append(f, s.unionIDField(g, true)...))
}

// checkSession is GET /wxa/checksession: is this the session key that the person has? The signature is that of an empty
// text, with the key as it is written. Source: api_checksessionkey.
func (s *Simulator) checkSession(r *http.Request) response {
	query := r.URL.Query()
	appID, errcode := s.miniProgramOf(query.Get("access_token"))
	switch {
	case errcode != 0:
		return s.refuse(errcode)
	case query.Get("openid") == "":
		return s.refuse(41009)
	case query.Get("sig_method") != "hmac_sha256":
		return s.refuse(87008)
	}
	openID := query.Get("openid")
	if !s.knows(appID, openID) {
		return s.refuse(40003)
	}
	key := s.sessionKeyOf(openID)
	mac := hmac.New(sha256.New, []byte(key))
	if key == "" || query.Get("signature") != hex.EncodeToString(mac.Sum(nil)) {
		return s.refuse(87009)
	}
	return serverResponse(fields{{"errcode", 0}, {"errmsg", "ok"}})
}

// knows reports whether somebody has such an openid in an app.
func (s *Simulator) knows(appID, openID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, person := range s.state.everybody() {
		if OpenID(appID, person.ID) == openID {
			return true
		}
	}
	return false
}

// phoneNumber is POST /wxa/business/getuserphonenumber: a code of the button getPhoneNumber for the number. A code that
// is used or too old is 40029, too. Source: api_getphonenumber, where countryCode is a string in the table of fields
// and a number in the example.
func (s *Simulator) phoneNumber(r *http.Request) response {
	if r.Method != http.MethodPost {
		return s.refuse(43002)
	}
	appID, errcode := s.miniProgramOf(r.URL.Query().Get("access_token"))
	if errcode != 0 {
		return s.refuse(errcode)
	}
	var req struct {
		Code string `json:"code"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxForm))
	if err != nil || json.Unmarshal(body, &req) != nil {
		return s.refuse(47001)
	}
	g, errcode := s.redeemCode(&s.miniPrograms.phoneCodes, req.Code, appID)
	if errcode != 0 {
		return s.refuse(40029)
	}
	var country any = "86"
	if s.Quirks().CountryCodeNumber {
		country = 86
	}
	number := PhoneNumber(g.person.ID)
	info := fields{
		{"phoneNumber", number},
		{"purePhoneNumber", number},
		{"countryCode", country},
		{"watermark", json.RawMessage(marshal(s.watermark(g)))},
	}
	return serverResponse(fields{{"errcode", 0}, {"errmsg", "ok"}, {"phone_info", json.RawMessage(info.encode())}})
}

// miniProgramOf returns the app id of the mini-program whose server token this is, or an error code.
func (s *Simulator) miniProgramOf(token string) (appID string, errcode int) {
	owner, errcode := s.ownerOf(token, isOfficialAccount, 40001)
	if errcode != 0 {
		return "", errcode
	}
	if account, ok := s.account(owner); !ok || account.Kind != kindMiniProgram {
		return "", 48001
	}
	return owner, 0
}

// PhoneNumber returns the number that a person gives to mini-programs: a Chinese one, the same at every start. Several
// people may have the same.
func PhoneNumber(personID string) string {
	sum := sha256.Sum256([]byte("phone\x00" + personID))
	return fmt.Sprintf("1380013%04d", (int(sum[0])<<8|int(sum[1]))%10_000)
}
