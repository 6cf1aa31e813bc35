package caddywechat

import (
	"runtime/debug"
	"testing"
)

func TestVersion_OfBuilds(t *testing.T) {
	commit := []debug.BuildSetting{
		{Key: "vcs", Value: "git"},
		{Key: "vcs.revision", Value: "8a65120c0ffee8a65120c0ffee8a"},
	}
	modified := append(commit[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	ours := func(version string, settings []debug.BuildSetting) debug.BuildInfo {
		return debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: version}, Settings: settings}
	}
	theirs := func(dependencies ...*debug.Module) debug.BuildInfo {
		return debug.BuildInfo{
			Main: debug.Module{Path: "caddy", Version: "(devel)"}, Settings: commit,
			Deps: dependencies,
		}
	}
	other, folder := &debug.Module{Path: "x", Version: "v9.0.0"}, &debug.Module{Path: "../wechat"}
	const pseudo = "v0.0.0-20261129162800-8a65120c0ffe+dirty"
	for name, tt := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a checkout":                {ours("(devel)", modified), "(devel) 8a65120c0ffe+modified"},
		"a clean one":               {ours("(devel)", commit), "(devel) 8a65120c0ffe"},
		"without the commit":        {ours("(devel)", nil), "(devel)"},
		"go test":                   {ours("", nil), "(devel)"},
		"a commit's pseudo-version": {ours(pseudo, modified), pseudo},
		"a tag":                     {ours("v1.2.3", commit), "v1.2.3 8a65120c0ffe"},
		"another program":           {theirs(other, &debug.Module{Path: modulePath, Version: "v1.2.3"}), "v1.2.3"},
		"another with a folder": {
			theirs(&debug.Module{Path: modulePath, Version: "v1.2.3", Replace: folder}), "v1.2.3 => ../wechat",
		},
		"one that is not ours": {theirs(other), "unknown"},
	} {
		if got := versionIn(&tt.info); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if got := Version(); got == "unknown" || got == "" {
		t.Errorf("this test is of version %q", got)
	}
}
