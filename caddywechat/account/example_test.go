package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// StaffLogin is a kind of account of its own: a company's single sign-on for browsers outside WeChat. It is all that
// there is to write; in a Caddyfile it reads
//
//	wechat_auth {
//		official_account {env.WECHAT_APP_ID} {env.WECHAT_APP_SECRET}
//		staff_login https://sso.example.com
//		user_id qualified
//	}
//
// and apps get X-Wechat-Staff-No.
type StaffLogin struct {
	// The base URL of the single sign-on.
	URL string `json:"url,omitempty"`

	url string
}

func init() { caddy.RegisterModule(new(StaffLogin)) }

// CaddyModule names the module by the kind: wechat.accounts.<kind>.
func (*StaffLogin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.staff_login", New: func() caddy.Module { return new(StaffLogin) }}
}

// UnmarshalCaddyfile reads what stands behind the kind's name. What is literal is checked here, with file and line.
func (s *StaffLogin) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the kind
	return config.Single(d, &s.URL, config.Origin)
}

// Provision resolves placeholders and checks everything.
func (s *StaffLogin) Provision(caddy.Context) (err error) {
	s.url, err = config.Resolve("url", s.URL, config.Origin)
	return err
}

func (*StaffLogin) Kind() string    { return "staff_login" }
func (s *StaffLogin) AppID() string { return s.url }

// A field of its own, staff_no, becomes the header X-Wechat-Staff-No, the placeholder {http.auth.user.staff_no}, and a
// field of /_wechat/me.
const staffNo = "staff_no"

func (*StaffLogin) Person(id identity.Identity) string           { return id.Get(staffNo) }
func (*StaffLogin) PersonEverywhere(id identity.Identity) string { return "staff:" + id.Get(staffNo) }

func (*StaffLogin) Serves(c visitor.Client) bool { return !c.WeChat && !c.WeCom }

func (*StaffLogin) Consent(profile bool) account.Consent {
	if profile {
		return account.Never // it knows no nicknames
	}
	return account.Direct
}
func (*StaffLogin) HasProfile(identity.Identity) bool { return false }

func (s *StaffLogin) AuthorizeURL(_ visitor.Client, redirectURI, state string, _ bool) string {
	return s.url + "/authorize?redirect_uri=" + url.QueryEscape(redirectURI) + "&state=" + url.QueryEscape(state)
}

// Exchange asks the single sign-on whose code it is: within a deadline, once, and with no secret in the error.
func (s *StaffLogin) Exchange(ctx context.Context, code string, _ bool) (account.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/whois?code="+url.QueryEscape(code), nil)
	if err != nil {
		return account.Grant{}, errors.New("the address of the single sign-on is no URL")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return account.Grant{}, fmt.Errorf("the single sign-on cannot be reached: %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		StaffNo string `json:"staff_no"`
	}
	switch err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 64<<10)).Decode(&answer); {
	case res.StatusCode == http.StatusGone:
		return account.Grant{}, account.ErrCodeRefused // begins the login afresh
	case err != nil || answer.StaffNo == "":
		return account.Grant{}, errors.New("the single sign-on's answer was not understood")
	}
	return account.Grant{Identity: identity.Identity{}.With(staffNo, answer.StaffNo)}, nil
}

// Label is what the page says on which visitors choose among several accounts.
func (*StaffLogin) Label(language string) string {
	if language == "en" {
		return "Staff login"
	}
	return "员工登录"
}

var (
	_ account.Redirector = (*StaffLogin)(nil)
	_ account.Labeler    = (*StaffLogin)(nil)
)

// Example shows that Caddy knows the kind.
func Example() {
	module, err := caddy.GetModule("wechat.accounts.staff_login")
	fmt.Println(module.ID.Name(), err)
	// Output: staff_login <nil>
}
