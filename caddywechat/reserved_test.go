package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

// Mini-programs with an older SDK log in at the app behind by X-WX-Code and the like.
func TestHeadersOfOldMiniProgramSDKsReachTheApp(t *testing.T) {
	sdk := []string{"X-WX-Code: c", "X-WX-Encrypted-Data: d", "X-WX-IV: i", "X-WX-Skey: s"}
	forged := []string{"X-WX-OPENID: victim", "x_wx_unionid: victim", "X-WX-From-Openid: victim", "Remote-User: victim"}
	for options, passes := range map[string]bool{"": true, "headers remote_user": true, "headers wxcloud": false} {
		w := newWorld(t, options+"\npublic /open")
		b := w.browser(inWeChat)
		b.follow("/page").wantStatus(t, http.StatusOK)
		for _, path := range []string{"/open", "/page"} {
			w.received()
			b.open(path, append(sdk, forged...)...).wantStatus(t, http.StatusOK)
			r := w.received()
			for _, line := range sdk {
				name, _, _ := strings.Cut(line, ": ")
				if got := r.Header.Get(name) != ""; got != passes {
					t.Errorf("%q %s: the app gets %s: %v", options, path, name, got)
				}
			}
			for name, values := range r.Header {
				if values[0] == "victim" {
					t.Errorf("%q %s: the app gets a forged %s", options, path, name)
				}
			}
		}
	}
}
