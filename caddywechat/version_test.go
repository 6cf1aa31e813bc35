package caddywechat

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "8a65120c0ffee8a65120c0ffee8a65120c0ffee0"}}
	modified := append(commit[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	ours := func(version string) debug.Module { return debug.Module{Path: modulePath, Version: version} }
	xcaddy := debug.Module{Path: "caddy", Version: "(devel)"}
	for name, tt := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a checkout":                 {debug.BuildInfo{Main: ours("(devel)"), Settings: modified}, "(devel) 8a65120c0ffe+modified"},
		"a clean one":                {debug.BuildInfo{Main: ours("(devel)"), Settings: commit}, "(devel) 8a65120c0ffe"},
		"without the commit":         {debug.BuildInfo{Main: ours("(devel)")}, "(devel)"},
		"go test":                    {debug.BuildInfo{Main: ours("")}, "(devel)"},
		"a commit's pseudo-version":  {debug.BuildInfo{Main: ours("v0.0.0-20261129162800-8a65120c0ffe+dirty"), Settings: modified}, "v0.0.0-20261129162800-8a65120c0ffe+dirty"},
		"a tag":                      {debug.BuildInfo{Main: ours("v1.2.3"), Settings: commit}, "v1.2.3 8a65120c0ffe"},
		"another program":            {debug.BuildInfo{Main: xcaddy, Settings: commit, Deps: []*debug.Module{{Path: "x", Version: "v9.0.0"}, {Path: modulePath, Version: "v1.2.3"}}}, "v1.2.3"},
		"another with a folder":      {debug.BuildInfo{Main: xcaddy, Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: "../wechat"}}}}, "v1.2.3 => ../wechat"},
		"a program that is not ours": {debug.BuildInfo{Main: xcaddy}, "unknown"},
	} {
		if got := versionIn(&tt.info); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if got := Version(); got == "unknown" || got == "" {
		t.Errorf("this test is of version %q", got)
	}
}
