package bench

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
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
		With(identity.Avatar, "https://thirdwx.qlogo.cn/mmopen/vi_32/"+
			"Q0j4TwGTfTK8oGQ3x9nYfXJbWm6Xb2kq1ZyB5lVw7cJg0dPz4sUeRiHtNaLo/132")
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

// visits returns requests of so many silent visitors, one after the other.
func visits(tb testing.TB, visitors int) requests { return requestsOf(tb, visitors, person) }

// requestsOf returns requests of so many visitors, one after the other.
func requestsOf(tb testing.TB, visitors int, who func(number int) identity.Identity) requests {
	tb.Helper()
	sealer, err := seal.New("session", []byte(key))
	if err != nil {
		tb.Fatal(err)
	}
	length := len(sealed(tb, sealer, who(0)))
	cookies := offHeap(visitors * length)
	for i := range visitors {
		copy(cookies[i*length:], sealed(tb, sealer, who(i)))
	}
	head, tail, _ := bytes.Cut(page(somewhere, "wechat_session=COOKIE"), []byte("COOKIE"))
	return func(buffer []byte, i int) []byte {
		cookie := cookies[i%visitors*length:][:length]
		return append(append(append(buffer, head...), cookie...), tail...)
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
