package caddywechat

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// wantSmallRequests fails the test unless the browser's attempts take less than 4,096 bytes of what it sends.
func (b *browser) wantSmallRequests() {
	b.t.Helper()
	if size := b.cookieSize(attemptName.MatchString); size >= 4096 {
		b.t.Errorf("attempts take %d bytes of every request", size)
	}
}

// startLogin opens a page and returns the authorize page's address.
func (b *browser) startLogin(page string) string {
	b.t.Helper()
	a := b.open(page).wantStatus(b.t, http.StatusFound).wantSmallHeader(b.t)
	b.wantSmallRequests()
	return a.Header.Get("Location")
}

// finishLogin lets WeChat answer and returns what the callback does.
func (b *browser) finishLogin(authorize string) response {
	b.t.Helper()
	callback := b.open(authorize).Header.Get("Location")
	a := b.open(callback).wantSmallHeader(b.t)
	b.wantSmallRequests()
	return a
}

// followAllowing opens an address and goes on as a visitor does who allows whatever WeChat asks.
func (b *browser) followAllowing(address string) response {
	b.t.Helper()
	for range 20 {
		a := b.open(address)
		location := a.Header.Get("Location")
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

func codeOf(callback string) string {
	u, _ := url.Parse(callback)
	return u.Query().Get("code")
}

func withoutCode(callback string) string {
	return strings.Replace(callback, "code="+codeOf(callback)+"&", "", 1)
}

var (
	shownCode  = regexp.MustCompile(`/qrcode/(\w+)"`)
	polledCode = regexp.MustCompile(`wx_errcode=(\d+);window.wx_code='(\w*)'`)
)

// scan lets somebody scan the QR code of the page at authorize, and returns the callback's address.
func (b *browser) scan(authorize, personID, answer string) string {
	b.t.Helper()
	page := b.open(authorize).wantStatus(b.t, http.StatusOK)
	match := shownCode.FindStringSubmatch(page.body)
	if match == nil {
		b.t.Fatalf("no QR code: %s", page.body)
	}
	res, err := http.PostForm(b.simURL+"/connect/confirm", url.Values{"uuid": {match[1]}, "answer": {answer}, "person": {personID}})
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	u, err := url.Parse(authorize)
	if err != nil {
		b.t.Fatal(err)
	}
	callback := u.Query().Get("redirect_uri") + "&"
	if told := polledCode.FindStringSubmatch(b.open(b.simURL + "/connect/l/qrconnect?uuid=" + match[1]).body); answer == "allow" {
		if told == nil || told[1] != "405" {
			b.t.Fatalf("the page is told %v", told)
		}
		callback += "code=" + told[2] + "&"
	}
	return callback + "state=" + u.Query().Get("state")
}

// followConsenting goes on as a visitor does who presses the button of our page and allows what WeChat asks.
func (b *browser) followConsenting(address string) response {
	b.t.Helper()
	a := b.followAllowing(address)
	if match := buttonLink.FindStringSubmatch(a.body); match != nil {
		return b.followAllowing(b.consent(strings.ReplaceAll(match[1], "&amp;", "&"), "allow"))
	}
	return a
}

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

// loginSilentlyAs logs in once more in a browser that has a session, as a second tab does, and returns what me says then.
func (b *browser) loginSilentlyAs(holding string) map[string]string {
	b.t.Helper()
	b.hold(holding)
	b.follow("/_wechat/login?account=official_account&return_to=/page")
	return b.send("GET", "/_wechat/me").wantStatus(b.t, http.StatusOK).json(b.t)
}

// followWith lets the browser go on from an address as long as it is led on, with the callback's address changed on the
// way. It returns how many callbacks there were, and where it ended.
func (b *browser) followWith(address string, change func(callback string) string) (callbacks int, end response) {
	b.t.Helper()
	for range 60 {
		end = b.open(address)
		address = end.Header.Get("Location")
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

// identity returns whom the browser's session stands for.
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

func (b *browser) userAt(path string) string {
	b.t.Helper()
	b.received()
	b.open(path).wantStatus(b.t, http.StatusOK)
	return b.received().Header.Get("X-Wechat-User")
}

// consent goes through WeChat's consent page and returns the callback's address.
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
	return b.fetch(req).wantStatus(b.t, http.StatusSeeOther).Header.Get("Location")
}

// attemptCookie returns the cookie of the only attempt that the browser carries, as it sends it.
func (b *browser) attemptCookie() string {
	for _, name := range b.cookieNames() {
		if session.IsOwnCookie(name) {
			return name + "=" + b.cookie(name)
		}
	}
	return ""
}

// login logs the browser in by way of the page at path.
func (b *browser) login(path string) response {
	b.t.Helper()
	a := b.follow(path)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "app o") {
		b.t.Fatalf("login by %s ended with status %d: %.300s", path, a.StatusCode, a.body)
	}
	return a
}

// logout goes to the logout by a link on a page of the site.
func (b *browser) logout(query string, headers ...string) response {
	b.t.Helper()
	return b.open("/_wechat/logout"+query, append([]string{"Referer: " + b.site("/page")}, headers...)...)
}

// callbackFor opens a page, lets WeChat answer, and returns the callback's address without going there.
func (b *browser) callbackFor(path string) string {
	b.t.Helper()
	a := b.open(path)
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("%s: status %d: %.200s", path, a.StatusCode, a.body)
	}
	a = b.open(a.Header.Get("Location"))
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("authorize page: status %d: %.500s", a.StatusCode, a.body)
	}
	return a.Header.Get("Location")
}

var attemptName = regexp.MustCompile(`^(__Host-)?wechat_login_[0-7]$`)
