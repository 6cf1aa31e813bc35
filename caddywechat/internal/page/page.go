// Package page is what people see when they cannot simply be let through: a page that says, in their language and
// without jargon, what happened and what to do next.
//
// A page is layout.html with the blocks that pages/<name>.html replaces, in the words of words/<language>.json. It
// stands alone: no picture, font, style or script is loaded from anywhere, and it works without JavaScript. A site may
// replace each of these files by its own.
package page

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// Name names one of the built-in pages.
type Name string

// The built-in pages.
const (
	// OpenInWeChat is for browsers outside WeChat: scan this QR code or, on a phone, which cannot scan itself, copy
	// the link into WeChat. Its button, where Data.Action is set, logs in by scanning with another phone.
	OpenInWeChat Name = "open_in_wechat"
	// OpenInWeCom is the same for a site whose accounts need WeCom.
	OpenInWeCom Name = "open_in_wecom"
	// OpenInBrowser is for WeChat's and WeCom's own browsers, where the site's accounts need another: one on a
	// computer, where the login is by scanning (Data.Scans).
	OpenInBrowser Name = "open_in_browser"
	// NotInBrowser is for sites whose people log in by a mini-program or an app only.
	NotInBrowser Name = "not_in_browser"
	// Fragment leads on by itself, to Data.Action with what stands behind # in the browser's address appended, escaped for
	// a query. Its button is for browsers without JavaScript, where that is lost.
	Fragment Name = "fragment"
	// Consent comes before WeChat's own popup, which may only follow a tap on a button. The button goes on to WeChat.
	Consent Name = "consent"
	// LoginNeeded is for visitors who can't be sent to a login at once, since a form that they posted would be lost
	// (Data.Unsent), or since the page is in a frame, where no login opens. The button leads there in the whole window.
	// It is the one page that the site's own pages may have in a frame.
	LoginNeeded Name = "login_needed"
	// Choose is for browsers that several accounts serve: a button for each of Data.Choices.
	Choose Name = "choose"
	// Declined is for visitors who said no to WeChat. The button asks again.
	Declined Name = "declined"
	// Snapshot is for WeChat's restricted preview of a page (快照页). Nothing there can be tapped, so it has no button
	// and points to WeChat's own bar below it.
	Snapshot Name = "snapshot"
	// TooOften stops a login that goes in circles and says why (Data.NoCookies). The button tries again.
	TooOften Name = "too_often"
	// Unavailable says that WeChat is down or slow. The button tries again.
	Unavailable Name = "unavailable"
	// Unreadable says that WeChat answers in a way that this server does not understand. The button tries again.
	Unreadable Name = "unreadable"
	// Misconfigured says that the site's WeChat account is set up wrongly, which only the site's owner can mend.
	Misconfigured Name = "misconfigured"
	// Busy says that this server cannot take the login now. The button tries again.
	Busy Name = "busy"
	// ProfileUnavailable says that the page needs a profile which this way to log in can never give.
	ProfileUnavailable Name = "profile_unavailable"
	// NotAllowed is for visitors who are known and not let in. The button logs in again, as somebody else perhaps.
	NotAllowed Name = "not_allowed"
	// ConfirmLogout asks before it logs out. The button sends a POST to Data.Action.
	ConfirmLogout Name = "confirm_logout"
	// LoggedOut says that the visitor is logged out. The button logs in again.
	LoggedOut Name = "logged_out"
	// NotFound is for an address that does not exist. The button goes to a page that does.
	NotFound Name = "not_found"
	// BadRequest is for a link that is damaged or stale. The button goes to a page that works.
	BadRequest Name = "bad_request"
	// MethodNotAllowed is for an address that is not meant to be opened like this. The button goes to a page that is.
	MethodNotAllowed Name = "method_not_allowed"
	// TooEarly asks to send once more what came before the TLS handshake was complete. The button does.
	TooEarly Name = "too_early"
)

// Data is what a page may need to know. Everything in it may come from a stranger.
type Data struct {
	// RequestID is shown small at the bottom, for support. May be empty.
	RequestID string
	// URL is the absolute http or https URL to open elsewhere; anything else is left out. OpenInWeChat, OpenInWeCom and
	// OpenInBrowser only.
	URL string
	// Action is where the page's one button leads: a path on this site (or an absolute http or https URL). There is
	// no button when it is empty or anything else.
	Action string
	// Choices are the ways to log in. Choose only.
	Choices []Choice
	// Phone says that the visitor holds the browser in their hand. For the same pages as URL.
	Phone bool
	// Unsent says that what the visitor submitted was not taken, and to do it again. LoginNeeded only.
	Unsent bool
	// WeCom says that the page can be opened in WeCom as well. OpenInWeChat only.
	WeCom bool
	// Scans says that the login is by scanning a QR code. OpenInBrowser only.
	Scans bool
	// NoCookies says that the browser keeps no cookies, so that a login can never end. TooOften only.
	NoCookies bool
	// Altered says that the address that leads back from the login is changed, or opened again and again, on its way.
	// TooOften only.
	Altered bool
	// Refused says that WeChat refused too many codes that came from the visitor's network. TooOften only.
	Refused bool
	// Others says that it is about the visitor's other browsers and devices. ConfirmLogout only.
	Others bool
}

// Pages are the pages of a site: the built-in ones, some of them perhaps replaced by the site's own. The zero value is
// not usable.
type Pages struct {
	style  template.HTML
	byName map[Name]finished
}

// finished is a page that is ready to be shown.
type finished struct {
	template *template.Template
	policy   string
}

// BuiltIn returns the pages that come with the module.
var BuiltIn = sync.OnceValue(func() *Pages {
	pages, err := newPages(ownFiles{})
	if err != nil {
		panic(err) // our own embedded files
	}
	return pages
})

// Load returns the built-in pages with those files replaced that dir holds: <name>.html for the page of that [Name],
// layout.html for the frame around all of them, style.css for their style. They are templates of html/template. The
// error of one that is broken has its file and line.
func Load(dir string) (*Pages, error) {
	own, err := readOwn(dir)
	if err != nil {
		return nil, err
	}
	return newPages(own)
}

func newPages(own ownFiles) (*Pages, error) {
	p := &Pages{style: inline("style", "style.css"), byName: map[Name]finished{}}
	if css, ok := own.texts["style.css"]; ok {
		p.style = template.HTML("<style>" + css + "</style>") // the operator's own
	}
	for _, name := range names {
		t, err := parsePage(name, own)
		if err != nil {
			return nil, err
		}
		bodies, err := p.try(name, t, own)
		if err != nil {
			return nil, err
		}
		p.byName[name] = finished{t, policyOf(name, bodies, own.stands(name))}
	}
	return p, nil
}

// Choice is a way to log in.
type Choice struct {
	Label string // what it is called
	URL   string // a path on this site; one that leads elsewhere is left out
}

// Write answers r with a page, in the language that r asks for, with its status and all its headers. The answer to
// HEAD has no body. A name that does not exist, which is a mistake of the caller, is answered as Misconfigured.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, name Name, data Data) {
	if p.byName[name].template == nil {
		name = Misconfigured
	}
	language := locale.Of(r)
	setHeaders(w.Header(), name, language, p.byName[name].policy)
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}

	var body bytes.Buffer
	if err := p.byName[name].template.Execute(&body, newView(name, language, p.style, data)); err != nil {
		// A template of the site's own that stumbles over this visitor's data. They must not be left with nothing.
		if p != BuiltIn() {
			BuiltIn().Write(w, r, status, name, data)
			return
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a visitor who has left needs no answer
}
