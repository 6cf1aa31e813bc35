package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// departments returns n ids of so many digits.
func departments(n, digits int) string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("1%0*d", digits-1, i))
	}
	return strings.Join(ids, ",")
}

// newDepartmentsWorld makes a world whose company has a member in many departments.
func newDepartmentsWorld(t *testing.T, departments string) *world {
	t.Helper()
	w := newWorldWith(t, simulator.Config{
		People: []simulator.Person{{
			ID: "busy", Nickname: strings.Repeat("忙", 170), UserID: strings.Repeat("u", 64),
			Departments: departments,
		}},
		WeCom: []simulator.WeComApp{{
			CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret,
			Domain: host,
		}},
	})
	w.handler = w.newHandler(weComAccount)
	return w
}

func TestSessionSize_EveryDepartmentReachesTheApp(t *testing.T) {
	t.Parallel()
	want := departments(60, 5)
	w := newDepartmentsWorld(t, want)
	b := w.browser(inWeCom)
	a := b.open(b.callbackFor("/page"))
	if line := a.setCookieLine("wechat_session"); line == "" || len(line) >= 1300 {
		t.Fatalf("a cookie of %d bytes", len(line))
	}
	w.received()
	b.open("/page").wantStatus(t, http.StatusOK)
	h := w.received().Header
	if got := h.Get("X-Wecom-Departments"); got != want {
		t.Errorf("departments %s", got)
	}
	name, err := url.PathUnescape(h.Get("X-Wechat-Nickname"))
	if err != nil || name == "" || strings.Trim(name, "忙") != "" || !utf8.ValidString(name) {
		t.Errorf("nickname %q", name)
	}
}

func TestSessionSize_LoginThatDoesNotFitFails(t *testing.T) {
	t.Parallel()
	w := newDepartmentsWorld(t, departments(100, 10))
	b := w.browser(inWeCom)
	for range 3 {
		a := b.open(b.callbackFor("/page"))
		a.wantStatus(t, http.StatusInternalServerError)
		if !strings.Contains(a.body, "本站的微信登录没有设置好") || a.setCookieLine("wechat_session") != "" {
			t.Errorf("got %v %s", a.Header, a.body)
		}
	}
	b.send("GET", "/_wechat/me").wantJSON(t, http.StatusUnauthorized, "login_required")
	lines := w.logs.FilterField(zap.String("outcome", "failed")).All()
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	fields := lines[0].ContextMap()
	if !strings.Contains(fmt.Sprint(fields["error"]), "the longest field is departments, of 1099 bytes") ||
		!strings.Contains(fmt.Sprint(fields["cure"]), "可见范围") ||
		fields["app_id"] != fmt.Sprintf("%s/%d", simulator.DemoCorpID, simulator.DemoAgentID) {
		t.Errorf("logged %v", fields)
	}
}

func TestSessionSize_RefreshedSessionFits(t *testing.T) {
	t.Parallel()
	cookie := strings.Repeat("n", 300)
	w := newProfileWorld(t, directProfile,
		"session {\nkey "+sessionKey+"\nlifetime 30d\nrefresh 1d\nidle 20d\ncookie "+cookie+"\n}")
	b := w.browser(inWeChat)
	b.followAllowing("/page").wantStatus(t, http.StatusOK)
	w.rename(strings.Repeat("名", 170))
	w.advance(24 * time.Hour)
	w.nickname(b)
	w.awaitRefresh()
	a := b.open("/page")
	if line := a.setCookieLine(cookie); line == "" || len(line) >= 1300 {
		t.Errorf("a cookie of %d bytes: %s", len(line), line)
	}
	w.received()
	b.open("/page").wantStatus(t, http.StatusOK)
	h := w.received().Header
	name, err := url.PathUnescape(h.Get("X-Wechat-Nickname"))
	if err != nil || !strings.HasPrefix(strings.Repeat("名", 170), name) || len(name) < 100 ||
		h.Get("X-Wechat-Avatar") != "" {
		t.Errorf("nickname %q, avatar %q", name, h.Get("X-Wechat-Avatar"))
	}
	if h.Get("X-Wechat-User") != person {
		t.Errorf("user %q", h.Get("X-Wechat-User"))
	}
}

func TestSessionSize_LongProfileFitsIntoOneCookie(t *testing.T) {
	t.Parallel()
	p := simulator.Person{
		ID: "p", Nickname: strings.Repeat("🐳", 512),
		Avatar: "https://thirdwx.qlogo.cn/" + strings.Repeat("x", 4000),
	}
	w := newWorldWith(t, simulator.Config{People: []simulator.Person{p}})
	w.provisionAccount(directProfile, "")
	b := w.browser(inWeChat)
	a := b.open(b.consent(b.open("/"+strings.Repeat("y", 1990)).location(), "allow"))
	for _, line := range a.Header["Set-Cookie"] {
		if len(line) >= 4096 {
			t.Errorf("%d bytes: %.40s", len(line), line)
		}
		t.Logf("%d bytes: %.40s", len(line), line)
	}
	b.open("/").wantStatus(t, http.StatusOK)
	nickname, err := url.PathUnescape(w.received().Header.Get("X-Wechat-Nickname"))
	if err != nil || nickname == "" || strings.Trim(nickname, "🐳") != "" {
		t.Errorf("nickname %q %v", nickname, err)
	}
}
