package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const unitFile = root + "packaging/caddywechat.service"

// Where the unit and the READMEs have things.
const (
	installedProgram   = "/usr/local/bin/caddywechat"
	installedCaddyfile = "/etc/caddy/Caddyfile"
	installedEnv       = "/etc/caddy/wechat.env"
)

// setting returns what the unit says of a name.
func setting(t *testing.T, unit, name string) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(unit)
	if match == nil {
		t.Fatalf("%s says nothing of %s", unitFile, name)
	}
	return match[1]
}

func TestServiceUnit_IsValid(t *testing.T) {
	t.Parallel()
	analyze := program(t, "systemd-analyze")
	unit := strings.ReplaceAll(read(t, unitFile), installedProgram, binary(t))
	file := write(t, "caddywechat.service", unit)
	if out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestServiceUnit_Runs runs what the unit says, as systemd does it: with the secrets in the environment, and told when
// it is ready.
func TestServiceUnit_Runs(t *testing.T) {
	t.Parallel()
	unit := read(t, unitFile)
	dir := t.TempDir()
	port, admin := freeport.Get(t), freeport.Get(t)
	caddyfile, secretFile := filepath.Join(dir, "Caddyfile"), filepath.Join(dir, "secret")
	configure := func(hello, secret string) {
		t.Helper()
		text := fmt.Sprintf(`{
	admin 127.0.0.1:%d
}
http://:%d {
	wechat_auth {
		official_account {env.WECHAT_APP_ID} {file.%s}
		public /hello
	}
	respond %s
}
`, admin, port, secretFile, hello)
		for name, content := range map[string]string{caddyfile: text, secretFile: secret} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	words := func(name string) []string {
		here := strings.NewReplacer(installedProgram, binary(t), installedCaddyfile, caddyfile)
		return strings.Fields(here.Replace(setting(t, unit, name)))
	}
	const envSecret = "0123456789abcdef0123456789abcdef"
	configure("one", envSecret)

	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Skipf("no socket to be told by: %v", err)
	}
	defer notify.Close()
	env := home(t, "WECHAT_APP_ID="+simulator.DemoAppID, "WECHAT_APP_SECRET="+envSecret,
		"NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	run := words("ExecStart")
	cmd := exec.Command(run[0], run[1:]...)
	cmd.Env = env
	p := startCommand(t, cmd)
	told := make([]byte, 1000)
	notify.SetReadDeadline(time.Now().Add(20 * time.Second))
	for got := ""; !strings.Contains(got, "READY=1"); got = string(told) {
		if _, err := notify.Read(told); err != nil {
			t.Fatalf("it does not say that it is ready: %v\n%s", err, p.log.tail())
		}
	}

	site := &site{t: t, caddy: p}
	address := fmt.Sprintf("http://127.0.0.1:%d/hello", port)
	if a := site.visitor().open(address); a.Text != "one" {
		t.Fatalf("status %d: %s", a.StatusCode, a.Text)
	}
	reload := func() string {
		t.Helper()
		line := words("ExecReload")
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	configure("two", envSecret)
	out := reload()
	if a := site.visitor().open(address); a.Text != "two" {
		t.Errorf("after a reload: %s", a.Text)
	}
	// A secret in a file can change alone.
	configure("two", strings.Repeat("f", 32))
	loads := func() int { return strings.Count(p.log.String(), "load complete") }
	before := loads()
	out += reload()
	p.eventually("the configuration is loaded again", func() bool { return loads() > before })

	for _, printed := range []string{p.log.String(), out} {
		for _, secret := range []string{envSecret, strings.Repeat("f", 32), "WECHAT_APP_SECRET"} {
			if strings.Contains(printed, secret) {
				t.Errorf("%s is in the journal:\n%s", secret, printed)
			}
		}
	}
}

// TestServiceUnit_IsWhatTheDocumentationInstalls holds the paths of the two together.
func TestServiceUnit_IsWhatTheDocumentationInstalls(t *testing.T) {
	t.Parallel()
	unit := read(t, unitFile)
	if got, want := setting(t, unit, "ExecStart"), installedProgram+" run --config "+installedCaddyfile; got != want {
		t.Errorf("it starts %s, want %s", got, want)
	}
	if env := strings.TrimPrefix(setting(t, unit, "EnvironmentFile"), "-"); env != installedEnv {
		t.Errorf("its secrets are in %s", env)
	}
	user := setting(t, unit, "User")
	for _, page := range []string{"README.md", "README.zh-CN.md"} {
		text := read(t, root+page)
		for _, want := range []string{
			"packaging/caddywechat.service", "/usr/local/bin", installedCaddyfile, installedEnv, "-g " + user + " ",
			"systemctl enable --now caddywechat", "systemctl reload caddywechat",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %s", page, want)
			}
		}
		if strings.Contains(text, "docs/running#linux-service") {
			t.Errorf("%s links to Caddy's unit", page)
		}
	}
}
