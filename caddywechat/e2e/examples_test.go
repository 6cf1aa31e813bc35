package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	shopAppID  = "wxb71e40c9a25d8f36"
	shopSecret = "52d0ab96f1c84e7390b6ad1c7e25f843"
	shopHost   = "shop.example.com"

	brandsAppID  = "wx4c8d0a6e2f91b573"
	brandsSecret = "0f7c2e9b5a1d483e6c90b7d2f4a8e135"
	brandHost    = "tea.brands.example.com"
)

// newExample starts an example's Caddyfile as it is, but for the app's address and the platform. In the environment's
// lines {port} is where its sites listen.
func newExample(t *testing.T, name string, env ...string) *site {
	t.Helper()
	s := &site{t: t, app: newApp(t), port: freeport.Get(t), admin: freeport.Get(t), scheme: "http", host: host}
	s.sim, s.simURL = newSimulator(t, simulator.Config{Accounts: []simulator.OfficialAccount{
		{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host},
		{AppID: shopAppID, Secret: shopSecret, Domain: shopHost},
		{AppID: brandsAppID, Secret: brandsSecret, Domain: brandHost},
	}})
	env = append([]string{
		"SITE=http://" + host + ":{port}", "WECHAT_APP_ID=" + simulator.DemoAppID, "WECHAT_APP_SECRET=" +
			simulator.DemoSecret,
	}, env...)
	for i := range env {
		env[i] = strings.ReplaceAll(env[i], "{port}", fmt.Sprint(s.port))
	}
	s.env = home(t, env...)
	text := withPages(read(t, root+"examples/"+name+"/Caddyfile"))
	text = regexp.MustCompile(`localhost:\d+`).ReplaceAllString(text, s.app.Listener.Addr().String())
	text = regexp.MustCompile(`(?m)^\twechat_auth.* \{$`).ReplaceAllString(text, "${0}\n\t\tplatform "+s.simURL)
	options := fmt.Sprintf("{\n\tadmin 127.0.0.1:%d\n\tpersist_config off\n", s.admin)
	if global := regexp.MustCompile(`(?m)^\{\n`); global.MatchString(text) {
		text = global.ReplaceAllLiteralString(text, options)
	} else {
		text = options + "}\n" + text
	}
	s.config = write(t, "Caddyfile", text)
	s.restart()
	return s
}

func TestStaffExample_LetsOnlyStaffIn(t *testing.T) {
	t.Parallel()
	s := newExample(t, "staff", "STAFF=o0000000000000000000000000000 "+person)
	s.visitor().login("/orders")
	if a := s.visitor().open("/orders"); a.StatusCode != http.StatusFound {
		t.Errorf("somebody unknown: status %d", a.StatusCode)
	}
	if err := s.sim.Hold("afang"); err != nil {
		t.Fatal(err)
	}
	stranger := s.visitor()
	chain := stranger.follow("/orders")
	if last := chain[len(chain)-1]; last.StatusCode != http.StatusForbidden ||
		!strings.Contains(last.Text, "not on the list") {
		t.Errorf("a stranger: status %d: %s", last.StatusCode, last.Text)
	}
	for _, header := range []string{"X-Wechat-User: " + person, "Remote-User: " + person} {
		if a := stranger.open("/orders", header); a.StatusCode != http.StatusForbidden {
			t.Errorf("a stranger with %s: status %d", header, a.StatusCode)
		}
	}
	for _, path := range []string{"/", "//orders", "/x/..;/orders", "/%2e%2e/orders"} {
		a := s.send(head("GET "+path+" HTTP/1.1", "Host: {host}", "Cookie: "+stranger.cookies()))
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("a stranger at %s: status %d", path, a.StatusCode)
		}
	}
	// Ids that differ in case only are different people.
	s = newExample(t, "staff", "STAFF="+strings.ToLower(person)+" "+strings.ToUpper(person))
	chain = s.visitor().follow("/orders")
	if last := chain[len(chain)-1]; last.StatusCode != http.StatusForbidden {
		t.Errorf("an id in another case: status %d", last.StatusCode)
	}
}

// TestMatchers_KnowTheUser shows which of Caddy's matchers read {http.auth.user.*} behind wechat_auth.
func TestMatchers_KnowTheUser(t *testing.T) {
	t.Parallel()
	for name, matcher := range map[string]string{
		"not vars":        "not vars {http.auth.user.id} someone " + person,
		"not vars_regexp": "not vars_regexp {http.auth.user.id} ^" + person + "$",
		"expression":      `expression !({http.auth.user.id} in ["someone", "` + person + `"])`,
		"map in front": "not vars {role} staff\n\tmap {http.auth.user.id} {role} {\n\t\t" + person +
			" staff\n\t\tdefault guest\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "http", `wechat_auth {
		{account}
		public /public
	}
	@others `+matcher+`
	respond @others 403
	reverse_proxy {app}`)
			s.visitor().login("/page")
			if a := s.visitor().open("/public"); a.StatusCode != http.StatusForbidden {
				t.Errorf("nobody: status %d", a.StatusCode)
			}
			if err := s.sim.Hold("afang"); err != nil {
				t.Fatal(err)
			}
			chain := s.visitor().follow("/page")
			if last := chain[len(chain)-1]; last.StatusCode != http.StatusForbidden {
				t.Errorf("somebody else: status %d", last.StatusCode)
			}
		})
	}
}

func TestPublicHooksExample_PassesNotifications(t *testing.T) {
	t.Parallel()
	s := newExample(t, "public-hooks")
	v := s.visitor()
	v.login("/page")
	v.Agent = "Mozilla/4.0"
	for _, notification := range []struct{ path, body, contentType string }{
		{
			"/pay/notify", `{"id":"EV-1","resource":{"ciphertext":"…","nonce":"fdasflkja484w"}}` + "\n",
			"application/json",
		},
		{"/pay/refund-notify", "<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>", "text/xml"},
		{
			"/wechat/message?signature=f3&timestamp=1409304348&nonce=xxxxxx&msg_signature=50",
			"<xml><Encrypt><![CDATA[hyzA]]></Encrypt></xml>\r\n", "text/xml",
		},
	} {
		for _, cookie := range []string{"", v.cookies()} {
			a := v.request("POST", notification.path, notification.body, "Content-Type: "+notification.contentType,
				"Cookie: "+cookie,
				"Wechatpay-Signature: c2ln", "Wechatpay-Nonce: n", "Wechatpay-Timestamp: 1554208460",
				"Wechatpay-Serial: 50", "X-Wechat-User: "+evil)
			head, body, _ := strings.Cut(a.Text, "\r\n\r\n")
			if a.StatusCode != http.StatusOK || body != notification.body ||
				!strings.HasPrefix(head, "POST "+notification.path+" HTTP/1.1") {
				t.Errorf("%s: status %d, the app got %q", notification.path, a.StatusCode, a.Text)
			}
			for _, line := range []string{
				"Wechatpay-Signature: c2ln", "Wechatpay-Nonce: n",
				"Wechatpay-Timestamp: 1554208460", "Wechatpay-Serial: 50",
			} {
				if !strings.Contains(head, line) {
					t.Errorf("%s: %s is missing from\n%s", notification.path, line, head)
				}
			}
			if strings.Contains(head, "X-Wechat-") {
				t.Errorf("%s: the app got\n%s", notification.path, head)
			}
		}
	}
	v = s.visitor()
	const verification = "/wechat/message?signature=f3&timestamp=1&nonce=2&echostr=5927"
	if a := v.request("GET", verification, ""); a.StatusCode != http.StatusOK {
		t.Errorf("WeChat asks whether it is our server: status %d", a.StatusCode)
	}
	for _, path := range []string{"/pay/notify/x", "/pay", "/pay/order", "/wechat/message/..%2F..%2Fpage"} {
		if a := v.request("POST", path, "{}"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d", path, a.StatusCode)
		}
	}
}

func TestBalancerExample_TrustsTheBalancerOnly(t *testing.T) {
	t.Parallel()
	s := newExample(t, "balancer", "BALANCER=127.0.0.1/32")
	v := s.visitor()
	forwarded := []string{"X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9"}
	a := v.open("/page?x=1", forwarded...)
	authorize, err := a.Location()
	if err != nil {
		t.Fatal(err)
	}
	redirectURI := authorize.Query().Get("redirect_uri")
	if want := "https://" + s.authority() + "/_wechat/callback?to=%2Fpage%3Fx%3D1"; redirectURI != want {
		t.Errorf("redirect_uri %s, want %s", redirectURI, want)
	}
	// WeChat sends the visitor to https, which is the balancer, which asks us by http.
	callback, err := v.open(authorize.String()).Location()
	if err != nil {
		t.Fatal(err)
	}
	a = v.open(callback.RequestURI(), append(forwarded, cookieLine(a))...)
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/page?x=1" {
		t.Fatalf("status %d, redirect to %s", a.StatusCode, a.Header.Get("Location"))
	}
	session := cookieLine(a)
	if !strings.Contains(session, "__Host-wechat_session=") {
		t.Errorf("the visitor got %s", session)
	}
	if a = v.open("/page?x=1", append(forwarded, session)...); a.StatusCode != http.StatusOK ||
		!strings.Contains(a.Text, "X-Wechat-User: "+person) {
		t.Errorf("status %d, the app got %s", a.StatusCode, a.Text)
	}

	// Somebody else than the balancer is not believed.
	s = newExample(t, "balancer", "BALANCER=192.0.2.1/32")
	location := s.visitor().open("/page", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: evil.example").Header.Get("Location")
	if want := url.QueryEscape("http://" + s.authority() + "/_wechat/callback"); !strings.Contains(location, want) {
		t.Errorf("a stranger is redirected to %s", location)
	}
	s.caddy.waitFor("trusted_proxies")
}

// cookieLine returns the cookies that an answer sets, as a request's header. A jar would not send Secure ones to http.
func cookieLine(a response) string {
	var pairs []string
	for _, c := range a.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(pairs, "; ")
}

func TestHealthCheckExample_TellsHealth(t *testing.T) {
	t.Parallel()
	s := newExample(t, "health-check", "LISTEN=http://:{port}", "WECHAT_HOST="+host)
	probe := "http://127.0.0.1:" + fmt.Sprint(s.port)
	v := s.visitor()
	for path, status := range map[string]int{
		"/_wechat/health": 200, "/healthz": 200, "/page": 401, "/healthz/x": 401,
		"/": 401,
	} {
		for _, agent := range []string{"kube-probe/1.32", "GoogleHC/1.0", "SLBHealthCheck", inWeChat} {
			a := v.request("GET", probe+path, "", "User-Agent: "+agent)
			if a.StatusCode != status {
				t.Errorf("%s as %s: status %d, want %d", path, agent, a.StatusCode, status)
			}
			if path == "/_wechat/health" && a.Text != "" {
				t.Errorf("it tells %q", a.Text)
			}
		}
		if a := v.request("HEAD", probe+path, "", "User-Agent: SLBHealthCheck"); a.StatusCode != status {
			t.Errorf("HEAD %s: status %d, want %d", path, a.StatusCode, status)
		}
	}
	if a := s.send("GET /_wechat/health HTTP/1.0\r\n\r\n"); a.StatusCode != http.StatusOK {
		t.Errorf("without a host: status %d", a.StatusCode)
	}
	// People go to the host that public_url says.
	if a := v.open(probe + "/page"); a.Header.Get("Location") != "https://"+host+"/page" {
		t.Errorf("status %d, redirect to %s", a.StatusCode, a.Header.Get("Location"))
	}
	// A store that does not work is told, a failing app is not Caddy's health.
	s.app.Close()
	for path, status := range map[string]int{"/_wechat/health": 200, "/healthz": 502} {
		if a := v.request("GET", probe+path, ""); a.StatusCode != status {
			t.Errorf("%s without the app: status %d, want %d", path, a.StatusCode, status)
		}
	}
	s.caddy.stop()
	if err := os.RemoveAll(dataDir(s) + "/wechat"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dataDir(s)+"/wechat", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.caddy = start(t, s.env, "run", "--config", s.config, "--adapter", "caddyfile")
	s.caddy.answers(probe + "/_wechat/health")
	if a := v.request("GET", probe+"/_wechat/health", ""); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a store: status %d", a.StatusCode)
	}
}

func TestTwoAccountsExample_KeepsThemApart(t *testing.T) {
	t.Parallel()
	s := newExample(t, "two-accounts", "SHOP_SITE=http://"+shopHost+":{port}", "SHOP_APP_ID="+shopAppID,
		"SHOP_APP_SECRET="+shopSecret)
	shop := *s
	shop.host = shopHost
	v, customer := s.visitor(), shop.visitor()
	v.login("/page")
	chain := customer.follow("/goods?id=7")
	last := chain[len(chain)-1]
	for _, line := range []string{
		"X-Wechat-User: " + simulator.OpenID(shopAppID, "xiaoming"),
		"X-Wechat-Appid: " + shopAppID,
	} {
		if !strings.Contains(last.Text, line+"\r\n") {
			t.Errorf("%q is not in what the shop got: %s", line, last.Text)
		}
	}
	if last.Request.URL.String() != shop.url("/goods?id=7") {
		t.Errorf("ended at %s", last.Request.URL)
	}
	// The cookies of one are nothing on the other, and do no harm there.
	for name, tc := range map[string]struct{ from, to *visitor }{
		"to the shop":   {v, shop.visitor()},
		"from the shop": {customer, s.visitor()},
	} {
		if a := tc.to.open("/page", "Cookie: "+tc.from.cookies()); a.StatusCode != http.StatusFound {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	if a := v.open("/page", "Cookie: "+customer.cookies()); strings.Contains(a.Text,
		simulator.OpenID(shopAppID, "xiaoming")) {
		t.Errorf("both at once: %s", a.Text)
	}
	// Nor is a login that was begun on the other.
	begun := s.visitor()
	a := begun.open("/page")
	callback := begun.open(a.Header.Get("Location")).Header.Get("Location")
	elsewhere := strings.Replace(callback, host, shopHost, 1)
	calls := s.sim.Calls("/sns/oauth2/access_token")
	if a := shop.visitor().open(elsewhere, "Cookie: "+begun.cookies()); a.StatusCode != http.StatusFound ||
		!strings.Contains(a.Header.Get("Location"), "appid="+shopAppID) {
		t.Errorf("a callback of the other site: status %d, redirect to %s", a.StatusCode, a.Header.Get("Location"))
	}
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != calls {
		t.Errorf("%d exchanges of the other's code", got-calls)
	}
}

func TestTenantsExample_EachHostHasItsAccount(t *testing.T) {
	t.Parallel()
	const shop = "shop.brands.example.com"
	s := newExample(t, "tenants", "BRANDS=http://*.brands.example.com:{port}", "SHOP_SITE=http://"+shop+":{port}",
		"BRANDS_APP_ID="+brandsAppID, "BRANDS_APP_SECRET="+brandsSecret,
		"SHOP_APP_ID="+shopAppID, "SHOP_APP_SECRET="+shopSecret)
	at := func(host string) *site {
		other := *s
		other.host = host
		return &other
	}
	for host, appID := range map[string]string{host: simulator.DemoAppID, brandHost: brandsAppID, shop: shopAppID} {
		to := at(host).visitor().open("/page").Header.Get("Location")
		if !strings.Contains(to, "appid="+appID+"&") {
			t.Errorf("%s: sent to %s, want %s", host, to, appID)
		}
	}
	for host, appID := range map[string]string{host: simulator.DemoAppID, brandHost: brandsAppID} {
		chain := at(host).visitor().follow("/page")
		line := "X-Wechat-User: " + appID + ":" + simulator.OpenID(appID, "xiaoming") + "\r\n"
		if last := chain[len(chain)-1]; !strings.Contains(last.Text, line) {
			t.Errorf("%s: %q is not in what the app got: %s", host, line, last.Text)
		}
	}
}

func TestOwnPagesExample_ShowsItsPages(t *testing.T) {
	t.Parallel()
	s := newExample(t, "own-pages")
	a := s.visitor().open("/orders")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "<h1>欢迎光临茶馆</h1>") ||
		!strings.Contains(a.Text, `<a href="`+s.simURL+`/connect/oauth2/authorize?`) {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
	if a := s.visitor().open("/logo.svg"); a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Text, "<svg") {
		t.Errorf("the logo: status %d: %s", a.StatusCode, a.Text)
	}
	outside := s.visitor()
	outside.Agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/132.0.0.0"
	if a := outside.open("/orders"); a.StatusCode != http.StatusForbidden ||
		!strings.Contains(a.Text, "<h1>请用微信进茶馆</h1>") || !strings.Contains(a.Text, `class="qr"`) {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
}
