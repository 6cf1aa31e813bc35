package simulator

import (
	"net/http"
	"time"
)

// accessTokenLifetime is how long a user's access token is valid. Source: api_snsaccesstoken.
const accessTokenLifetime = 2 * time.Hour

// accessToken lets an app read a profile.
type accessToken struct {
	grant   grant
	expires time.Time
}

// refreshToken renews an access token, the one it names, until it expires itself.
type refreshToken struct {
	grant   grant
	access  string
	expires time.Time
}

// exchange is GET /sns/oauth2/access_token: a code for tokens. Source: api_snsaccesstoken.
func (s *Simulator) exchange(r *http.Request) response {
	query := r.URL.Query()
	appID, secret, code := query.Get("appid"), query.Get("secret"), query.Get("code")
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
	case !ok:
		return s.refuse(40013)
	case account.Secret != secret:
		return s.refuse(40125)
	}
	g, errcode := s.redeemCode(&s.codes, code, appID)
	if errcode != 0 {
		return s.refuse(errcode)
	}

	access, refresh := s.issueTokens(g)
	f := tokenFields(access, refresh, g)
	f = append(f, s.unionIDField(g, false)...)
	if g.snapshot && !s.Quirks().NoSnapshotFlag {
		f = append(f, field{"is_snapshotuser", 1})
	}
	return s.succeed(f)
}

// refresh is GET /sns/oauth2/refresh_token, which takes no secret. Source: api_snsrefreshtoken.
func (s *Simulator) refresh(r *http.Request) response {
	query := r.URL.Query()
	appID, refresh := query.Get("appid"), query.Get("refresh_token")
	switch {
	case appID == "":
		return s.refuse(41002)
	case query.Get("grant_type") != "refresh_token":
		return s.refuse(40002)
	case refresh == "":
		return s.refuse(41003)
	}
	if _, ok := s.account(appID); !ok {
		return s.refuse(40013)
	}
	access, g, errcode := s.renewTokens(appID, refresh)
	if errcode != 0 {
		return s.refuse(errcode)
	}
	return s.succeed(tokenFields(access, refresh, g))
}

func tokenFields(access, refresh string, g grant) fields {
	return fields{
		{"access_token", access},
		{"expires_in", int(accessTokenLifetime / time.Second)},
		{"refresh_token", refresh},
		{"openid", g.openID()},
		{"scope", g.scope},
	}
}

// unionIDField returns the unionid of a grant where the account is bound to an Open Platform account and the rule gives
// it: none else, because WeChat leaves the field out rather than empty.
func (s *Simulator) unionIDField(g grant, profile bool) fields {
	if g.account.OpenPlatform == "" {
		return nil
	}
	documented := profile || g.scope != ScopeBase
	switch s.Quirks().UnionID {
	case UnionIDAlways:
		return fields{{"unionid", g.unionID()}}
	case UnionIDNever:
		return nil
	case UnionIDEmpty:
		if documented {
			return fields{{"unionid", ""}}
		}
		return nil
	case UnionIDInProfile:
		documented = profile
	}
	if documented {
		return fields{{"unionid", g.unionID()}}
	}
	return nil
}

func (s *Simulator) issueTokens(g grant) (access, refresh string) {
	refresh = newToken()
	s.mu.Lock()
	defer s.mu.Unlock()
	access = s.issueAccessTokenLocked(g)
	s.refreshTokens.put(refresh, &refreshToken{
		grant:   g,
		access:  access,
		expires: s.config.Now().Add(s.quirks.RefreshLife),
	})
	return access, refresh
}

// renewTokens gives a valid access token another two hours; only an expired one is replaced.
func (s *Simulator) renewTokens(appID, refresh string) (access string, g grant, errcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()

	token, ok := s.refreshTokens.get(refresh)
	switch {
	case !ok, token.grant.account.AppID != appID:
		return "", grant{}, 40030
	case !now.Before(token.expires):
		return "", grant{}, 42002
	}
	if valid, ok := s.accessTokens.get(token.access); ok && now.Before(valid.expires) {
		valid.expires = now.Add(accessTokenLifetime)
	} else {
		token.access = s.issueAccessTokenLocked(token.grant)
	}
	return token.access, token.grant, 0
}

func (s *Simulator) issueAccessTokenLocked(g grant) string {
	access := newToken()
	s.accessTokens.put(access, &accessToken{grant: g, expires: s.config.Now().Add(accessTokenLifetime)})
	return access
}

// newToken has the length and prefix of real ones, so that an app's columns and cookies meet what they will meet.
func newToken() string {
	return "61_" + randomText(86)
}
