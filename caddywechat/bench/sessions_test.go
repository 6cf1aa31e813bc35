package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
)

const appID = "wx0123456789abcdef"

// person returns somebody who logged in silently.
func person(number int) identity.Identity {
	return identity.Identity{}.
		With(identity.OpenID, fmt.Sprintf("oWx1-%023d", number)).
		With(identity.Scope, "snsapi_base").
		With(identity.Account, "official_account").
		With(identity.AppID, appID)
}

// withProfile returns somebody who gave the consent.
func withProfile(number int) identity.Identity {
	return person(number).
		With(identity.Scope, "snsapi_userinfo").
		With(identity.UnionID, fmt.Sprintf("oUn1-%023d", number)).
		With(identity.Nickname, "阿强🌊在路上").
		With(identity.Avatar, "https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4TwGTfTK8oGQ3x9nYfXJbWm6Xb2kq1ZyB5lVw7cJg0dPz4sUeRiHtNaLo/132")
}

// cookieOf returns what the browser of somebody who logged in sends.
func cookieOf(tb testing.TB, id identity.Identity) string {
	tb.Helper()
	sealer, err := seal.New("session", []byte(key))
	if err != nil {
		tb.Fatal(err)
	}
	return "wechat_session=" + sealed(tb, sealer, id)
}

func sealed(tb testing.TB, sealer *seal.Sealer, id identity.Identity) string {
	tb.Helper()
	text, err := sealer.Seal(host+"|"+platform, session.New(id, time.Now(), 7*24*time.Hour))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// crowd returns requests of so many silent visitors, one after the other.
func crowd(tb testing.TB, visitors int) func(i int) []byte { return crowdOf(tb, visitors, person) }

// crowdOf returns requests of so many visitors, one after the other.
func crowdOf(tb testing.TB, visitors int, who func(number int) identity.Identity) func(i int) []byte {
	tb.Helper()
	sealer, err := seal.New("session", []byte(key))
	if err != nil {
		tb.Fatal(err)
	}
	// One text for all keeps a million sessions from being a million things to the garbage collector.
	first := page("/", "wechat_session="+sealed(tb, sealer, who(0)))
	all := make([]byte, 0, visitors*len(first))
	for i := range visitors {
		all = append(all, page("/", "wechat_session="+sealed(tb, sealer, who(i)))...)
	}
	return func(i int) []byte {
		begin := i % visitors * len(first)
		return all[begin : begin+len(first)]
	}
}

// bad returns cookies that are nobody's session.
func bad(tb testing.TB) map[string]string {
	tb.Helper()
	good := cookieOf(tb, person(1))
	forged := []byte(good)
	forged[len(forged)/2] ^= 1
	return map[string]string{
		"forged":    string(forged),
		"truncated": good[:len(good)-20],
		"oversized": good + strings.Repeat("A", 8000),
		"foreign":   "wechat_session=" + strings.Repeat("MTc2MzcxMjM0NXxub3Qgb3Vycw", 12),
	}
}
