package account_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
)

// TestStaffLogin_IsAnAccount is how whoever writes a kind tests that it keeps the contracts.
func TestStaffLogin_IsAnAccount(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		sso := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("code") != "good" {
				w.WriteHeader(http.StatusGone)
				return
			}
			_, _ = io.WriteString(w, `{"staff_no":"4711"}`)
		}))
		t.Cleanup(sso.Close)
		return accounttest.Fixture{
			Account:     accounttest.MustProvision(t, new(StaffLogin), `{"url":"`+sso.URL+`"}`),
			Code:        func(bool) string { return "good" },
			RefusedCode: "bad",
		}
	})
}
