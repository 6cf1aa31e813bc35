package account_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// tenants are the accounts of a site with several of a kind.
func tenants(t *testing.T) (*account.Set, []account.Account) {
	t.Helper()
	accounts := []account.Account{
		newPlain("official", "wxRest"), newPlain("official", "wxShop"), newPlain("official", "wxAll"),
		newPlain("website", "wxSite"),
		plain{"wecom", "ww1", "ww1/1"},
		plain{"wecom", "ww1", "ww1/2"},
	}
	s, err := account.NewSetAt(account.Hosts{
		"wxShop": {"Shop.example.com", "商店.example.com"}, "wxAll": {"*.example.com"},
		"ww1/1": {"a.example.net"}, "ww1/2": {"*.example.net"},
	}, account.Qualified, accounts...)
	if err != nil {
		t.Fatal(err)
	}
	return s, accounts
}

func TestHosts_DecideWhoServes(t *testing.T) {
	s, accounts := tenants(t)
	for host, want := range map[string]string{
		"shop.example.com":           "wxShop wxSite",
		"xn--zcr254c.example.com":    "wxAll wxSite",
		"xn--czrs0t.example.com":     "wxShop wxSite",
		"other.example.com":          "wxAll wxSite",
		"deep.other.example.com":     "wxRest wxSite",
		"example.com":                "wxRest wxSite",
		"shop.example.com.evil.test": "wxRest wxSite",
		"":                           "wxRest wxSite",
		"a.example.net":              "wxRest wxSite ww1/1",
		"b.example.net":              "wxRest wxSite ww1/2",
		".example.net":               "wxRest wxSite ww1/2",
	} {
		var refs []string
		for _, a := range s.At(host) {
			refs = append(refs, account.Ref(a))
		}
		if got := strings.Join(refs, " "); got != want {
			t.Errorf("%q: %s, want %s", host, got, want)
		}
		for _, a := range accounts {
			is := strings.Contains(" "+want+" ", " "+account.Ref(a)+" ")
			if got := s.Serves(a, host); got != is {
				t.Errorf("%q: %s serves it: %t", host, account.Ref(a), got)
			}
			if got := s.IsServed(account.Ref(a), of(a, identity.OpenID, "o"), host); got != is {
				t.Errorf("%q: a session of %s counts: %t", host, account.Ref(a), got)
			}
		}
	}
	if s.IsServed("wxGone", of(accounts[0]), "example.com") || s.Serves(nil, "example.com") {
		t.Error("an account that there is not serves a host")
	}
	if !s.IsSeveral("official") || s.IsSeveral("website") {
		t.Error("who is several is told wrongly")
	}
}

func TestHosts_WithoutThemEveryAccountServesEveryHost(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	s := newSet(t, account.Qualified, a, b)
	if got := s.At("example.com"); len(got) != 2 || !s.Serves(a, "x") || s.Serves(nil, "x") || s.IsSeveral("one") {
		t.Errorf("there are %v", got)
	}
}

func TestNewSetAt_RefusesHostsThatDoNotFit(t *testing.T) {
	a, b, c := newPlain("one", "wxa"), newPlain("one", "wxb"), newPlain("one", "wxc")
	agents := []account.Account{plain{"wecom", "ww1", "ww1/1"}, plain{"wecom", "ww1", "ww1/2"}}
	for name, tt := range map[string]struct {
		hosts    account.Hosts
		userID   account.UserID
		accounts []account.Account
		want     string
	}{
		"an app id of nobody": {
			account.Hosts{"wxz": {"a.example.com"}}, account.Qualified, []account.Account{a, b}, "wxz: no account",
		},
		"a corp that does not tell": {
			account.Hosts{"ww1": {"a.example.com"}}, account.Qualified, agents, "ww1/1 and ww1/2 have that app id",
		},
		"two that take the rest": {
			account.Hosts{"wxa": {"a.example.com"}}, account.Qualified, []account.Account{a, b, c}, "as wxb and as wxc",
		},
		"a host twice": {
			account.Hosts{"wxa": {"a.example.com"}, "wxb": {"A.example.com"}},
			account.Qualified,
			[]account.Account{a, b},
			"a.example.com is given to wxa and to wxb",
		},
		"a URL": {
			account.Hosts{"wxa": {"http://a.example.com"}}, account.Qualified, []account.Account{a, b}, "is no host",
		},
		"no host": {account.Hosts{"wxa": nil}, account.Qualified, []account.Account{a, b}, "names no host"},
		"openid": {
			account.Hosts{"wxa": {"a.example.com"}}, account.ByOpenID, []account.Account{a, b}, "user_id openid",
		},
		"no user_id": {
			account.Hosts{"wxa": {"a.example.com"}}, "", []account.Account{a, b}, "user_id is not set",
		},
		"no user_id of one": {account.Hosts{"wxa": {"a.example.com"}}, "", []account.Account{a}, "user_id is not set"},
	} {
		_, err := account.NewSetAt(tt.hosts, tt.userID, tt.accounts...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCanonicalHost_TakesNamesAsSiteAddressesHaveThem(t *testing.T) {
	for pattern, want := range map[string]string{
		"shop.example.com": "shop.example.com", "*.Example.com": "*.example.com", "localhost": "localhost",
		"商店.example.com": "xn--czrs0t.example.com", "192.0.2.1": "192.0.2.1",
		"https://shop.example.com": "", "shop.example.com:8080": "", "shop.example.com/": "", "": "", "*": "",
		"*.com": "", "a.*.example.com": "", "shop*.example.com": "", "*.*.example.com": "", ".example.com": "",
		"example.com.":                           "",
		strings.Repeat("a", 64) + ".example.com": "", strings.Repeat("abc.", 70) + "com": "", "a b": "",
	} {
		got, err := account.CanonicalHost(pattern)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", pattern, got, err)
		}
	}
}

// What a request is asked must not cost more where a site has many accounts.
func TestHosts_AllocateNothing(t *testing.T) {
	hosts := make(account.Hosts)
	var accounts []account.Account
	for i := range 100 {
		appID := "wx" + strconv.Itoa(1000+i)
		accounts = append(accounts, newPlain("official", appID))
		hosts[appID] = []string{"*.t" + strconv.Itoa(i) + ".example.com"}
	}
	s, err := account.NewSetAt(hosts, account.Qualified, accounts...)
	if err != nil {
		t.Fatal(err)
	}
	id := of(accounts[99])
	if !s.IsServed("wx1099", id, "a.t99.example.com") {
		t.Fatal("not served")
	}
	if n := testing.AllocsPerRun(100, func() { s.IsServed("wx1099", id, "a.t99.example.com") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
