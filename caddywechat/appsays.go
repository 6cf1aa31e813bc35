package caddywechat

import (
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
)

// Headers by which an app answers to the gate. No client sees them.
const (
	loginHeader  = "X-Wechat-Login"  // required, or profile: the visitor has to log in
	logoutHeader = "X-Wechat-Logout" // 1: the session that was forwarded is over
)

var appSaysHeaders = []string{loginHeader, logoutHeader}

// appSays is what an app asks the gate for in an answer.
type appSays struct {
	login  gate.Ask // what the visitor lacks: [gate.Login], [gate.Userinfo], "" for nothing
	logout bool
}

// takeAppSays takes what is for the gate out of the headers of an answer. Values that mean nothing mean nothing.
func takeAppSays(h http.Header) (says appSays) {
	for _, value := range h[loginHeader] {
		switch {
		case value == "profile":
			says.login = gate.Userinfo
		case value == "required" && says.login == "":
			says.login = gate.Login
		}
	}
	says.logout = slices.Contains(h[logoutHeader], "1")
	delete(h, loginHeader)
	delete(h, logoutHeader)
	if announced := h["Trailer"]; len(announced) > 0 {
		h["Trailer"] = withoutAppSays(announced)
	}
	return says
}

// withoutAppSays returns the names of trailers without those that are for the gate.
func withoutAppSays(announced []string) (names []string) {
	for _, list := range announced {
		for name := range strings.SplitSeq(list, ",") {
			name = strings.TrimSpace(name)
			if !slices.Contains(appSaysHeaders, http.CanonicalHeaderKey(name)) {
				names = append(names, name)
			}
		}
	}
	return names
}

// obey does what the app asks for, and reports whether the app's answer goes out no more.
func (a *appResponse) obey(says appSays) (isReplaced bool) {
	d := a.decision
	if says.logout && d.Action == gate.Forward {
		a.logout()
		d = gate.Decision{Action: gate.Pass, Rule: d.Rule}
	}
	if says.login == "" {
		return false
	}
	d = a.handler.gate.Demand(a.request, d, says.login)
	if d.Action != gate.Challenge {
		a.handler.login.NoteUselessDemand(a.request, d.Reason())
		return false
	}
	a.challenge(d)
	return true
}

// logout ends the session that was forwarded.
func (a *appResponse) logout() {
	a.cookie = nil
	if err := a.handler.login.EndSessions(a, a.request, a.decision.Session); err != nil {
		a.handler.answers.Logger.Error("the app asks for a logout by "+logoutHeader+", and it did not work",
			event.RequestFields(a.request, zap.Error(err))...)
		return
	}
	if len(a.request.Tokens) == 0 {
		a.keepOutOfCaches()
	}
}

// challenge sends the visitor to a login in place of the app's answer, of which the cookies remain.
func (a *appResponse) challenge(d gate.Decision) {
	a.state = replaced
	a.before.restore(a.Header())
	restore := asReceived(a.request.Request) // handlers behind the gate may have rewritten the URL
	defer restore()
	err := a.handler.login.Challenge(pinned{a.ResponseWriter}, a.request, d.Session, d.Rule.Ask == gate.Userinfo)
	if err != nil {
		a.handler.answers.Logger.Error("a login that the app asks for could not start",
			event.RequestFields(a.request, zap.Error(err))...)
	}
}

// siteHeaders are the headers that an answer had before the app answered: those that the site sets.
type siteHeaders struct {
	few  [4]siteHeader
	n    int
	more []siteHeader // beyond the few, for which there is room in any case
}

type siteHeader struct {
	name   string
	values []string
}

func (s *siteHeaders) take(h http.Header) {
	for name, values := range h {
		if s.n < len(s.few) {
			s.few[s.n] = siteHeader{name, values}
			s.n++
		} else {
			s.more = append(s.more, siteHeader{name, values})
		}
	}
}

// restore removes from the headers what the app has set since, but for cookies.
func (s *siteHeaders) restore(h http.Header) {
	cookies := h["Set-Cookie"]
	clear(h)
	for _, field := range append(s.few[:s.n:s.n], s.more...) {
		h[field.name] = field.values
	}
	if len(cookies) > 0 {
		h["Set-Cookie"] = cookies
	}
}
