package simulator

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
)

// The mini-program that a zero Config has. It is bound to the demo official account's Open Platform account.
const (
	DemoMiniProgramAppID  = "wxe81f4c7a20d96b35"
	DemoMiniProgramSecret = "4b9d27f0c3865ea17d24b80f96e1c35a"
)

// MiniProgram is a mini-program (小程序), with the login and the phone numbers of its people. What WeChat's app does there
// is done by [Simulator.MiniProgramLogin], [Simulator.MiniProgramPhone] and [Simulator.MiniProgramUserInfo].
type MiniProgram struct {
	// AppID is wx and 16 hexadecimal digits.
	AppID string

	// Secret is 32 hexadecimal digits. The page /simulator/ shows it: make one up.
	Secret string

	// Name is shown on the page /simulator/. Empty: 演示小程序.
	Name string

	// OpenPlatform names the Open Platform account (微信开放平台) that it is bound to. Empty: not bound, there is no
	// unionid.
	OpenPlatform string
}

func demoMiniProgram() MiniProgram {
	return MiniProgram{AppID: DemoMiniProgramAppID, Secret: DemoMiniProgramSecret, OpenPlatform: DemoOpenPlatform}
}

func (p MiniProgram) account() account {
	if p.Name == "" {
		p.Name = "演示小程序"
	}
	return account{Kind: kindMiniProgram, AppID: p.AppID, Secret: p.Secret, Name: p.Name, OpenPlatform: p.OpenPlatform}
}

// miniProgramState is what people did in mini-programs.
type miniProgramState struct {
	loginCodes  boundedMap[*code]       // of wx.login
	phoneCodes  boundedMap[*code]       // of the button getPhoneNumber
	sessionKeys boundedMap[*sessionKey] // by openid
}

func newMiniProgramState() miniProgramState {
	return miniProgramState{
		loginCodes:  newBoundedMap[*code](),
		phoneCodes:  newBoundedMap[*code](),
		sessionKeys: newBoundedMap[*sessionKey](),
	}
}

// sessionKey is the one that a person has in a mini-program, base64 of 16 bytes.
type sessionKey struct{ text string }

func newSessionKey() string {
	var key [16]byte
	rand.Read(key[:])
	return base64.StdEncoding.EncodeToString(key[:])
}

// setSessionKey gives a person a session key, or replaces the one that there is. It is called with the lock held.
func (p *miniProgramState) setSessionKey(g grant, keep bool) {
	key, ok := p.sessionKeys.get(g.openID())
	switch {
	case !ok:
		p.sessionKeys.put(g.openID(), &sessionKey{newSessionKey()})
	case !keep:
		key.text = newSessionKey()
	}
}

// sessionKeyOf returns the session key that a person has, "" before the first login.
func (s *Simulator) sessionKeyOf(openID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, ok := s.miniPrograms.sessionKeys.get(openID); ok {
		return key.text
	}
	return ""
}

// MiniProgramLogin is wx.login in a mini-program: it returns a code for /sns/jscode2session. The person's session key
// is another one from now on, unless the quirk KeepSessionKey is on. Empty: the first mini-program, and who holds the
// phone. It fails for those that do not exist.
func (s *Simulator) MiniProgramLogin(appID, personID string) (code string, err error) {
	g, err := s.grantFor(kindMiniProgram, appID, personID)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.miniPrograms.setSessionKey(g, s.quirks.KeepSessionKey)
	return s.issueCodeLocked(&s.miniPrograms.loginCodes, g), nil
}

// MiniProgramPhone is the button getPhoneNumber in a mini-program: it returns a code for
// /wxa/business/getuserphonenumber. Else it is like [Simulator.MiniProgramLogin].
func (s *Simulator) MiniProgramPhone(appID, personID string) (code string, err error) {
	g, err := s.grantFor(kindMiniProgram, appID, personID)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issueCodeLocked(&s.miniPrograms.phoneCodes, g), nil
}

// programJSON says who does something in which app.
type programJSON struct {
	AppID  string `json:"appid"`
	Person string `json:"person"`
}

type codeJSON struct {
	Code string `json:"code"`
}

func (s *Simulator) postMiniProgramLogin(r *http.Request) (any, error) {
	return respondWithCode(r, s.MiniProgramLogin)
}

func (s *Simulator) postMiniProgramPhone(r *http.Request) (any, error) {
	return respondWithCode(r, s.MiniProgramPhone)
}

// respondWithCode does what a control call asks for, and responds with the code that it brings.
func respondWithCode(r *http.Request, do func(appID, personID string) (string, error)) (any, error) {
	var asked programJSON
	if err := readJSON(r, &asked); err != nil {
		return nil, err
	}
	code, err := do(asked.AppID, asked.Person)
	if err != nil {
		return nil, err
	}
	return codeJSON{code}, nil
}
