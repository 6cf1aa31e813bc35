package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// What an older version wrote to a journal anybody can write, who can write to the Redis.
func TestRevocation_ForgedInRedisEndsNoSession(t *testing.T) {
	t.Parallel()
	c := newRedisCluster(t)
	m := c.member("stays")
	m.login(0, 1, 2)
	for at := range c.instances {
		m.wantPage(at)
	}
	forged := append([]byte{1, 4}, make([]byte, 16)...) // everybody's sessions
	forged = seal.AppendNumber(forged, uint64(time.Now().Add(time.Minute).Unix()))
	forged = seal.AppendNumber(forged, uint64(time.Now().Add(400*24*time.Hour).Unix()))
	for _, journal := range []string{"revoked", "revoked-by-operator"} {
		for _, value := range []string{string(forged), "\x02" + string(forged[1:]), "junk"} {
			if err := c.redis.client.XAdd(t.Context(), &redis.XAddArgs{
				Stream: "wechat:journal:" + journal,
				Values: []any{
					"end", time.Now().Add(time.Hour).UnixMilli(), "value", value,
				},
			}).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, i := range c.instances {
		i.waitFor("older version wrote don't count")
	}
	time.Sleep(3 * time.Second)
	for at := range c.instances {
		m.wantPage(at)
	}
	for _, i := range c.instances {
		for _, line := range []string{"older version wrote", "not understood"} {
			if n := strings.Count(i.log.String(), line); n > 1 {
				t.Errorf("the log says %d times that something is %s", n, line)
			}
		}
	}
}

// A store that does not answer is logged right after loading, before anybody comes; validating asks nothing.
func TestStore_ThatIsDownIsLoggedAfterLoading(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", fmt.Sprintf(`wechat_auth {
		{account}
		session {
			key %s
		}
		store redis redis://127.0.0.1:%d
	}
	reverse_proxy {app}`, clusterKey, freeport.Get(t)))
	s.caddy.waitFor(`"error".*the store cannot be read: sessions and silent logins go on`)
	out, err := run(t, s.env, "validate", "--config", s.config, "--adapter", "caddyfile")
	if err != nil || strings.Contains(out, "the store") {
		t.Errorf("validate: %v\n%s", err, out)
	}
}

// A key that is configured in place of a made one logs nobody out, and the log says until when and how to end it,
// before anybody comes.
func TestKey_InPlaceOfAMadeOneKeepsSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", "wechat_auth {\n{account}\n}\nreverse_proxy {app}")
	v := s.visitor()
	v.login("/page")
	keyed := "wechat_auth {\n{account}\nsession {\nkey {env.SESSION_KEY}\n}\n}\nreverse_proxy {app}"
	s.env = append(s.env, "SESSION_KEY="+clusterKey)
	s.config = write(t, "Caddyfile", s.caddyfile(keyed))
	s.restart()
	s.caddy.waitFor(`session key that was made before.*"until":`)
	if a := v.open("/page"); a.StatusCode != 200 {
		t.Errorf("status %d", a.StatusCode)
	}
	if strings.Contains(s.caddy.log.String(), "a reload does not change") {
		t.Error("it speaks of a reload that was none")
	}
	s.reload(keyed + "\nheader X-Changed yes")
	s.caddy.waitFor(`"info".*a reload does not change environment variables` +
		`.*"variables":\["SESSION_KEY","WECHAT_APP_SECRET"\]`)
	if a := v.open("/page"); a.StatusCode != 200 {
		t.Errorf("after a reload: status %d", a.StatusCode)
	}
	// As the log says how to end it.
	if err := os.Remove(filepath.Join(dataDir(s), "wechat", "session_key")); err != nil {
		t.Fatal(err)
	}
	s.reload(keyed)
	if a := v.open("/page"); a.StatusCode != 302 {
		t.Errorf("without the made key: status %d", a.StatusCode)
	}
}

// The command says what it ended, and of whom nothing is known here; and which way there is to a Caddy that it does not
// find.
func TestRevokeCommand_SaysWhatItEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", "wechat_auth {\n{account}\n}\nreverse_proxy {app}")
	v := s.visitor()
	v.login("/page")
	address := s.adminAddress()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{
			[]string{"--user", "nobody"},
			`revoked: the sessions of user "nobody"; no session of it was seen on this instance`,
		},
		{
			[]string{"--session", strings.Repeat("0", 32)},
			"revoked: session 00000000000000000000000000000000; no session of it was seen on this instance",
		},
		{[]string{"--user", person}, `revoked: the sessions of user "` + person +
			`"; sessions of it that were seen on this instance lately: 1`},
		{[]string{"--user", person}, "no session of it was seen on this instance"},
		{[]string{"--all"}, "revoked: everybody's sessions; no session of it"},
	} {
		out, err := run(t, s.env, append([]string{"wechat", "revoke", "--address", address}, tt.args...)...)
		if err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("%q: %v, %s", tt.args, err, out)
		}
	}
	out, err := run(t, s.env, "wechat", "revoke", "--address", fmt.Sprintf("127.0.0.1:%d", freeport.Get(t)), "--all")
	if err == nil || !strings.Contains(out, "refused") || !strings.Contains(out, "--address") {
		t.Errorf("%v, %s", err, out)
	}
	out, err = run(t, s.env, "wechat", "revoke", "--address", address, "--session", "x")
	if err == nil || strings.Contains(out, "--address, or") || !strings.Contains(out, "hex digits") {
		t.Errorf("%v, %s", err, out)
	}
}
