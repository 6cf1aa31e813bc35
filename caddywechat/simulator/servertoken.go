package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Paths that servers call with an access token of their own, or for one.
const (
	tokenPath       = "/cgi-bin/token"
	stableTokenPath = "/cgi-bin/stable_token"
	ticketPath      = "/cgi-bin/ticket/getticket"
)

var serverPaths = append([]string{tokenPath, stableTokenPath, ticketPath, userInfoPath}, weComPaths...)

func (s *Simulator) addServerCalls(mux *http.ServeMux) {
	mux.Handle(tokenPath, s.wechat(s.getOnly(s.serverToken)))
	mux.Handle(stableTokenPath, s.wechat(s.stableToken))
	mux.Handle(ticketPath, s.wechat(s.getOnly(s.ticket)))
	mux.Handle(userInfoPath, s.wechat(s.getOnly(s.userInfo)))
	mux.Handle(weComTokenPath, s.wechat(s.weComToken))
	mux.Handle(weComPageTicketPath, s.wechat(s.weComPageTicket))
	mux.Handle(weComAgentTicketPath, s.wechat(s.weComAgentTicket))
	mux.Handle(weComUserInfoPath, s.wechat(s.weComUserInfo))
	mux.Handle(weComUserDetailPath, s.wechat(s.weComUserDetail))
	mux.Handle(weComUserPath, s.wechat(s.weComUser))
}

// What WeChat says of server tokens. Sources: api_getaccesstoken and api_getstableaccesstoken; that there are 2000
// calls of /cgi-bin/token a day is what developers saw.
const (
	serverTokenLifetime = 2 * time.Hour
	serverTokenOverlap  = 5 * time.Minute // how long the former one is good beside the next
	tokensPerDay        = 2000
	forcedPerDay        = 20
	forcedApart         = 30 * time.Second
)

// serverTokens are the access tokens of servers and their tickets. Those of /cgi-bin/token and of stable_token have
// nothing to do with each other.
type serverTokens struct {
	plain, stable map[string]*serverToken  // the latest, by owner
	tickets       map[string]*ticket       // the latest, by owner and kind
	issued        boundedMap[*serverToken] // all, by token
	fetched       map[string]*quota        // calls of /cgi-bin/token, by app id
	forced        map[string]*quota        // forced refreshes, by app id
}

func newServerTokens() serverTokens {
	return serverTokens{
		plain: make(map[string]*serverToken), stable: make(map[string]*serverToken),
		tickets: make(map[string]*ticket), issued: newBoundedMap[*serverToken](),
		fetched: make(map[string]*quota), forced: make(map[string]*quota),
	}
}

type serverToken struct {
	text     string
	owner    string // an app id, or what WeComApp.owner returns
	expires  time.Time
	replaced bool
}

type ticket struct {
	text    string
	expires time.Time
}

// quota counts what may be done so often in 24 hours.
type quota struct {
	since, last time.Time
	n           int
}

// use counts one more, unless there are limit already.
func (q *quota) use(now time.Time, limit int) bool {
	if now.Sub(q.since) >= 24*time.Hour {
		q.since, q.n = now, 0
	}
	if q.n == limit {
		return false
	}
	q.n++
	q.last = now
	return true
}

// quotaOf returns the quota of an app.
func quotaOf(quotas map[string]*quota, appID string) *quota {
	q, ok := quotas[appID]
	if !ok {
		q = new(quota)
		quotas[appID] = q
	}
	return q
}

// issue gives out a new token. It is called with the lock of the simulator held.
func (t *serverTokens) issue(owner string, now time.Time) *serverToken {
	token := &serverToken{text: newToken(), owner: owner, expires: now.Add(serverTokenLifetime)}
	t.issued.put(token.text, token)
	return token
}

// replace lets a former token expire after the overlap. The former one may be nil.
func (t *serverToken) replace(now time.Time, overlap time.Duration) {
	if t == nil {
		return
	}
	t.replaced = true
	if end := now.Add(overlap); end.Before(t.expires) {
		t.expires = end
	}
}

// secondsLeft is the time until an expiry in whole seconds.
func secondsLeft(expires, now time.Time) int { return int(expires.Sub(now) / time.Second) }

// serverToken is GET /cgi-bin/token: another token each time. Source: api_getaccesstoken, which names 40001 for a wrong
// secret.
func (s *Simulator) serverToken(r *http.Request) response {
	query := r.URL.Query()
	appID := query.Get("appid")
	if query.Get("grant_type") != "client_credential" {
		return s.refuse(40002)
	}
	if errcode := s.checkServer(appID, query.Get("secret"), 40001); errcode != 0 {
		return s.refuse(errcode)
	}
	s.mu.Lock()
	now := s.config.Now()
	if !quotaOf(s.serverTokens.fetched, appID).use(now, tokensPerDay) {
		s.mu.Unlock()
		return s.refuse(45009)
	}
	s.serverTokens.plain[appID].replace(now, serverTokenOverlap)
	token := s.serverTokens.issue(appID, now)
	s.serverTokens.plain[appID] = token
	s.mu.Unlock()
	return serverResponse(fields{{"access_token", token.text}, {"expires_in", secondsLeft(token.expires, now)}})
}

// stableToken is POST /cgi-bin/stable_token. Source: api_getstableaccesstoken, which names 40125 for a wrong secret.
func (s *Simulator) stableToken(r *http.Request) response {
	if r.Method != http.MethodPost {
		return s.refuse(43002)
	}
	var req struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxForm))
	if err != nil || json.Unmarshal(body, &req) != nil {
		return s.refuse(47001)
	}
	if req.GrantType != "client_credential" {
		return s.refuse(40002)
	}
	if errcode := s.checkServer(req.AppID, req.Secret, 40125); errcode != 0 {
		return s.refuse(errcode)
	}
	token, expiresIn := s.latestStableToken(req.AppID, req.Force)
	return serverResponse(fields{{"access_token", token}, {"expires_in", expiresIn}})
}

// latestStableToken returns the token that there is, or in its last five minutes, or by force, another one. What is
// forced too soon or too often is not.
func (s *Simulator) latestStableToken(appID string, force bool) (token string, expiresIn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()
	latest := s.serverTokens.stable[appID]
	forced := quotaOf(s.serverTokens.forced, appID)
	switch {
	case latest == nil, secondsLeft(latest.expires, now) <= int(serverTokenOverlap/time.Second):
		latest = s.serverTokens.issue(appID, now) // the former one expires by itself
	case force && now.Sub(forced.last) >= forcedApart && forced.use(now, forcedPerDay):
		latest.replace(now, 0)
		latest = s.serverTokens.issue(appID, now)
	}
	s.serverTokens.stable[appID] = latest
	return latest.text, secondsLeft(latest.expires, now)
}

// checkServer returns what is wrong with an app's id and secret, 0 for nothing. Website and mobile apps have no server
// token.
func (s *Simulator) checkServer(appID, secret string, wrongSecret int) (errcode int) {
	account, ok := s.account(appID)
	switch {
	case appID == "":
		return 41002
	case secret == "":
		return 41004
	case !ok, !account.Kind.hasServerToken():
		return 40013
	case account.Secret != secret:
		return wrongSecret
	}
	return 0
}

// ticket is GET /cgi-bin/ticket/getticket. Source: appendix 1 of the JS-SDK's documentation.
func (s *Simulator) ticket(r *http.Request) response {
	query := r.URL.Query()
	owner, errcode := s.ownerOf(query.Get("access_token"), isOfficialAccount, 40001)
	switch {
	case errcode != 0:
		return s.refuse(errcode)
	case query.Get("type") != "jsapi":
		return s.refuse(40097)
	}
	return serverResponse(s.latestTicket(owner, "jsapi"))
}

func isOfficialAccount(owner string) bool { return !isWeComApp(owner) }

// ownerOf returns whose server token this is, or an error code, which is wrong for one that was never given to such an
// owner.
func (s *Simulator) ownerOf(text string, isSuch func(owner string) bool, wrong int) (owner string, errcode int) {
	if text == "" {
		return "", 41001
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok := s.serverTokens.issued.get(text)
	switch {
	case !ok, !isSuch(token.owner):
		return "", wrong
	case s.config.Now().Before(token.expires):
		return token.owner, 0
	case token.replaced:
		return "", 40001
	default:
		return "", 42001
	}
}

// latestTicket answers with the ticket that there is, as with a stable token: WeChat does not say.
func (s *Simulator) latestTicket(owner, kind string) fields {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, name := s.config.Now(), owner+" "+kind
	latest := s.serverTokens.tickets[name]
	if latest == nil || secondsLeft(latest.expires, now) <= int(serverTokenOverlap/time.Second) {
		latest = &ticket{text: randomText(86), expires: now.Add(serverTokenLifetime)}
		s.serverTokens.tickets[name] = latest
	}
	return fields{
		{"errcode", 0},
		{"errmsg", "ok"},
		{"ticket", latest.text},
		{"expires_in", secondsLeft(latest.expires, now)},
	}
}

// serverResponse is a success. Unlike those of /sns these come as JSON.
func serverResponse(f fields) response { return newResponse(typeError, f.encode(), "ok") }
