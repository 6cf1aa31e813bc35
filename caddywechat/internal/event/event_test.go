package event

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

type server struct{}

func (server) RequestID(*http.Request) string         { return "id-1" }
func (server) ClientIP(*http.Request) string          { return "192.0.2.1" }
func (server) ClientAddress(*http.Request) netip.Addr { return netip.Addr{} }
func (server) IsTrustedProxy(*http.Request) bool      { return false }
func (server) OmitFromLog(*http.Request)              {}

func TestLog_WritesWhatIsKnown(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	stored := true
	r := &visitor.Request{
		Request: httptest.NewRequest("GET", "/", nil), Server: server{},
		Origin: visitor.Origin{Scheme: "https", Host: "h5.example.com"},
	}
	Log{zap.New(core)}.Emit(Event{
		Subject: Callback, Outcome: Failed, Request: r, Account: "wecom", AppID: "ww1/2", Err: errors.New("no"),
		Cure: "mend it", Stored: &stored,
	})
	line := logs.All()[0]
	if line.Level != zapcore.ErrorLevel || line.Message != "callback" {
		t.Errorf("%s: %s", line.Level, line.Message)
	}
	seen := make(map[string]bool)
	for _, f := range line.Context {
		if seen[f.Key] {
			t.Errorf("the field %s stands in the line twice", f.Key)
		}
		seen[f.Key] = true
	}
	got := line.ContextMap()
	for name, want := range map[string]any{
		"outcome": "failed", "account": "wecom", "app_id": "ww1/2", "error": "no", "cure": "mend it", "stored": true,
		"host": "h5.example.com", "client_ip": "192.0.2.1", "request_id": "id-1",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if _, ok := got["user_id"]; ok {
		t.Error("a field that nobody knows is there")
	}
}

func TestLog_LevelsTellWhatToActOn(t *testing.T) {
	for outcome, want := range map[Outcome]zapcore.Level{
		LoggedIn: zap.InfoLevel, Restarted: zap.InfoLevel, Loop: zap.WarnLevel, Failed: zap.ErrorLevel,
	} {
		if got := (Event{Outcome: outcome}).level(); got != want {
			t.Errorf("%s: %s, want %s", outcome, got, want)
		}
	}
}
