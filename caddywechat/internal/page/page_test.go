package page

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

var allNames = []Name{
	OpenInWeChat, OpenInWeCom, OpenInBrowser, NotInBrowser, Fragment, Consent, LoginNeeded, Choose, Declined, Snapshot,
	TooOften, Unavailable, Unreadable, Misconfigured, Busy, ProfileUnavailable, NotAllowed,
	ConfirmLogout, LoggedOut, NotFound, BadRequest, MethodNotAllowed, TooEarly,
}

const pageURL = "https://h5.example.com/spring?id=1&from=qr"

// get returns a built-in page for a visitor who reads language.
func get(name Name, language string, data Data) *httptest.ResponseRecorder {
	return write(BuiltIn(), name, language, data)
}

func write(pages *Pages, name Name, language string, data Data) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	pages.Write(w, r, http.StatusForbidden, name, data)
	return w
}

// checkParts compares a page with what it must have and must not have.
func checkParts(t *testing.T, what, body string, wanted, unwanted []string) {
	t.Helper()
	for _, part := range wanted {
		if !strings.Contains(body, part) {
			t.Errorf("%s: lacks %q: %s", what, part, body)
		}
	}
	for _, part := range unwanted {
		if strings.Contains(body, part) {
			t.Errorf("%s: has %q", what, part)
		}
	}
}

// shape is a page with data that makes it take one of its shapes.
type shape struct {
	what, language string
	name           Name
	data           Data
	response       *httptest.ResponseRecorder
}

// shapes are all pages in all languages, written once for the tests that look at each of them.
var shapes = sync.OnceValue(func() (all []shape) {
	for what, data := range map[string]Data{
		"nothing known": {},
		"desktop":       {RequestID: "5e0c", URL: pageURL},
		"phone":         {RequestID: "5e0c", URL: pageURL, Phone: true, NoCookies: true},
		"either app":    {RequestID: "5e0c", URL: pageURL, WeCom: true, Scans: true},
		"either, phone": {RequestID: "5e0c", URL: pageURL, WeCom: true, Scans: true, Phone: true},
		"with button":   {RequestID: "5e0c", URL: pageURL, Phone: true, Action: "/_wechat/login?return_to=%2F"},
		"altered":       {RequestID: "5e0c", Altered: true},
		"refused":       {RequestID: "5e0c", Refused: true},
		"others":        {RequestID: "5e0c", Action: "/_wechat/logout?others=1", Others: true},
		"long URL":      {RequestID: "5e0c", URL: longURL(), Action: "/"},
	} {
		for _, language := range locale.Languages {
			for _, name := range allNames {
				all = append(all, shape{what, language, name, data, get(name, language, data)})
			}
		}
	}
	return all
})

func forEachPage(t *testing.T, check func(*testing.T, Name, string, Data, *httptest.ResponseRecorder)) {
	t.Helper()
	for _, s := range shapes() {
		t.Run(s.language+"/"+string(s.name)+"/"+s.what, func(t *testing.T) {
			check(t, s.name, s.language, s.data, s.response)
		})
	}
}

// canCopy reports whether a page has a link to copy.
func canCopy(name Name) bool {
	return name == OpenInWeChat || name == OpenInWeCom || name == OpenInBrowser
}

func longURL() string { return "https://h5.example.com/?q=" + strings.Repeat("%E4%B8%AD", 900) }

func TestWrite_WritesWholePagesThatStandAlone(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"unresolved template": regexp.MustCompile(`{{|}}|<no value>|ZgotmplZ`),
		"inline handler":      regexp.MustCompile(`<[^>]*\son[a-z]+\s*=`),
		"style attribute":     regexp.MustCompile(`<[^>]*\sstyle\s*=`),
		"resource": regexp.MustCompile(
			`<(img|link|iframe|object|embed|video|audio|base)\b|\ssrc=|\ssrcset=|@import|url\(`),
		"empty words": regexp.MustCompile(`<(h1|title|p|li|summary|button[^>]*|a [^>]*)>\s*</`),
	}
	forEachPage(t, func(t *testing.T, _ Name, language string, _ Data, w *httptest.ResponseRecorder) {
		body := w.Body.String()
		if w.Code != http.StatusForbidden || !strings.HasPrefix(body, "<!DOCTYPE html>") ||
			!strings.HasSuffix(body, "</html>\n") || !strings.Contains(body, `<html lang="`+language+`">`) {
			t.Fatalf("not the whole page: %d %.200s", w.Code, body)
		}
		for what, pattern := range forbidden {
			if found := pattern.FindString(body); found != "" {
				t.Errorf("%s: %q", what, found)
			}
		}
	})
}

func TestWrite_SetsHeaders(t *testing.T) {
	forEachPage(t, func(t *testing.T, name Name, language string, _ Data, w *httptest.ResponseRecorder) {
		want := map[string]string{
			"Content-Type":           "text/html; charset=utf-8",
			"Content-Language":       language,
			"Content-Length":         strconv.Itoa(w.Body.Len()),
			"Vary":                   "Accept-Language",
			"Cache-Control":          "no-store",
			"Referrer-Policy":        "no-referrer",
			"X-Content-Type-Options": "nosniff",
			"X-Frame-Options":        "DENY",
		}
		if name == ConfirmLogout { // see referrerPolicy
			want["Referrer-Policy"] = "same-origin"
		}
		if name == LoginNeeded { // see frameAncestors
			want["X-Frame-Options"] = "SAMEORIGIN"
		}
		for field, value := range want {
			if got := w.Header().Get(field); got != value {
				t.Errorf("%s: %q, want %q", field, got, value)
			}
		}
	})
}

func TestPolicy_AllowsWhatThePageHasAndNothingElse(t *testing.T) {
	element := regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)
	hashes := regexp.MustCompile(`'sha256-[^']+'`)
	forEachPage(t, func(t *testing.T, name Name, _ string, data Data, w *httptest.ResponseRecorder) {
		policy := w.Header().Get("Content-Security-Policy")
		rest := hashes.ReplaceAllString(policy, "HASH")
		script := ""
		if canCopy(name) || name == Fragment {
			script = "script-src HASH; "
		}
		ancestors := "'none'"
		if name == LoginNeeded {
			ancestors = "'self'"
		}
		want := "default-src 'none'; style-src HASH; " + script + "form-action 'self'; base-uri 'none'; "
		if rest != want+"frame-ancestors "+ancestors {
			t.Errorf("policy: %s", policy)
		}
		found := element.FindAllStringSubmatch(w.Body.String(), -1)
		wanted := 1 // the style
		if canCopy(name) && data.URL != "" || name == Fragment && data.Action != "" {
			wanted = 2 // and the copy button's script, or the one that goes on
		}
		if len(found) != wanted {
			t.Errorf("%d styles and scripts, want %d", len(found), wanted)
		}
		for _, match := range found {
			sum := sha256.Sum256([]byte(match[2]))
			source := match[1] + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !strings.Contains(policy, source) {
				t.Errorf("policy %s\nlacks %s", policy, source)
			}
		}
	})
}

func TestWrite_KeepsPagesBelow12KiB(t *testing.T) {
	forEachPage(t, func(t *testing.T, name Name, _ string, data Data, w *httptest.ResponseRecorder) {
		weight := w.Body.Len() - len(data.URL)
		if name == OpenInWeChat || name == OpenInWeCom {
			weight -= len(qrCode(data.URL))
		}
		if weight > 12<<10 {
			t.Errorf("%d bytes", weight)
		}
	})
}

func TestWrite_LinksTheButtonToTheAction(t *testing.T) {
	const action = "/_wechat/login?return_to=%2Fa%3Fb&profile=1"
	const escaped = "/_wechat/login?return_to=%2Fa%3Fb&amp;profile=1"
	for _, name := range allNames {
		body := get(name, "en", Data{Action: action}).Body.String()
		link := strings.Count(body, `href="`+escaped+`"`)
		form := strings.Count(body, `<form method="post" action="`+escaped+`">`)
		switch {
		case name == Choose: // it has buttons of its own
		case name == Snapshot && link+form+strings.Count(body, "<a ")+strings.Count(body, "<button") != 0:
			t.Errorf("%s: nothing on it can be tapped, yet it has something to tap", name)
		case name == ConfirmLogout && (link != 0 || form != 1):
			t.Errorf("%s: %d links, %d forms", name, link, form)
		case name != Snapshot && name != ConfirmLogout && (link != 1 || form != 0):
			t.Errorf("%s: %d links, %d forms", name, link, form)
		}
	}
}

func TestWrite_EscapesHostileData(t *testing.T) {
	const markup = `"><script>alert(1)</script><p title='`
	for _, hostile := range []string{
		markup,
		"https://h5.example.com/?q=" + markup,
		"https://h5.example.com/#{{.Words}}",
		"javascript:alert(1)//" + markup,
		"data:text/html," + markup,
	} {
		for _, name := range allNames {
			body := get(name, "en", Data{RequestID: hostile, URL: hostile, Action: hostile}).Body.String()
			if strings.Contains(body, "<script>alert") || strings.Contains(body, "<p title='") {
				t.Errorf("%s: %q is not escaped", name, hostile)
			}
			if regexp.MustCompile(`(href|action)="(javascript|data):`).MatchString(body) {
				t.Errorf("%s: links to %q", name, hostile)
			}
		}
	}
}

func TestWrite_AnswersHEADWithoutBody(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodHead, "/", nil)
	BuiltIn().Write(w, r, http.StatusForbidden, OpenInWeChat, Data{URL: pageURL})
	if w.Code != http.StatusForbidden || w.Body.Len() != 0 || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("%d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
}

func TestWrite_TakesUnknownNamesForMisconfigured(t *testing.T) {
	got := get("no_such_page", "en", Data{}).Body.String()
	if got != get(Misconfigured, "en", Data{}).Body.String() {
		t.Errorf("%.300s", got)
	}
}

func TestNames_HaveOneTemplateEach(t *testing.T) {
	for _, name := range allNames {
		if BuiltIn().byName[name].template == nil {
			t.Errorf("%s has no template", name)
		}
	}
	if len(names) != len(allNames) {
		t.Errorf("%d templates for %d names", len(names), len(allNames))
	}
}
