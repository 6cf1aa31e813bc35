package simulator

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkAuthorization makes WeChat's checks of an authorize URL and returns the first problem, or nil.
// Source of codes and texts: the table of page errors in "Web Authorization" (网页授权) of the service-account
// documentation, and for those without a code what developers saw.
func (s *Simulator) checkAuthorization(rawQuery, userAgent string) (authorizationRequest, *problem) {
	req := parseAuthorizationRequest(rawQuery)
	if p := s.checkBrowser(userAgent); p != nil {
		return req, p
	}
	if corpIDShape.MatchString(req.appID) {
		return req, s.checkWeComAuthorization(&req)
	}
	return req, firstProblem(&req,
		s.checkPresence,
		s.checkOrder,
		s.checkResponseType,
		s.checkAccount,
		s.checkRedirectURI,
		s.checkScope,
		s.checkState,
	)
}

// checkQRConnect makes the checks of a QR login's URL, which are those of an authorize URL in other words: the page of
// website apps shows no codes. Source of the texts: "该链接无法访问" is in the documentation of website apps, the others
// are what developers saw.
func (s *Simulator) checkQRConnect(rawQuery string) (authorizationRequest, *problem) {
	req := parseAuthorizationRequest(rawQuery)
	p := firstProblem(&req,
		s.checkPresence,
		s.checkQROrder,
		s.checkResponseType,
		s.checkWebsite,
		s.checkRedirectURI,
		s.checkLoginScope,
		s.checkState,
	)
	return req, p.atQRConnect()
}

// atQRConnect says a problem in the words of the QR page.
func (p *problem) atQRConnect() *problem {
	if p == nil || p.code == 0 {
		return p
	}
	switch p.code {
	case 10003:
		p.title = "redirect_uri"
	case 10013:
		p.title, p.hint = "unreachable", "missing_state_of_website"
	default:
		p.title = "unreachable"
	}
	p.code = 0
	return p
}

func firstProblem(req *authorizationRequest, checks ...func(*authorizationRequest) *problem) *problem {
	for _, check := range checks {
		if p := check(req); p != nil {
			return p
		}
	}
	return nil
}

func (s *Simulator) checkBrowser(userAgent string) *problem {
	if s.Quirks().AnyBrowser || strings.Contains(strings.ToLower(userAgent), "micromessenger") {
		return nil
	}
	return &problem{about: "not wechat", title: "not_wechat", hint: "not_wechat"}
}

func (s *Simulator) checkPresence(req *authorizationRequest) *problem {
	switch {
	case req.appID == "":
		return missing("appid", 10012)
	case req.redirectURI == "":
		return missing("redirect_uri", 10011)
	case req.scope == "":
		return missing("scope", 10010)
	case req.state == "" && !s.Quirks().StateOptional:
		p := missing("state", 10013)
		p.hint = "missing_state"
		return p
	}
	return nil
}

func missing(name string, code int) *problem {
	return &problem{about: name, title: "missing", code: code, hint: "missing", values: []string{"{name}", name}}
}

// How WeChat wants the parameters; those after state are optional. "Follow the format strictly, including order and
// case" is in the documentation of third-party platforms' web authorization; that a wrong order is answered with the
// words about scope is developers' experience.
var (
	authorizeOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "forcePopup", "forceSnapShot"}
	qrConnectOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "lang"}
)

const requiredParameters = 5

func (s *Simulator) checkOrder(req *authorizationRequest) *problem {
	return s.checkOrderOf(authorizeOrder, req, s.Quirks().StateOptional)
}

func (s *Simulator) checkQROrder(req *authorizationRequest) *problem {
	return s.checkOrderOf(qrConnectOrder, req, s.Quirks().StateOptional)
}

func (s *Simulator) checkOrderOf(order []string, req *authorizationRequest, stateOptional bool) *problem {
	if s.Quirks().AnyOrder || inOrder(order, req.names, stateOptional) {
		return nil
	}
	return &problem{about: "order", title: "scope", hint: "order", values: []string{
		"{required}", strings.Join(order[:requiredParameters], ", "),
		"{optional}", strings.Join(order[requiredParameters:], ", "),
		"{names}", strings.Join(req.names, ", "),
	}}
}

// inOrder accepts the required parameters in WeChat's order and behind them the optional ones in theirs. Parameters
// that WeChat doesn't know (SDKs add connect_redirect=1) are harmless at the end.
func inOrder(order, names []string, stateOptional bool) bool {
	required := requiredParameters
	if stateOptional && !slices.Contains(names, "state") {
		required--
	}
	if len(names) < required || !slices.Equal(names[:required], order[:required]) {
		return false
	}
	last := required - 1
	for _, name := range names[required:] {
		position := slices.Index(order, name)
		if position == -1 {
			continue
		}
		if position <= last {
			return false
		}
		last = position
	}
	return true
}

func (s *Simulator) checkResponseType(req *authorizationRequest) *problem {
	if req.responseType == "code" {
		return nil
	}
	return &problem{about: "response_type", title: "response_type", hint: "response_type"}
}

func (s *Simulator) checkAccount(req *authorizationRequest) *problem {
	account, ok := s.account(req.appID)
	switch {
	case !ok:
		return unknownAppID(req)
	case !account.Kind.hasPages():
		return appIDOfProgram(req)
	case account.Kind == kindWebsite:
		return &problem{about: "appid", title: "appid_of_website", code: 10016, hint: "appid_of_website"}
	}
	req.account = account
	return nil
}

// checkWebsite refuses an official account with the words about scope, as developers saw: it lacks snsapi_login.
func (s *Simulator) checkWebsite(req *authorizationRequest) *problem {
	account, ok := s.account(req.appID)
	switch {
	case !ok:
		return unknownAppID(req)
	case !account.Kind.hasPages():
		return appIDOfProgram(req)
	case account.Kind != kindWebsite:
		return &problem{about: "appid", title: "scope", hint: "appid_of_official"}
	}
	req.account = account
	return nil
}

func unknownAppID(req *authorizationRequest) *problem {
	return &problem{about: "appid", title: "appid", hint: "appid", values: []string{"{appid}", req.appID}}
}

// appIDOfProgram refuses those whose people log in by a program.
func appIDOfProgram(req *authorizationRequest) *problem {
	return &problem{about: "appid", title: "appid", hint: "appid_of_program", values: []string{"{appid}", req.appID}}
}

var encodedTwice = regexp.MustCompile(`(?i)^https?%`)

// parseRedirectURI returns the URL, or nil and the hint at what is wrong with it.
func parseRedirectURI(redirectURI string) (u *url.URL, hint string) {
	u, err := url.Parse(redirectURI)
	switch {
	case encodedTwice.MatchString(redirectURI):
		return nil, "redirect_uri_encoded_twice"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return nil, "redirect_uri_no_url"
	}
	return u, ""
}

func (s *Simulator) checkRedirectURI(req *authorizationRequest) *problem {
	p := &problem{about: "redirect_uri", title: "redirect_uri_domain", code: 10003}
	u, hint := parseRedirectURI(req.redirectURI)
	switch {
	case u == nil:
		p.hint = hint
	case !req.account.covers(u):
		p.hint = "redirect_uri_elsewhere"
		p.values = []string{"{where}", u.Host + u.Path, "{domain}", req.account.Domain}
	default:
		req.redirect = u
		return nil
	}
	return p
}

func (s *Simulator) checkScope(req *authorizationRequest) *problem {
	if !slices.Contains(officialScopes, req.scope) {
		return wrongScope(req, "scope")
	}
	if !req.account.grants(req.scope) {
		return &problem{
			about: "scope", title: "scope_not_granted", code: 10005,
			hint: "scope_not_granted", values: []string{"{scope}", req.scope},
		}
	}
	return nil
}

func (s *Simulator) checkLoginScope(req *authorizationRequest) *problem {
	if req.scope == ScopeLogin {
		return nil
	}
	return wrongScope(req, "scope_of_website")
}

// wrongScope refuses a scope that accounts of the kind do not have.
func wrongScope(req *authorizationRequest, hint string) *problem {
	return &problem{about: "scope", title: "scope", hint: hint, values: []string{"{scope}", strconv.Quote(req.scope)}}
}

var stateShape = regexp.MustCompile(`^[a-zA-Z0-9]{0,128}$`)

func (s *Simulator) checkState(req *authorizationRequest) *problem {
	if stateShape.MatchString(req.state) {
		return nil
	}
	length := strconv.Itoa(len(req.state))
	return &problem{about: "state", title: "state", hint: "state", values: []string{"{bytes}", length}}
}
