package simulator

import (
	"bytes"
	"html"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"
)

// qrQuery is the query of a good QR login for the demo website.
func qrQuery() string {
	return "appid=" + DemoWebsiteAppID + "&redirect_uri=" + escapedCallback +
		"&response_type=code&scope=snsapi_login&state=a1B2"
}

// qrQueryTo is qrQuery with another redirect_uri.
func qrQueryTo(redirectURI string) string {
	return strings.Replace(qrQuery(), escapedCallback, url.QueryEscape(redirectURI), 1)
}

func TestQRConnect_RefusesWhatWeChatRefuses(t *testing.T) {
	t.Parallel()
	strict := newHarness(t, Config{})
	lenient := newHarness(t, Config{Quirks: Quirks{AnyOrder: true, StateOptional: true}})

	good := qrQuery()
	with := replacing(t, good)
	redirectTo := func(uri string) string {
		return with(escapedCallback, url.QueryEscape(uri))
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
		{
			"redirect_uri empty", with(escapedCallback, ""), unreachable,
			"redirect_uri",
		},
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
		{
			"redirect_uri not encoded",
			with(escapedCallback, "http://localhost/?a=1&b=2"), badScope, "order",
		},
		{"another host", redirectTo("http://example.com/"), badURI, "redirect_uri"},
		{"a subdomain", redirectTo("http://www.localhost/"), badURI, "redirect_uri"},
		{"encoded twice", redirectTo(url.QueryEscape("http://localhost/")), badURI, "redirect_uri"},
		{"another scheme", redirectTo("javascript://localhost/%0aalert(1)"), badURI, "redirect_uri"},
		{"only a path", redirectTo("/callback"), badURI, "redirect_uri"},
		{"a user name", redirectTo("http://localhost@localhost/"), badURI, "redirect_uri"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := strict.get(qrConnectPath + "?" + test.query)
			if got := strict.lastOutcome(); got != test.outcome {
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

// Whatever passes the checks can only redirect to the app.
func FuzzQRConnectQuery(f *testing.F) {
	f.Add(qrQuery())
	f.Add(qrQuery() + "&lang=en#wechat_redirect")
	f.Add("appid=" + DemoWebsiteAppID +
		`&redirect_uri=http%3A%2F%2Flocalhost%5C%40example.com&response_type=code&scope=snsapi_login&state=`)
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
			!sameHost(DemoDomain, strings.ToLower(back.Hostname())) ||
			!strings.Contains(back.RawQuery, "code=0&state=") {
			t.Errorf("%q redirects to %v: %v", query, back, err)
		}
	})
}

// The page redirects to the app with what the app's own URL had, and nothing of it can leave its attribute.
func TestQRPage_KeepsTheRedirectURI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for redirectURI, want := range map[string][2]string{
		"http://localhost/cb":                    {"http://localhost/cb?", ""},
		"http://localhost/cb?to=%2Fa#/page":      {"http://localhost/cb?to=%2Fa&", "#/page"},
		`http://localhost/"><script>alert(1)//'`: {`http://localhost/"><script>alert(1)//'?`, ""},
	} {
		r := h.get(qrConnectPath + "?" + qrQueryTo(redirectURI))
		attributes := regexp.MustCompile(`data-before="([^"]*)" data-state="a1B2" data-after="([^"]*)"`)
		found := attributes.FindStringSubmatch(r.body)
		if found == nil || html.UnescapeString(found[1]) != want[0] || html.UnescapeString(found[2]) != want[1] ||
			strings.Contains(r.body, "<script>alert") {
			t.Errorf("%s: got %q in %s", redirectURI, found, r.body)
		}
	}
}

func TestQRCode_EncodesTheConfirmURL(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	uuid := h.newUUID()
	r := h.get(qrCodePath + uuid)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "image/png" ||
		r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", r.status, r.header)
	}
	picture, err := png.Decode(bytes.NewReader([]byte(r.body)))
	if err != nil {
		t.Fatal(err)
	}
	want, err := qr.Encode(h.url+"/connect/confirm?uuid="+uuid, qr.M)
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
	h.advance(qrCodeLifetime)
	for _, unknown := range []string{uuid, "x"} {
		if r := h.get(qrCodePath + unknown); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d", unknown, r.status)
		}
	}
}

func (h *bubble) get(path string) string {
	w := httptest.NewRecorder()
	h.sim.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}
