package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const directives = `wechat_auth {
		{account}
		public /public/*
	}
	reverse_proxy {app}`

func TestLogin_IsSilent(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https", directives)
	v := s.visitor()
	chain := v.follow("/orders?id=5")
	if len(chain) != 4 {
		t.Fatalf("%d requests", len(chain))
	}
	for i, a := range chain {
		t.Logf("%d. GET %s\n   %s", i+1, a.Request.URL, a.Status)
		for _, name := range []string{"Location", "Set-Cookie", "Cache-Control", "Referrer-Policy"} {
			for _, value := range a.Header[name] {
				t.Logf("   %s: %s", name, value)
			}
		}
	}
	last := chain[3]
	if last.Request.URL.String() != s.url("/orders?id=5") || last.StatusCode != http.StatusOK {
		t.Errorf("ended at %s with status %d", last.Request.URL, last.StatusCode)
	}
	for _, line := range []string{
		"GET /orders?id=5 HTTP/1.1", "X-Wechat-User: " + person, "X-Wechat-Openid: " +
			person, "X-Wechat-Account: official_account",
		"X-Wechat-Appid: " + simulator.DemoAppID, "X-Wechat-Scope: snsapi_base",
	} {
		if !strings.Contains(last.Text, line+"\r\n") {
			t.Errorf("%q is not in what the app got:\n%s", line, last.Text)
		}
	}
	if strings.Contains(last.Text, "wechat_session") {
		t.Errorf("the app got the session:\n%s", last.Text)
	}
}

func TestLogs_HoldTheUserAndNoSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https", directives)
	v := s.visitor()
	callback := v.follow("/page")[2]
	code := callback.Request.URL.Query().Get("code")
	state := callback.Request.URL.Query().Get("state")
	v.open("/_wechat/me")
	for method, path := range map[string]string{
		"HEAD": "/_wechat/callback", "POST": "/_wechat/callback",
		"GET": "/_wechat/callback/",
	} {
		req, err := http.NewRequest(method, s.url(path+"?code="+code+"&state="+state), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := v.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, res.Body)
	}
	s.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: 40125})
	s.visitor().follow("/else")
	s.caddy.waitFor(`"outcome":"failed"[^\n]*40125[^\n]*app secret`)
	s.caddy.stop()
	log := s.caddy.log.String()
	if !regexp.MustCompile(`"uri":"/page"[^\n]*"user_id":"` + person + `"`).MatchString(log) {
		t.Errorf("no access log with the user's id:\n%s", log)
	}
	if !strings.Contains(log, `"outcome":"logged_in"`) {
		t.Errorf("no line about the login:\n%s", log)
	}
	secrets := []string{simulator.DemoSecret, code, "access_token=", "refresh_token"}
	for _, c := range callback.Cookies() {
		secrets = append(secrets, c.Value)
	}
	for _, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	// The state is no secret, and stands in the Location of the first answer; with a code it stands nowhere.
	if regexp.MustCompile(`callback/?\?[^"]*code=`).MatchString(log) {
		t.Errorf("the callback's address is in the log:\n%s", log)
	}
}

func TestReload_KeepsSessionsAndLoginsInProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", directives)
	loggedIn, underWay := s.visitor(), s.visitor()
	loggedIn.login("/page")
	authorize := underWay.open("/other").Header.Get("Location")
	callback := underWay.open(authorize).Header.Get("Location")
	s.reload(directives + "\n\theader X-Reloaded yes")
	if a := loggedIn.open("/page"); a.StatusCode != http.StatusOK || a.Header.Get("X-Reloaded") != "yes" {
		t.Errorf("status %d", a.StatusCode)
	}
	if got := underWay.open(callback).Header.Get("Location"); got != "/other" {
		t.Errorf("the login in progress ended at %s", got)
	}
	// A callback that comes again is known to the process, not to the configuration.
	s.reload(directives)
	calls := s.sim.Calls("/sns/oauth2/access_token")
	if got := underWay.open(callback).Header.Get("Location"); got != "/other" {
		t.Errorf("the callback again redirected to %s", got)
	}
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != calls {
		t.Errorf("%d more exchanges", got-calls)
	}
	// A logout is, too.
	cookies := loggedIn.Jar.Cookies(loggedIn.open("/page").Request.URL)
	loggedIn.open("/_wechat/logout", byALink...)
	s.reload(directives)
	header := "Cookie: "
	for _, c := range cookies {
		header += c.Name + "=" + c.Value + "; "
	}
	if a := s.visitor().open("/page", header); a.StatusCode != http.StatusFound {
		t.Errorf("a session that ended before the reload: status %d", a.StatusCode)
	}
}

func TestRestart_KeepsSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", directives)
	v := s.visitor()
	v.login("/page")
	s.restart()
	if a := v.open("/page"); a.StatusCode != http.StatusOK {
		t.Errorf("status %d", a.StatusCode)
	}
	keys, err := filepath.Glob(filepath.Join(dataDir(s), "wechat", "*"))
	if err != nil || len(keys) != 1 {
		t.Errorf("in Caddy's storage: %v %v", keys, err)
	}
}

func dataDir(s *site) string {
	for _, line := range s.env {
		if dir, ok := strings.CutPrefix(line, "XDG_DATA_HOME="); ok {
			return filepath.Join(dir, "caddy")
		}
	}
	return ""
}

func TestStorage_ThatFailsIsUnavailable(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", `wechat_auth {
		{account}
		public /public
		optional /optional
	}
	reverse_proxy {app}`)
	if err := os.WriteFile(filepath.Join(dataDir(s), "wechat"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v := s.visitor()
	for path, status := range map[string]int{
		"/public": 200, "/optional": 200, "/page": 503, "/_wechat/health": 503,
		"/_wechat/callback?code=x&state=y": 503,
	} {
		if a := v.open(path); a.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, a.StatusCode, status)
		}
	}
	if a := v.open("/page", "Accept: x"); !strings.Contains(s.caddy.log.String(), "session key") {
		t.Errorf("no log line; %s", a.Text)
	}
	if err := os.Remove(filepath.Join(dataDir(s), "wechat")); err != nil {
		t.Fatal(err)
	}
	s.caddy.eventually("it recovers by itself",
		func() bool { return v.open("/_wechat/health").StatusCode == http.StatusOK })
	v.login("/page")
}

func TestReload_LeaksNothing(t *testing.T) {
	t.Parallel()
	// Without reverse_proxy: Caddy itself keeps one idle connection to the app for each reload, for two minutes.
	s := newSite(t, "http", `wechat_auth {
		{account}
	}
	respond "X-Wechat-User: {http.auth.user.id}"`)
	s.visitor().login("/page")
	goroutines := func() int {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/goroutine?debug=1", s.admin))
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(`goroutine profile: total (\d+)`).FindStringSubmatch(readAll(t, res.Body))
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	reload := func() {
		res, err := http.Get("http://" + s.adminAddress() + "/config/")
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequest("POST", fmt.Sprintf("http://127.0.0.1:%d/load", s.admin), res.Body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Cache-Control", "must-revalidate")
		res2, err := http.DefaultClient.Do(req)
		if err != nil || res2.StatusCode != http.StatusOK {
			t.Fatal(err, res2)
		}
		res2.Body.Close()
		res.Body.Close()
		v := s.visitor()
		v.login("/page")
		v.CloseIdleConnections() // its connections have goroutines, too
	}
	for range 3 {
		reload()
	}
	before := goroutines()
	for range 20 {
		reload()
	}
	s.caddy.eventually("goroutines end", func() bool { return goroutines() <= before+5 })
}

func TestLogin_WorksForVisitorsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", directives)
	var wait sync.WaitGroup
	for i := range 32 {
		v := s.visitor()
		wait.Go(func() { v.login("/page" + strconv.Itoa(i)) })
	}
	wait.Wait()
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != 32 {
		t.Errorf("%d exchanges for 32 visitors", got)
	}
}

func TestTrustedProxies_TellTheScheme(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", directives)
	s.config = write(t, "Caddyfile", strings.Replace(s.caddyfile(directives), "debug",
		"debug\n\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}", 1))
	s.restart()
	v := s.visitor()
	a := v.open("/page", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example, h5.example.com")
	location, err := a.Location()
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://h5.example.com/_wechat/callback?to=%2Fpage"
	if got := location.Query().Get("redirect_uri"); got != want {
		t.Errorf("redirect_uri %s, want %s", got, want)
	}
	if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-wechat_login_") ||
		!strings.Contains(got, "; Secure;") {
		t.Errorf("Set-Cookie: %s", got)
	}
}

func TestTryFiles_LeavesTheCallback(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{"index.html": "index for {http.auth.user.id}", "admin.html": "admin"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, "http", `root * `+root+`
	wechat_auth /admin* {
		{account}
	}
	try_files {path} /index.html
	file_server`)
	v := s.visitor()
	if a := v.open("/anything"); a.StatusCode != http.StatusOK {
		t.Errorf("outside the matcher: status %d", a.StatusCode)
	}
	if a := v.open("/admin/x"); a.StatusCode != http.StatusFound {
		t.Errorf("inside: status %d", a.StatusCode)
	}
	chain := v.follow("/admin/x")
	if last := chain[len(chain)-1]; last.StatusCode != http.StatusOK || last.Request.URL.String() != s.url("/admin/x") {
		t.Errorf("login ended at %s", last.Request.URL)
	}
}

func TestVerifyFile_IsServedOnASiteThatRedirects(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", `wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt
	redir https://h5.example.com{uri}`)
	v := s.visitor()
	if a := v.open("/MP_verify_iwu2jY0FNdXA7RGa.txt"); a.StatusCode != http.StatusOK || a.Text != "iwu2jY0FNdXA7RGa" {
		t.Errorf("status %d: %q", a.StatusCode, a.Text)
	}
	if a := v.open("/other"); a.StatusCode != http.StatusFound {
		t.Errorf("status %d", a.StatusCode)
	}
}

func TestAdapt_RefusesABadConfiguration(t *testing.T) {
	t.Parallel()
	env := home(t)
	const id, secret = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
	gate := func(lines ...string) string {
		return "h5.example.com {\n\twechat_auth {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
	}
	for text, want := range map[string]string{
		gate("official_account " + id):                                               `Caddyfile:3`,
		gate("official_account {env.NOT_SET_ANYWHERE} " + secret):                    `app_id`,
		gate("official_account "+id+" "+secret, "session {\n\t\t\tkey short\n\t\t}"): `Caddyfile:5`,
	} {
		out, err := run(t, env, "adapt", "--validate", "--config", write(t, "Caddyfile", text), "--adapter",
			"caddyfile")
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%q: %v\n%s", text, err, out)
		}
	}
	good := "{\n\tadmin off\n}\nhttp://" + gate("official_account "+id+" "+secret)
	file := write(t, "Caddyfile", good)
	if out, err := run(t, env, "adapt", "--validate", "--config", file, "--adapter", "caddyfile"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSimulatorCommand_ServesWeChat(t *testing.T) {
	t.Parallel()
	port := freeport.Get(t)
	p := start(t, home(t), "wechat", "simulator", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--domain", host)
	p.waitFor(`http://127\.0\.0\.1:\d+/simulator/`)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	p.answers(base + "/simulator/")
	res, err := http.Post(base+"/simulator/faults", "application/json",
		strings.NewReader(`{"path":"/sns/oauth2/access_token","kind":"errcode","errcode":-1,"times":1}`))
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(err, res)
	}
	res.Body.Close()
	for _, want := range []float64{-1, 40029} {
		res, err := http.Get(base + "/sns/oauth2/access_token?appid=" + simulator.DemoAppID + "&secret=" +
			simulator.DemoSecret + "&code=x&grant_type=authorization_code")
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if body["errcode"] != want {
			t.Errorf("errcode %v, want %v", body["errcode"], want)
		}
	}
	out, err := run(t, home(t), "wechat", "simulator", "--listen", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil || !strings.Contains(out, "--listen") {
		t.Errorf("a busy port: %v\n%s", err, out)
	}
	begun := time.Now()
	p.stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
}
