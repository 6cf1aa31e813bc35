package caddywechat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// Accounts of a site with several of a kind, and their hosts.
const (
	shopHost, shopAppID, shopSecret = "shop.example.com", "wx00000000000005ee", "5e0000000000000000000000000000ee"
	shopProgram, shopProgramSecret  = "wx00000000000006ee", "6e0000000000000000000000000000ee"
	shopAccounts                    = "official_account " + shopAppID + " " + shopSecret + "\n" +
		"mini_program " + shopProgram + " " + shopProgramSecret
)

// newTenantsWorld makes a site at h5.example.com and shop.example.com, each with an official account and a
// mini-program of its own. The hosts of the shop's are given, those of the others are left.
func newTenantsWorld(t *testing.T, shopHosts, options string) *world {
	t.Helper()
	const company = simulator.DemoOpenPlatform
	w := newWorldWith(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{
			{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host, OpenPlatform: company},
			{AppID: shopAppID, Secret: shopSecret, Domain: shopHost, OpenPlatform: company},
		},
		MiniPrograms: []simulator.MiniProgram{
			{AppID: simulator.DemoMiniProgramAppID, Secret: simulator.DemoMiniProgramSecret, OpenPlatform: company},
			{AppID: shopProgram, Secret: shopProgramSecret, OpenPlatform: company},
		},
	})
	w.handler = w.tenants(shopHosts, options)
	return w
}

func (w *world) tenants(shopHosts, options string) *Handler {
	return w.newHandler(officialAccount, miniProgramAccount, shopAccounts,
		"hosts "+shopAppID+" "+shopHosts, "hosts "+shopProgram+" "+shopHosts, "user_id qualified", options)
}

// at returns the address of a page at a host.
func (w *world) at(host, pathAndQuery string) string { return w.scheme + "://" + host + pathAndQuery }

func TestHosts_EachHasItsAccount(t *testing.T) {
	t.Parallel()
	for _, shopHosts := range []string{shopHost, "*.example.com"} { // the other account serves what is left
		w := newTenantsWorld(t, shopHosts, "")
		b := w.browser(inWeChat)
		authorize := b.open(w.at(shopHost, "/page")).location()
		if !strings.Contains(authorize, "appid="+shopAppID) {
			t.Fatalf("at %s of %s a visitor is sent to %s", shopHost, shopHosts, authorize)
		}
		b.follow(w.at(shopHost, "/page"))
		w.received()
		b.open(w.at(shopHost, "/page")).wantStatus(t, http.StatusOK)
		h := w.received().Header
		if h.Get("X-Wechat-Appid") != shopAppID || !strings.HasPrefix(h.Get("X-Wechat-User"), shopAppID+":") {
			t.Errorf("the app received %v", h)
		}
	}
	w := newTenantsWorld(t, shopHost, "")
	b := w.browser(inWeChat)
	b.follow("/page")
	w.received()
	b.open("/page").wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-Appid"); got != simulator.DemoAppID {
		t.Errorf("at the host that is left the account is %s", got)
	}
	b.open(w.at(shopHost, "/page")).wantStatus(t, http.StatusFound) // a session there is one of its own
}

func TestHosts_ASessionCountsWhereItsAccountServes(t *testing.T) {
	t.Parallel()
	w := newTenantsWorld(t, "other.example.com", "")
	inside := w.browser(inWeChat)
	inside.follow("/page")
	code := w.miniProgramCode("xiaoming")
	token := w.browser("a program").loginProgram("mini_program", code).Token
	program := w.browser("a program")
	program.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)

	w.swap(w.tenants(host, "")) // which is the shop's from now on
	a := inside.open("/page").wantStatus(t, http.StatusFound)
	if to := a.location(); !strings.Contains(to, "appid="+shopAppID) {
		t.Errorf("sent to %s", to)
	}
	program.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)

	w.swap(w.tenants("other.example.com", ""))
	inside.open("/page").wantStatus(t, http.StatusOK)
}

func TestHosts_ALoginInProgressEndsWithItsAccount(t *testing.T) {
	t.Parallel()
	w := newTenantsWorld(t, "other.example.com", "")
	b := w.browser(inWeChat)
	callback := b.open(b.open("/page").location()).location()
	w.swap(w.tenants(host, ""))
	exchanged := w.exchanges()
	a := b.open(callback)
	if !strings.Contains(a.location(), "appid="+shopAppID) || w.exchanges() != exchanged {
		t.Errorf("status %d, to %s, %d exchanges", a.StatusCode, a.location(), w.exchanges()-exchanged)
	}
}

func TestHosts_AnAccountOfAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	w := newTenantsWorld(t, shopHost, "")
	b := w.browser(inWeChat)
	for appID, at := range map[string]string{shopAppID: host, simulator.DemoAppID: shopHost} {
		b.open(w.at(at, "/_wechat/login?account="+appID)).wantStatus(t, http.StatusBadRequest)
	}
	to := b.open(w.at(shopHost, "/_wechat/login?account="+shopAppID)).location()
	if !strings.Contains(to, "appid="+shopAppID) {
		t.Errorf("its own account leads to %s", to)
	}
	a := b.send("GET", w.at(host, "/_wechat/jssdk?account="+shopAppID+"&url=http%3A%2F%2F"+host+"%2F"))
	a.wantStatus(t, http.StatusBadRequest)
}

func TestHosts_EndpointsAreOfTheHostsAccount(t *testing.T) {
	t.Parallel()
	w := newTenantsWorld(t, shopHost, "")
	program := w.browser("a program")
	login := func(at, path, appID string) response {
		code, err := w.sim.MiniProgramLogin(appID, "xiaoming")
		if err != nil {
			t.Fatal(err)
		}
		req := program.newRequest("POST", w.at(at, "/_wechat/mini_program/"+path), `{"code":"`+code+`"}`, nil)
		req.Header.Set("Content-Type", "application/json")
		return program.fetch(req)
	}
	const mine, shops = simulator.DemoMiniProgramAppID, shopProgram
	for _, tt := range []struct {
		at, path, appID string
		want            int
	}{
		{host, "login", mine, http.StatusOK},
		{host, mine + "/login", mine, http.StatusOK},
		{shopHost, "login", shops, http.StatusOK},
		{shopHost, shops + "/login", shops, http.StatusOK},
		{host, shops + "/login", shops, http.StatusBadRequest},
		{shopHost, mine + "/login", mine, http.StatusBadRequest},
		{host, "wx0000000000000000/login", mine, http.StatusNotFound},
	} {
		a := login(tt.at, tt.path, tt.appID)
		if a.StatusCode != tt.want || tt.want == http.StatusOK && !strings.Contains(a.body, tt.appID+":") {
			t.Errorf("%s at %s: status %d: %s", tt.path, tt.at, a.StatusCode, a.body)
		}
	}
	a := program.send("GET", w.at(shopHost, "/page"), "Authorization: Bearer wx1.none")
	if a.wantStatus(t, http.StatusUnauthorized); !strings.Contains(a.body, "mini_program/"+shops+"/login") ||
		strings.Contains(a.body, mine) {
		t.Errorf("a program is told %s", a.body)
	}
}

func TestHosts_OneOfAKindServesItsHostsOnly(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{Accounts: []simulator.OfficialAccount{{
		AppID: shopAppID, Secret: shopSecret, Domain: shopHost,
	}}})
	w.handler = w.newHandler("official_account "+shopAppID+" "+shopSecret, "hosts "+shopAppID+" "+shopHost,
		"user_id qualified", "optional /open")
	b := w.browser(inWeChat)
	b.open(w.at(shopHost, "/page")).wantStatus(t, http.StatusFound)
	b.open("/page").wantStatus(t, http.StatusForbidden)
	b.open("/open").wantStatus(t, http.StatusOK)
}
