package caddywechat

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestOrigin_IgnoresForwardedHeadersOfStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for range 3 {
		a := b.open("/page", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example",
			"Forwarded: host=evil.example;proto=https")
		location, err := url.Parse(a.location())
		if err != nil {
			t.Fatal(err)
		}
		if got := location.Query().Get("redirect_uri"); !strings.HasPrefix(got, "http://h5.example.com/") {
			t.Errorf("redirect_uri %s", got)
		}
	}
	if got := w.logs.FilterMessageSnippet("trusted_proxies").Len(); got != 1 {
		t.Errorf("%d hints", got)
	}
}

func TestOrigin_SchemeSetByAProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for forwarded, want := range map[string]string{
		"https": "https://h5.example.com", "HTTPS": "https://h5.example.com", "wss": "https://h5.example.com",
		"WSS":  "https://h5.example.com",
		"http": "http://h5.example.com", "Http": "http://h5.example.com", "ws": "http://h5.example.com",
		"http, https": "https://h5.example.com", "https, ws": "http://h5.example.com",
		" wss ": "https://h5.example.com",
		"":      "http://h5.example.com", "evil": "http://h5.example.com", "https://": "http://h5.example.com",
	} {
		for _, trusted := range []bool{true, false} {
			r := httptest.NewRequest("GET", "http://"+host+"/", nil)
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, trusted)
			r.Header.Set("X-Forwarded-Proto", forwarded)
			if !trusted {
				want = "http://h5.example.com"
			}
			if got := w.handler.site.Origin(r, server{}).String(); got != want {
				t.Errorf("%q, trusted %t: %s, want %s", forwarded, trusted, got, want)
			}
		}
	}
}

func TestOrigin_HintsAtProxies(t *testing.T) {
	t.Parallel()
	const untrusted, silent = "is not trusted", "does not say whether visitors use https"
	for name, tt := range map[string]struct {
		options, path string
		headers       []string
		want          string
	}{
		"says https and is not trusted": {"", "/page", []string{"X-Forwarded-Proto: https"}, untrusted},
		"says so in capitals":           {"", "/page", []string{"X-Forwarded-Proto: HTTPS"}, untrusted},
		"says so, with public_url": {
			"public_url http://h5.example.com", "/page", []string{"X-Forwarded-Proto: https"}, "",
		},
		"says nothing":                     {"", "/page", nil, silent},
		"says nothing but the address":     {"", "/page", []string{"X-Forwarded-For: 203.0.113.9"}, silent},
		"says http":                        {"", "/page", []string{"X-Forwarded-Proto: http"}, ""},
		"says nothing, with public_url":    {"public_url http://h5.example.com", "/page", nil, ""},
		"says nothing, and nobody logs in": {"public *", "/page", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.options)
			b := w.browser(inWeChat)
			for range 3 {
				b.open(tt.path, tt.headers...)
			}
			for _, hint := range []string{untrusted, silent} {
				want := 0
				if hint == tt.want {
					want = 1
				}
				if got := w.logs.FilterMessageSnippet(hint).Len(); got != want {
					t.Errorf("%d lines that a proxy %s, want %d", got, hint, want)
				}
			}
		})
	}
}
