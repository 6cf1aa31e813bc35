package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestLoopBreaker_StopsBetweenInstancesWithDifferentKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	instances := []*Handler{
		w.newHandler(officialAccount),
		w.newHandler(officialAccount, sessionKeys(strings.ToUpper(sessionKey))),
	}
	b := w.browser(inWeChat)
	address := "/page"
	for i := range 20 {
		w.swap(instances[i/2%2]) // the authorize page is not theirs
		a := b.open(address)
		if a.StatusCode == http.StatusTooManyRequests {
			return
		}
		address = a.location()
	}
	t.Error("no end")
}

// Instances that can't open one another's cookies pass a visitor to and fro, each time without the attempt.
func TestLoopBreaker_StopsBetweenInstancesThatDiffer(t *testing.T) {
	t.Parallel()
	const otherApp = "wx00000000000000aa"
	for name, tt := range map[string]struct{ appID, key string }{
		"by another key":     {simulator.DemoAppID, strings.ToUpper(sessionKey)},
		"by another account": {otherApp, sessionKey},
	} {
		for _, page := range []string{"/page", chinesePath(60), chinesePath(127), longPath(1990)} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, len(page)), func(t *testing.T) {
				account := func(appID string) simulator.OfficialAccount {
					return simulator.OfficialAccount{AppID: appID, Secret: simulator.DemoSecret, Domain: host}
				}
				w := newWorldWith(t, simulator.Config{
					Accounts: []simulator.OfficialAccount{account(simulator.DemoAppID), account(otherApp)},
				})
				instances := []*Handler{
					w.newHandler(officialAccount),
					w.newHandler("official_account "+tt.appID+" "+simulator.DemoSecret, sessionKeys(tt.key)),
				}
				w.handler = instances[0]
				b := w.browser(inWeChat)
				turn := 0
				n, end := b.followWith(page, func(callback string) string {
					turn++
					w.swap(instances[turn%2])
					return callback
				})
				end.wantStatus(t, http.StatusTooManyRequests)
				t.Logf("%d callbacks", n)
				reason := loopCookies
				if tt.appID == otherApp {
					reason = loopAccount
				}
				lines := 0
				for _, h := range instances {
					lines += w.logsOf(h).FilterField(zap.String("reason", reason)).Len()
				}
				if lines != 1 {
					t.Error("the log does not say why")
				}
				if w.exchanges() != 0 {
					t.Errorf("%d codes were exchanged by another account", w.exchanges())
				}
			})
		}
	}
}
