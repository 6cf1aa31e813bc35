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
	root   = module + "/caddywechat"
	caddy  = "github.com/caddyserver/"
)

// walls lists for each package what it may import of ours. A package that is not listed may import nothing of ours. A
// package may import those above it and no others. Packages are named by their folder, the root by "."; a folder stands
// for the packages below it as well.
var walls = []struct {
	name  string
	knows string
}{
	{"identity", ""},
	{"visitor", ""},
	{"store", ""},
	{"internal/seal", ""},
	{"internal/locale", ""},
	{"internal/background", ""},
	{"internal/listening", ""},
	{"internal/placement", ""},
	{"internal/freeport", ""},
	{"internal/testbrowser", ""},
	{"internal/page", "locale"},
	{"internal/site", "visitor"},
	{"internal/event", "visitor"},
	{"weixin", "identity"},
	{"internal/observe", "visitor event"},
	{"internal/session", "identity visitor seal site"},
	{"config", "session weixin"},
	{"account", "identity visitor weixin"},
	{"internal/keyring", "account config store seal"},
	{"internal/grant", "account identity weixin background event keyring"},
	{"internal/revocation", "account identity store background event grant keyring seal session"},
	{"internal/problem", "account store visitor weixin event page session"},
	{"internal/profile", "account identity visitor background event grant keyring problem session"},
	{
		"internal/login",
		"account identity store visitor weixin event grant keyring locale page problem revocation seal session site",
	},
	{"internal/api", "account identity visitor weixin event grant login page problem session site"},
	{"internal/gate", "account visitor api login observe problem session site"},
	{"simulator", "locale"},
	{"demo", "listening simulator"},
	{
		".",
		"account config demo identity simulator store visitor weixin api background event gate grant keyring " +
			"listening login observe page placement problem profile revocation session site",
	},

	// Guests: each knows the public packages, and nobody knows a guest.
	{"account/accounttest", "account identity simulator visitor weixin"},
	{"account/miniprogram", "account config identity weixin"},
	{"account/mobileapp", "account config identity weixin"},
	{"account/official", "account config identity visitor weixin"},
	{"account/website", "account config identity locale visitor weixin"},
	{"account/wecom", "account config identity visitor weixin"},
	{"store/storetest", "store"},
	{"store/caddystore", "config store"},
	{"store/memory", "store"},
	{"store/redis", "config store"},

	// For tests only.
	{"internal/sitetest", "account identity store store/storetest visitor background event grant keyring page " +
		"problem revocation session site"},

	{"load", "freeport simulator testbrowser"},
	{"bench", "simulator"},
	{"e2e", "simulator"},
}

// knowCaddy lists what may import Caddy: the root, guests, and the packages that read or start configurations.
var knowCaddy = []string{".", "config", "demo", "account/", "store/"}

// guestsFile is the only file that imports guests, for their registration.
const guestsFile = "guests.go"

// find returns the row of the package, or of the nearest folder above it.
func find(pkg string) (knows []string, ok bool) {
	for folder := pkg; ; folder = path.Dir(folder) {
		for _, row := range walls {
			if row.name == folder {
				return strings.Fields(row.knows), true
			}
		}
		if folder == "." || folder == "/" {
			return nil, false
		}
		if path.Dir(folder) == "." {
			return nil, false // a top-level package is not covered by the row of the root
		}
	}
}

// forbidden returns why a file may not import a package, "" where it may. Packages of ours are named by their folder.
func forbidden(pkg, file, imported string, blank bool) string {
	isCaddys := func(name string) bool {
		return name == pkg || strings.HasSuffix(name, "/") && strings.HasPrefix(pkg, name)
	}
	if strings.HasPrefix(imported, caddy) && !slices.ContainsFunc(knowCaddy, isCaddys) {
		return "does not know Caddy"
	}
	target, isOurs := strings.CutPrefix(imported, root+"/")
	switch {
	case imported == root:
		return "does not know the root"
	case !isOurs && strings.HasPrefix(imported, module):
		return "knows nothing outside of caddywechat"
	case !isOurs:
		return ""
	}
	knows, ok := find(pkg)
	if !ok {
		return "is in no row of the walls"
	}
	if pkg == "." && isGuest(target) {
		if !blank || file != guestsFile {
			return "knows guests by their interfaces only: a blank import in " + guestsFile + " is the one way"
		}
		return ""
	}
	if target == pkg || strings.HasPrefix(target, pkg+"/") && !isGuest(target) ||
		slices.Contains(knows, strings.TrimPrefix(target, "internal/")) {
		return ""
	}
	return "does not know it"
}

// isGuest reports whether a package is a kind of account or of store.
func isGuest(pkg string) bool {
	kind, ok := strings.CutPrefix(pkg, "account/")
	if !ok {
		kind, ok = strings.CutPrefix(pkg, "store/")
	}
	return ok && !strings.HasSuffix(kind, "test")
}

func TestWalls_NoImportCrossesOne(t *testing.T) {
	seen := make(map[string]bool)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		folder, file := path.Split(filepath.ToSlash(name))
		pkg := path.Clean(folder)
		seen[pkg] = true
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
			if why := forbidden(pkg, file, imported, blank); why != "" {
				t.Errorf("%s imports %s: %s %s", name, imported, pkg, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range walls {
		if !seen[row.name] {
			t.Errorf("there is no package %s", row.name)
		}
	}
}

// An import that the table does not allow is refused.
func TestWalls_RefuseWhatIsNotListed(t *testing.T) {
	for _, tt := range []struct {
		pkg, file, imported string
		blank, want         bool
	}{
		{"identity", "identity.go", "net/http", false, true},
		{"identity", "identity.go", root + "/internal/seal", false, false},
		{"identity", "identity.go", caddy + "caddy/v2", false, false},
		{"internal/seal", "seal.go", "github.com/gorilla/securecookie", false, true},
		{"internal/session", "session.go", root + "/identity", false, true},
		{"internal/session", "session.go", root + "/internal/seal", false, true},
		{"internal/session", "session.go", root + "/internal/login", false, false},
		{"internal/session", "session.go", caddy + "certmagic", false, false},
		{"internal/revocation", "list.go", root + "/internal/session", false, true},
		{"internal/login", "flow.go", root + "/internal/api", false, false},
		{"internal/login", "flow.go", root + "/account/wecom", false, false},
		{"internal/login", "flow.go", root, false, false},
		{"internal/gate", "gate.go", caddy + "caddy/v2/modules/caddyhttp", false, false},
		{"weixin", "client.go", root + "/account", false, false},
		{"internal/page", "page.go", root + "/visitor", false, false},
		{"internal/page", "page.go", module + "/cmd/caddywechat", false, false},
		{"simulator", "simulator.go", root + "/weixin", false, false},
		{"account", "account.go", root + "/weixin", false, true},
		{"account", "account.go", root + "/account/official", false, false},
		{"account/official", "official.go", root + "/account", false, true},
		{"account/official", "official.go", root + "/config", false, true},
		{"account/official", "official.go", caddy + "caddy/v2", false, true},
		{"account/official", "official.go", root + "/account/website", false, false},
		{"account/official", "official.go", root + "/account/website", true, false},
		{"account/official", "official.go", root + "/store/redis", false, false},
		{"account/official", "official.go", root, false, false},
		{"account/official/words", "words.go", root + "/identity", false, true},
		{"account/unheardof", "kind.go", root + "/identity", false, true},
		{"store/redis", "redis.go", root + "/store", false, true},
		{"store/redis", "redis.go", root + "/store/memory", false, false},
		{"unheardof", "x.go", "net/http", false, true},
		{"unheardof", "x.go", root + "/identity", false, false},
		{"internal/unheardof", "x.go", root + "/identity", false, false},
		{"internal/unheardof", "x.go", caddy + "caddy/v2", false, false},
		{".", "wire.go", root + "/account", false, true},
		{".", "wire.go", caddy + "caddy/v2", false, true},
		{".", guestsFile, root + "/account/official", true, true},
		{".", guestsFile, root + "/account/official", false, false},
		{".", "wire.go", root + "/account/official", true, false},
	} {
		if got := forbidden(tt.pkg, tt.file, tt.imported, tt.blank); (got == "") != tt.want {
			t.Errorf("%s/%s imports %s (blank: %v): got %q", tt.pkg, tt.file, tt.imported, tt.blank, got)
		}
	}
}
