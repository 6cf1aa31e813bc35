package simulator

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// authorization is what an app asks of a person, read from the query of an authorize URL or of a QR login's.
type authorization struct {
	raw          string   // the query as it came
	names        []string // of the parameters, in the order written
	appID        string
	redirectURI  string // decoded once
	responseType string
	scope        string
	state        string
	snapshot     bool // forceSnapShot=true
	agentID      string
	loginType    string

	account  account
	weCom    *WeComApp // nil: it is no login in WeCom
	redirect *url.URL
}

func (ask authorization) grant(person Person, snapshot bool) grant {
	return grant{
		account: ask.account, person: person, scope: ask.scope, snapshot: snapshot, weCom: ask.weCom, redirect: ask.redirect,
	}
}

// parseAuthorization reads the raw query, since url.Values has no order. A value that can't be decoded is kept as
// it is and fails the check of that value.
func parseAuthorization(rawQuery string) authorization {
	ask := authorization{raw: rawQuery}
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		ask.names = append(ask.names, name)
		switch name {
		case "appid":
			ask.appID = value
		case "redirect_uri":
			ask.redirectURI = value
		case "response_type":
			ask.responseType = value
		case "scope":
			ask.scope = value
		case "state":
			ask.state = value
		case "forceSnapShot":
			ask.snapshot = value == "true"
		case "agentid":
			ask.agentID = value
		case "login_type":
			ask.loginType = value
		}
	}
	return ask
}

// checkAuthorization makes WeChat's checks of an authorize URL and returns the first problem, or nil.
// Source of codes and texts: the table of page errors in "Web Authorization" (网页授权) of the service-account
// documentation, and for those without a code what developers saw.
func (s *Simulator) checkAuthorization(rawQuery, userAgent string) (authorization, *problem) {
	ask := parseAuthorization(rawQuery)
	if p := s.checkBrowser(userAgent); p != nil {
		return ask, p
	}
	if corpIDShape.MatchString(ask.appID) {
		return ask, s.checkWeComAuthorization(&ask)
	}
	return ask, firstProblem(&ask,
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
func (s *Simulator) checkQRConnect(rawQuery string) (authorization, *problem) {
	ask := parseAuthorization(rawQuery)
	p := firstProblem(&ask,
		s.checkPresence,
		s.checkQROrder,
		s.checkResponseType,
		s.checkWebsite,
		s.checkRedirectURI,
		s.checkLoginScope,
		s.checkState,
	)
	return ask, p.atQRConnect()
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
		p.title, p.note = "unreachable", "missing_state_of_website"
	default:
		p.title = "unreachable"
	}
	p.code = 0
	return p
}

func firstProblem(ask *authorization, checks ...func(*authorization) *problem) *problem {
	for _, check := range checks {
		if p := check(ask); p != nil {
			return p
		}
	}
	return nil
}

func (s *Simulator) checkBrowser(userAgent string) *problem {
	if s.Quirks().AnyBrowser || strings.Contains(strings.ToLower(userAgent), "micromessenger") {
		return nil
	}
	return &problem{about: "not wechat", title: "not_wechat", note: "not_wechat"}
}

func (s *Simulator) checkPresence(ask *authorization) *problem {
	switch {
	case ask.appID == "":
		return missing("appid", 10012)
	case ask.redirectURI == "":
		return missing("redirect_uri", 10011)
	case ask.scope == "":
		return missing("scope", 10010)
	case ask.state == "" && !s.Quirks().StateOptional:
		p := missing("state", 10013)
		p.note = "missing_state"
		return p
	}
	return nil
}

func missing(name string, code int) *problem {
	return &problem{about: name, title: "missing", code: code, note: "missing", values: []string{"{name}", name}}
}

// How WeChat wants the parameters; those after state are optional. "Follow the format strictly, including order and
// case" is in the documentation of third-party platforms' web authorization; that a wrong order is answered with the
// words about scope is developers' experience.
var (
	authorizeOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "forcePopup", "forceSnapShot"}
	qrConnectOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "lang"}
)

const requiredParameters = 5

func (s *Simulator) checkOrder(ask *authorization) *problem {
	return s.checkOrderOf(authorizeOrder, ask)
}

func (s *Simulator) checkQROrder(ask *authorization) *problem {
	return s.checkOrderOf(qrConnectOrder, ask)
}

func (s *Simulator) checkOrderOf(order []string, ask *authorization) *problem {
	if quirks := s.Quirks(); quirks.AnyOrder || inOrder(order, ask.names, quirks.StateOptional) {
		return nil
	}
	return &problem{about: "order", title: "scope", note: "order", values: []string{
		"{required}", strings.Join(order[:requiredParameters], ", "),
		"{optional}", strings.Join(order[requiredParameters:], ", "),
		"{names}", strings.Join(ask.names, ", "),
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
		place := slices.Index(order, name)
		if place == -1 {
			continue
		}
		if place <= last {
			return false
		}
		last = place
	}
	return true
}

func (s *Simulator) checkResponseType(ask *authorization) *problem {
	if ask.responseType == "code" {
		return nil
	}
	return &problem{about: "response_type", title: "response_type", note: "response_type"}
}

func (s *Simulator) checkAccount(ask *authorization) *problem {
	account, ok := s.account(ask.appID)
	switch {
	case !ok:
		return unknownAppID(ask)
	case !account.Kind.hasPages():
		return appIDOfProgram(ask)
	case account.Kind == kindWebsite:
		return &problem{about: "appid", title: "appid_of_website", code: 10016, note: "appid_of_website"}
	}
	ask.account = account
	return nil
}

// checkWebsite refuses an official account with the words about scope, as developers saw: it lacks snsapi_login.
func (s *Simulator) checkWebsite(ask *authorization) *problem {
	account, ok := s.account(ask.appID)
	switch {
	case !ok:
		return unknownAppID(ask)
	case !account.Kind.hasPages():
		return appIDOfProgram(ask)
	case account.Kind != kindWebsite:
		return &problem{about: "appid", title: "scope", note: "appid_of_official"}
	}
	ask.account = account
	return nil
}

func unknownAppID(ask *authorization) *problem {
	return &problem{about: "appid", title: "appid", note: "appid", values: []string{"{appid}", ask.appID}}
}

// appIDOfProgram refuses those whose people log in by a program.
func appIDOfProgram(ask *authorization) *problem {
	return &problem{about: "appid", title: "appid", note: "appid_of_program", values: []string{"{appid}", ask.appID}}
}

var encodedTwice = regexp.MustCompile(`(?i)^https?%`)

func (s *Simulator) checkRedirectURI(ask *authorization) *problem {
	p := &problem{about: "redirect_uri", title: "redirect_uri_domain", code: 10003}
	u, err := url.Parse(ask.redirectURI)
	switch {
	case encodedTwice.MatchString(ask.redirectURI):
		p.note = "redirect_uri_encoded_twice"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		p.note = "redirect_uri_no_url"
	case !ask.account.covers(u):
		p.note = "redirect_uri_elsewhere"
		p.values = []string{"{where}", u.Host + u.Path, "{domain}", ask.account.Domain}
	default:
		ask.redirect = u
		return nil
	}
	return p
}

func (s *Simulator) checkScope(ask *authorization) *problem {
	if !slices.Contains(officialScopes, ask.scope) {
		return &problem{about: "scope", title: "scope", note: "scope", values: []string{"{scope}", strconv.Quote(ask.scope)}}
	}
	if !ask.account.grants(ask.scope) {
		return &problem{about: "scope", title: "scope_not_granted", code: 10005, note: "scope_not_granted", values: []string{"{scope}", ask.scope}}
	}
	return nil
}

func (s *Simulator) checkLoginScope(ask *authorization) *problem {
	if ask.scope == ScopeLogin {
		return nil
	}
	return &problem{about: "scope", title: "scope", note: "scope_of_website", values: []string{"{scope}", strconv.Quote(ask.scope)}}
}

var stateShape = regexp.MustCompile(`^[a-zA-Z0-9]{0,128}$`)

func (s *Simulator) checkState(ask *authorization) *problem {
	if stateShape.MatchString(ask.state) {
		return nil
	}
	return &problem{about: "state", title: "state", note: "state", values: []string{"{bytes}", strconv.Itoa(len(ask.state))}}
}
