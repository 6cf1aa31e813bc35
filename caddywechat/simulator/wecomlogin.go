package simulator

import (
	"net/http"
	"slices"
	"strconv"
)

// weComLoginPath is the page of login.work.weixin.qq.com with a QR code. Source: 98152.
const weComLoginPath = "/wwlogin/sso/login"

// weComOrder is the order of the documented URL. Source: 91022.
var weComOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "agentid"}

// checkWeComAuthorization checks the URL of WeCom's authorize page, which is that of official accounts with a corp id
// for the app id. Whether redirect_uri is at the app's trusted domain is told to the app when it brings the code, as
// error 50001.
func (s *Simulator) checkWeComAuthorization(req *authorizationRequest) *problem {
	return firstProblem(req,
		s.checkWeComPresence,
		s.checkWeComOrder,
		s.checkResponseType,
		s.checkWeComScope,
		s.checkWeComApp,
		s.checkWeComRedirectURI,
		s.checkState,
	)
}

// checkWeComLogin checks the URL of the page with a QR code. The order of its parameters does not matter.
func (s *Simulator) checkWeComLogin(rawQuery string) (authorizationRequest, *problem) {
	req := parseAuthorizationRequest(rawQuery)
	req.scope = ScopeBase // it brings no more
	return req, firstProblem(&req,
		s.checkWeComPresence,
		s.checkLoginType,
		s.checkWeComApp,
		s.checkWeComRedirectURI,
		s.checkState,
	)
}

func (s *Simulator) checkWeComPresence(req *authorizationRequest) *problem {
	var p *problem
	switch {
	case req.appID == "":
		p = missing("appid", 0)
	case req.redirectURI == "":
		p = missing("redirect_uri", 0)
	case req.scope == "":
		p = missing("scope", 0)
	}
	return p
}

func (s *Simulator) checkWeComOrder(req *authorizationRequest) *problem {
	return s.checkOrderOf(weComOrder, req, true)
}

func (s *Simulator) checkWeComScope(req *authorizationRequest) *problem {
	if req.scope == ScopeBase || req.scope == ScopePrivateInfo {
		return nil
	}
	return wrongScope(req, "scope_of_wecom")
}

func (s *Simulator) checkLoginType(req *authorizationRequest) *problem {
	if req.loginType == "CorpApp" {
		return nil
	}
	return &problem{
		about: "login_type", title: "login_type", ours: true,
		hint: "login_type", values: []string{"{type}", strconv.Quote(req.loginType)},
	}
}

// checkWeComApp finds the app. Without agentid, which only a silent login inside WeCom may lack, any of the company's
// apps will do.
func (s *Simulator) checkWeComApp(req *authorizationRequest) *problem {
	ofCorp := func(a WeComApp) bool { return a.CorpID == req.appID }
	if !slices.ContainsFunc(s.config.WeCom, ofCorp) {
		return unknownAppID(req)
	}
	optional := req.loginType == "" && req.scope == ScopeBase && req.agentID == ""
	i := slices.IndexFunc(s.config.WeCom, func(a WeComApp) bool {
		return ofCorp(a) && (optional || strconv.Itoa(a.AgentID) == req.agentID)
	})
	if i == -1 {
		return &problem{
			about: "agentid", title: "agentid", ours: true,
			hint: "agentid", values: []string{"{agentid}", strconv.Quote(req.agentID)},
		}
	}
	req.weCom = &s.config.WeCom[i]
	req.account = account{AppID: req.weCom.CorpID, Name: req.weCom.Name}
	return nil
}

func (s *Simulator) checkWeComRedirectURI(req *authorizationRequest) *problem {
	u, hint := parseRedirectURI(req.redirectURI)
	if u == nil {
		return &problem{about: "redirect_uri", title: "redirect_uri", hint: hint}
	}
	req.redirect = u
	return nil
}

// weComLogin is GET /wwlogin/sso/login, the page with a QR code for members in browsers outside WeCom. What the page
// asks and the phone answers goes the ways of the QR login of websites: WeCom documents none.
func (s *Simulator) weComLogin(r *http.Request) response {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	req, p := s.checkWeComLogin(r.URL.RawQuery)
	if p != nil {
		return problemPage(r, *p)
	}
	return s.qrPage(r, "wwlogin", req)
}

// checkMembership says why somebody can't answer a QR code, nil where they can: one of WeCom's is for members in the
// app's visible range.
func (s *Simulator) checkMembership(uuid string, person Person) *problem {
	s.mu.Lock()
	login, ok := s.pendingQRLoginLocked(uuid)
	s.mu.Unlock()
	hint := "not_a_member"
	switch {
	case !ok, login.req.weCom == nil, person.inWeCom().WeCom == Member:
		return nil
	case person.isMember():
		hint = "member_hidden"
	}
	return &problem{
		about: "no permission", title: "no_permission", ours: true, hint: hint, values: []string{"{person}", person.ID},
	}
}
