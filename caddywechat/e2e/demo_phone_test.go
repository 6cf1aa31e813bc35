package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/listening"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// otherAddress is one of this machine's that is not localhost: in a private network where it is in one.
func otherAddress(t *testing.T) string {
	t.Helper()
	if private := listening.Private(); len(private) > 0 {
		return private[0].String()
	}
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has no other address: %v", err)
	}
	l.Close()
	return "127.0.0.2"
}

// TestDemo_OpensOnAPhone opens the demo as a phone in the same network does: by an address of this machine, to which
// all of it leads.
func TestDemo_OpensOnAPhone(t *testing.T) {
	t.Parallel()
	at := otherAddress(t)
	b := newTabAs(t, phoneBrowser)
	p, address := startDemo(t, freeport.Get(t), "--listen", at)
	base, err := url.Parse(address)
	if err != nil || base.Hostname() != at {
		t.Fatalf("it says that it is at %s", address)
	}
	afang := simulator.OpenID(simulator.DemoAppID, "afang")

	b.open(address + "/orders?id=5#top")
	b.see(`input[value="afang"]`)
	b.picture("demo-phone-1-who")
	if weChat, err := url.Parse(b.address()); err != nil || weChat.Hostname() != at ||
		weChat.Path != "/connect/oauth2/authorize" {
		t.Errorf("WeChat is at %s", weChat)
	}
	b.click(`input[value="afang"]`)
	b.click(`button[value="allow"]`)
	if headers := b.text("#headers"); !strings.Contains(headers, afang) {
		t.Errorf("the app received %s", headers)
	}
	if at := b.address(); !strings.HasPrefix(at, address+"/orders?id=5") {
		t.Errorf("ended at %s", at)
	}
	b.picture("demo-phone-2-app")
	b.click(`a[href="/profile"]`)
	b.click(`a.button`)
	b.see(`button[value="allow"]`)
	b.picture("demo-phone-3-consent")
	b.click(`button[value="allow"]`)
	b.see(`main[data-rule="userinfo"]`)
	b.picture("demo-phone-4-profile")
	// The picture of the profile can be had by the phone, too.
	if headers := b.text("#headers"); !strings.Contains(headers, strings.TrimSuffix(address, ":"+base.Port())+":") {
		t.Errorf("the avatar is elsewhere: %s", headers)
	}
	b.wantNoConsoleErrors()

	// The computer shows a QR code that the phone opens.
	family := p.waitFor(`see it:  (http://\S+:\d+)\n`)[1]
	computer := newTabAs(t, desktopChrome)
	computer.open(family + "/login-me")
	computer.follow(`a[href$="account=website"]`)
	link := evaluate[string](computer, `document.querySelector('a[href*="/connect/confirm"]').href`)
	phone := newTabAs(t, phoneBrowser)
	phone.open(link)
	phone.click(`input[value="afang"]`)
	phone.follow(`button[value="allow"]`)
	computer.see(`main[data-rule="login"]`)
	if at := computer.address(); at != family+"/login-me" {
		t.Errorf("the computer ended at %s", at)
	}
	computer.wantNoConsoleErrors()
}

func TestDemo_IsReachedOnlyWhereItListens(t *testing.T) {
	t.Parallel()
	at := otherAddress(t)
	port := freeport.Get(t)
	p, address := startDemo(t, port, "--listen", at)
	p.answers(address + "/public")
	client := http.Client{Timeout: time.Second}
	if res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/public", port)); err == nil {
		res.Body.Close()
		t.Errorf("it is at 127.0.0.1, too")
	}
	isTold := strings.Contains(p.log.String(), "Whoever reaches this machine")
	if netip.MustParseAddr(at).IsPrivate() != isTold {
		t.Errorf("who can open it is told: %v\n%s", isTold, p.log)
	}

	p, address = startDemo(t, freeport.Get(t), "--listen", "0.0.0.0")
	p.answers(address + "/public")
	p.waitFor("Whoever reaches this machine")
}

func TestDemo_RefusesAddressesItCannotListenAt(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"8.8.8.8":         "in no private network",
		"198.51.100.7:80": "in no private network",
		"10.255.255.253":  "no address of this machine",
		"wechat":          "no address to listen at",
		"127.0.0.1:port":  "no port",
	} {
		out, err := run(t, home(t), "wechat", "demo", "--listen", listen)
		advises := strings.Contains(out, "0.0.0.0") || strings.Contains(out, "65535")
		if err == nil || !strings.Contains(out, want) || !advises {
			t.Errorf("%s: %v\n%s", listen, err, out)
		}
	}
	out, err := run(t, home(t), "wechat", "demo", "--port", "99999")
	if err == nil || !strings.Contains(out, "from 1 to 65535") {
		t.Errorf("%v\n%s", err, out)
	}
}
