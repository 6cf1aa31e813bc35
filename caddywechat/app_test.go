package caddywechat

import (
	"strings"
	"testing"

	"go.uber.org/zap/zaptest/observer"
)

// appWith is the app of a configuration with these sites.
func appWith(t *testing.T, sites ...*Handler) (*App, *observer.ObservedLogs) {
	t.Helper()
	ctx, logs := observedContext(t, t.TempDir())
	module, err := ctx.App(appName)
	if err != nil {
		t.Fatal(err)
	}
	a := module.(*App)
	for _, h := range sites {
		a.add(h.lease, []string{"B", "A", "B"})
	}
	return a, logs
}

// A configuration that ends writes what the store did not take before, unless a site of the next one will.
func TestApp_StopWritesPendingRevocations(t *testing.T) {
	for name, staysUsed := range map[string]bool{"for good": false, "by a reload": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			old := w.handler
			fail := true
			w.storeOf(old).failWhen(&fail)
			b := w.browser(inWeChat)
			b.login("/")
			b.logout("")
			fail = false
			if staysUsed {
				w.provisionAccount("", "")
			}
			a, _ := appWith(t, old)
			if err := a.Stop(); err != nil {
				t.Fatal(err)
			}
			values, err := old.lease.store.Follow(sessionJournal).Read(t.Context())
			if err != nil || (len(values) == 0) != staysUsed {
				t.Errorf("%d revocations in the store, %v", len(values), err)
			}
			w.handler.lease.shared.revoked.Exchange(t.Context()) // else it writes when the folder is gone
		})
	}
}

// Every configuration but the first logs what a reload does not change.
func TestApp_ReloadLogsThatVariablesStay(t *testing.T) {
	w := newWorld(t, "")
	a, logs := appWith(t, w.handler)
	want := 0
	for load := range 3 {
		if loads.Load() > 0 {
			want++
		}
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		lines := logs.FilterMessageSnippet("a reload does not change environment variables").All()
		if len(lines) != want {
			t.Errorf("load %d: %d lines", load, len(lines))
		}
		for _, line := range lines {
			names, _ := line.ContextMap()["variables"].([]any)
			if len(names) != 2 || names[0] != "A" || names[1] != "B" {
				t.Errorf("variables %v", line.ContextMap())
			}
		}
	}
}

func TestEnvironmentVariables_OfTheConfiguration(t *testing.T) {
	h := &Handler{
		AccountsRaw: nil, PublicURL: "https://{env.HOST}",
		StoreRaw: []byte(`{"module":"redis","url":"redis://:{env.P}@{env.R}"}`),
		Session:  &SessionConfig{Keys: []string{"{env.NEW KEY}", "{file./run/key}", "{http.request.host}"}},
	}
	if got := strings.Join(h.environmentVariables(), " "); got != "NEW KEY P R HOST" {
		t.Errorf("got %s", got)
	}
}
