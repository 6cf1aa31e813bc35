package weixin

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// twoHosts is a client whose two hosts answer by what they are told, and count what they are asked.
type twoHosts struct {
	*Client
	usual, fallback host
	passed          time.Duration
	logs            *observer.ObservedLogs
}

type host struct {
	*httptest.Server
	answer        http.HandlerFunc
	tokens, infos atomic.Int32
}

func (h *host) start(t *testing.T) {
	h.answer = answerWell
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := h.answer // before the call is counted: who has seen the count may change it
		if r.URL.Path == "/sns/userinfo" {
			h.infos.Add(1)
		} else {
			h.tokens.Add(1)
		}
		answer(w, r)
	}))
	t.Cleanup(h.Close)
}

func answerWell(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sns/userinfo" {
		io.WriteString(w, `{"openid":"`+openID+`","nickname":"n"}`)
		return
	}
	io.WriteString(w, success)
}

func answerWith(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func breakOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hang reads the body first: until then a server does not notice that its client has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func newTwoHosts(t *testing.T) *twoHosts {
	t.Helper()
	h := new(twoHosts)
	h.usual.start(t)
	h.fallback.start(t)
	core, logs := observer.New(zap.InfoLevel)
	h.logs = logs
	tr := new(http.Transport)
	t.Cleanup(tr.CloseIdleConnections)
	start := time.Now()
	h.Client = &Client{
		Hosts: HostsAt(h.usual.URL, h.fallback.URL), Transport: tr, Timeout: 200 * time.Millisecond,
		Now: func() time.Time { return start.Add(h.passed) }, Logger: zap.New(core),
	}
	return h
}

// want compares the calls of each host since the last time.
func (h *twoHosts) want(t *testing.T, usualTokens, fallbackTokens, usualInfos, fallbackInfos int32) {
	t.Helper()
	got := [4]int32{h.usual.tokens.Swap(0), h.fallback.tokens.Swap(0), h.usual.infos.Swap(0), h.fallback.infos.Swap(0)}
	if want := [4]int32{usualTokens, fallbackTokens, usualInfos, fallbackInfos}; got != want {
		t.Errorf("tokens and infos asked of the usual host and the fallback: %v, want %v", got, want)
	}
}

func TestClient_RepeatsARepeatableCallAtTheFallback(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"broken connection": breakOff,
		"hanging":           hang,
		"HTML":              answerWith("<html>"),
		"empty":             answerWith(""),
		"-1":                answerWith(`{"errcode":-1}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwoHosts(t)
			h.usual.answer = answer
			person, err := h.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"})
			if err != nil || person.Nickname != "n" {
				t.Errorf("got %+v, %v", person, err)
			}
			h.want(t, 0, 0, 1, 1)
		})
	}
}

func TestClient_AsksOnceForWhatWeChatRefuses(t *testing.T) {
	h := newTwoHosts(t)
	h.usual.answer = answerWith(`{"errcode":48001}`)
	if _, err := h.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"}); err == nil {
		t.Error("no error")
	}
	h.want(t, 0, 0, 1, 0)
	if h.logs.Len() != 0 {
		t.Errorf("logged %v", h.logs.All())
	}
}

func TestExchangeCode_SendsACodeOnce(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"broken connection": breakOff,
		"hanging":           hang,
		"HTML":              answerWith("<html>"),
		"-1":                answerWith(`{"errcode":-1}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwoHosts(t)
			h.usual.answer = answer
			if _, err := exchange(t, h.Client); err == nil {
				t.Error("no error")
			}
			h.want(t, 1, 0, 0, 0)
		})
	}
}

func TestExchangeCode_SendsAnUnsentCodeToTheFallback(t *testing.T) {
	h := newTwoHosts(t)
	h.usual.Close() // refuses connections
	if _, err := exchange(t, h.Client); err != nil {
		t.Error(err)
	}
	h.want(t, 0, 1, 0, 0)
}

func TestClient_AvoidsAFailedHostForAMinute(t *testing.T) {
	h := newTwoHosts(t)
	h.usual.answer = hang
	if _, err := exchange(t, h.Client); !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v, want %v", err, ErrTimeout)
	}
	h.want(t, 1, 0, 0, 0)
	if _, err := exchange(t, h.Client); err != nil {
		t.Errorf("the next code: %v", err)
	}
	h.want(t, 0, 1, 0, 0)

	h.usual.answer = answerWell
	h.passed += time.Minute
	if _, err := exchange(t, h.Client); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	h.want(t, 1, 0, 0, 0)
	if lines := h.logs.TakeAll(); len(lines) != 1 || lines[0].ContextMap()["fallback"] != h.fallback.URL {
		t.Errorf("logged %v, want one line that names the fallback", lines)
	}
}

func TestClient_LeavesAFailedFallbackAtOnce(t *testing.T) {
	h := newTwoHosts(t)
	h.usual.answer = breakOff
	_, _ = exchange(t, h.Client)
	h.want(t, 1, 0, 0, 0)
	h.usual.answer, h.fallback.answer = answerWell, breakOff
	if _, err := exchange(t, h.Client); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want %v", err, ErrUnreachable)
	}
	h.want(t, 0, 1, 0, 0)
	if _, err := exchange(t, h.Client); err != nil {
		t.Error(err)
	}
	h.want(t, 1, 0, 0, 0)
}

func TestClient_AsksOnceWithoutAFallback(t *testing.T) {
	h := newTwoHosts(t)
	h.Hosts.Fallback = ""
	h.usual.answer = breakOff
	for range 2 {
		_, err := h.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"})
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("got %v, want %v", err, ErrUnreachable)
		}
		h.want(t, 0, 0, 1, 0)
	}
}
