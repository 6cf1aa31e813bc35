package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// {http.auth.user.id} is basic_auth's, too; what stands in {http.wechat.*} is ours alone.
func TestPlaceholders_AreOursBesideBasicAuth(t *testing.T) {
	t.Parallel()
	// The hash has the least cost there is: with the race detector another takes half a minute.
	const password, hash = "pw4", "$2a$04$zuzPeZQK98RG.g8taGZcJu3pKT595l8ewwOG44pok9vekaY/9arKq"
	s := newSite(t, "http", `wechat_auth {
		{account}
		optional /optional
	}
	@staff path /staff
	basic_auth @staff {
		somebody `+hash+`
	}
	reverse_proxy {app} {
		header_up X-Who {http.wechat.id}
		header_up X-Kind {http.wechat.account}
	}`)
	if a := s.visitor().open("/optional"); a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "X-Who: \r\n") {
		t.Errorf("nobody: status %d: %s", a.StatusCode, a.Text)
	}
	v := s.visitor()
	v.login("/page")
	if a := v.open("/page"); !strings.Contains(a.Text, "X-Who: "+person+"\r\n") ||
		!strings.Contains(a.Text, "X-Kind: official_account\r\n") {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("somebody:"+password))
	if a := v.open("/staff", "Authorization: "+basic); a.StatusCode != http.StatusOK ||
		!strings.Contains(a.Text, "X-Who: "+person+"\r\n") {
		t.Errorf("behind basic_auth: status %d: %s", a.StatusCode, a.Text)
	}
}
