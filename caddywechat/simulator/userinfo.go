package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// auth is GET /sns/auth: is this token good for this person? The one answer of these whose success has an errcode.
// Source: api_snsauth.
func (s *Simulator) auth(r *http.Request) response {
	if _, errcode := s.grantOf(r); errcode != 0 {
		return s.refuse(errcode)
	}
	return s.succeed(fields{{"errcode", 0}, {"errmsg", "ok"}})
}

// userinfo is GET /sns/userinfo: the profile. Sex is 0 and city, province and country are empty for everyone since
// 2021-10-20. Source: api_snsuserinfo.
func (s *Simulator) userinfo(r *http.Request) response {
	g, errcode := s.grantOf(r)
	if errcode != 0 {
		return s.refuse(errcode)
	}
	if g.scope == ScopeBase {
		return s.refuse(48001)
	}
	var sex any = 0
	if s.Quirks().SexString {
		sex = "0"
	}
	f := fields{
		{"openid", g.openID()},
		{"nickname", s.nickname(g.person)},
		{"sex", sex},
		{"language", ""},
		{"city", ""},
		{"province", ""},
		{"country", ""},
		{"headimgurl", s.avatarURL(r, g.person)},
		{"privilege", []string{}},
	}
	return s.succeed(append(f, s.unionIDField(g, true)...))
}

// grantOf returns what the access token of a request allows, after the checks that all calls with one share.
func (s *Simulator) grantOf(r *http.Request) (grant, int) {
	query := r.URL.Query()
	access, openID := query.Get("access_token"), query.Get("openid")
	switch {
	case access == "":
		return grant{}, 41001
	case openID == "":
		return grant{}, 41009
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok := s.accessTokens.get(access)
	switch {
	case !ok:
		return grant{}, 40014
	case !s.config.Now().Before(token.expires):
		return grant{}, 42001
	case token.grant.openID() != openID:
		return grant{}, 40003
	}
	g := token.grant
	if today, ok := s.state.person(g.person.ID); ok {
		g.person = today // somebody who was removed and added again may have another nickname
	}
	return g, 0
}

func (s *Simulator) nickname(person Person) any {
	if !s.Quirks().RawControls {
		return person.Nickname
	}
	raw := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\\`, `\\`).Replace(encodeValue(person.Nickname))
	return json.RawMessage(raw)
}
