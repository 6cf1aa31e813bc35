package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var uuidOnPage = regexp.MustCompile(`src="[^"]*connect/qrcode/([0-9A-Za-z]{16})"`)

// newUUID opens the page with a QR code.
func (h *harness) newUUID() string {
	h.Helper()
	return h.uuidOn(qrConnectPath + "?" + qrQuery())
}

// uuidOn returns the uuid of the QR code on a page.
func (h *harness) uuidOn(path string) string {
	h.Helper()
	r := h.get(path, "User-Agent", desktopUserAgent)
	found := uuidOnPage.FindStringSubmatch(r.body)
	if found == nil {
		h.Fatalf("no QR code: %d %s", r.status, r.body)
	}
	return found[1]
}

// tap answers on the phone, and returns whether it counted.
func (h *harness) tap(uuid, answer, person string) bool {
	h.Helper()
	r := h.postForm(confirmPath, "uuid="+uuid+"&answer="+answer+"&person="+person)
	if r.status != http.StatusOK {
		h.Fatalf("got %d %s", r.status, r.body)
	}
	return !strings.Contains(r.body, "二维码已失效")
}

// poll asks what became of a QR code, in a case where the answer comes at once.
func (h *harness) poll(uuid string) (status, code string) {
	h.Helper()
	r := h.get(qrPollPath + "?uuid=" + uuid + "&_=1700000000000")
	script := regexp.MustCompile(`^window\.wx_errcode=(\d+);window\.wx_code='([0-9A-Za-z]*)';$`)
	found := script.FindStringSubmatch(r.body)
	if found == nil || r.header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
		r.header.Get("Cache-Control") != "no-store" {
		h.Fatalf("got %d %v %s", r.status, r.header, r.body)
	}
	return found[1], found[2]
}

func (h *harness) wantPoll(uuid, want string) {
	h.Helper()
	if status, code := h.poll(uuid); status != want || (code != "") != (want == "405") {
		h.Errorf("got %s %q, want %s", status, code, want)
	}
}

func websiteExchange(code string) string {
	return exchangePathOf(DemoWebsiteAppID, DemoWebsiteSecret, code)
}

func TestQRLogin_GivesItsCodeOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	uuid := h.newUUID()

	if r := h.get(confirmPath + "?uuid=" + uuid); !strings.Contains(r.body, "演示网站") ||
		!strings.Contains(r.body, `name="uuid" value="`+uuid+`"`) {
		t.Errorf("got %d %s", r.status, r.body)
	}
	h.wantPoll(uuid, "404")
	r := h.postForm(confirmPath, "uuid="+uuid+"&answer=allow&person=emma")
	if r.status != http.StatusOK || !strings.Contains(r.body, "已允许登录") ||
		!strings.Contains(r.header.Get("Set-Cookie"), personCookie+"=emma;") {
		t.Errorf("got %d %v %s", r.status, r.header, r.body)
	}
	status, code := h.poll(uuid)
	if status != "405" || !regexp.MustCompile(`^0[0-9A-Za-z]{31}$`).MatchString(code) {
		t.Fatalf("got %s %q", status, code)
	}
	h.wantPoll(uuid, "402") // the code is given once

	h.wantErrcode(exchangePath(code), 40029) // another app's
	token := h.api(websiteExchange(code))
	if token.Scope != ScopeLogin || token.OpenID != OpenID(DemoWebsiteAppID, "emma") || token.UnionID == nil ||
		*token.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", token)
	}
	h.wantErrcode(websiteExchange(code), 40163)
	profile := h.api(profilePath(token))
	if profile.Nickname != "Emma 🐳" || profile.Headimgurl == "" || profile.UnionID == nil ||
		*profile.UnionID != *token.UnionID {
		t.Errorf("got %+v", profile)
	}
	renewed := h.api(refreshTokenPath + "?appid=" + DemoWebsiteAppID + "&grant_type=refresh_token&refresh_token=" +
		token.RefreshToken)
	if renewed.AccessToken != token.AccessToken || renewed.Scope != ScopeLogin {
		t.Errorf("got %+v", renewed)
	}
}

func TestQRLogin_HasNoUnionIDWithoutOpenPlatform(t *testing.T) {
	t.Parallel()
	app := demoWebsite()
	app.OpenPlatform = ""
	h := newHarness(t, Config{Websites: []WebsiteApp{app}})
	uuid := h.newUUID()
	h.tap(uuid, "allow", "")
	_, code := h.poll(uuid)
	if token := h.api(websiteExchange(code)); token.UnionID != nil ||
		token.OpenID != OpenID(DemoWebsiteAppID, "xiaoming") {
		t.Errorf("got %+v", token)
	}
}

func TestQRLogin_IsAnsweredOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, test := range []struct{ first, second, want string }{
		{"allow", "allow", "405"},
		{"allow", "deny", "405"},
		{"deny", "allow", "403"},
		{"deny", "deny", "403"},
	} {
		uuid := h.newUUID()
		if !h.tap(uuid, test.first, "") {
			t.Errorf("%s does not count", test.first)
		}
		if h.tap(uuid, test.second, "") {
			t.Errorf("%s counts after %s", test.second, test.first)
		}
		if r := h.get(confirmPath + "?uuid=" + uuid); !strings.Contains(r.body, "二维码已失效") {
			t.Errorf("asks again: %s", r.body)
		}
		h.wantPoll(uuid, test.want)
	}
	if h.tap("0123456789abcdef", "allow", "") {
		t.Error("a QR code that was never there is allowed")
	}
}

func TestQRLogin_Expires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	untouched, scanned, allowed := h.newUUID(), h.newUUID(), h.newUUID()
	h.advance(qrCodeLifetime - time.Second)
	h.get(confirmPath + "?uuid=" + scanned)
	h.wantPoll(scanned, "404")
	h.tap(allowed, "allow", "")
	h.advance(time.Second)
	for _, uuid := range []string{untouched, scanned, allowed, ""} {
		h.wantPoll(uuid, "402")
		if h.tap(uuid, "allow", "") {
			t.Error("an expired QR code is allowed")
		}
	}
}

func TestQRLogin_GivesACodeOfTheQuirksLifetime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.patchQuirks(`{"code_life":"90s"}`)
	for _, late := range []time.Duration{0, 90 * time.Second} {
		uuid := h.newUUID()
		h.tap(uuid, "allow", "")
		_, code := h.poll(uuid)
		h.advance(late)
		if token := h.api(websiteExchange(code)); (token.AccessToken != "") != (late == 0) {
			t.Errorf("after %v: %+v", late, token)
		}
	}
}

func TestQRLogin_IsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	first := h.newUUID()
	for range maxEntries {
		h.sim.startQRLogin(authorizationRequest{})
	}
	if n := len(h.sim.qrLogins.values); n != maxEntries {
		t.Errorf("%d are kept", n)
	}
	h.wantPoll(first, "402")
}

func TestQRLogin_MeetsFaults(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	uuid := h.newUUID()
	for _, path := range []string{qrConnectPath, qrPollPath, confirmPath} {
		h.fault(Fault{Path: path, Kind: FaultStatus, Times: 1})
		if r := h.get(path + "?uuid=" + uuid); r.status != http.StatusServiceUnavailable {
			t.Errorf("%s: got %d", path, r.status)
		}
		if h.sim.Fault(Fault{Path: path, Kind: FaultErrcode, Errcode: -1}) == nil {
			t.Errorf("%s answers JSON", path)
		}
	}
	h.tap(uuid, "allow", "")
	h.fault(Fault{Path: qrPollPath, Kind: FaultStatus, Consume: true, Times: 1})
	h.get(qrPollPath + "?uuid=" + uuid)
	h.wantPoll(uuid, "402") // the code is lost
}

func TestQRLogin_HasADuplicateCallback(t *testing.T) {
	t.Parallel()
	called := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called <- r.URL.String()
	}))
	defer app.Close()
	h := newHarness(t, Config{Quirks: Quirks{DuplicateCallback: time.Millisecond}})
	uuid := h.uuidOn(qrConnectPath + "?" + qrQueryTo(app.URL+"/cb"))
	h.tap(uuid, "allow", "")
	_, code := h.poll(uuid)
	if got, want := <-called, "/cb?code="+code+"&state=a1B2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestQRLogin_IsRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	allowed, denied := h.newUUID(), h.newUUID()
	h.get(qrCodePath + allowed)
	h.get(confirmPath + "?uuid=" + allowed)
	h.poll(allowed)
	h.tap(allowed, "allow", "")
	h.tap(denied, "deny", "")
	h.tap(denied, "allow", "")
	_, code := h.poll(allowed)
	h.poll(denied)
	h.send("POST", qrCodePath+allowed, "")

	var got []string
	for _, call := range h.sim.Journal() {
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
	if text := fmt.Sprint(h.sim.Journal(), h.get("/simulator/calls").body); strings.Contains(text, allowed) ||
		strings.Contains(text, code) {
		t.Errorf("secrets in %s", text)
	}
}

func TestQRLogin_CountsOneOfManyAnswers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	uuid := h.newUUID()
	var counted, codes atomic.Int32
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if h.tap(uuid, []string{"allow", "deny"}[i%2], "") {
				counted.Add(1)
			}
			if status, _ := h.poll(uuid); status == "405" {
				codes.Add(1)
			}
		})
	}
	group.Wait()
	if counted.Load() != 1 || codes.Load() > 1 {
		t.Errorf("%d answers counted, %d codes", counted.Load(), codes.Load())
	}
}
