package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const otherAgent = 1000009

// newCompanyWorld makes a world whose company has two apps. The first one is the site's account.
func newCompanyWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{
		{CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host},
		{CorpID: simulator.DemoCorpID, AgentID: otherAgent, Secret: otherWeComSecret, Domain: host},
	}})
	w.handler = w.agent(simulator.DemoAgentID, simulator.DemoWeComSecret)
	return w
}

var otherWeComSecret = strings.Repeat("z", len(simulator.DemoWeComSecret))

// agent makes the handler of one of the company's apps.
func (w *world) agent(id int, secret string) *Handler {
	return w.newHandler(fmt.Sprintf("wecom %s %s {\nagent_id %d\n}", simulator.DemoCorpID, secret, id))
}

func TestAccountRef_SessionOfOneWeComAppDoesNotOpenAtAnother(t *testing.T) {
	t.Parallel()
	w := newCompanyWorld(t)
	b := w.browser(inWeCom)
	b.follow("/page")
	b.send("GET", "/_wechat/me").wantStatus(t, http.StatusOK)
	first := w.current()

	w.swap(w.agent(otherAgent, otherWeComSecret))
	b.send("GET", "/_wechat/me").wantJSON(t, http.StatusUnauthorized, "login_required")
	if to := b.open("/page").location(); !strings.Contains(to, fmt.Sprintf("agentid=%d", otherAgent)) {
		t.Errorf("redirected to %q", to)
	}
	w.swap(first)
	b.send("GET", "/_wechat/me").wantStatus(t, http.StatusOK)
}

// Sessions of an older version named the company only.
func TestAccountRef_SessionWithoutWeComAppDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newCompanyWorld(t)
	id := identity.Identity{}.With(identity.Account, "wecom").With(identity.AppID, simulator.DemoCorpID).
		With(identity.UserID, "afang")
	keys, err := w.handler.lease.keyring.Keyset(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]int{
		simulator.DemoCorpID: http.StatusUnauthorized,
		fmt.Sprintf("%s/%d", simulator.DemoCorpID, simulator.DemoAgentID): http.StatusOK,
	} {
		s := session.New(id, w.now(), time.Hour)
		s.Account = account
		sealed, err := keys.Sealer("session").Seal(w.handler.site.Scope(visitor.Origin{Scheme: "http", Host: host}), s)
		if err != nil {
			t.Fatal(err)
		}
		w.browser(inWeCom).send("GET", "/_wechat/me", "Cookie: "+session.DefaultName+"="+sealed).wantStatus(t, want)
	}
}
