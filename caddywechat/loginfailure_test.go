package caddywechat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// failure is what the visitor, WeChat and the operator get of a login that fails. The tests cover all failures that are
// known, and log a table of them with -v.
type failure struct {
	page             string // heading of the page that the visitor sees, "app" for the requested one
	status           int
	exchanges, infos int    // calls that WeChat got
	outcome, cure    string // in the log line of the first callback, in part
	retryAfter       bool   // whether the response has Retry-After
}

const (
	reasonRefused   = "restarted: WeChat refused the code"
	reasonNoAttempt = "restarted: no attempt of this browser is open"
	reasonOtherKey  = "restarted: the attempt was sealed with a key that this instance does not have"
)

// returnsToPage is the outcome of a login that succeeds in the end.
func returnsToPage(exchanges int, outcome string) failure {
	return failure{page: "app", status: 200, exchanges: exchanges, outcome: outcome}
}

// unavailable is the outcome where WeChat fails.
func unavailable(status int, cure string) failure {
	return failure{page: "微信暂时繁忙", status: status, exchanges: 1, outcome: "failed", cure: cure}
}

// misconfigured is the outcome where WeChat refuses the configuration.
func misconfigured(cure string) failure {
	return failure{page: "暂时无法登录", status: 502, exchanges: 1, outcome: "failed", cure: cure}
}

// loopDetected is the outcome of a login that is stopped after three callbacks.
func loopDetected(exchanges, infos int, outcome string) failure {
	return failure{page: "登录没有成功", status: 429, exchanges: exchanges, infos: infos, outcome: outcome}
}

// errcode is the fault that WeChat responds with an error code.
func errcode(code int) simulator.Fault {
	return simulator.Fault{Kind: simulator.FaultErrcode, Errcode: code}
}

// wantFailure compares the outcome of a failure, and logs it as a row of a table.
func wantFailure(t *testing.T, w *world, a response, want failure) {
	t.Helper()
	got := failure{
		page: heading(a), status: a.StatusCode, retryAfter: a.Header.Get("Retry-After") != "",
		exchanges: w.exchanges(), infos: w.sim.Calls(profilePath),
	}
	if lines := w.logs.FilterMessage("callback").All(); len(lines) > 0 {
		fields := lines[0].ContextMap()
		got.outcome, _ = fields["outcome"].(string)
		if reason, ok := fields["reason"].(string); ok {
			got.outcome += ": " + reason
		}
		got.cure, _ = fields["cure"].(string)
		if fields["request_id"] == "" {
			t.Error("the log's line has no request id")
		}
	}
	if got.page != "app" && !strings.Contains(a.body, "请求编号") {
		t.Errorf("the page has no request id: %s", a.body)
	}
	row := "| " + strings.Join([]string{
		strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestLoginFailure_"), "_", " "), got.page,
		fmt.Sprint(got.status),
		fmt.Sprintf("%d + %d", got.exchanges, got.infos), got.outcome, got.cure,
	}, " | ") + " |"
	t.Log(row)
	if want.cure == "" && got.cure != "" || !strings.Contains(got.cure, want.cure) ||
		!strings.Contains(got.outcome, want.outcome) {
		t.Errorf("the log says %q, cure %q; want %q, %q", got.outcome, got.cure, want.outcome, want.cure)
	}
	got.outcome, got.cure, want.outcome, want.cure = "", "", "", ""
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
