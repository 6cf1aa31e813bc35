package caddywechat

import (
	"runtime/debug"
	"strings"
)

// modulePath is the path of the Go module that this package belongs to.
const modulePath = "github.com/caddywechat/caddy-wechat"

// Version returns the version of this module in the running program, as Go's build information has it: v1.2.3 of a
// release; where it was built from a checkout (devel), or a version that Go makes of the commit, with the commit if
// that is known.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	if info.Main.Path == modulePath {
		return versionOfCheckout(info)
	}
	for _, dependency := range info.Deps {
		if dependency.Path != modulePath {
			continue
		}
		version := dependency.Version
		if replaced := dependency.Replace; replaced != nil {
			version = strings.TrimSpace(version + " => " + replaced.Path + " " + replaced.Version)
		}
		return version
	}
	return "unknown"
}

// versionOfCheckout returns the version of a program whose main module is this one.
func versionOfCheckout(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if short := revision[:min(len(revision), 12)]; short != "" && !strings.Contains(version, short) {
		version += " " + short
		if settings["vcs.modified"] == "true" {
			version += "+modified"
		}
	}
	return version
}
