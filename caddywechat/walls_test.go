package caddywechat_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/caddywechat/caddy-wechat"
	house  = module + "/caddywechat"
	caddy  = "github.com/caddyserver/"
)

// knows lists for each room that does not know Caddy the rooms that it may know.
var knows = map[string][]string{
	"identity":  {},
	"visitor":   {},
	"seal":      {},
	"session":   {"identity", "seal"},
	"login":     {"identity", "seal", "session"},
	"weixin":    {"identity"},
	"locale":    {},
	"page":      {"locale"},
	"placement": {},
	"simulator": {"locale"},
	"listening": {},
}

// forbidden returns why a file may not import a package, "" where it may. Rooms are named by their folder in the house,
// the gate by ".".
func forbidden(room, file, imported string, blank bool) string {
	top, _, _ := strings.Cut(room, "/")
	target, isRoom := strings.CutPrefix(imported, house+"/")
	target = strings.TrimPrefix(target, "internal/")
	if imported == house {
		target, isRoom = ".", true
	}
	isKind := func(r, of string) bool { return strings.HasPrefix(r, of+"/") }
	isGuest := isKind(target, "account") || isKind(target, "store")

	if allowed, ok := knows[top]; ok {
		switch {
		case strings.HasPrefix(imported, caddy):
			return "does not know Caddy"
		case isRoom && target != top && !strings.HasPrefix(target, top+"/") && !slices.Contains(allowed, target):
			return "does not know that room"
		case !isRoom && strings.HasPrefix(imported, module):
			return "knows nothing outside the house"
		}
		return ""
	}
	switch {
	case isRoom && isGuest && room == ".":
		if !blank || file != "modules.go" {
			return "knows guests by their interfaces only: a blank import in modules.go is the one way"
		}
	case isRoom && isGuest && (isKind(room, "account") || isKind(room, "store")) && guestOf(target) != guestOf(room):
		return "does not know its siblings"
	case isRoom && isGuest && !isKind(room, "account") && !isKind(room, "store"):
		return "knows interfaces, never a kind"
	case isRoom && target == "." && room != ".":
		return "does not know the gate"
	}
	return ""
}

// guestOf returns the first two folders of a room: account/official for whatever lies below it.
func guestOf(room string) string {
	parts := strings.SplitN(room, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

func TestNobodyCrossesAWall(t *testing.T) {
	seen := make(map[string]bool)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" || d.Name() == "e2e" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room, file := path.Split(filepath.ToSlash(name))
		room = strings.TrimPrefix(path.Clean(room), "internal/")
		seen[room] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			blank := spec.Name != nil && spec.Name.Name == "_"
			if why := forbidden(room, file, imported, blank); why != "" {
				t.Errorf("%s imports %s: %s %s", name, imported, room, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range knows {
		if !seen[room] {
			t.Errorf("there is no room %s: its wall guards nothing", room)
		}
	}
	for _, room := range []string{".", "account", "account/miniprogram", "account/mobileapp", "account/official", "account/website", "account/wecom", "store", "store/caddystore", "store/memory", "store/redis", "config"} {
		if !seen[room] {
			t.Errorf("there is no room %s: the test looks at the wrong folder", room)
		}
	}
}

func TestTheWallsHold(t *testing.T) {
	for _, tt := range []struct {
		room, file, imported string
		blank, want          bool
	}{
		{"identity", "identity.go", "net/http", false, true},
		{"identity", "identity.go", house + "/seal", false, false},
		{"identity", "identity.go", "github.com/caddyserver/caddy/v2", false, false},
		{"visitor", "visitor.go", house + "/identity", false, false},
		{"seal", "seal.go", house + "/session", false, false},
		{"seal", "seal.go", "github.com/gorilla/securecookie", false, true},
		{"session", "session.go", house + "/identity", false, true},
		{"session", "session.go", house + "/seal", false, true},
		{"session", "session.go", house + "/login", false, false},
		{"session", "session.go", "github.com/caddyserver/certmagic", false, false},
		{"login", "state.go", house + "/session", false, true},
		{"login", "state.go", house + "/visitor", false, false},
		{"login", "state.go", house, false, false},
		{"weixin", "client.go", house + "/identity", false, true},
		{"weixin", "client.go", house + "/account", false, false},
		{"weixin", "client.go", "github.com/caddyserver/caddy/v2/modules/caddyhttp", false, false},
		{"page", "page.go", house + "/visitor", false, false},
		{"page", "page.go", "rsc.io/qr", false, true},
		{"placement", "match.go", "github.com/caddyserver/caddy/v2/modules/caddyhttp", false, false},
		{"simulator", "simulator.go", house + "/weixin", false, false},
		{"simulator/cli", "cli.go", house + "/simulator", false, true},
		{"simulator/cli", "cli.go", "github.com/caddyserver/caddy/v2", false, false},
		{"page", "page.go", module + "/cmd/caddywechat", false, false},
		{"account", "account.go", house + "/weixin", false, true},
		{"account", "account.go", house + "/account/official", false, false},
		{"account", "account.go", house, false, false},
		{"account/official", "official.go", house + "/account", false, true},
		{"account/official", "official.go", house + "/account/official/words", false, true},
		{"account/official", "official.go", house + "/config", false, true},
		{"account/official", "official.go", "github.com/caddyserver/caddy/v2", false, true},
		{"account/official", "official.go", house + "/account/website", false, false},
		{"account/official", "official.go", house + "/account/website", true, false},
		{"account/official", "official.go", house + "/store/redis", false, false},
		{"account/miniprogram", "decrypt.go", house + "/weixin", false, true},
		{"account/miniprogram", "decrypt.go", house + "/account/official", false, false},
		{"account/mobileapp", "mobileapp.go", house + "/account", false, true},
		{"account/mobileapp", "mobileapp.go", house + "/account/miniprogram", false, false},
		{"account/official", "official.go", house, false, false},
		{"store/caddystore", "caddystore.go", house + "/store", false, true},
		{"store/caddystore", "caddystore.go", house + "/store/redis", false, false},
		{"store/caddystore", "caddystore.go", house, false, false},
		{"store/redis", "redis.go", house + "/store", false, true},
		{"store/redis", "redis.go", house + "/config", false, true},
		{"store/redis", "redis.go", house + "/store/memory", false, false},
		{"config", "values.go", house + "/account/official", false, false},
		{"config", "values.go", house, false, false},
		{"load", "world.go", house + "/simulator", false, true},
		{"load", "site.go", house, false, false},
		{"load", "site.go", house + "/account/official", false, false},
		{".", "gate.go", house + "/account", false, true},
		{".", "gate.go", house + "/store", false, true},
		{".", "gate.go", "github.com/caddyserver/caddy/v2", false, true},
		{".", "modules.go", house + "/account/official", true, true},
		{".", "modules.go", house + "/store/caddystore", true, true},
		{".", "modules.go", house + "/account/official", false, false},
		{".", "gate.go", house + "/account/official", true, false},
		{".", "gate.go", house + "/store/caddystore", false, false},
	} {
		if got := forbidden(tt.room, tt.file, tt.imported, tt.blank); (got == "") != tt.want {
			t.Errorf("%s/%s imports %s (blank: %v): got %q", tt.room, tt.file, tt.imported, tt.blank, got)
		}
	}
}
