package simulator

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Paths of WeCom's API.
const (
	weComTokenPath       = "/cgi-bin/gettoken"
	weComPageTicketPath  = "/cgi-bin/get_jsapi_ticket"
	weComAgentTicketPath = "/cgi-bin/ticket/get"
	weComUserInfoPath    = "/cgi-bin/auth/getuserinfo"
	weComUserDetailPath  = "/cgi-bin/auth/getuserdetail"
	weComUserPath        = "/cgi-bin/user/get"
)

var weComPaths = []string{
	weComTokenPath, weComPageTicketPath, weComAgentTicketPath, weComUserInfoPath, weComUserDetailPath, weComUserPath,
}

// weComToken is GET /cgi-bin/gettoken. Source: 91039 of WeCom's documentation; a wrong secret is 40001, and 40091 one
// that can be nobody's.
func (s *Simulator) weComToken(r *http.Request) response {
	query := r.URL.Query()
	corpID, secret := query.Get("corpid"), query.Get("corpsecret")
	ofCorp := func(a WeComApp) bool { return a.CorpID == corpID }
	ofSecret := func(a WeComApp) bool { return a.CorpID == corpID && a.Secret == secret }
	i := slices.IndexFunc(s.config.WeCom, ofSecret)
	switch {
	case corpID == "":
		return s.refuseWeCom(r, 41002)
	case secret == "":
		return s.refuseWeCom(r, 41004)
	case !slices.ContainsFunc(s.config.WeCom, ofCorp):
		return s.refuseWeCom(r, 40013)
	case !weComSecretShape.MatchString(secret):
		return s.refuseWeCom(r, 40091)
	case i == -1:
		return s.refuseWeCom(r, 40001)
	}
	token, expiresIn := s.latestWeComToken(s.config.WeCom[i])
	return succeedWeCom(fields{{"errcode", 0}, {"errmsg", "ok"}, {"access_token", token}, {"expires_in", expiresIn}})
}

func (s *Simulator) latestWeComToken(app WeComApp) (token string, expiresIn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, owner := s.config.Now(), app.owner()
	latest := s.serverTokens.stable[owner]
	if latest == nil || app.NewTokens || secondsLeft(latest.expires, now) <= 0 {
		latest = s.serverTokens.issue(owner, now)
		s.serverTokens.stable[owner] = latest
	}
	return latest.text, secondsLeft(latest.expires, now)
}

// weComPageTicket is GET /cgi-bin/get_jsapi_ticket: the company's. Source of both: 90506.
func (s *Simulator) weComPageTicket(r *http.Request) response {
	owner, errcode := s.ownerOf(r.URL.Query().Get("access_token"), isWeComApp, 40014)
	if errcode != 0 {
		return s.refuseWeCom(r, errcode)
	}
	corpID, _, _ := strings.Cut(owner, " ")
	return succeedWeCom(s.latestTicket(corpID, "jsapi"))
}

// weComAgentTicket is GET /cgi-bin/ticket/get: the app's.
func (s *Simulator) weComAgentTicket(r *http.Request) response {
	query := r.URL.Query()
	owner, errcode := s.ownerOf(query.Get("access_token"), isWeComApp, 40014)
	switch {
	case errcode != 0:
		return s.refuseWeCom(r, errcode)
	case query.Get("type") != "agent_config":
		return s.refuseWeCom(r, 40097)
	}
	return succeedWeCom(s.latestTicket(owner, "agent_config"))
}

// typeWeCom is the content type of WeCom's API.
const typeWeCom = "application/json; charset=UTF-8"

func succeedWeCom(f fields) response { return newResponse(typeWeCom, f.encode(), "ok") }

// refuseAt answers a call with an error, in the words of whose path it is.
func (s *Simulator) refuseAt(r *http.Request, errcode int) response {
	if slices.Contains(weComPaths, r.URL.Path) {
		return s.refuseWeCom(r, errcode)
	}
	return s.refuse(errcode)
}

// refuseWeCom answers with an error in WeCom's words, which name the caller's address.
func (s *Simulator) refuseWeCom(r *http.Request, errcode int) response {
	errmsg, ok := weComErrmsgs[errcode]
	if !ok {
		if errmsg, ok = errmsgs[errcode]; !ok {
			errmsg = "simulated error"
		}
	}
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	errmsg += fmt.Sprintf(", hint: [%d%s], from ip: %s, more info at "+
		"https://open.work.weixin.qq.com/devtool/query?e=%d",
		s.config.Now().Unix(), randomText(16), ip, errcode)
	body := fields{{"errcode", errcode}, {"errmsg", errmsg}}.encode()
	a := newResponse(typeWeCom, body, strconv.Itoa(errcode))
	a.header["Error-Code"] = []string{strconv.Itoa(errcode)}
	return a
}

// weComErrmsgs are WeCom's words where they differ from WeChat's.
var weComErrmsgs = map[int]string{
	40001: "invalid credential",
	40013: "invalid corpid",
	40014: "invalid access_token",
	40091: "secret is invalid",
	41002: "corpid missing",
	41004: "corpsecret missing",
	45009: "api freq out of limit",
	45033: "api concurrent out of limit",
	50001: "redirect_uri unauthorized",
	60011: "no privilege to access/modify contact/party/agent",
	60020: "not allow to access from your ip",
	60111: "userid not found",
	84014: "user ticket expired",
	84015: "invalid user ticket",
}
