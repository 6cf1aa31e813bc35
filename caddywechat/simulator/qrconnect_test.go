package simulator

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rsc.io/qr"
)

func escaped(text string) string { return url.QueryEscape(text) }

// qrQuery is the query of a good QR login for the demo website.
func qrQuery() string {
	return "appid=" + DemoWebsiteAppID + "&redirect_uri=" + url.QueryEscape("http://localhost:8080/callback") +
		"&response_type=code&scope=snsapi_login&state=a1B2"
}

func (b *bench) postForm(path, form string, header ...string) reply {
	b.Helper()
	return b.send("POST", path, form, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

var uuidOnPage = regexp.MustCompile(`src="[^"]*connect/qrcode/([0-9A-Za-z]{16})"`)

// newUUID opens the page with a QR code.
func (b *bench) newUUID() string {
	b.Helper()
	r := b.get(qrConnectPath+"?"+qrQuery(), "User-Agent", "Mozilla/5.0 Chrome/132.0.0.0")
	found := uuidOnPage.FindStringSubmatch(r.body)
	if found == nil {
		b.Fatalf("no QR code: %d %s", r.status, r.body)
	}
	return found[1]
}

// tap answers on the phone, and returns whether it counted.
func (b *bench) tap(uuid, answer, person string) bool {
	b.Helper()
	r := b.postForm(confirmPath, "uuid="+uuid+"&answer="+answer+"&person="+person)
	if r.status != http.StatusOK {
		b.Fatalf("got %d %s", r.status, r.body)
	}
	return !strings.Contains(r.body, "二维码已失效")
}

// poll asks what became of a QR code, in a case where the answer comes at once.
func (b *bench) poll(uuid string) (status, code string) {
	b.Helper()
	r := b.get(qrPollPath + "?uuid=" + uuid + "&_=1700000000000")
	found := regexp.MustCompile(`^window\.wx_errcode=(\d+);window\.wx_code='([0-9A-Za-z]*)';$`).FindStringSubmatch(r.body)
	if found == nil || r.header.Get("Content-Type") != "text/javascript; charset=utf-8" || r.header.Get("Cache-Control") != "no-store" {
		b.Fatalf("got %d %v %s", r.status, r.header, r.body)
	}
	return found[1], found[2]
}

func (b *bench) wantPoll(uuid, want string) {
	b.Helper()
	if status, code := b.poll(uuid); status != want || (code != "") != (want == "405") {
		b.Errorf("got %s %q, want %s", status, code, want)
	}
}

func websiteExchange(code string) string {
	return accessTokenPath + "?appid=" + DemoWebsiteAppID + "&secret=" + DemoWebsiteSecret + "&code=" + code + "&grant_type=authorization_code"
}

func TestQRConnectChecks(t *testing.T) {
	strict := newBench(t, Config{})
	lenient := newBench(t, Config{Quirks: Quirks{AnyOrder: true, StateOptional: true}})

	good := qrQuery()
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in %q", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	redirectTo := func(uri string) string {
		return with(url.QueryEscape("http://localhost:8080/callback"), url.QueryEscape(uri))
	}
	const ok, unreachable, badURI, badScope = "", "该链接无法访问", "redirect_uri 参数错误", "Scope 参数错误或没有 Scope 权限"
	for _, test := range []struct {
		name, query string
		want        string // the title of the page; ok: a QR code
		outcome     string
	}{
		{"good", good, ok, "qr code"},
		{"lang", good + "&lang=cn", ok, "qr code"},
		{"what an SDK adds", good + "&login_type=jssdk", ok, "qr code"},
		{"no query", "", unreachable, "appid"},
		{"appid missing", with("appid="+DemoWebsiteAppID+"&", ""), unreachable, "appid"},
		{"appid in another case", with("appid", "appId"), unreachable, "appid"},
		{"appid unknown", with(DemoWebsiteAppID, "wxffffffffffffffff"), "AppID 参数错误", "appid"},
		{"appid of an official account", with(DemoWebsiteAppID, DemoAppID), badScope, "appid"},
		{"redirect_uri empty", with(url.QueryEscape("http://localhost:8080/callback"), ""), unreachable, "redirect_uri"},
		{"response_type missing", with("&response_type=code", ""), badScope, "order"},
		{"response_type token", with("=code", "=token"), "response_type 参数错误", "response_type"},
		{"scope empty", with("snsapi_login", ""), unreachable, "scope"},
		{"scope of official accounts", with("snsapi_login", "snsapi_userinfo"), badScope, "scope"},
		{"two scopes", with("snsapi_login", "snsapi_login,snsapi_userinfo"), badScope, "scope"},
		{"state missing", with("&state=a1B2", ""), unreachable, "state"},
		{"state of 128", with("a1B2", strings.Repeat("x", 128)), ok, "qr code"},
		{"state of 129", with("a1B2", strings.Repeat("x", 129)), "state 参数过长", "state"},
		{"state with a dash", with("a1B2", "a-b"), "state 参数过长", "state"},
		{"scope first", "scope=snsapi_login&" + with("&scope=snsapi_login", ""), badScope, "order"},
		{"lang first", "lang=cn&" + good, badScope, "order"},
		{"redirect_uri not encoded", with(url.QueryEscape("http://localhost:8080/callback"), "http://localhost/?a=1&b=2"), badScope, "order"},
		{"another host", redirectTo("http://example.com/"), badURI, "redirect_uri"},
		{"a subdomain", redirectTo("http://www.localhost/"), badURI, "redirect_uri"},
		{"encoded twice", redirectTo(url.QueryEscape("http://localhost/")), badURI, "redirect_uri"},
		{"another scheme", redirectTo("javascript://localhost/%0aalert(1)"), badURI, "redirect_uri"},
		{"only a path", redirectTo("/callback"), badURI, "redirect_uri"},
		{"a user name", redirectTo("http://localhost@localhost/"), badURI, "redirect_uri"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := strict.get(qrConnectPath + "?" + test.query)
			calls := strict.sim.Journal()
			if got := calls[len(calls)-1].Outcome; got != test.outcome {
				t.Errorf("in the journal as %s, want %s", got, test.outcome)
			}
			if r.status != http.StatusOK || r.header.Get("Location") != "" || strings.Contains(r.body, "错误码") {
				t.Errorf("got %d %v %s", r.status, r.header, r.body)
			}
			if test.want == ok && uuidOnPage.FindString(r.body) == "" || !strings.Contains(r.body, "<h1>"+test.want) {
				t.Errorf("not %q: %s", test.want, r.body)
			}
		})
	}
	t.Run("lenient", func(t *testing.T) {
		for _, query := range []string{with("&state=a1B2", ""), "lang=en&" + good} {
			if r := lenient.get(qrConnectPath + "?" + query); uuidOnPage.FindString(r.body) == "" {
				t.Errorf("got %d %s", r.status, r.body)
			}
		}
	})
	t.Run("other methods", func(t *testing.T) {
		for _, path := range []string{qrConnectPath + "?" + good, qrPollPath + "?uuid=x", qrCodePath + "x"} {
			if r := strict.send("POST", path, ""); r.status != http.StatusMethodNotAllowed {
				t.Errorf("%s: got %d", path, r.status)
			}
		}
		if r := strict.send("PUT", confirmPath, ""); r.status != http.StatusMethodNotAllowed {
			t.Errorf("got %d", r.status)
		}
	})
}

// Whatever passes the checks can only lead back to the app.
func FuzzQRConnectQuery(f *testing.F) {
	f.Add(qrQuery())
	f.Add(qrQuery() + "&lang=en#wechat_redirect")
	f.Add("appid=" + DemoWebsiteAppID + `&redirect_uri=http%3A%2F%2Flocalhost%5C%40example.com&response_type=code&scope=snsapi_login&state=`)
	f.Fuzz(func(t *testing.T, query string) {
		sim, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		req, p := sim.checkQRConnect(query)
		if p != nil {
			translate("en", "titles", p.title, p.values...)
			translate("en", "hints", p.hint, p.values...)
			return
		}
		back, err := url.Parse(callbackURL(req.redirectURI, "code=0&state="+req.state))
		if err != nil || back.Scheme != "http" && back.Scheme != "https" || back.User != nil ||
			!sameHost(DemoDomain, strings.ToLower(back.Hostname())) || !strings.Contains(back.RawQuery, "code=0&state=") {
			t.Errorf("%q leads to %v: %v", query, back, err)
		}
	})
}

func TestWebsiteAppsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*WebsiteApp){
		"app id":              func(a *WebsiteApp) { a.AppID = "demo" },
		"secret":              func(a *WebsiteApp) { a.Secret = "secret" },
		"no domain":           func(a *WebsiteApp) { a.Domain = "" },
		"path":                func(a *WebsiteApp) { a.Domain = "www.example.com/app" },
		"port":                func(a *WebsiteApp) { a.Domain = "localhost:8080" },
		"official account's":  func(a *WebsiteApp) { a.AppID = DemoAppID },
		"scheme":              func(a *WebsiteApp) { a.Domain = "https://www.example.com" },
		"app id in uppercase": func(a *WebsiteApp) { a.AppID = strings.ToUpper(a.AppID) },
	} {
		app := demoWebsite()
		change(&app)
		if _, err := New(Config{Websites: []WebsiteApp{app}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestQRLogin(t *testing.T) {
	b := newBench(t, Config{})
	uuid := b.newUUID()

	if r := b.get(confirmPath + "?uuid=" + uuid); !strings.Contains(r.body, "演示网站") || !strings.Contains(r.body, `name="uuid" value="`+uuid+`"`) {
		t.Errorf("got %d %s", r.status, r.body)
	}
	b.wantPoll(uuid, "404")
	r := b.postForm(confirmPath, "uuid="+uuid+"&answer=allow&person=emma")
	if r.status != http.StatusOK || !strings.Contains(r.body, "已允许登录") || !strings.Contains(r.header.Get("Set-Cookie"), personCookie+"=emma;") {
		t.Errorf("got %d %v %s", r.status, r.header, r.body)
	}
	status, code := b.poll(uuid)
	if status != "405" || !regexp.MustCompile(`^0[0-9A-Za-z]{31}$`).MatchString(code) {
		t.Fatalf("got %s %q", status, code)
	}
	b.wantPoll(uuid, "402") // the code is given once

	b.wantErrcode(exchangePath(code), 40029) // another app's
	token := b.api(websiteExchange(code))
	if token.Scope != ScopeLogin || token.OpenID != OpenID(DemoWebsiteAppID, "emma") || token.UnionID == nil || *token.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", token)
	}
	b.wantErrcode(websiteExchange(code), 40163)
	profile := b.api(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID)
	if profile.Nickname != "Emma 🐳" || profile.Headimgurl == "" || profile.UnionID == nil || *profile.UnionID != *token.UnionID {
		t.Errorf("got %+v", profile)
	}
	renewed := b.api(refreshTokenPath + "?appid=" + DemoWebsiteAppID + "&grant_type=refresh_token&refresh_token=" + token.RefreshToken)
	if renewed.AccessToken != token.AccessToken || renewed.Scope != ScopeLogin {
		t.Errorf("got %+v", renewed)
	}
}

func TestQRLoginWithoutOpenPlatform(t *testing.T) {
	app := demoWebsite()
	app.OpenPlatform = ""
	b := newBench(t, Config{Websites: []WebsiteApp{app}})
	uuid := b.newUUID()
	b.tap(uuid, "allow", "")
	_, code := b.poll(uuid)
	if token := b.api(websiteExchange(code)); token.UnionID != nil || token.OpenID != OpenID(DemoWebsiteAppID, "xiaoming") {
		t.Errorf("got %+v", token)
	}
}

// The page leads back to the app with what the app's own URL had, and nothing of it can leave its attribute.
func TestQRPageKnowsTheWayBack(t *testing.T) {
	b := newBench(t, Config{})
	for redirectURI, want := range map[string][2]string{
		"http://localhost/cb":                    {"http://localhost/cb?", ""},
		"http://localhost/cb?to=%2Fa#/page":      {"http://localhost/cb?to=%2Fa&", "#/page"},
		`http://localhost/"><script>alert(1)//'`: {`http://localhost/"><script>alert(1)//'?`, ""},
	} {
		query := strings.Replace(qrQuery(), url.QueryEscape("http://localhost:8080/callback"), url.QueryEscape(redirectURI), 1)
		r := b.get(qrConnectPath + "?" + query)
		found := regexp.MustCompile(`data-before="([^"]*)" data-state="a1B2" data-after="([^"]*)"`).FindStringSubmatch(r.body)
		if found == nil || html.UnescapeString(found[1]) != want[0] || html.UnescapeString(found[2]) != want[1] || strings.Contains(r.body, "<script>alert") {
			t.Errorf("%s: got %q in %s", redirectURI, found, r.body)
		}
	}
}

func TestQRCodePicture(t *testing.T) {
	b := newBench(t, Config{})
	uuid := b.newUUID()
	r := b.get(qrCodePath + uuid)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "image/png" || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", r.status, r.header)
	}
	picture, err := png.Decode(bytes.NewReader([]byte(r.body)))
	if err != nil {
		t.Fatal(err)
	}
	want, err := qr.Encode(b.url+"/connect/confirm?uuid="+uuid, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	if width := (want.Size + 8) * want.Scale; picture.Bounds().Dx() != width {
		t.Fatalf("%v, want %d", picture.Bounds(), width)
	}
	for y := range want.Size {
		for x := range want.Size {
			dark := color.GrayModel.Convert(picture.At((x+4)*want.Scale, (y+4)*want.Scale)).(color.Gray).Y < 128
			if dark != want.Black(x, y) {
				t.Fatalf("module %d,%d is wrong", x, y)
			}
		}
	}
	b.later(qrCodeLifetime)
	for _, unknown := range []string{uuid, "x"} {
		if r := b.get(qrCodePath + unknown); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d", unknown, r.status)
		}
	}
}

func TestQRLoginIsAnsweredOnce(t *testing.T) {
	b := newBench(t, Config{})
	for _, test := range []struct{ first, second, want string }{
		{"allow", "allow", "405"},
		{"allow", "deny", "405"},
		{"deny", "allow", "403"},
		{"deny", "deny", "403"},
	} {
		uuid := b.newUUID()
		if !b.tap(uuid, test.first, "") {
			t.Errorf("%s does not count", test.first)
		}
		if b.tap(uuid, test.second, "") {
			t.Errorf("%s counts after %s", test.second, test.first)
		}
		if r := b.get(confirmPath + "?uuid=" + uuid); !strings.Contains(r.body, "二维码已失效") {
			t.Errorf("asks again: %s", r.body)
		}
		b.wantPoll(uuid, test.want)
	}
	if b.tap("0123456789abcdef", "allow", "") {
		t.Error("a QR code that was never there is allowed")
	}
}

func TestQRLoginExpires(t *testing.T) {
	b := newBench(t, Config{})
	untouched, scanned, allowed := b.newUUID(), b.newUUID(), b.newUUID()
	b.later(qrCodeLifetime - time.Second)
	b.get(confirmPath + "?uuid=" + scanned)
	b.wantPoll(scanned, "404")
	b.tap(allowed, "allow", "")
	b.later(time.Second)
	for _, uuid := range []string{untouched, scanned, allowed, ""} {
		b.wantPoll(uuid, "402")
		if b.tap(uuid, "allow", "") {
			t.Error("an expired QR code is allowed")
		}
	}
}

func TestQRCodeLife(t *testing.T) {
	b := newBench(t, Config{})
	b.patchQuirks(`{"code_life":"90s"}`)
	for _, late := range []time.Duration{0, 90 * time.Second} {
		uuid := b.newUUID()
		b.tap(uuid, "allow", "")
		_, code := b.poll(uuid)
		b.later(late)
		if token := b.api(websiteExchange(code)); (token.AccessToken != "") != (late == 0) {
			t.Errorf("after %v: %+v", late, token)
		}
	}
}

func TestQRLoginsAreBounded(t *testing.T) {
	b := newBench(t, Config{})
	first := b.newUUID()
	for range maxEntries {
		b.sim.startQRLogin(authorizationRequest{})
	}
	if n := len(b.sim.qrLogins.values); n != maxEntries {
		t.Errorf("%d are kept", n)
	}
	b.wantPoll(first, "402")
}

func TestConfirmRefusesWhatNoPageSends(t *testing.T) {
	b := newBench(t, Config{})
	uuid := b.newUUID()
	for form, header := range map[string][]string{
		"uuid=" + uuid + "&answer=perhaps":               nil,
		"uuid=" + uuid + "&answer=snapshot":              nil,
		"uuid=" + uuid:                                   nil,
		"uuid=" + uuid + "&answer=allow&person=nobody":   nil,
		"uuid=" + uuid + "&answer=allow":                 {"Sec-Fetch-Site", "cross-site"},
		"uuid=" + uuid + "&answer=allow&":                {"Origin", "http://evil.example"},
		"uuid=" + uuid + "&answer=allow&x=%zz":           nil,
		"answer=allow&" + strings.Repeat("x", maxForm):   nil,
		"uuid=" + uuid + "&answer=deny&person=%3Cscript": nil,
	} {
		if r := b.postForm(confirmPath, form, header...); r.status != http.StatusBadRequest && r.status != http.StatusForbidden || strings.Contains(r.body, "<script") {
			t.Errorf("%.60s: got %d %s", form, r.status, r.body)
		}
	}
	if !b.tap(uuid, "allow", "") {
		t.Error("it was answered meanwhile")
	}
}

func TestConfirmPageHoldsNastyNames(t *testing.T) {
	app := demoWebsite()
	app.Name = `"><script>alert(1)</script>`
	b := newBench(t, Config{Websites: []WebsiteApp{app}, Quirks: Quirks{NastyPeople: true}})
	r := b.get(qrConnectPath + "?" + qrQuery())
	if strings.Count(r.body, "<script") != 1 || !strings.Contains(r.body, "&lt;script&gt;alert(1)") {
		t.Errorf("got %s", r.body)
	}
	r = b.get(confirmPath + "?uuid=" + uuidOnPage.FindStringSubmatch(r.body)[1])
	if strings.Contains(r.body, "<script") || !strings.Contains(r.body, `value="nasty-markup"`) || !strings.Contains(r.body, "没有昵称") {
		t.Errorf("got %s", r.body)
	}
}

func TestQRLoginFaults(t *testing.T) {
	b := newBench(t, Config{})
	uuid := b.newUUID()
	for _, path := range []string{qrConnectPath, qrPollPath, confirmPath} {
		b.fault(Fault{Path: path, Kind: FaultStatus, Times: 1})
		if r := b.get(path + "?uuid=" + uuid); r.status != http.StatusServiceUnavailable {
			t.Errorf("%s: got %d", path, r.status)
		}
		if b.sim.Fault(Fault{Path: path, Kind: FaultErrcode, Errcode: -1}) == nil {
			t.Errorf("%s answers JSON", path)
		}
	}
	b.tap(uuid, "allow", "")
	b.fault(Fault{Path: qrPollPath, Kind: FaultStatus, Consume: true, Times: 1})
	b.get(qrPollPath + "?uuid=" + uuid)
	b.wantPoll(uuid, "402") // the code is lost
}

func TestQRLoginDuplicateCallback(t *testing.T) {
	called := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.URL.String() }))
	defer app.Close()
	b := newBench(t, Config{Quirks: Quirks{DuplicateCallback: time.Millisecond}})
	query := strings.Replace(qrQuery(), url.QueryEscape("http://localhost:8080/callback"), url.QueryEscape(app.URL+"/cb"), 1)
	uuid := uuidOnPage.FindStringSubmatch(b.get(qrConnectPath + "?" + query).body)[1]
	b.tap(uuid, "allow", "")
	_, code := b.poll(uuid)
	if got, want := <-called, "/cb?code="+code+"&state=a1B2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestQRLoginInTheJournal(t *testing.T) {
	b := newBench(t, Config{})
	allowed, denied := b.newUUID(), b.newUUID()
	b.get(qrCodePath + allowed)
	b.get(confirmPath + "?uuid=" + allowed)
	b.poll(allowed)
	b.tap(allowed, "allow", "")
	b.tap(denied, "deny", "")
	b.tap(denied, "allow", "")
	_, code := b.poll(allowed)
	b.poll(denied)
	b.send("POST", qrCodePath+allowed, "")

	var got []string
	for _, call := range b.sim.Journal() {
		got = append(got, call.Method+" "+call.Path+" "+call.Outcome)
	}
	want := `GET /connect/qrconnect qr code
GET /connect/qrconnect qr code
GET /connect/qrcode/ ok
GET /connect/confirm confirm
GET /connect/l/qrconnect 404
POST /connect/confirm ok
POST /connect/confirm denied
POST /connect/confirm 402
GET /connect/l/qrconnect 405
GET /connect/l/qrconnect 403
POST /connect/qrcode/ 405`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if text := fmt.Sprint(b.sim.Journal(), b.get("/simulator/calls").body); strings.Contains(text, allowed) || strings.Contains(text, code) {
		t.Errorf("secrets in %s", text)
	}
}

// bubble is a simulator in a bubble of time, asked without a network.
type bubble struct {
	*testing.T
	sim *Simulator
}

func inBubble(t *testing.T, test func(*bubble)) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		test(&bubble{t, sim})
	})
}

func (b *bubble) get(path string) string {
	w := httptest.NewRecorder()
	b.sim.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}

// polling polls, and returns where the answer will come.
func (b *bubble) polling(uuid, more string) <-chan string {
	answer := make(chan string, 1)
	go func() { answer <- b.get(qrPollPath + "?uuid=" + uuid + more) }()
	synctest.Wait()
	return answer
}

func (b *bubble) wantSilence(answer <-chan string) {
	b.Helper()
	synctest.Wait()
	select {
	case early := <-answer:
		b.Errorf("answered %s too early", early)
	default:
	}
}

func (b *bubble) wantNow(answer <-chan string, want string) {
	b.Helper()
	synctest.Wait()
	select {
	case got := <-answer:
		if !strings.HasPrefix(got, "window.wx_errcode="+want+";") {
			b.Errorf("got %s, want %s", got, want)
		}
	default:
		b.Errorf("no answer, want %s", want)
	}
}

func TestPollIsHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		req, _ := b.sim.checkQRConnect(qrQuery())
		uuid := b.sim.startQRLogin(req)

		start := time.Now()
		if got := b.get(qrPollPath + "?uuid=" + uuid); !strings.HasPrefix(got, "window.wx_errcode=408;window.wx_code='';") || time.Since(start) != maxPoll {
			t.Errorf("got %s after %v", got, time.Since(start))
		}

		first := b.polling(uuid, "")
		b.get(confirmPath + "?uuid=" + uuid)
		b.wantNow(first, "404")

		known := b.polling(uuid, "&last=404")
		b.wantSilence(known)
		time.Sleep(maxPoll)
		b.wantNow(known, "408")

		last := b.polling(uuid, "&last=404")
		other := b.polling(uuid, "&last=404")
		b.wantSilence(last)
		b.sim.confirmQRLogin(uuid, Person{ID: "emma"})
		synctest.Wait()
		answers := []string{<-last, <-other}
		if issued := strings.Count(strings.Join(answers, ""), "wx_errcode=405;"); issued != 1 || strings.Count(strings.Join(answers, ""), "wx_errcode=402;") != 1 {
			t.Errorf("two polls got %q", answers)
		}
	})
}

func TestPollHearsOfTheEnd(t *testing.T) {
	inBubble(t, func(b *bubble) {
		uuid := b.sim.startQRLogin(authorizationRequest{})
		time.Sleep(qrCodeLifetime - time.Second)
		answer := b.polling(uuid, "")
		b.wantSilence(answer)
		time.Sleep(time.Second)
		b.wantNow(answer, "402")

		refused := b.sim.startQRLogin(authorizationRequest{})
		answer = b.polling(refused, "")
		b.sim.refuseQRLogin(refused)
		b.wantNow(answer, "403")

		answer = b.polling(b.sim.startQRLogin(authorizationRequest{}), "")
		b.sim.Reset()
		b.wantNow(answer, "408")
		b.wantNow(b.polling(refused, ""), "402")

		answer = b.polling(b.sim.startQRLogin(authorizationRequest{}), "&last=404")
		b.sim.Close()
		b.wantNow(answer, "408")
	})
}

func TestManyAnswersAtOnce(t *testing.T) {
	b := newBench(t, Config{})
	uuid := b.newUUID()
	var counted, codes atomic.Int32
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if b.tap(uuid, []string{"allow", "deny"}[i%2], "") {
				counted.Add(1)
			}
			if status, _ := b.poll(uuid); status == "405" {
				codes.Add(1)
			}
		})
	}
	group.Wait()
	if counted.Load() != 1 || codes.Load() > 1 {
		t.Errorf("%d answers counted, %d codes", counted.Load(), codes.Load())
	}
}
