package caddywechat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A person stays revoked whatever user_id is made afterwards, and whatever it was when the operator was told who it is.
func TestRevocation_SurvivesAChangeOfUserID(t *testing.T) {
	forms := []string{"openid", "unionid", "qualified"}
	for _, then := range forms {
		for _, now := range forms {
			t.Run(then+" then "+now, func(t *testing.T) {
				const account = "scope snsapi_userinfo\nconsent direct"
				w := newProfileWorld(t, account, "user_id "+then)
				b := w.browser(inWeChat)
				b.open(b.consent(b.open("/page").Header.Get("Location"), "allow")).wantRedirect(t, "/page")
				user := b.userAt("/")

				w.provisionAccount(account, "user_id "+now) // a reload
				today := b.userAt("/")
				if (user == today) != (then == now) {
					t.Fatalf("user %s, then %s", user, today)
				}
				if status, text := requestRevocation(t, "POST", fmt.Sprintf(`{"user":%q}`, user)); status != http.StatusOK {
					t.Fatalf("status %d: %s", status, text)
				}
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.provisionAccount(account, "user_id "+then) // and back
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.advance(time.Hour)
				b.open(b.consent(b.open("/page").Header.Get("Location"), "allow")).wantRedirect(t, "/page")
				if got := b.userAt("/"); got != user {
					t.Errorf("afterwards user %s", got)
				}
			})
		}
	}
}

// A member of a company has other names than people of WeChat.
func TestRevocation_OfAWeComMemberInAnyForm(t *testing.T) {
	for name, form := range map[string]string{"as apps know them": "%s", "qualified": simulator.DemoCorpID + ":%s"} {
		t.Run(name, func(t *testing.T) {
			w := newWeComWorld(t, "")
			w.hold("afang")
			b := w.browser(inWeCom)
			b.follow("/page")
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			body := fmt.Sprintf(`{"user":%q}`, fmt.Sprintf(form, "AFang")) // as WeCom's console writes it
			if status, text := requestRevocation(t, "POST", body); status != http.StatusOK || text != "{\"revoked\":true,\"seen\":1}\n" {
				t.Fatalf("status %d: %s", status, text)
			}
			b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
		})
	}
}
