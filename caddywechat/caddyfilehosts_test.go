package caddywechat

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	firstAccount     = "official_account wx0123456789abcdef 0123456789abcdef0123456789abcdef\n"
	secondAccount    = "official_account wx1123456789abcdef 0123456789abcdef0123456789abcdef\n"
	thirdAccount     = "official_account wx2123456789abcdef 0123456789abcdef0123456789abcdef\n"
	hostsOfSecondAtB = secondAccount + "hosts wx1123456789abcdef b.example.com\n"
	hostsOfFirst     = "hosts wx0123456789abcdef a.example.com\n"
)

func TestCaddyfile_RefusedHosts(t *testing.T) {
	directive := func(lines ...string) string { return "wechat_auth {\n" + strings.Join(lines, "") + "}" }
	for _, c := range []refusedCaddyfile{
		{"nothing", directive(firstAccount, "hosts\n"), []string{"Caddyfile:4", "hosts <app_id> shop.example.com"}},
		{"no host", directive(firstAccount, "hosts wx0123456789abcdef\n"), []string{"Caddyfile:4", "hosts <app_id>"}},
		{
			"a URL", directive(firstAccount, "hosts wx0123456789abcdef https://a.example.com\n"),
			[]string{"Caddyfile:4", `"https://a.example.com"`, "without scheme"},
		},
		{
			"an app id of nobody", directive(hostsOfFirst, secondAccount),
			[]string{"Caddyfile:3", "wx0123456789abcdef", "no account of this site"},
		},
		{
			"no hosts at all", directive(firstAccount, secondAccount),
			[]string{"Caddyfile:4", "official_account is given twice", "hosts <app_id> <host>..."},
		},
		{
			"two without", directive(firstAccount, hostsOfFirst, secondAccount, thirdAccount),
			[]string{"Caddyfile:6", "official_account is given twice"},
		},
		{
			"a host of two",
			directive(firstAccount, hostsOfFirst, secondAccount, "hosts wx1123456789abcdef A.example.com\n"),
			[]string{"Caddyfile:6", "A.example.com is given to two accounts"},
		},
		{
			"a host twice", directive(firstAccount, hostsOfFirst, hostsOfFirst, secondAccount),
			[]string{"Caddyfile:5", "a.example.com is given to wx0123456789abcdef twice"},
		},
		{
			"a domain beside them",
			directive(firstAccount, hostsOfFirst, secondAccount, "session {\ndomain example.com\n}\n"),
			[]string{"Caddyfile:4", "session domain", "remove domain"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, c.lines) })
	}
}

func TestCaddyfile_HostsBecomeJSON(t *testing.T) {
	adapted := adaptHandler(t, "wechat_auth", "wechat_auth {\n"+firstAccount+hostsOfFirst+
		"hosts wx0123456789abcdef c.example.com *.a.example.com\n"+secondAccount+"}")
	var got struct {
		Hosts json.RawMessage `json:"hosts"`
	}
	if err := json.Unmarshal(adapted, &got); err != nil {
		t.Fatal(err)
	}
	want := `{"wx0123456789abcdef":["a.example.com","c.example.com","*.a.example.com"]}`
	if string(got.Hosts) != want {
		t.Errorf("got %s", got.Hosts)
	}
}

// What placeholders stand for, and which agents a company has, is judged when the configuration is loaded.
func TestHosts_OfPlaceholdersAndAgents(t *testing.T) {
	t.Setenv("APP_A", "wx0123456789abcdef")
	t.Setenv("HOST_A", "a.example.com")
	agent := func(id string) string {
		return "wecom ww0123456789abcdef 0123456789abcdef0123456789abcdef0123456789a {\nagent_id " + id + "\n}\n"
	}
	const qualified = "user_id qualified\n"
	w := newWorld(t, "")
	w.newHandler(firstAccount, "hosts {env.APP_A} {env.HOST_A}", secondAccount, qualified)
	w.newHandler(agent("1"), "hosts ww0123456789abcdef/2 a.example.com", agent("2"), qualified)
	for want, lines := range map[string]string{
		"APP_B is not set":                firstAccount + "hosts {env.APP_A} {env.APP_B}\n" + secondAccount,
		"APP_C is not set":                firstAccount + secondAccount + "hosts {env.APP_C} a.example.com\n",
		"/3: no account of this site":     agent("1") + "hosts ww0123456789abcdef/3 a.example.com\n" + agent("2"),
		"which are both official_account": firstAccount + "hosts {env.APP_A} b.example.com\n" + hostsOfSecondAtB,
		"official_account is given twice, as": firstAccount + secondAccount + thirdAccount +
			"hosts {env.APP_A} a.example.com\n",
	} {
		raw := adaptHandler(t, "wechat_auth", "wechat_auth {\n"+lines+qualified+sessionKeys(sessionKey)+"\n}")
		err := provisionError(t, string(raw))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
