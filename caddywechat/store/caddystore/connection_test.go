package caddystore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/certmagic"
)

// elsewhere is a storage that is configured by exported fields, and hidden one that shows nothing.
type (
	elsewhere struct {
		certmagic.Storage `json:"-"`
		Host              string
		secret            string
	}
	hidden struct {
		certmagic.Storage `json:"-"`
		host              string
	}
)

func TestConnection_IsOfTheStorage(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder := func(path string) certmagic.Storage { return &certmagic.FileStorage{Path: path} }
	for name, tt := range map[string]struct {
		one, other certmagic.Storage
		same       bool
	}{
		"a folder":           {folder("/var/lib/caddy"), folder("/var/lib/caddy/"), true},
		"by a relative path": {folder("data"), folder(filepath.Join(dir, "data")), true},
		"another folder":     {folder("/var/lib/caddy"), folder("/var/lib/other"), false},
		"a host":             {&elsewhere{Host: "a"}, &elsewhere{Host: "a", secret: "not configured"}, true},
		"another host":       {&elsewhere{Host: "a"}, &elsewhere{Host: "b"}, false},
		"after a reload":     {&hidden{host: "a"}, &hidden{host: "a"}, true},
		"another kind":       {&hidden{host: "a"}, &elsewhere{Host: "a"}, false},
	} {
		one, other := (&Store{storage: tt.one}).Connection(), (&Store{storage: tt.other}).Connection()
		if (one == other) != tt.same {
			t.Errorf("%s: %q and %q", name, one, other)
		}
	}
}
