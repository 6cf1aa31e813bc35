package simulator

import (
	"time"
)

// code is a grant on its way through the browser to the app's server.
type code struct {
	grant   grant
	expires time.Time
	used    bool
}

// issueCode returns a code of WeChat's shape: 32 characters of [0-9A-Za-z], the first is 0. WeCom's are longer.
func (s *Simulator) issueCode(g grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issueCodeLocked(&s.codes, g)
}

// issueCodeLocked is issueCode with the lock held, among the codes of one kind.
func (s *Simulator) issueCodeLocked(codes *boundedMap[*code], g grant) string {
	name := "0" + randomText(31)
	if g.weCom != nil {
		name = randomText(weComCodeLength)
	}
	codes.put(name, &code{grant: g, expires: s.config.Now().Add(s.quirks.CodeLife)})
	return name
}

// redeemCode returns the grant of a code, once. Otherwise the error code says why not. One that another app presents is
// left alone: at WeChat a code is used up by success only.
func (s *Simulator) redeemCode(codes *boundedMap[*code], name, appID string) (grant, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := codes.get(name)
	switch {
	case !ok, code.grant.account.AppID != appID:
		return grant{}, 40029
	case code.used:
		return grant{}, 40163
	case !s.config.Now().Before(code.expires):
		return grant{}, 40029
	}
	code.used = true
	return code.grant, 0
}
