package simulator

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOverview_ShowsAccountsCallsAndFaults(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.get(userinfoPath)
	h.fault(Fault{Path: authPath, Kind: FaultStatus, Rate: 0.5, Times: 3})
	r := h.get("/simulator/")
	for _, want := range []string{
		DemoAppID, DemoSecret, DemoMiniProgramAppID, DemoMiniProgramSecret, DemoMobileAppID, "小程序", "移动应用", DemoDomain,
		"xiaoming", "小明", h.url + "/simulator/faults",
		"<td>GET /sns/userinfo</td><td>41001</td>", "status 503, rate 0.5, × 3",
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is not on the page", want)
		}
	}
	for _, kind := range faultKinds {
		if !strings.Contains(r.body, "<code>"+string(kind)+"</code>") {
			t.Errorf("%s is not on the page", kind)
		}
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Security-Policy") != policyOf("overview") {
		t.Errorf("got %v", r.header)
	}
}

func TestOverview_TakesItsButtons(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	press := func(name, value string) reply {
		return h.send("POST", "/simulator/", url.Values{name: {value}}.Encode(), "Content-Type", formType)
	}
	if r := press("person", "emma"); r.status != http.StatusSeeOther ||
		!strings.HasPrefix(r.header.Get("Set-Cookie"), "simulator_person=emma;") {
		t.Errorf("got %d %v", r.status, r.header)
	}
	if r := press("quirks", `{"any_order":true}`); r.status != http.StatusSeeOther || !h.sim.Quirks().AnyOrder {
		t.Errorf("got %d", r.status)
	}
	h.fault(Fault{Path: authPath, Kind: FaultEmpty})
	if r := press("do", "clear faults"); r.status != http.StatusSeeOther || len(h.sim.Faults()) != 0 {
		t.Errorf("got %d", r.status)
	}
	if r := press("do", "reset"); r.status != http.StatusSeeOther || h.sim.Quirks().AnyOrder ||
		!strings.HasPrefix(r.header.Get("Set-Cookie"), "simulator_person=; ") {
		t.Errorf("got %d %v", r.status, r.header)
	}
	for _, button := range [][2]string{
		{"person", "nobody"}, {"quirks", `{"any":true}`}, {"do", "nothing"}, {"x", "y"},
	} {
		if r := press(button[0], button[1]); r.status != http.StatusBadRequest {
			t.Errorf("%v: got %d", button, r.status)
		}
	}
}

var block = regexp.MustCompile(`(?s)<pre>(.*?)</pre>`)

// Every example on the page works as it stands, in a simulator where someone has logged in, and every control call has
// an example.
func TestOverview_HasWorkingExamplesOfEveryControl(t *testing.T) {
	t.Parallel()
	page := newHarness(t, Config{}).get("/simulator/").body
	controls := (&Simulator{}).controls()
	shown := map[string]bool{}
	for _, match := range block.FindAllStringSubmatch(page, -1) {
		example := html.UnescapeString(match[1])
		if !strings.HasPrefix(example, "curl ") {
			continue
		}
		h := newHarness(t, Config{})
		h.profile()
		for _, command := range commands(example) {
			r := command.request(t)
			_, pattern := h.sim.mux.Handler(r)
			shown[pattern] = true
			w := httptest.NewRecorder()
			h.sim.ServeHTTP(w, r)
			if w.Code >= 400 || strings.Contains(w.Body.String(), `"calls":[]`) { // one that waited for a call in vain
				t.Errorf("%s\n%d %s", example, w.Code, w.Body)
			}
			if pattern == consentPath && !strings.Contains(w.Header().Get("Location"), "code=") {
				t.Errorf("%s\n%d %s", example, w.Code, w.Body)
			}
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(controls)) {
		if !shown[pattern] {
			t.Errorf("the page has no example of %s", pattern)
		}
	}
}

// command is a command line in words, without quotes.
type command []string

// commands reads what a shell would read of the page's examples: lines, \ at their ends, and single quotes.
func commands(text string) []command {
	word := regexp.MustCompile(`(?:[^\s']|'[^']*')+`)
	var list []command
	for line := range strings.SplitSeq(joinQuoted(strings.ReplaceAll(text, "\\\n", " ")), "\n") {
		var c command
		for _, w := range word.FindAllString(line, -1) {
			c = append(c, strings.ReplaceAll(w, "'", ""))
		}
		list = append(list, c)
	}
	return list
}

// joinQuoted makes spaces of the line breaks between quotes.
func joinQuoted(text string) string {
	return regexp.MustCompile(`'[^']*'`).ReplaceAllStringFunc(text, func(quoted string) string {
		return strings.ReplaceAll(quoted, "\n", " ")
	})
}

// request is what curl would send.
func (c command) request(t *testing.T) *http.Request {
	t.Helper()
	if c[0] != "curl" {
		t.Fatalf("not a curl command: %q", c)
	}
	var method, target, userAgent string
	var data []string
	for i := 1; i < len(c); i++ {
		argument := func() string { i++; return c[i] }
		switch c[i] {
		case "-X":
			method = argument()
		case "-A":
			userAgent = argument()
		case "-d":
			data = append(data, argument())
		case "--data-urlencode":
			name, value, _ := strings.Cut(argument(), "=")
			data = append(data, name+"="+url.QueryEscape(value))
		case "-i":
		default:
			if target != "" || strings.HasPrefix(c[i], "-") {
				t.Fatalf("%q in %q", c[i], c)
			}
			target = c[i]
		}
	}
	if method == "" && data != nil {
		method = "POST"
	}
	r := httptest.NewRequest(method, target, strings.NewReader(strings.Join(data, "&")))
	r.Header.Set("User-Agent", userAgent)
	if data != nil {
		r.Header.Set("Content-Type", formType)
	}
	return r
}

// The example of an authorize URL is a good one, whatever the account.
func TestExampleQuery_PassesTheChecks(t *testing.T) {
	t.Parallel()
	for i, account := range []OfficialAccount{
		demoAccount(),
		{Domain: "wx.example.com/mp"},
		{Domain: "::1", Scopes: []string{ScopeBase}},
	} {
		account.AppID, account.Secret = fmt.Sprintf("wx%016x", i), DemoSecret
		h := newHarness(t, Config{Accounts: []OfficialAccount{account}})
		if _, p := h.sim.checkAuthorization(exampleQuery(h.sim.accounts[0]), wechatUserAgent); p != nil {
			t.Errorf("%s: %+v", account.Domain, p)
		}
		if _, p := h.sim.checkQRConnect(exampleQuery(h.sim.accounts[1])); p != nil {
			t.Errorf("website app: %+v", p)
		}
	}
}
