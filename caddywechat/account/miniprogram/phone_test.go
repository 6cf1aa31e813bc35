package miniprogram

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestPhone_ReturnsTheNumber(t *testing.T) {
	for _, quirks := range []simulator.Quirks{{}, {CountryCodeNumber: true}} {
		p := newProgram(t, simulator.Config{Quirks: quirks})
		emma, number := p.login("emma"), simulator.PhoneNumber("emma")
		want := `{"phoneNumber":"` + number + `","purePhoneNumber":"` + number + `","countryCode":"86"}`
		for range 2 {
			if got, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); err != nil ||
				got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
		if got := p.Calls("/cgi-bin/stable_token"); got != 1 {
			t.Errorf("%d server tokens", got)
		}
	}
}

func TestPhone_RefusesWhatIsWrong(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	for _, body := range []string{"", "code=x", "[]", "null", "{}", `{"code":""}`, `{"code":1}`} {
		_, err := p.call("phone", emma, body)
		p.wantProblem(err, http.StatusBadRequest, "bad_request")
	}
	if got := p.Calls(phonePath); got != 0 {
		t.Errorf("%d calls", got)
	}
	used := p.phoneCode("emma")
	p.call("phone", emma, map[string]string{"code": used})
	late := p.phoneCode("emma")
	p.Advance(5 * time.Minute)
	for _, code := range []string{used, late, p.code("emma"), "x", strings.Repeat("x", 600)} {
		_, err := p.call("phone", emma, map[string]string{"code": code})
		p.wantProblem(err, http.StatusConflict, "code_used")
		if told, ok := errors.AsType[*account.Problem](err); !ok || !told.Refused {
			t.Errorf("%.20q does not count as refused", code)
		}
	}
	for _, errcode := range []int{-1, 40013, 45011, 48001} {
		p.Fail(phonePath, errcode, 1)
		_, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")})
		p.wantErrcode(err, errcode)
	}
	calls := p.Calls(phonePath)
	p.Inject(simulator.Fault{Path: phonePath, Kind: simulator.FaultCut, Times: 1})
	_, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")})
	if !errors.Is(err, weixin.ErrUnreachable) || p.Calls(phonePath) != calls+1 {
		t.Errorf("a lost answer: %d calls, %v", p.Calls(phonePath)-calls, err)
	}
	p.Fail(phonePath, 40001, 1)
	p.Advance(time.Minute)
	if got, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); err != nil || got == "" {
		t.Errorf("a refused server token: got %s, %v", got, err)
	}
}
