package caddywechat

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// answersBack makes the app answer with header lines, which may depend on the request.
func (w *world) answersBack(headers func(r *http.Request) string) {
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		for line := range strings.SplitSeq(headers(r), "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				rw.Header().Add(name, value)
			}
		}
		fmt.Fprintf(rw, "app %s", r.Header.Get("X-Wechat-User"))
	}
}

// always makes the app answer everything with the same header lines.
func always(headers string) func(*http.Request) string {
	return func(*http.Request) string { return headers }
}

// wantNoneLeft fails the test if what is for the gate is in an answer.
func (a response) wantNoneLeft(t *testing.T) {
	t.Helper()
	for name := range a.Header {
		if strings.HasPrefix(name, "X-Wechat-Log") {
			t.Errorf("the client sees %s", name)
		}
	}
}

func TestAppAnswersBack_ThatALoginIsRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional *")
	w.answersBack(func(r *http.Request) string {
		if r.Header.Get("X-Wechat-User") != "" {
			return "X-App: 1"
		}
		return "X-Wechat-Login: required\nX-App: 1\nCache-Control: public\nContent-Type: text/x-app\n" +
			"Content-Length: 4\nSet-Cookie: cart=7; Path=/"
	})
	b := w.browser(inWeChat)
	a := b.open("/orders?id=7")
	a.wantStatus(t, http.StatusFound).wantNoneLeft(t)
	if !strings.HasPrefix(a.location(), w.simURL+"/connect/oauth2/authorize") || a.Header.Get("X-App") != "" ||
		a.Header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, "app") {
		t.Errorf("to %s, headers %v, body %q", a.location(), a.Header, a.body)
	}
	if b.cookie("cart") != "7" {
		t.Error("the app's cookie is gone")
	}
	a = b.follow("/orders?id=7")
	if a.Request.URL.RequestURI() != "/orders?id=7" || !strings.HasPrefix(a.body, "app o") {
		t.Errorf("ended at %s: %s", a.Request.URL, a.body)
	}
	stranger := w.browser(inWeChat)
	stranger.send("GET", "/data").wantJSON(t, http.StatusUnauthorized, "login_required")
	stranger.send("POST", "/data", "Accept: text/html", "Origin: "+w.site("")).wantStatus(t, http.StatusUnauthorized)
	w.browser(onDesktop).open("/orders").wantStatus(t, http.StatusForbidden)
}

func TestAppAnswersBack_ThatTheProfileIsRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.answersBack(always("X-Wechat-Login: profile"))
	b := w.browser(inWeChat)
	b.follow("/_wechat/login?return_to=/page")
	a := b.open("/page")
	if a.wantStatus(t, http.StatusOK); !strings.Contains(a.body, "snsapi_userinfo") {
		t.Fatalf("no page that asks for consent: %s", a.body)
	}
	b.send("GET", "/data").wantJSON(t, http.StatusUnauthorized, "profile_required")
	b.followConsenting("/page")
	useless := func() int { return w.logs.FilterMessageSnippet("another would bring no more").Len() }
	if n := useless(); n != 1 {
		t.Errorf("%d lines: %v", n, w.logs.All())
	}
	a = b.open("/page")
	if a.wantStatus(t, http.StatusOK).wantNoneLeft(t); !strings.HasPrefix(a.body, "app o") {
		t.Errorf("with the profile: %s", a.body)
	}
}

func TestAppAnswersBack_InVainWhereALoginBringsNoMore(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.newHandler(officialAccount, miniProgramAccount, "user_id qualified\npublic /public")
	w.answersBack(always("X-Wechat-Login: required"))
	program := w.browser("a program")
	token := program.loginProgram("mini_program", w.miniProgramCode("xiaoming")).Token
	with := "Authorization: Bearer " + token
	for name, a := range map[string]response{
		"required, with a session":       program.send("GET", "/page", with),
		"on a path without any identity": program.send("GET", "/public"),
	} {
		if a.wantStatus(t, http.StatusOK).wantNoneLeft(t); !strings.HasPrefix(a.body, "app") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	w.answersBack(always("X-Wechat-Login: profile"))
	program.send("GET", "/page", with).wantStatus(t, http.StatusOK).wantNoneLeft(t)
	w.answersBack(always("X-Wechat-Login: yes\nX-Wechat-Logout: yes"))
	program.send("GET", "/page", with).wantStatus(t, http.StatusOK).wantNoneLeft(t)
	program.send("GET", "/page", with).wantStatus(t, http.StatusOK)
}

func TestAppAnswersBack_InALoopThatEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional *")
	w.answersBack(always("X-Wechat-Login: required"))
	b := w.browser(inWeChat)
	b.cookies = false
	if a := b.follow("/page"); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("ended with status %d", a.StatusCode)
	}
}

func TestAppAnswersBack_WithALogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "session {\nkey "+sessionKey+"\nidle 1h\n}")
	b := w.browser(inWeChat)
	b.login("/page")
	copied := b.siteCookies()
	w.advance(30 * time.Minute) // the session would be touched
	w.answersBack(always("X-Wechat-Logout: 1\nSet-Cookie: cart=7; Path=/\nCache-Control: public"))
	a := b.open("/page")
	a.wantStatus(t, http.StatusOK).wantNoneLeft(t)
	if a.Header.Get("Cache-Control") != "private, no-store" || b.cookie("wechat_session") != "" ||
		b.cookie("cart") != "7" || !strings.HasPrefix(a.body, "app o") {
		t.Errorf("headers %v, cookies %v: %s", a.Header, b.cookieNames(), a.body)
	}
	thief := w.browser(inWeChat)
	thief.setCookies(copied)
	thief.send("GET", "/page").wantStatus(t, http.StatusUnauthorized)
	if n := w.logs.FilterMessage("logout").Len(); n != 1 {
		t.Errorf("%d lines of a logout", n)
	}
	// Who asks for a login as well switches to another person.
	b.login("/page")
	w.answersBack(always("X-Wechat-Logout: 1\nX-Wechat-Login: required"))
	b.open("/page").wantStatus(t, http.StatusFound)
}

// What is for the gate is in no interim answer and in no trailer, and means nothing there.
func TestAppAnswersBack_OnFinalAnswersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional *")
	w.app = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("X-Wechat-Login", "required")
		rw.Header().Set("Link", "</style.css>")
		rw.WriteHeader(http.StatusEarlyHints)
		rw.Header().Set("Trailer", "X-Sum, x-wechat-login")
		fmt.Fprint(rw, "app")
		rw.Header().Set("X-Wechat-Login", "required")
		rw.Header().Set(http.TrailerPrefix+"X-Wechat-Logout", "1")
		rw.Header().Set("X-Sum", "7")
	}
	b := w.browser(inWeChat)
	req := b.newRequest("GET", w.site("/page"), "", nil)
	hints := 0
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			hints++
			if h.Get("Link") == "" || h.Get("X-Wechat-Login") != "" {
				t.Errorf("the interim answer has %v", h)
			}
			return nil
		},
	}))
	a := b.fetch(req)
	a.wantStatus(t, http.StatusOK).wantNoneLeft(t)
	if len(a.Trailer) != 1 || a.Trailer.Get("X-Sum") != "7" || hints != 1 {
		t.Errorf("%d hints, trailers %v", hints, a.Trailer)
	}
}

func TestAppAnswersBack_AndNothingOfALongAnswerArrives(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(http.ResponseWriter) error{
		"written": func(rw http.ResponseWriter) (err error) {
			for err == nil {
				_, err = rw.Write(make([]byte, 4096))
			}
			return err
		},
		"read from": func(rw http.ResponseWriter) error {
			_, err := rw.(io.ReaderFrom).ReadFrom(zeroes{})
			return err
		},
	} {
		w := newWorld(t, "optional *")
		failed := make(chan error, 1)
		w.app = func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Wechat-Login", "required")
			failed <- write(rw) // it has no end, and is told so
			panic(http.ErrAbortHandler)
		}
		b := w.browser(inWeChat)
		res, err := b.client.Do(b.newRequest("GET", w.site("/page"), "", nil))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body) // which the app has left without an end
		res.Body.Close()
		isChallenge := strings.Contains(string(body), "login_required") && len(body) < 1000
		if res.StatusCode != http.StatusUnauthorized || !isChallenge {
			t.Errorf("%s: status %d, %.100s", name, res.StatusCode, body)
		}
		if err := <-failed; err == nil {
			t.Errorf("%s: the app went on", name)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { return len(b), nil }

func TestAppResponse_KeepsTheSitesHeadersInPlaceOfTheApps(t *testing.T) {
	rec := httptest.NewRecorder()
	for i := range 12 {
		rec.Header().Set(fmt.Sprintf("X-Site-%d", i), "site")
	}
	w := new(appResponse)
	w.begin(nil, rec, nil, gate.Decision{Rule: new(gate.Rule)})
	for i := range 12 {
		w.Header().Add(fmt.Sprintf("X-Site-%d", i), "app")
	}
	w.Header().Set("X-App", "app")
	w.Header().Add("Set-Cookie", "a=b")
	w.before.restore(w.Header())
	if h := w.Header(); len(h) != 13 || h.Get("Set-Cookie") != "a=b" || h.Get("X-App") != "" {
		t.Errorf("left are %v", h)
	}
	for i := range 12 {
		if values := w.Header().Values(fmt.Sprintf("X-Site-%d", i)); len(values) != 1 || values[0] != "site" {
			t.Errorf("X-Site-%d is %v", i, values)
		}
	}
}
