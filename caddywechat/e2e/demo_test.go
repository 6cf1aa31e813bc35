package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// demoStarts is held while a demo starts. It chooses ports that are free, and its Caddy opens them a moment later: of
// two demos that start at once both could choose the same.
var demoStarts sync.Mutex

// startDemo starts the demo, with a folder for temporary files of its own, and returns its address.
func startDemo(t *testing.T, port int, flags ...string) (*process, string) {
	t.Helper()
	return startDemoIn(t, t.TempDir(), port, flags...)
}

// startDemoIn is startDemo with a given folder for temporary files.
func startDemoIn(t *testing.T, temp string, port int, flags ...string) (*process, string) {
	t.Helper()
	demoStarts.Lock()
	defer demoStarts.Unlock()
	p := start(t, home(t, "TMPDIR="+temp), append([]string{"wechat", "demo", "--port", fmt.Sprint(port)}, flags...)...)
	return p, p.waitFor(`is at +(http://\S+:\d+)\n`)[1]
}

func TestDemo_LogsInAndOut(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	_, address := startDemo(t, freeport.Get(t))
	emma := simulator.OpenID(simulator.DemoAppID, "emma")

	b.open(address + "/orders?id=5#top")
	b.see(`input[value="emma"]`)
	b.picture("demo-1-who")
	b.click(`input[value="emma"]`)
	b.click(`button[value="allow"]`)
	if headers := b.text("#headers"); !strings.Contains(headers, emma) {
		t.Errorf("the app received %s", headers)
	}
	b.picture("demo-2-app")
	if at := b.address(); !strings.HasPrefix(at, address+"/orders?id=5") {
		t.Errorf("ended at %s", at)
	}
	b.click(`a[href="/profile"]`)
	b.click(`a.button`) // our page, before WeChat's
	b.see(`button[value="allow"]`)
	b.picture("demo-3-consent")
	b.click(`button[value="allow"]`)
	b.see(`main[data-rule="userinfo"]`)
	if headers := b.text("#headers"); !strings.Contains(headers, emma) || !strings.Contains(headers, "Emma 🐳") {
		t.Errorf("a page that needs the profile received %s", headers)
	}
	b.picture("demo-4-profile")
	b.click(`a[href="/public"]`)
	b.see(`main[data-rule="public"]`)
	if headers := b.text("#headers"); strings.Contains(headers, emma) {
		t.Errorf("a public page received %s", headers)
	}
	b.click(`a[href="/optional"]`)
	b.see(`main[data-rule="optional"]`)
	if headers := b.text("#headers"); !strings.Contains(headers, emma) {
		t.Errorf("an optional page received %s", headers)
	}
	b.click(`a[href^="/_wechat/logout"]`)
	b.see(`main[data-rule="public"]`)
	b.click(`a[href="/optional"]`)
	b.see(`main[data-rule="optional"]`)
	if headers := b.text("#headers"); strings.Contains(headers, emma) {
		t.Errorf("after logout an optional page received %s", headers)
	}
	b.picture("demo-5-logged-out")
	b.click(`a[href="/"]`)
	b.see(`input[value="laowang"]`)
	b.click(`input[value="laowang"]`)
	b.click(`button[value="allow"]`)
	if headers := b.text("#headers"); !strings.Contains(headers, simulator.OpenID(simulator.DemoAppID, "laowang")) {
		t.Errorf("the next person's app received %s", headers)
	}
	b.wantNoConsoleErrors()
}

func TestDemo_TakesAnotherPortWhereOneIsBusy(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	p, address := startDemo(t, port)
	p.waitFor(fmt.Sprintf(`Port %d is busy, taking \d+ instead`, port))
	if strings.HasSuffix(address, fmt.Sprintf(":%d", port)) {
		t.Errorf("it says that it is at %s", address)
	}
	p.answers(address + "/public")
}

func TestDemo_EndsAtCtrlC(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	p, address := startDemoIn(t, tmp, freeport.Get(t))
	p.answers(address + "/public")
	p.stop()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.log.tail())
	}
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if _, err := os.Stat(tmp); err != nil {
		t.Error(err)
	}
}

func TestDemo_OffersALoginOutsideWeChat(t *testing.T) {
	t.Parallel()
	b := newTabAs(t, desktopChrome)
	p, _ := startDemo(t, freeport.Get(t))
	address := p.waitFor(`see it:  (http://localhost:\d+)\n`)[1]
	b.open(address + "/orders?id=5")
	b.see(`a[href$="account=wecom"]`)
	b.picture("demo-6-choose")
	b.click(`a[href$="account=website"]`)
	b.see(`img`)
	b.picture("demo-7-qr")
	b.wantNoConsoleErrors()
}
