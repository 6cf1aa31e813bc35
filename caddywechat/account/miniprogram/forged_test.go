package miniprogram

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// The iv travels with the data, and whoever changes it chooses how the text begins.
func TestAChangedIVMakesNobodyElse(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	body := p.userInfo("emma")
	delete(body, "rawData")
	delete(body, "signature")
	untouched := body["iv"]
	was := `{"openId":"` + simulator.OpenID(appID, "emma")[:5]
	for begin, opens := range map[string]bool{was: true, `{"openId":"oEVIL`: false, `{"OPENID":"oEVIL`: false, `{"unionId":"oEVI`: false} {
		iv, err := base64.StdEncoding.DecodeString(untouched)
		if err != nil {
			t.Fatal(err)
		}
		for i := range iv {
			iv[i] ^= was[i] ^ begin[i]
		}
		body["iv"] = base64.StdEncoding.EncodeToString(iv)
		got, err := p.call("decrypt", emma, body)
		switch {
		case opens && err != nil:
			t.Errorf("%s: %v", begin, err)
		case !opens && err == nil:
			t.Errorf("%s: got %s", begin, got)
		case !opens:
			p.wantProblem(err, http.StatusConflict, "session_key_expired")
		}
	}
}
