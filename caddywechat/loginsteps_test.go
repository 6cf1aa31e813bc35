package caddywechat

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// login logs the browser in by opening a page.
func (b *browser) login(path string) response {
	b.t.Helper()
	a := b.follow(path)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "app o") {
		b.t.Fatalf("login by %s ended with status %d: %.300s", path, a.StatusCode, a.body)
	}
	return a
}

// logout follows a link on a page of the site to the logout.
func (b *browser) logout(query string, headers ...string) response {
	b.t.Helper()
	return b.open("/_wechat/logout"+query, append([]string{"Referer: " + b.site("/page")}, headers...)...)
}

// callbackFor opens a page and WeChat's authorize page, and returns the callback URL without opening it.
func (b *browser) callbackFor(path string) string {
	b.t.Helper()
	a := b.open(path)
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("%s: status %d: %.200s", path, a.StatusCode, a.body)
	}
	a = b.open(a.location())
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("authorize page: status %d: %.500s", a.StatusCode, a.body)
	}
	return a.location()
}

// withoutCode returns the callback URL that WeChat gives where the visitor declines.
func withoutCode(callback string) string {
	return strings.Replace(callback, "code="+queryOf(callback, "code")+"&", "", 1)
}

// queryOf returns a parameter of a URL as it is written.
func queryOf(address, name string) string {
	_, query, _ := strings.Cut(address, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			value, _, _ = strings.Cut(value, "#")
			return value
		}
	}
	return ""
}

// startLogin opens a page and returns the authorize URL that it redirects to.
func (b *browser) startLogin(page string) string {
	b.t.Helper()
	a := b.open(page).wantStatus(b.t, http.StatusFound).wantSmallHeader(b.t)
	b.wantSmallRequests()
	return a.location()
}

// finishLogin opens an authorize URL, and returns the response to the callback.
func (b *browser) finishLogin(authorize string) response {
	b.t.Helper()
	callback := b.open(authorize).location()
	a := b.open(callback).wantSmallHeader(b.t)
	b.wantSmallRequests()
	return a
}

var attemptName = regexp.MustCompile(`^(__Host-)?wechat_login_[0-7]$`)

// wantSmallRequests fails the test unless the attempts take less than 4,096 bytes of each request.
func (b *browser) wantSmallRequests() {
	b.t.Helper()
	if size := b.cookieSize(attemptName.MatchString); size >= 4096 {
		b.t.Errorf("attempts take %d bytes of every request", size)
	}
}

// attemptCookie returns the cookie of the browser's only attempt, as it is sent.
func (b *browser) attemptCookie() string {
	for _, name := range b.cookieNames() {
		if session.IsOwnCookie(name) {
			return name + "=" + b.cookie(name)
		}
	}
	return ""
}

// consent answers WeChat's consent page, and returns the callback URL.
func (b *browser) consent(authorize, answer string) string {
	b.t.Helper()
	b.open(authorize).wantStatus(b.t, http.StatusOK)
	u, err := url.Parse(authorize)
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{"authorize": {u.RawQuery}, "answer": {answer}}.Encode()
	req := b.newRequest("POST", b.simURL+"/simulator/consent", form,
		[]string{"Content-Type: application/x-www-form-urlencoded"})
	return b.fetch(req).wantStatus(b.t, http.StatusSeeOther).location()
}

// followAllowing follows redirects as a visitor does who gives WeChat every consent.
func (b *browser) followAllowing(address string) response {
	b.t.Helper()
	for range 20 {
		a := b.open(address)
		location := a.location()
		switch {
		case location == "":
			return a
		case strings.Contains(location, "scope=snsapi_userinfo"):
			address = b.consent(location, "allow")
		default:
			address = location
		}
	}
	b.t.Fatalf("no end, at last at %s", address)
	return response{}
}

// followConsenting follows redirects, and the button of our consent page.
func (b *browser) followConsenting(address string) response {
	b.t.Helper()
	a := b.followAllowing(address)
	if match := buttonLink.FindStringSubmatch(a.body); match != nil {
		return b.followAllowing(b.consent(strings.ReplaceAll(match[1], "&amp;", "&"), "allow"))
	}
	return a
}

// followWith follows redirects, and changes each callback URL on the way. It returns how many callbacks there were, and
// the last response.
func (b *browser) followWith(address string, change func(callback string) string) (callbacks int, end response) {
	b.t.Helper()
	for range 60 {
		end = b.open(address)
		address = end.location()
		if address == "" {
			return callbacks, end
		}
		if u, err := url.Parse(address); err == nil && u.Path == "/_wechat/callback" {
			address = change(address)
			callbacks++
		}
	}
	b.t.Fatalf("no end after %d callbacks", callbacks)
	return 0, response{}
}

var (
	shownCode  = regexp.MustCompile(`/qrcode/(\w+)"`)
	polledCode = regexp.MustCompile(`wx_errcode=(\d+);window.wx_code='(\w*)'`)
)

// scan lets a person scan the QR code of an authorize page, and returns the callback URL.
func (b *browser) scan(authorize, personID, answer string) string {
	b.t.Helper()
	page := b.open(authorize).wantStatus(b.t, http.StatusOK)
	match := shownCode.FindStringSubmatch(page.body)
	if match == nil {
		b.t.Fatalf("no QR code: %s", page.body)
	}
	res, err := http.PostForm(b.simURL+"/connect/confirm", url.Values{
		"uuid": {match[1]}, "answer": {answer},
		"person": {personID},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	u, err := url.Parse(authorize)
	if err != nil {
		b.t.Fatal(err)
	}
	callback := u.Query().Get("redirect_uri") + "&"
	polled := polledCode.FindStringSubmatch(b.open(b.simURL + "/connect/l/qrconnect?uuid=" + match[1]).body)
	if answer == "allow" {
		if polled == nil || polled[1] != "405" {
			b.t.Fatalf("the page polls %v", polled)
		}
		callback += "code=" + polled[2] + "&"
	}
	return callback + "state=" + u.Query().Get("state")
}

// loginSilentlyAs logs in again in a browser with a session, as a second tab does. It returns what /_wechat/me says.
func (b *browser) loginSilentlyAs(holding string) map[string]string {
	b.t.Helper()
	b.hold(holding)
	b.follow("/_wechat/login?account=official_account&return_to=/page")
	return b.send("GET", "/_wechat/me").wantStatus(b.t, http.StatusOK).json(b.t)
}

// userAt returns the user that the app gets with a page.
func (b *browser) userAt(path string) string {
	b.t.Helper()
	b.received()
	b.open(path).wantStatus(b.t, http.StatusOK)
	return b.received().Header.Get("X-Wechat-User")
}

// identity returns the identity of the browser's session.
func (b *browser) identity() identity.Identity {
	b.t.Helper()
	found := b.send("GET", "/_wechat/me").wantStatus(b.t, http.StatusOK).json(b.t)
	delete(found, "expires_at")
	delete(found, identity.ID)
	var id identity.Identity
	for name, value := range found {
		id = id.With(name, value)
	}
	return id
}
