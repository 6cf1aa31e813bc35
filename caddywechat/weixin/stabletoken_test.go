package weixin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestStableToken_IsPostedAsJSON(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + secret + `",` +
			`"force_refresh":true}`
		if r.Method != http.MethodPost || r.URL.String() != stableTokenPath || string(body) != want ||
			r.Header.Get("Content-Type") != "application/json" || r.ContentLength != int64(len(want)) {
			t.Errorf("got %s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		io.WriteString(w, `{"access_token":"61_token","expires_in":345}`)
	})
	token, ttl, err := c.stableToken(t.Context(), official, true)
	if token != "61_token" || ttl != 345*time.Second || err != nil {
		t.Errorf("got %q, %s, %v", token, ttl, err)
	}
}

func TestStableToken_MayComeFromTheFallback(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"broken connection": breakOff,
		"hanging":           hang,
		"HTML":              answerWith("<html>"),
		"-1":                answerWith(`{"errcode":-1}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwoHosts(t)
			h.usual.answer, h.fallback.answer = answer, answerWith(`{"access_token":"61_token","expires_in":7200}`)
			if token, _, err := h.stableToken(t.Context(), official, false); token != "61_token" || err != nil {
				t.Errorf("got %q, %v", token, err)
			}
			h.want(t, 1, 1, 0, 0)
		})
	}
}

func TestStableToken_RefusesAnswersThatGrantNothing(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, body := range []string{
		`{}`, `null`, `[]`, `7`, ``, `<html>`, `{"access_token":""}`, `{"access_token":"t"}`,
		`{"access_token":null,"expires_in":7200}`, `{"access_token":7,"expires_in":7200}`,
		`{"access_token":"t","expires_in":0}`, `{"access_token":"t","expires_in":-1}`,
		`{"access_token":"t","expires_in":"soon"}`, `{"access_token":"a b","expires_in":7200}`,
		`{"access_token":"a\nb","expires_in":7200}`, `{"access_token":"票","expires_in":7200}`,
		`{"access_token":"` + long + `","expires_in":7200}`, `{"ticket":"t","expires_in":7200}`,
	} {
		token, _, err := saying(t, 200, "text/plain", body).stableToken(t.Context(), official, false)
		if token != "" || !errors.Is(err, ErrAnswer) {
			t.Errorf("%.60s: got %q, %v", body, token, err)
		}
	}
	c := saying(t, 200, "text/plain", `{"access_token":"t","expires_in":9000000000000000000}`)
	_, ttl, err := c.stableToken(t.Context(), official, false)
	if ttl != maxTTL || err != nil {
		t.Errorf("a ttl without end: got %s, %v", ttl, err)
	}
}

func TestServerToken_KeepsSecretsOutOfErrorsThatRepeatThem(t *testing.T) {
	for name, ask := range map[string]func(*Client) error{
		"stable_token": func(c *Client) error {
			_, _, err := c.stableToken(t.Context(), official, false)
			return err
		},
		"gettoken":         func(c *Client) error { _, _, err := c.weComToken(t.Context(), official); return err },
		"getticket":        func(c *Client) error { _, _, err := c.pageTicket(t.Context(), secret); return err },
		"get_jsapi_ticket": func(c *Client) error { _, _, err := c.weComPageTicket(t.Context(), secret); return err },
		"ticket/get":       func(c *Client) error { _, _, err := c.weComAgentTicket(t.Context(), secret); return err },
	} {
		c := saying(t, 200, "text/plain", `{"errcode":40001,"errmsg":"what is `+secret+`?"}`)
		closed := &Client{Hosts: HostsAt("http://127.0.0.1:1", ""), Transport: &http.Transport{}}
		for _, err := range []error{ask(c), ask(closed)} {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
