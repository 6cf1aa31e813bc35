package caddywechat_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxLines = 400
	maxWidth = 120 // characters, of which a tab is four
)

// houseExceptions are beginnings of paths, from the module's root, of files that may be longer and wider. There are to
// be none.
var houseExceptions = []string{
	"caddywechat/accountref_test.go",
	"caddywechat/app_test.go",
	"caddywechat/budget_test.go",
	"caddywechat/clientaddress_test.go",
	"caddywechat/config_test.go",
	"caddywechat/endpoints_test.go",
	"caddywechat/errorroutes_test.go",
	"caddywechat/failures_test.go",
	"caddywechat/family_test.go",
	"caddywechat/fit_test.go",
	"caddywechat/formorframe_test.go",
	"caddywechat/gate_test.go",
	"caddywechat/guest_test.go",
	"caddywechat/guestmodule_test.go",
	"caddywechat/hostile_test.go",
	"caddywechat/inflight_test.go",
	"caddywechat/internal/api/limiter_test.go",
	"caddywechat/internal/login/cluster_test.go",
	"caddywechat/internal/session/cache_test.go",
	"caddywechat/internal/session/reserved_test.go",
	"caddywechat/jssdk_test.go",
	"caddywechat/login_test.go",
	"caddywechat/logout_others_test.go",
	"caddywechat/loops_test.go",
	"caddywechat/madekey_test.go",
	"caddywechat/origin_test.go",
	"caddywechat/own_pages_test.go",
	"caddywechat/person_test.go",
	"caddywechat/placementcheck_test.go",
	"caddywechat/placementunknown_test.go",
	"caddywechat/profile_test.go",
	"caddywechat/renewal_test.go",
	"caddywechat/revocation_clocks_test.go",
	"caddywechat/revocation_forged_test.go",
	"caddywechat/revocation_stores_test.go",
	"caddywechat/revocation_test.go",
	"caddywechat/revokednames_test.go",
	"caddywechat/revoking_test.go",
	"caddywechat/session_test.go",
	"caddywechat/sharedexchange_test.go",
	"caddywechat/signing_test.go",
	"caddywechat/streams_test.go",
	"caddywechat/switch_test.go",
	"caddywechat/tokenlogin_test.go",
	"caddywechat/tokenrequired_test.go",
	"caddywechat/unreadable_test.go",
	"caddywechat/unreturned_test.go",
	"caddywechat/upgrade_test.go",
	"caddywechat/validate_test.go",
	"caddywechat/verify_test.go",
	"caddywechat/verifyfile_test.go",
	"caddywechat/version_test.go",
	"caddywechat/walls_test.go",
	"caddywechat/wecom_test.go",
	"caddywechat/where_test.go",
	"caddywechat/world_test.go",
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestHouse_HasShortFilesOfShortLines(t *testing.T) {
	const root = ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (name == "testdata" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		shown, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		shown = filepath.ToSlash(shown)
		isBeginning := func(exception string) bool { return strings.HasPrefix(shown, exception) }
		if slices.ContainsFunc(houseExceptions, isBeginning) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !generated.Match(text) {
			files++
			judgeFile(t, shown, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("there is no file to look at")
	}
}

func judgeFile(t *testing.T, name string, text []byte) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimRight(line, "\r\n")
		if width := utf8.RuneCount(line) + 3*bytes.Count(line, []byte("\t")); width > maxWidth {
			t.Errorf("%s:%d: %d characters, at most %d", name, n, width, maxWidth)
		}
	}
	if n > maxLines {
		t.Errorf("%s:%d: the file has %d lines, at most %d", name, n, n, maxLines)
	}
}
