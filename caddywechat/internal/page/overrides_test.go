package page

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory makes a directory with files of a site's own.
func directory(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ownPage writes a page of a site with files of its own.
func ownPage(t *testing.T, texts map[string]string, name Name, data Data) *httptest.ResponseRecorder {
	t.Helper()
	pages, err := Load(directory(t, texts))
	if err != nil {
		t.Fatal(err)
	}
	return write(pages, name, "en", data)
}

func TestLoad_TakesAWholeDocument(t *testing.T) {
	w := ownPage(t, map[string]string{
		"consent.html": `<!doctype html><html lang="{{.Language}}"><title>Shop</title><style>b{color:red}</style>
<script>/* a comment */ go()</script>
<b>{{.Words.title}}</b><a href="{{.Action}}">{{.Words.button}}</a>{{.RequestID}}</html>`,
	}, Consent, Data{RequestID: "5e0c", Action: "https://open.weixin.qq.com/connect?a=1&b=2#wechat_redirect"})
	checkParts(t, "page", w.Body.String(), []string{
		`<html lang="en">`, `<b>Log in with WeChat</b>`, "5e0c",
		`href="https://open.weixin.qq.com/connect?a=1&amp;b=2#wechat_redirect"`,
	}, []string{`class="icon `}) // that of the built-in frame
	checkPolicy(t, w)
	if w.Code != http.StatusForbidden || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// checkPolicy compares the policy with the styles and scripts that the page holds.
func checkPolicy(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	policy := w.Header().Get("Content-Security-Policy")
	wanted := policyOf(Consent, []string{w.Body.String()}, true)
	for _, hash := range strings.Fields(strings.ReplaceAll(wanted, ";", " ")) {
		if strings.HasPrefix(hash, "'sha256-") && !strings.Contains(policy, hash) {
			t.Errorf("policy %s lacks %s", policy, hash)
		}
	}
	const start = "default-src 'none'; img-src 'self' data:; font-src 'self'; style-src "
	if !strings.HasPrefix(policy, start) || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}

func TestLoad_TakesBlocks(t *testing.T) {
	w := ownPage(t, map[string]string{
		"open_in_wechat.html": "{{/* ours */}}\n{{define \"title\"}}Shop & more{{end}}\n",
	}, OpenInWeChat, Data{URL: pageURL})
	checkParts(t, "page", w.Body.String(), []string{"<h1>Shop & more</h1>", `class="qr"`, `class="icon `}, nil)
	checkPolicy(t, w)
}

func TestLoad_TakesAFrameAndAStyle(t *testing.T) {
	texts := map[string]string{
		"layout.html": `<!doctype html><html lang="{{.Language}}">{{.Style}}<img src="/logo.svg" alt="">` +
			`<h1>{{template "title" .}}</h1>{{template "button" .}}{{template "content" .}}{{template "end" .}}</html>`,
		"style.css": "b { color: red }",
		"logo.svg":  "<svg/>",
	}
	pages, err := Load(directory(t, texts))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range allNames {
		w := write(pages, name, "en", Data{URL: pageURL, Action: "/"})
		own := []string{`<style>b { color: red }</style><img src="/logo.svg"`}
		checkParts(t, string(name), w.Body.String(), own, []string{"<main>"})
		checkPolicy(t, w)
	}
}

func TestLoad_LeavesOtherPagesAsTheyAre(t *testing.T) {
	w := ownPage(t, map[string]string{"consent.html": "<p>x"}, Declined, Data{Action: "/"})
	if want := get(Declined, "en", Data{Action: "/"}); w.Body.String() != want.Body.String() ||
		w.Header().Get("Content-Security-Policy") != want.Header().Get("Content-Security-Policy") {
		t.Error("another page changed, too")
	}
}

func TestWrite_FallsBackToTheBuiltInPage(t *testing.T) {
	// The samples' addresses are short: only a visitor's makes this one fail.
	w := ownPage(t, map[string]string{
		"open_in_wechat.html": `{{if gt (len .URL) 2000}}{{index .Words 7}}{{end}}ok`,
	}, OpenInWeChat, Data{URL: longURL()})
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<!DOCTYPE html>") ||
		strings.Contains(w.Header().Get("Content-Security-Policy"), "img-src") {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}

func TestLoad_SaysWhereATemplateIsBroken(t *testing.T) {
	for name, test := range map[string]struct {
		file, text string
		want       []string
	}{
		"syntax":   {"consent.html", "<p>\n{{if}}</p>", []string{"consent.html:2:", "missing value"}},
		"function": {"consent.html", "\n\n{{shout .}}", []string{"consent.html:3:", "shout"}},
		"field":    {"consent.html", "<p>\n\n{{.Nickname}}", []string{"consent.html:3:", "Nickname"}},
		"word":     {"consent.html", "<p>{{.Words.titel}}", []string{"consent.html:1:", "titel"}},
		"field in a branch": {
			"open_in_wechat.html", "<p>\n{{if .Phone}}{{.Nope}}{{end}}", []string{"open_in_wechat.html:2:", "Nope"},
		},
		"block": {
			"declined.html", "\n{{define \"text\"}}{{.Nope}}{{end}}", []string{"declined.html:2:", "Nope"},
		},
		"frame":              {"layout.html", "<p>\n{{template \"nope\" .}}", []string{"layout.html:2:", "nope"}},
		"unclosed attribute": {"consent.html", "<p>\n<a href='{{.Action}}>\n", []string{"consent.html:3:", "ends"}},
		"action in a script": {
			"consent.html", "<p>\n<script>var a = 1;\nvar b = {{.Action}}</script>",
			[]string{"consent.html:3:", "<script>", "data-value"},
		},
		"action in a style": {
			"consent.html", "<STYLE>b { color: {{.Name}} }</STYLE>", []string{"consent.html:1:", "<STYLE>"},
		},
		"no such page": {"consnet.html", "<p>", []string{"consnet.html", "consent"}},
		"too long":     {"consent.html", strings.Repeat("x", maxTemplate+1), []string{"consent.html", "bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(directory(t, map[string]string{test.file: test.text}))
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			t.Log(err)
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("no directory: %v", err)
	}
}
