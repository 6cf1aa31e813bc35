package caddywechat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A revocation by one form of user_id holds where another one is configured, before or afterwards.
func TestRevocation_SurvivesAChangeOfUserID(t *testing.T) {
	forms := []string{"openid", "unionid", "qualified"}
	for _, then := range forms {
		for _, now := range forms {
			t.Run(then+" then "+now, func(t *testing.T) {
				const account = directProfile
				w := newProfileWorld(t, account, "user_id "+then)
				b := w.browser(inWeChat)
				b.open(b.consent(b.open("/page").location(), "allow")).wantRedirect(t, "/page")
				user := b.userAt("/")

				w.provisionAccount(account, "user_id "+now) // a reload
				today := b.userAt("/")
				if (user == today) != (then == now) {
					t.Fatalf("user %s, then %s", user, today)
				}
				status, text := requestRevocation(t, "POST", fmt.Sprintf(`{"user":%q}`, user))
				if status != http.StatusOK {
					t.Fatalf("status %d: %s", status, text)
				}
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.provisionAccount(account, "user_id "+then) // and back
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.advance(time.Hour)
				b.open(b.consent(b.open("/page").location(), "allow")).wantRedirect(t, "/page")
				if got := b.userAt("/"); got != user {
					t.Errorf("afterwards user %s", got)
				}
			})
		}
	}
}

// Members of a company have other ids than people of WeChat.
func TestRevocation_OfAWeComMemberInAnyForm(t *testing.T) {
	for name, form := range map[string]string{"as apps know them": "%s", "qualified": simulator.DemoCorpID + ":%s"} {
		t.Run(name, func(t *testing.T) {
			w := newWeComWorld(t, "")
			w.hold("afang")
			b := w.browser(inWeCom)
			b.follow("/page")
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			body := fmt.Sprintf(`{"user":%q}`, fmt.Sprintf(form, "AFang")) // as WeCom's console writes it
			if status, text := requestRevocation(t, "POST", body); status != http.StatusOK ||
				text != "{\"revoked\":true,\"seen\":1}\n" {
				t.Fatalf("status %d: %s", status, text)
			}
			b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
		})
	}
}
