package caddywechat_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guestMain is a Caddy with this module and a guest's.
const guestMain = `package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddywechat/caddy-wechat/caddywechat"

	_ "guest.example/stafflogin"
)

func main() { caddycmd.Main() }
`

// guestStore is a store of somebody else's.
const guestStore = `package stafflogin

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

type Store struct{ storetest.Memory }

func init() { caddy.RegisterModule(new(Store)) }

func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.guest", New: func() caddy.Module { return new(Store) }}
}

func (*Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

var _ store.Store = (*Store)(nil)
`

const guestCaddyfile = `http://h5.example.com {
	wechat_auth {
		official_account wx0123456789abcdef 0123456789abcdef0123456789abcdef
		staff_login https://sso.example.com
		user_id qualified
		store guest
		session {
			key Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP
		}
	}
	reverse_proxy localhost:8080
}
`

var packageClause = regexp.MustCompile(`(?m)^package account_test$`)

// TestGuestModule_NeedsPublicPackagesOnly: the documented example of a kind of account, a store, and their tests, as a
// Go module of somebody else's. Go itself keeps it from what is internal.
func TestGuestModule_NeedsPublicPackagesOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Caddy")
	}
	t.Parallel()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const ours, theirs = "module github.com/caddywechat/caddy-wechat", "module guest.example/stafflogin"
	write("go.mod", strings.Replace(read("../go.mod"), ours, theirs, 1)+
		"\nrequire github.com/caddywechat/caddy-wechat v0.0.0\n\n"+
		"replace github.com/caddywechat/caddy-wechat => "+root+"\n")
	write("go.sum", read("../go.sum"))
	own := func(text string) string { return packageClause.ReplaceAllString(text, "package stafflogin") }
	write("stafflogin.go", own(read("account/example_test.go")))
	write("stafflogin_test.go", own(read("account/stafflogin_test.go")))
	write("store.go", guestStore)
	write("caddy/main.go", guestMain)
	write("Caddyfile", guestCaddyfile)

	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
	}
	run("vet", "./...")
	run("test", ".")
	run("run", "./caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile")
}
