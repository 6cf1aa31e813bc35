package problem_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// answers returns how a problem is answered.
func answers(p *sitetest.Parts, what problem.Problem) sitetest.Serve {
	return func(w http.ResponseWriter, r *visitor.Request) error {
		return p.Answers.Problem(w, r, what, page.Data{Action: "/again"})
	}
}

func TestWriter_AnswersPeopleByAPageAndProgramsByJSON(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	b := p.Browser()
	a := b.Open(answers(p, problem.Declined), "/").WantPage(t, http.StatusForbidden, `href="/again"`)
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(a.Body, "request-1") {
		t.Errorf("got %v: %s", a.Header, a.Body)
	}
	a = b.Open(answers(p, problem.Declined), "/", sitetest.Fetch)
	body := a.WantWord(t, http.StatusForbidden, "declined")
	if body["message"] != problem.Declined.Message || body["request_id"] != "request-1" || len(body) != 3 {
		t.Errorf("got %v", body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Vary": "Cookie",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	body = b.Open(func(w http.ResponseWriter, r *visitor.Request) error {
		return p.Answers.ToProgram(w, r, problem.LoginRequired, "/login")
	}, "/").WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != "/login" {
		t.Errorf("got %v", body)
	}
}

func TestWriter_SaysWhenToComeAgain(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	for what, want := range map[problem.Problem]string{
		problem.Busy: "5", problem.Store: "5", problem.Timeout: "", problem.Internal: "", problem.Declined: "",
	} {
		for _, lines := range [][]string{nil, {sitetest.Fetch}} {
			if a := p.Browser().Open(answers(p, what), "/", lines...); a.Header.Get("Retry-After") != want {
				t.Errorf("%s: %q, want %q", what.Word, a.Header.Get("Retry-After"), want)
			}
		}
	}
	for wait, want := range map[time.Duration]string{
		0: "1", -time.Second: "1", time.Millisecond: "1", time.Second: "1",
		1001 * time.Millisecond: "2", time.Minute: "60",
	} {
		h := make(http.Header)
		if problem.RetryAfter(h, wait); h.Get("Retry-After") != want {
			t.Errorf("%s: %q, want %q", wait, h.Get("Retry-After"), want)
		}
	}
}

func TestWriter_LogsFailuresButNotWhoLeft(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	b := p.Browser()
	fail := func(w http.ResponseWriter, r *visitor.Request) error {
		return p.Answers.Fail(w, r, problem.Store, store.ErrStore)
	}
	b.Open(fail, "/").Want(t, http.StatusServiceUnavailable)
	line := p.WantLines("request failed", 1)[0]
	if line["error"] != store.ErrStore.Error() || line["status"] != int64(503) || line["request_id"] != "request-1" {
		t.Errorf("got %v", line)
	}
	if level := p.Logs.All()[0].Level; level != zapcore.ErrorLevel {
		t.Errorf("at level %s", level)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.Request("GET", "/")
	r.Request = r.WithContext(ctx)
	b.Do(fail, r).Want(t, http.StatusServiceUnavailable)
	p.WantLines("request failed", 1)
}

func TestWriter_RedirectsByTheVeryBytes(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	const to = "https://open.example.net/?a=%zz&b=|"
	w := httptest.NewRecorder()
	p.Answers.Redirect(w, http.StatusSeeOther, to)
	h := w.Result().Header
	if w.Code != http.StatusSeeOther || h.Get("Location") != to || h.Get("Referrer-Policy") != "no-referrer" ||
		h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, %v", w.Code, h)
	}
}

func TestWriter_JSONThatCannotBeWrittenIsAnError(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	w := httptest.NewRecorder()
	if err := p.Answers.JSON(w, http.StatusOK, func() {}); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("%v: %v, %s", err, w.Header(), w.Body)
	}
}

func TestSetHeaders_KeepsWhatOthersVaryBy(t *testing.T) {
	h := http.Header{"Vary": {"Accept-Encoding"}}
	problem.SetHeaders(h)
	problem.SetHeaders(h)
	if want := []string{"Accept-Encoding", "Cookie"}; !slices.Equal(h["Vary"], want) {
		t.Errorf("Vary is %v, want %v", h["Vary"], want)
	}
}
