package session

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// longest are ids as long as WeChat and WeCom may give them.
func longest() identity.Identity {
	return identity.Identity{}.
		With(identity.Account, "official_account").
		With(identity.AppID, "wx0123456789abcdef").
		With(identity.OpenID, strings.Repeat("o", 128)).
		With(identity.UnionID, strings.Repeat("u", 128)).
		With(identity.Scope, "snsapi_base,snsapi_userinfo")
}

func departments(n int) string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprint(10000+i))
	}
	return strings.Join(ids, ",")
}

// cookieOf returns the cookie of a session that was used and renewed until its end.
func cookieOf(t *testing.T, s Session, c Cookies, secure bool) string {
	t.Helper()
	sealer, err := seal.New("session", []byte("a key with at least 32 bytes in it, for tests"))
	if err != nil {
		t.Fatal(err)
	}
	s.Seen, s.Renewed = s.Expires, s.Expires
	text, err := sealer.Seal("h5.example.com|https://open.weixin.qq.com", s)
	if err != nil {
		t.Fatal(err)
	}
	return c.New(text, s.Expires.Sub(s.Created), secure).String()
}

func TestASessionIsCutUntilItsCookieHasRoom(t *testing.T) {
	with := func(id identity.Identity, avatar, nickname string) identity.Identity {
		return id.With(identity.Nickname, nickname).With(identity.Avatar, avatar)
	}
	avatar := "https://thirdwx.qlogo.cn/mmopen/vi_32/" + strings.Repeat("Q", 90) + "/132"
	long := "https://thirdwx.qlogo.cn/mmopen/vi_32/" + strings.Repeat("Q", 600) + "/132"
	nickname, longNickname := strings.Repeat("张", 10), strings.Repeat("张", 128)
	weCom := identity.Identity{}.
		With(identity.Account, "wecom").
		With(identity.AppID, "ww0123456789abcdef").
		With(identity.UserID, "ww0123456789abcdef/"+strings.Repeat("u", 64)).
		With(identity.Scope, "snsapi_privateinfo")
	for name, tt := range map[string]struct {
		id               identity.Identity
		cookies          Cookies
		avatar, nickname string // what is kept: "part" for a part
		fits             bool
	}{
		"what people have":    {with(silent(), avatar, nickname), Cookies{}, "all", "all", true},
		"longest ids":         {longest(), Cookies{}, "all", "all", true},
		"long avatar":         {with(silent(), long, nickname), Cookies{}, "", "all", true},
		"long avatar and ids": {with(longest(), long, nickname), Cookies{}, "", "all", true},
		"all at its longest": {
			longest().With(identity.Avatar, long).With(identity.Nickname, longNickname), Cookies{}, "", "part", true,
		},
		"long nickname":          {silent().With(identity.Nickname, longNickname), Cookies{}, "all", "all", true},
		"nickname before avatar": {with(longest(), avatar, longNickname), Cookies{}, "", "part", true},
		"50 departments": {
			weCom.With(identity.Departments, departments(50)).With(identity.Nickname, nickname),
			Cookies{},
			"all", "all", true,
		},
		"70 departments": {
			weCom.With(identity.Departments, departments(70)).With(identity.Nickname, longNickname),
			Cookies{},
			"all", "part", true,
		},
		"100 departments": {weCom.With(identity.Departments, departments(100)), Cookies{}, "", "", false},
		"a domain and a name": {
			with(silent(), long, nickname),
			Cookies{Name: strings.Repeat("n", 100), Domain: strings.Repeat("d.", 90) + "example"},
			"", "all", true,
		},
		"a name without any room": {silent(), Cookies{Name: strings.Repeat("n", 1200)}, "", "", false},
		"of somebody else's kind": {silent().With("tags", strings.Repeat("t", 800)), Cookies{}, "", "", false},
	} {
		for _, secure := range []bool{true, false} {
			for _, s := range []Session{
				New(tt.id, login, 7*day), ofApp(New(tt.id, login, 7*day)), New(tt.id, login, 100*365*day),
			} {
				s.Account = strings.Replace(s.Account, "wx0123456789abcdef", tt.id.Get(identity.AppID), 1)
				got, err := s.fit(tt.cookies, secure)
				fits := err == nil
				if fits != tt.fits {
					t.Errorf("%s, %v: fits: %v", name, secure, fits)
				}
				if !fits {
					continue
				}
				if n := len(cookieOf(t, got, tt.cookies, secure)); n >= 1300 {
					t.Errorf("%s: a cookie of %d bytes", name, n)
				}
				for field, want := range map[string]string{identity.Avatar: tt.avatar, identity.Nickname: tt.nickname} {
					before, after := tt.id.Get(field), got.Identity.Get(field)
					isPart := after != "" && after != before && strings.HasPrefix(before, after) &&
						utf8.ValidString(after)
					switch {
					case want == "all" && after != before, want == "" && after != "", want == "part" && !isPart:
						t.Errorf("%s: %s is %q", name, field, after)
					}
				}
				for _, f := range tt.id {
					if f.Name != identity.Avatar && f.Name != identity.Nickname && got.Identity.Get(f.Name) != f.Value {
						t.Errorf("%s: %s was cut to %q", name, f.Name, got.Identity.Get(f.Name))
					}
				}
			}
		}
	}
}

// There is no byte of room that a nickname could have had.
func TestNoMoreOfANicknameIsCutThanHasNoRoom(t *testing.T) {
	for n := range 380 {
		id := longest().With(identity.Nickname, strings.Repeat("a", 384)).With("more", strings.Repeat("m", n))
		s, err := New(id, login, 7*day).fit(Cookies{}, true)
		fits := err == nil
		if !fits {
			if n < 200 {
				t.Fatalf("%d bytes more do not fit", n)
			}
			return
		}
		s.Identity = s.Identity.With(identity.Nickname, s.Identity.Get(identity.Nickname)+"aaa")
		s.Seen, s.Renewed, s.Survives = s.Expires, s.Expires, s.Expires // the room that is kept for what comes
		if got := len(cookieOf(t, s, Cookies{}, true)); got < 1300 && len(s.Identity.Get(identity.Nickname)) < 384 {
			t.Fatalf("%d bytes more: three more would have had room, in %d", n, got)
		}
	}
	t.Error("everything fits")
}

func TestASessionThatFitsStaysAsItIs(t *testing.T) {
	s := New(everything(), login, time.Hour)
	if got, err := s.fit(Cookies{}, true); err != nil || !same(got, s) {
		t.Errorf("got %+v, %v", got, err == nil)
	}
}
