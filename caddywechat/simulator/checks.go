package simulator

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// authorization is what an app asks of a person, read from the query of an authorize URL.
type authorization struct {
	raw          string   // the query as it came
	names        []string // of the parameters, in the order written
	appID        string
	redirectURI  string // decoded once
	responseType string
	scope        string
	state        string
	snapshot     bool // forceSnapShot=true

	account  OfficialAccount
	redirect *url.URL
}

// parameterOrder is how WeChat wants the parameters; those after state are optional. "Follow the format strictly,
// including order and case" is in the documentation of third-party platforms' web authorization; that a wrong order is
// answered with the words about scope is developers' experience.
var parameterOrder = []string{"appid", "redirect_uri", "response_type", "scope", "state", "forcePopup", "forceSnapShot"}

const requiredParameters = 5

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
		}
	}
	return ask
}

// problem is why WeChat's page shows an error instead of logging someone in.
type problem struct {
	outcome string // for the journal
	Text    string // what WeChat says
	Code    int    // WeChat's error code; 0: it shows none
	ZH, EN  string // what the simulator adds: what to change
}

// checkAuthorization makes WeChat's checks of an authorize URL and returns the first problem, or nil.
// Source of codes and texts: the table of page errors in "Web Authorization" (网页授权) of the service-account
// documentation, and for those without a code what developers saw.
func (s *Simulator) checkAuthorization(rawQuery, userAgent string) (authorization, *problem) {
	ask := parseAuthorization(rawQuery)
	checks := []func(*authorization) *problem{
		s.checkPresence,
		s.checkOrder,
		s.checkResponseType,
		s.checkAccount,
		s.checkRedirectURI,
		s.checkScope,
		s.checkState,
	}
	if p := s.checkBrowser(userAgent); p != nil {
		return ask, p
	}
	for _, check := range checks {
		if p := check(&ask); p != nil {
			return ask, p
		}
	}
	return ask, nil
}

func (s *Simulator) checkBrowser(userAgent string) *problem {
	if s.Quirks().AnyBrowser || strings.Contains(strings.ToLower(userAgent), "micromessenger") {
		return nil
	}
	return &problem{
		outcome: "not wechat",
		Text:    "请在微信客户端打开链接",
		ZH:      "User-Agent 里没有 MicroMessenger。请在浏览器开发者工具里把 User-Agent 改成微信的，或打开模拟器的 any_browser，见 /simulator/ 页面。",
		EN:      "The User-Agent does not contain MicroMessenger. Set WeChat's User-Agent in your browser's developer tools, or turn on any_browser of the simulator: its page /simulator/ tells how.",
	}
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
		p.ZH += "文档说 state 可选，但这个错误码确实存在：请始终带上随机的 state，并在回调时核对。"
		p.EN += " The documentation calls state optional, but this error exists: always send a random state, and compare it in the callback."
		return p
	}
	return nil
}

func missing(name string, code int) *problem {
	return &problem{
		outcome: fmt.Sprint(code),
		Text:    name + "不能为空",
		Code:    code,
		ZH:      fmt.Sprintf("链接里没有 %s，或者它是空的。参数名区分大小写。", name),
		EN:      fmt.Sprintf("The URL has no %s, or an empty one. Names of parameters are case-sensitive.", name),
	}
}

func (s *Simulator) checkOrder(ask *authorization) *problem {
	if quirks := s.Quirks(); quirks.AnyOrder || inOrder(ask.names, quirks.StateOptional) {
		return nil
	}
	want := strings.Join(parameterOrder[:requiredParameters], ", ")
	got := strings.Join(ask.names, ", ")
	return &problem{
		outcome: "order",
		Text:    textScope,
		ZH: fmt.Sprintf("参数顺序不对。微信要求的顺序是 %s，然后才是可选的 forcePopup、forceSnapShot。收到的顺序是 %s。"+
			"如果其中有你自己的参数，说明 redirect_uri 没有编码。", want, got),
		EN: fmt.Sprintf("The parameters are in the wrong order. WeChat wants %s, and only then the optional forcePopup, forceSnapShot. "+
			"This URL has: %s. If a parameter of your own is among them, redirect_uri was not encoded.", want, got),
	}
}

// inOrder accepts the required parameters in WeChat's order and behind them the optional ones in theirs. Parameters
// that WeChat doesn't know (SDKs add connect_redirect=1) are harmless at the end.
func inOrder(names []string, stateOptional bool) bool {
	required := requiredParameters
	if stateOptional && !slices.Contains(names, "state") {
		required--
	}
	if len(names) < required || !slices.Equal(names[:required], parameterOrder[:required]) {
		return false
	}
	last := required - 1
	for _, name := range names[required:] {
		place := slices.Index(parameterOrder, name)
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
	return &problem{
		outcome: "response_type",
		Text:    "response_type 参数错误",
		ZH:      "response_type 只能是 code。",
		EN:      "The only response_type is code.",
	}
}

func (s *Simulator) checkAccount(ask *authorization) *problem {
	account, ok := s.accounts[ask.appID]
	if !ok {
		return &problem{
			outcome: "appid",
			Text:    "AppID 参数错误",
			ZH:      "模拟器没有 appid 为 " + ask.appID + " 的服务号。已有的服务号见 /simulator/ 页面。",
			EN:      "The simulator has no official account with the appid " + ask.appID + ". The page /simulator/ lists those it has.",
		}
	}
	ask.account = account
	return nil
}

var encodedTwice = regexp.MustCompile(`(?i)^https?%`)

func (s *Simulator) checkRedirectURI(ask *authorization) *problem {
	p := &problem{outcome: "10003", Text: "redirect_uri域名与后台配置不一致", Code: 10003}
	if encodedTwice.MatchString(ask.redirectURI) {
		p.ZH = "redirect_uri 被编码了两次。只用一次 encodeURIComponent。"
		p.EN = "redirect_uri is encoded twice. Use encodeURIComponent once."
		return p
	}
	u, err := url.Parse(ask.redirectURI)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		p.ZH = "redirect_uri 不是完整的网址：它要以 http:// 或 https:// 开头，不带用户名。"
		p.EN = "redirect_uri is no complete URL: it begins http:// or https:// and has no user name."
		return p
	}
	if !ask.account.covers(u) {
		p.ZH = fmt.Sprintf("redirect_uri 在 %s，而这个服务号的网页授权域名是 %s。两者必须完全一致，子域名不算；域名带路径时，redirect_uri 要在该路径下。",
			u.Host+u.Path, ask.account.Domain)
		p.EN = fmt.Sprintf("redirect_uri is at %s, and the callback domain of this account is %s. They must be the same host, a subdomain is another; "+
			"where the domain has a path, redirect_uri must be below it.", u.Host+u.Path, ask.account.Domain)
		return p
	}
	ask.redirect = u
	return nil
}

const textScope = "Scope 参数错误或没有 Scope 权限"

func (s *Simulator) checkScope(ask *authorization) *problem {
	if !knownScope(ask.scope) {
		return &problem{
			outcome: "scope",
			Text:    textScope,
			ZH:      fmt.Sprintf("scope 是 %q。服务号只有 snsapi_base（静默）和 snsapi_userinfo（需要用户同意），一次一个。", ask.scope),
			EN:      fmt.Sprintf("The scope is %q. An official account has snsapi_base (silent) and snsapi_userinfo (asks for consent), one at a time.", ask.scope),
		}
	}
	if !ask.account.grants(ask.scope) {
		return &problem{
			outcome: "10005",
			Text:    "此公众号并没有这些scope的权限",
			Code:    10005,
			ZH:      "这个公众号没有 " + ask.scope + " 权限：只有已认证的服务号才有网页授权。在模拟器里由 OfficialAccount.Scopes 决定。",
			EN:      "This account may not ask for " + ask.scope + ": web login is for verified service accounts. In the simulator OfficialAccount.Scopes decides.",
		}
	}
	return nil
}

var stateShape = regexp.MustCompile(`^[a-zA-Z0-9]{0,128}$`)

func (s *Simulator) checkState(ask *authorization) *problem {
	if stateShape.MatchString(ask.state) {
		return nil
	}
	return &problem{
		outcome: "state",
		Text:    "state 参数过长",
		ZH:      fmt.Sprintf("state 最多 128 个字符，只能是 a-z A-Z 0-9；收到 %d 字节。JSON、base64url 或签名过的 state 都不行。", len(ask.state)),
		EN:      fmt.Sprintf("A state has at most 128 characters of a-z A-Z 0-9; this one has %d bytes. JSON, base64url or signed states don't fit.", len(ask.state)),
	}
}
