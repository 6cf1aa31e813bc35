package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// labelled is an account with a name of its own.
type labelled struct{ *sitetest.Account }

func (labelled) Label(language string) string { return "The website in " + language }

// twoAccounts makes a site with two accounts that serve all browsers.
func twoAccounts(t *testing.T) *world {
	t.Helper()
	return newWorld(t, sitetest.Options{
		Accounts: []account.Account{everywhere("one"), labelled{everywhere("two")}}, UserID: account.Qualified,
	})
}

func TestChoose_AsksWhereSeveralAccountsServe(t *testing.T) {
	w := twoAccounts(t)
	b := w.Browser()
	a := b.Open(w.profiled, "/page", "Accept-Language: en").Want(t, http.StatusOK)
	for _, want := range []string{
		`"/_wechat/login?return_to=%2Fpage&amp;profile=1&amp;account=one"`, ">one<", "The website in en",
		`"/_wechat/login?return_to=%2Fpage&amp;profile=1&amp;account=two"`,
	} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("%s is not on the page: %s", want, a.Body)
		}
	}
}

func TestChoose_RemembersTheChoiceByReference(t *testing.T) {
	w := twoAccounts(t)
	b := w.Browser()
	callback := w.back(b.Open(w.ServeLogin, "/_wechat/login?account=two&return_to=%2Fpage"), "emma")
	if b.Count("wechat_account") != 0 {
		t.Error("a choice is kept that has led to nothing yet")
	}
	c := b.Open(w.Callback, callback).WantTo(t, "/page").SetCookie("wechat_account")
	if c == nil || c.Value != "wx-two" || c.MaxAge != 180*24*60*60 || !c.Secure || !c.HttpOnly {
		t.Fatalf("the choice is %v", c)
	}
	b.Forget("wechat_session")
	if a := b.Open(w.protected, "/page"); !strings.Contains(a.To(), "/two?") {
		t.Errorf("to %s", a.To())
	}
	for value, want := range map[string]string{"one": "/one?", "wx-one": "/one?", "wx-gone": ""} {
		other := w.Browser()
		other.Cookies["something"] = "wx-two"
		other.Cookies["wechat_account"] = value
		if a := other.Open(w.protected, "/page"); !strings.Contains(a.To(), want) ||
			(want == "") != (a.StatusCode == http.StatusOK) {
			t.Errorf("%s: status %d to %s", value, a.StatusCode, a.To())
		}
	}
}

func TestChoose_IsNoneWhereOneAccountServes(t *testing.T) {
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{new(sitetest.Account), inWeCom("wecom")}, UserID: account.Qualified,
	})
	b := w.Browser()
	b.Cookies["wechat_account"] = "ww-wecom"
	a := b.Open(w.Callback, w.begin(b, "/page", "emma")).WantTo(t, "/page")
	if a.SetCookie("wechat_account") != nil {
		t.Error("a choice is kept")
	}
	// Neither is one by name that the browser's accounts do not hold.
	w = newWorld(t, sitetest.Options{
		Accounts: []account.Account{everywhere("one"), everywhere("two"), inWeCom("wecom")}, UserID: account.Qualified,
	})
	b = w.Browser()
	a = b.Open(w.ServeLogin, "/_wechat/login?account=wecom&return_to=%2Fpage")
	if a = b.Open(w.Callback, w.back(a, "emma")).WantTo(t, "/page"); a.SetCookie("wechat_account") != nil {
		t.Error("a choice is kept that was none")
	}
}

func TestChoose_ShowsWhereToGo(t *testing.T) {
	scans := func(visitor.Client) bool { return true }
	official := func() account.Account { return new(sitetest.Account) }
	wecom := func() account.Account { return inWeCom("wecom") }
	website := func() account.Account {
		a := everywhere("website")
		a.ServesClient = func(c visitor.Client) bool { return !c.WeChat && !c.WeCom }
		a.QRCode = scans
		return a
	}
	outside := func() account.Account {
		a := website().(*sitetest.Account)
		a.QRCode = nil
		return struct{ account.Redirector }{a}
	}
	deskOnly := func() account.Account {
		a := website().(*sitetest.Account)
		a.ServesClient = func(c visitor.Client) bool { return c == visitor.Client{} }
		return a
	}
	phoneOnly := func() account.Account {
		a := website().(*sitetest.Account)
		a.ServesClient, a.QRCode = func(c visitor.Client) bool { return c == visitor.Client{Phone: true} }, nil
		return a
	}
	program := func() account.Account { return new(sitetest.Program) }
	modest := func() account.Account {
		a := new(sitetest.Account)
		a.Recommends = func(visitor.Client) bool { return false }
		return a
	}
	const nowhere = "Open the mini-program or app"
	for name, tt := range map[string]struct {
		accounts []func() account.Account
		agent    string
		title    string // of the page; "": a login starts
	}{
		"WeChat alone":              {makes(official), sitetest.OnDesktop, "Scan with WeChat to open"},
		"WeCom alone":               {makes(wecom), sitetest.OnDesktop, "Scan with WeCom to open"},
		"WeChat and WeCom":          {makes(official, wecom), sitetest.OnDesktop, "Scan with WeChat or WeCom to open"},
		"WeCom from WeChat":         {makes(wecom), sitetest.InWeChat, "Open this page in WeCom"},
		"WeChat from WeCom":         {makes(official), sitetest.InWeCom, "Open this page in WeChat"},
		"outside, for WeChat":       {makes(outside), sitetest.InWeChat, "Open this page in a browser"},
		"outside, for WeCom":        {makes(outside), sitetest.InWeCom, "Open this page in a browser"},
		"to scan, for WeChat":       {makes(website), sitetest.InWeChat, "Open this page on a computer"},
		"phones alone":              {makes(phoneOnly), sitetest.InWeChat, "Open this page in a browser"},
		"a desktop alone":           {makes(deskOnly), sitetest.InWeChat, "Open this page on a computer"},
		"outside or WeCom":          {makes(outside, wecom), sitetest.InWeChat, "Open this page in a browser"},
		"WeChat or outside":         {makes(official, website), sitetest.InWeCom, "Open this page in WeChat"},
		"for programs":              {makes(program), sitetest.InWeChat, nowhere},
		"nobody recommends it":      {makes(modest), sitetest.OnDesktop, nowhere},
		"a phone first into WeChat": {makes(official, website), sitetest.OnPhone, "Open this page in WeChat"},
		"a phone first into WeCom":  {makes(wecom, website), sitetest.OnPhone, "Open this page in WeCom"},
		"a phone that has to scan":  {makes(website), sitetest.OnPhone, ""},
		"a phone that needs not":    {makes(official, outside), sitetest.OnPhone, ""},
		"a screen to scan":          {makes(official, website), sitetest.OnDesktop, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var accounts []account.Account
			for _, make := range tt.accounts {
				accounts = append(accounts, make())
			}
			w := newWorld(t, sitetest.Options{Accounts: accounts, UserID: account.Qualified})
			b := w.Browser()
			b.Agent = tt.agent
			a := b.Open(w.protected, "/page?x=1", "Accept-Language: en")
			if tt.title == "" {
				w.back(a, "x")
				return
			}
			a.WantPage(t, http.StatusForbidden, tt.title)
			if tt.title != nowhere && !strings.Contains(a.Body, "https://"+sitetest.Host+"/page?x=1") {
				t.Errorf("the address to open is not on the page: %s", a.Body)
			}
		})
	}
}

// makes is a list of what makes accounts.
func makes(all ...func() account.Account) []func() account.Account { return all }

func TestChoose_TellsProgramsWhereToGoInWords(t *testing.T) {
	for _, tt := range []struct {
		accounts []account.Account
		want     string
	}{
		{[]account.Account{new(sitetest.Account)}, "open this page in WeChat"},
		{[]account.Account{inWeCom("wecom")}, "open this page in WeCom"},
		{[]account.Account{new(sitetest.Account), inWeCom("wecom")}, "open this page in WeChat or WeCom"},
	} {
		w := newWorld(t, sitetest.Options{Accounts: tt.accounts, UserID: account.Qualified})
		b := w.Browser()
		b.Agent = sitetest.OnDesktop
		body := b.Open(w.ServeLogin, "/_wechat/login", sitetest.Fetch).
			WantWord(t, http.StatusForbidden, "login_required")
		if body["message"] != tt.want {
			t.Errorf("got %v, want %s", body, tt.want)
		}
	}
}

func TestChoose_SendsNobodyToWhereTheyAre(t *testing.T) {
	onPhone := func(of func(visitor.Client) bool) func(visitor.Client) bool {
		return func(c visitor.Client) bool { return of(c) && c.Phone }
	}
	official, wecom := new(sitetest.Account), inWeCom("wecom")
	official.ServesClient = onPhone(func(c visitor.Client) bool { return c.WeChat })
	wecom.ServesClient = onPhone(wecom.ServesClient)
	for agent, a := range map[string]account.Account{
		"Mozilla/5.0 (Windows NT 10.0) MicroMessenger/7.0.20 WindowsWechat":              official,
		"Mozilla/5.0 (Windows NT 10.0) wxwork/4.1.22 MicroMessenger/7.0.1 WindowsWechat": wecom,
	} {
		w := newWorld(t, sitetest.Options{Accounts: []account.Account{a}})
		b := w.Browser()
		b.Agent = agent
		b.Open(w.protected, "/page", "Accept-Language: en").
			WantPage(t, http.StatusForbidden, "Open the mini-program or app")
	}
}

func TestChoose_WithoutAHostNobodyKnowsWhere(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	r := b.Request("GET", "/page")
	r.Origin = visitor.Origin{Scheme: "https"}
	b.Do(w.protected, r).Want(t, http.StatusBadRequest)
	r = b.Request("GET", "/page")
	r.Origin = visitor.Origin{Scheme: "https"}
	r.Header.Set("User-Agent", sitetest.OnDesktop)
	b.Do(w.protected, r).Want(t, http.StatusBadRequest)
}
