package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestManager_FindsWhatACookieOrATokenCarries(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	token := w.token(t, s)
	for name, r := range map[string]*visitor.Request{
		"cookie": get(t, h5, w.cookie(t, h5, s)), "token": withTokens(t, token),
		"token twice": withTokens(t, token, token),
	} {
		found, err := w.Find(r)
		if err != nil || found == nil {
			t.Fatalf("%s: %v, %v", name, found, err)
		}
		user := found.Identity.Get(identity.ID)
		if found.ID != s.ID || found.Account != s.Account || user != "user "+silent().Get(identity.OpenID) {
			t.Errorf("%s: found %+v", name, found)
		}
	}
	if w.revoked.awaited == 0 {
		t.Error("nobody waited to hear what is revoked")
	}
}

func TestManager_ATokenOutranksCookies(t *testing.T) {
	w := newWorld(t, nil)
	program, browser := w.login(t), w.login(t)
	r := get(t, h5, w.cookie(t, h5, browser))
	r.Tokens = []string{w.token(t, program)}
	if !w.finds(t, r, program) {
		t.Error("not found")
	}
	r.Tokens = []string{tokenPrefix + "planted"}
	if w.finds(t, r, browser) {
		t.Error("found beside a token that does not open")
	}
}

func TestManager_OneFormIsNotTakenForTheOther(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	c, token := w.cookie(t, h5, s), w.token(t, s)
	if w.finds(t, withTokens(t, tokenPrefix+c.Value), s) {
		t.Error("a cookie opens as a token")
	}
	c.Value = strings.TrimPrefix(token, tokenPrefix)
	if w.finds(t, get(t, h5, c), s) {
		t.Error("a token opens as a cookie")
	}
}

func TestManager_TwoCookiesThatOpenAreNone(t *testing.T) {
	w := newWorld(t, nil)
	mine, planted := w.login(t), w.login(t)
	both := []visitor.Cookie{w.cookie(t, h5, mine), w.cookie(t, h5, planted)}
	if w.finds(t, get(t, h5, both...), mine) {
		t.Error("one of them counts")
	}
	all, err := w.FindAll(get(t, h5, both...))
	if err != nil || len(all) != 2 {
		t.Errorf("a logout finds %d, %v", len(all), err)
	}
	w.revoked.ended[planted.ID] = true
	if !w.finds(t, get(t, h5, both...), mine) {
		t.Error("one that is over takes the other's place")
	}
}

func TestManager_TwoTokensThatDifferAreNone(t *testing.T) {
	w := newWorld(t, nil)
	one, two := w.login(t), w.login(t)
	for _, tokens := range [][]string{{w.token(t, one), w.token(t, two)}, {w.token(t, one), tokenPrefix}} {
		if w.finds(t, withTokens(t, tokens...), one) {
			t.Error("one of them counts")
		}
	}
}

func TestManager_PlantedCookiesCostLittleAndHideNothingFromALogout(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	c := w.cookie(t, h5, s)
	planted := func(n int) *visitor.Request {
		var all []visitor.Cookie
		for range n {
			all = append(all, visitor.Cookie{Name: c.Name, Value: "planted"})
			all = append(all, visitor.Cookie{Name: "other", Value: c.Value})
		}
		return get(t, h5, append(all, c)...)
	}
	for n, want := range map[int]bool{0: true, maxCookies - 1: true, maxCookies: false, maxLogoutCookies: false} {
		if w.finds(t, planted(n), s) != want {
			t.Errorf("%d planted cookies: want found %v", n, want)
		}
	}
	for n, want := range map[int]int{0: 1, maxLogoutCookies - 1: 1, maxLogoutCookies: 0} {
		if all, err := w.FindAll(planted(n)); err != nil || len(all) != want {
			t.Errorf("%d planted cookies: a logout finds %d, want %d; %v", n, len(all), want, err)
		}
	}
}

func TestManager_OnlyTheCookieOfItsNameCounts(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	c := w.cookie(t, h5, s)
	for _, name := range []string{DefaultName, SecurePrefix + DefaultName, "other", HostPrefix + "other"} {
		if w.finds(t, get(t, h5, visitor.Cookie{Name: name, Value: c.Value}), s) {
			t.Errorf("%s counts on https", name)
		}
	}
}

func TestManager_ASessionEndsWithItsLife(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	s.Seen = s.Expires // always there
	c, token := get(t, h5, w.cookie(t, h5, s)), withTokens(t, w.token(t, s))
	for at, want := range map[time.Time]bool{s.Expires.Add(-time.Second): true, s.Expires: false} {
		w.now = at
		if w.finds(t, c, s) != want || w.finds(t, token, s) != want {
			t.Errorf("%s before the end: want found %v", s.Expires.Sub(at), want)
		}
	}
}

func TestManager_WhoIsIdleIsForgottenAndNoProgram(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	c, token := get(t, h5, w.cookie(t, h5, s)), withTokens(t, w.token(t, s))
	for after, want := range map[time.Duration]bool{time.Hour - time.Second: true, time.Hour: false} {
		w.now = s.Seen.Add(after)
		if w.finds(t, c, s) != want {
			t.Errorf("idle for %s: want found %v", after, want)
		}
		if !w.finds(t, token, s) {
			t.Errorf("a program is idle after %s", after)
		}
	}
	if p := w.PolicyOf(c); p != w.Policy {
		t.Errorf("a browser's sessions live by %+v", p)
	}
	if p := w.PolicyOf(token); p != (Policy{Lifetime: day}) {
		t.Errorf("a program's sessions live by %+v", p)
	}
}

func TestManager_JudgesWhatItRemembers(t *testing.T) {
	for name, end := range map[string]func(*world, Session){
		"admitted no more": func(w *world, s Session) { w.accounts.barred[s.Identity.Get(identity.OpenID)] = true },
		"revoked":          func(w *world, s Session) { w.revoked.ended[s.ID] = true },
	} {
		w := newWorld(t, nil)
		s := w.login(t)
		c, token := get(t, h5, w.cookie(t, h5, s)), withTokens(t, w.token(t, s))
		if !w.finds(t, c, s) || !w.finds(t, token, s) {
			t.Fatal("not found")
		}
		end(w, s)
		if w.finds(t, c, s) || w.finds(t, token, s) {
			t.Errorf("%s: found", name)
		}
	}
}

func TestManager_WithoutAnAccountNobodyIsKnown(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	s.Account += "/another"
	if w.finds(t, get(t, h5, w.cookie(t, h5, s)), s) || w.UserID(&s) != "" {
		t.Error("found")
	}
}

func TestManager_ASessionOpensAtItsSiteOnly(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	text := w.cookie(t, h5, s).Value
	others := map[string]*world{
		"another platform": newWorld(t, func(c *Config) {
			c.Site = site.New(site.Config{Platform: "http://localhost:9800"})
		}),
		"another key": newWorld(t, nil),
	}
	var err error
	if others["another key"].keys.set, err = seal.NewKeyset([]byte("another " + secret)); err != nil {
		t.Fatal(err)
	}
	for name, other := range others {
		c := visitor.Cookie{Name: w.Cookies.FullName(true), Value: text}
		if other.finds(t, get(t, h5, c), s) {
			t.Errorf("%s: found", name)
		}
	}
	for origin, want := range map[visitor.Origin]bool{
		h5: true, visitor.NewOrigin("https", "h5.example.com:8443"): true,
		visitor.NewOrigin("https", "www.example.com"): false,
	} {
		if w.finds(t, get(t, origin, visitor.Cookie{Name: w.Cookies.FullName(true), Value: text}), s) != want {
			t.Errorf("%s: want found %v", origin, want)
		}
	}
}

func TestManager_ADomainSharesItsSessions(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Site = site.New(site.Config{Domain: "example.com"})
		c.Cookies = Cookies{Domain: "example.com"}
	})
	s := w.login(t)
	c := w.cookie(t, h5, s)
	if !w.finds(t, get(t, visitor.NewOrigin("https", "www.example.com"), c), s) {
		t.Error("not found at a neighbour")
	}
}

func TestManager_WithoutKeysNobodyCanKnow(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	c, token := w.cookie(t, h5, s), w.token(t, s)
	w.keys.err = errNoKeys
	for _, r := range []*visitor.Request{get(t, h5, c), withTokens(t, token)} {
		if found, err := w.Find(r); found != nil || !errors.Is(err, errNoKeys) {
			t.Errorf("found %v, %v", found, err)
		}
	}
	if found, err := w.FindAll(get(t, h5, c)); found != nil || !errors.Is(err, errNoKeys) {
		t.Errorf("a logout finds %v, %v", found, err)
	}
	if _, err := w.Cookie(t.Context(), h5, s); !errors.Is(err, errNoKeys) {
		t.Error(err)
	}
	if _, _, err := w.Token(t.Context(), h5, s); !errors.Is(err, errNoKeys) {
		t.Error(err)
	}
	if found, err := w.Find(get(t, h5)); found != nil || err != nil {
		t.Errorf("who has no cookie: %v, %v", found, err)
	}
}

func TestManager_LooksAtNoTextThatIsTooLong(t *testing.T) {
	w := newWorld(t, nil)
	for length, want := range map[int]int{seal.MaxLength: 1, seal.MaxLength + 1: 0} {
		w.keys.asked = 0
		c := visitor.Cookie{Name: w.Cookies.FullName(true), Value: strings.Repeat("A", length)}
		if found, err := w.Find(get(t, h5, c)); found != nil || err != nil || w.keys.asked != want {
			t.Errorf("%d bytes: %v, %v, asked %d times for the keys", length, found, err, w.keys.asked)
		}
	}
}
