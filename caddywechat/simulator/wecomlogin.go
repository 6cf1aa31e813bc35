package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// weComLoginPath is the page of login.work.weixin.qq.com with a QR code. Source: 98152.
const weComLoginPath = "/wwlogin/sso/login"

// weComOrder is the order of the documented URL. Source: 91022.
var weComOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "agentid"}

// checkWeComAuthorization checks the URL of WeCom's authorize page, which is that of official accounts with a corp id for
// the app id. Whether redirect_uri is at the app's trusted domain is told to the app when it brings the code, as error
// 50001.
func (s *Simulator) checkWeComAuthorization(ask *authorization) *problem {
	return firstProblem(ask,
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
func (s *Simulator) checkWeComLogin(rawQuery string) (authorization, *problem) {
	ask := parseAuthorization(rawQuery)
	ask.scope = ScopeBase // it brings no more
	return ask, firstProblem(&ask,
		s.checkWeComPresence,
		s.checkLoginType,
		s.checkWeComApp,
		s.checkWeComRedirectURI,
		s.checkState,
	)
}

func (s *Simulator) checkWeComPresence(ask *authorization) *problem {
	var p *problem
	switch {
	case ask.appID == "":
		p = missing("appid", 0)
	case ask.redirectURI == "":
		p = missing("redirect_uri", 0)
	case ask.scope == "":
		p = missing("scope", 0)
	}
	return p
}

func (s *Simulator) checkWeComOrder(ask *authorization) *problem {
	if s.Quirks().AnyOrder || inOrder(weComOrder, ask.names, true) {
		return nil
	}
	return &problem{about: "order", title: "scope", note: "order", values: []string{
		"{required}", strings.Join(weComOrder[:requiredParameters], ", "),
		"{optional}", strings.Join(weComOrder[requiredParameters:], ", "),
		"{names}", strings.Join(ask.names, ", "),
	}}
}

func (s *Simulator) checkWeComScope(ask *authorization) *problem {
	if ask.scope == ScopeBase || ask.scope == ScopePrivateInfo {
		return nil
	}
	return &problem{about: "scope", title: "scope", note: "scope_of_wecom", values: []string{"{scope}", strconv.Quote(ask.scope)}}
}

func (s *Simulator) checkLoginType(ask *authorization) *problem {
	if ask.loginType == "CorpApp" {
		return nil
	}
	return &problem{about: "login_type", title: "login_type", ours: true, note: "login_type", values: []string{"{type}", strconv.Quote(ask.loginType)}}
}

// checkWeComApp finds the app. Without agentid, which only a silent login inside WeCom may lack, any of the company's apps
// will do.
func (s *Simulator) checkWeComApp(ask *authorization) *problem {
	ofCorp := func(a WeComApp) bool { return a.CorpID == ask.appID }
	if !slices.ContainsFunc(s.config.WeCom, ofCorp) {
		return unknownAppID(ask)
	}
	optional := ask.loginType == "" && ask.scope == ScopeBase && ask.agentID == ""
	i := slices.IndexFunc(s.config.WeCom, func(a WeComApp) bool {
		return ofCorp(a) && (optional || strconv.Itoa(a.AgentID) == ask.agentID)
	})
	if i == -1 {
		return &problem{about: "agentid", title: "agentid", ours: true, note: "agentid", values: []string{"{agentid}", strconv.Quote(ask.agentID)}}
	}
	ask.weCom = &s.config.WeCom[i]
	ask.account = account{AppID: ask.weCom.CorpID, Name: ask.weCom.Name}
	return nil
}

func (s *Simulator) checkWeComRedirectURI(ask *authorization) *problem {
	p := &problem{about: "redirect_uri", title: "redirect_uri"}
	u, err := url.Parse(ask.redirectURI)
	switch {
	case encodedTwice.MatchString(ask.redirectURI):
		p.note = "redirect_uri_encoded_twice"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		p.note = "redirect_uri_no_url"
	default:
		ask.redirect = u
		return nil
	}
	return p
}

// weComLogin is GET /wwlogin/sso/login, the page with a QR code for members in browsers outside WeCom. What the page asks
// and the phone answers goes the ways of the QR login of websites: WeCom documents none.
func (s *Simulator) weComLogin(r *http.Request) answer {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	ask, p := s.checkWeComLogin(r.URL.RawQuery)
	if p != nil {
		return problemPage(r, *p)
	}
	return s.qrPage(r, "wwlogin", ask)
}

// keptOut says why somebody can't answer a QR code, nil where they can: one of WeCom's is for members in the app's visible
// range.
func (s *Simulator) keptOut(uuid string, person Person) *problem {
	s.mu.Lock()
	login, ok := s.openQRLogin(uuid)
	s.mu.Unlock()
	note := "not_a_member"
	switch {
	case !ok, login.ask.weCom == nil, person.inWeCom().WeCom == Member:
		return nil
	case person.isMember():
		note = "member_hidden"
	}
	return &problem{about: "no permission", title: "no_permission", ours: true, note: note, values: []string{"{person}", person.ID}}
}
