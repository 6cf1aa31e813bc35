package simulator

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Quirks are where the simulator can be told to behave otherwise: the points where WeChat's documentation and what
// developers observe contradict each other, or documents one another; and a few conveniences that WeChat doesn't have.
// The zero value is the documented behaviour. An app that passes its tests with each of them has little to fear from
// the real platform.
//
// They may be changed at any time, and the next request meets the change: in Go with SetQuirks, elsewhere at
// /simulator/quirks, where they have the names of the JSON tags.
type Quirks struct {
	// AnyBrowser serves the authorize page to every browser. Otherwise, as in WeChat, only to a User-Agent that
	// contains MicroMessenger.
	AnyBrowser bool `json:"any_browser"`

	// Choose shows the page of people also where WeChat is silent (snsapi_base). For demonstrations.
	Choose bool `json:"choose"`

	// NastyPeople shows those of Nasty on the pages, too. They may hold the phone without it.
	NastyPeople bool `json:"nasty_people"`

	// AnyOrder accepts the parameters of the authorize page, and of the QR login, in every order. Documented is:
	// "follow the format strictly, including order and case" (web authorization of third-party platforms).
	AnyOrder bool `json:"any_order"`

	// StateOptional accepts an authorize URL, or that of a QR login, without state, as their documentation says; page
	// error 10013 says otherwise.
	StateOptional bool `json:"state_optional"`

	// DenyRedirects makes a refusal on the consent page redirect to redirect_uri, with state and without code, as the
	// third-party-platform documentation promises. Otherwise the page just closes and the app never hears of it, which
	// is what WeChat's staff say happens on phones. A refused QR login always redirects, as documented.
	DenyRedirects bool `json:"deny_redirects"`

	// SnapshotPages opens every snsapi_userinfo login as a snapshot page (快照页), without asking, as WeChat does to apps
	// that ask for a profile as soon as they are opened. Otherwise only those whose URL has forceSnapShot=true.
	SnapshotPages bool `json:"snapshot_pages"`

	// NoSnapshotFlag leaves out is_snapshotuser for visitors of a snapshot page, as reported now and then.
	NoSnapshotFlag bool `json:"no_snapshot_flag"`

	// DuplicateCallback makes the simulator request each callback a second time, so long after the browser was sent
	// there, from its own address and without the browser's cookies. Servers of WeChat's were seen to do so. The app
	// must be at a loopback or private address. At most a minute. Zero: never.
	DuplicateCallback time.Duration `json:"duplicate_callback"`

	// CodeLife is how long a code can be exchanged. Zero: 5 minutes, as for official accounts; the knowledge base of
	// website login says 10.
	CodeLife time.Duration `json:"code_life"`

	// RefreshLife is how long a refresh token is valid. Zero: 30 days (api_snsrefreshtoken); 180 for mobile apps.
	RefreshLife time.Duration `json:"refresh_life"`

	// JSONSuccess sends successful answers as "application/json; encoding=utf-8" like errors. Otherwise, as observed
	// for years, as "text/plain" without a charset.
	JSONSuccess bool `json:"json_success"`

	// KeepSessionKey lets wx.login in a mini-program leave the person's session_key as it is. Otherwise each replaces
	// it, as the documentation says that it may.
	KeepSessionKey bool `json:"keep_session_key"`

	// CountryCodeNumber sends "countryCode":86 with a phone number instead of "countryCode":"86", as in the
	// documentation's example.
	CountryCodeNumber bool `json:"country_code_number"`

	// Errmsg is the tail of error messages. Empty: ErrmsgRID.
	Errmsg Errmsg `json:"errmsg"`

	// UnionID says where an account bound to an Open Platform account gives the unionid. Empty: UnionIDDocumented.
	UnionID UnionIDRule `json:"unionid"`

	// SexString sends "sex":"0" instead of "sex":0, as in published samples.
	SexString bool `json:"sex_string"`

	// RawControls leaves control characters in a nickname as they are, which is no valid JSON and has been seen.
	RawControls bool `json:"raw_controls"`
}

// Errmsg is a style of error messages. All have been seen, so an app must never compare a message.
type Errmsg string

const (
	ErrmsgRID      Errmsg = "rid"       // invalid code, rid: 6206378a-793424c0-2e4091cc
	ErrmsgPlainRID Errmsg = "plain rid" // invalid code rid: 6206378a-793424c0-2e4091cc
	ErrmsgHints    Errmsg = "hints"     // invalid code, hints: [ req_id: qHKb2qLnRa-CXAXhA ]
)

var errmsgStyles = []Errmsg{ErrmsgRID, ErrmsgPlainRID, ErrmsgHints}

// UnionIDRule says which answers carry a unionid. Whatever the rule, an account that is bound to no Open Platform
// account never gets one. The session of a mini-program counts as a profile here.
type UnionIDRule string

const (
	// UnionIDDocumented gives it with the token if the scope is snsapi_userinfo or snsapi_login, and with the profile.
	UnionIDDocumented UnionIDRule = "documented"

	// UnionIDInProfile gives it with the profile only, as observed for people who don't follow the account.
	UnionIDInProfile UnionIDRule = "profile"

	// UnionIDAlways gives it with every token, also a silent one.
	UnionIDAlways UnionIDRule = "always"

	// UnionIDEmpty gives it as "" wherever it would have been.
	UnionIDEmpty UnionIDRule = "empty"

	// UnionIDNever leaves it out everywhere, as if the account were not bound.
	UnionIDNever UnionIDRule = "never"
)

var unionIDRules = []UnionIDRule{UnionIDDocumented, UnionIDInProfile, UnionIDAlways, UnionIDEmpty, UnionIDNever}

// Quirks returns those that are on, with the defaults filled in.
func (s *Simulator) Quirks() Quirks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quirks
}

// SetQuirks replaces all quirks: what is zero becomes the default. To change one, change what Quirks returns. An error
// says which value is impossible; then nothing changes.
func (s *Simulator) SetQuirks(q Quirks) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.setQuirks(q)
}

func (s *state) setQuirks(q Quirks) error {
	q = q.withDefaults()
	if err := q.check(); err != nil {
		return err
	}
	s.quirks = q
	return nil
}

func (q Quirks) withDefaults() Quirks {
	if q.CodeLife == 0 {
		q.CodeLife = 5 * time.Minute
	}
	if q.RefreshLife == 0 {
		q.RefreshLife = 30 * 24 * time.Hour
	}
	if q.Errmsg == "" {
		q.Errmsg = ErrmsgRID
	}
	if q.UnionID == "" {
		q.UnionID = UnionIDDocumented
	}
	return q
}

func (q Quirks) check() error {
	switch {
	case q.CodeLife < 0:
		return fmt.Errorf("code_life %v: it can't be negative", q.CodeLife)
	case q.RefreshLife < 0:
		return fmt.Errorf("refresh_life %v: it can't be negative", q.RefreshLife)
	case q.DuplicateCallback < 0 || q.DuplicateCallback > maxDuplicateDelay:
		return fmt.Errorf("duplicate_callback %v: it is 0s, for never, to %v", q.DuplicateCallback, maxDuplicateDelay)
	case !slices.Contains(errmsgStyles, q.Errmsg):
		return fmt.Errorf("errmsg %q: it is one of %q", q.Errmsg, errmsgStyles)
	case !slices.Contains(unionIDRules, q.UnionID):
		return fmt.Errorf("unionid %q: it is one of %q", q.UnionID, unionIDRules)
	}
	return nil
}

// quirksJSON are Quirks as control calls write them.
type quirksJSON struct {
	Quirks
	DuplicateCallback duration `json:"duplicate_callback"`
	CodeLife          duration `json:"code_life"`
	RefreshLife       duration `json:"refresh_life"`
}

func (q Quirks) json() quirksJSON {
	return quirksJSON{q, duration(q.DuplicateCallback), duration(q.CodeLife), duration(q.RefreshLife)}
}

func (q quirksJSON) quirks() Quirks {
	q.Quirks.DuplicateCallback = time.Duration(q.DuplicateCallback)
	q.Quirks.CodeLife = time.Duration(q.CodeLife)
	q.Quirks.RefreshLife = time.Duration(q.RefreshLife)
	return q.Quirks
}

// changeQuirks takes a JSON object with the quirks to change; the others stay.
func (s *Simulator) changeQuirks(changes []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := s.quirks.json()
	if err := decode(changes, &wanted); err != nil {
		return err
	}
	return s.state.setQuirks(wanted.quirks())
}

func (s *Simulator) getQuirks(*http.Request) (any, error) {
	return s.Quirks().json(), nil
}

func (s *Simulator) patchQuirks(r *http.Request) (any, error) {
	changes, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := s.changeQuirks(changes); err != nil {
		return nil, err
	}
	return s.Quirks().json(), nil
}

func (s *Simulator) deleteQuirks(*http.Request) (any, error) {
	return nil, s.SetQuirks(s.config.Quirks)
}
