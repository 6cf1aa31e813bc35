package caddywechat

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
)

const verifyPath, verifyContents = "/MP_verify_iwu2jY0FNdXA7RGa.txt", "iwu2jY0FNdXA7RGa"

func TestVerifyFile_OnlyContentThatFollowsFromTheNameIsServed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		app  http.HandlerFunc
		want int
	}{
		"the file":     {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, verifyContents) }, 200},
		"not found":    {http.NotFound, 404},
		"a line break": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, verifyContents+"\n") }, 404},
		"a protected page": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<p>the orders of everybody</p>")
		}, 404},
		"another file": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "iwu2jY0FNdXA7RGb") }, 404},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/index.php?s="+verifyContents, http.StatusFound)
		}, 404},
		"the content with another status": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, verifyContents)
		}, 404},
		"an answer in parts": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, verifyContents[:5])
			io.WriteString(w, verifyContents[5:])
		}, 200},
		"an answer without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, strings.Repeat("x", 1024))
			}
			panic(http.ErrAbortHandler)
		}, 404},
		"an app that breaks off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.app = func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-App", "1")
				rw.Header().Set("Set-Cookie", "PHPSESSID=1")
				tt.app(rw, r)
			}
			b := w.browser("")
			a := b.open(verifyPath).wantStatus(t, tt.want)
			if tt.want == 200 && (a.body != verifyContents || a.Header.Get("Content-Type") != "text/plain") ||
				strings.Contains(a.body, "orders") {
				t.Errorf("%v, %q", a.Header, a.body)
			}
			if a.Header.Get("X-App") != "" || a.Header.Get("Set-Cookie") != "" || a.location() != "" {
				t.Errorf("headers of the app's: %v", a.Header)
			}
			if head := b.send("HEAD", verifyPath); head.StatusCode != tt.want || head.body != "" {
				t.Errorf("HEAD: status %d, %q", head.StatusCode, head.body)
			}
			lines := w.logs.FilterField(zap.String("line", "wechat_verify "+verifyPath[1:])).Len()
			if lines != (tt.want-200)/204 {
				t.Errorf("%d log lines", lines)
			}
		})
	}
}

// The request for a verification file has no login, so the app gets none of its headers.
func TestVerifyFile_TheAppGetsACleanRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional *")
	b := w.browser(inWeChat)
	b.open("/_wechat/login")
	b.send("HEAD", verifyPath, "Upgrade: websocket", "Connection: Upgrade", "X-Wechat-User: evil", "Cookie: a=b",
		"Authorization: Basic x",
		"X-Original-Url: /admin", "X-Forwarded-Host: evil", "Range: bytes=0-1", "Accept-Encoding: gzip",
		"Expect: 100-continue")
	r := w.received()
	if r == nil {
		t.Fatal("nothing arrived")
	}
	if r.Method != "GET" || r.RequestURI != verifyPath || r.URL.String() != verifyPath || r.Host != host ||
		len(r.Header) != 0 || r.ContentLength != 0 {
		t.Errorf("the app got %s %s of %s with %v", r.Method, r.RequestURI, r.Host, r.Header)
	}
}

func TestVerifyFile_OtherNamesNeedALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.app = func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, verifyContents) }
	b := w.browser("")
	for _, path := range []string{
		"/MP_verify_short.txt", "/mp_verify_iwu2jY0FNdXA7RGa.txt", verifyPath + "/", verifyPath + ";x",
		verifyPath + "?", verifyPath + "?s=/admin",
		"/admin.php" + verifyPath, "/orders" + verifyPath, "/a/.." + verifyPath, "/" + verifyPath, "/." + verifyPath,
		"/MP_verify_iwu2jY0FNdXA7RG%61.txt", "/MP_verify_iwu2jY0FNdXA7RGa%2etxt", "/%4dP_verify_iwu2jY0FNdXA7RGa.txt",
		"/MP_verify_iwu2jY0FNdXA7RGa.TXT",
	} {
		b.open(path).wantStatus(t, http.StatusForbidden)
	}
	b.send("POST", verifyPath).wantStatus(t, http.StatusUnauthorized)
	if w.received() != nil {
		t.Error("something that is no verification file reached the app")
	}
}
