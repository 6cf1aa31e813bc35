package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Quirks are the points where WeChat's documentation and what developers observe contradict each other, or where
// documents contradict one another. The zero value is the documented behaviour. An app that passes its tests with each
// of them has little to fear from the real platform.
type Quirks struct {
	// AnyOrder accepts the authorize parameters in every order. Documented is: "follow the format strictly, including
	// order and case" (web authorization of third-party platforms).
	AnyOrder bool

	// StateOptional accepts an authorize URL without state, as its documentation says; page error 10013 says otherwise.
	StateOptional bool

	// CodeLife is how long a code can be exchanged. Zero: 5 minutes, as for official accounts; the knowledge base of
	// website login says 10.
	CodeLife time.Duration

	// RefreshLife is how long a refresh token lives. Zero: 30 days (api_snsrefreshtoken); 180 for mobile apps.
	RefreshLife time.Duration

	// JSONSuccess sends successful answers as "application/json; encoding=utf-8" like errors. Otherwise, as observed
	// for years, as "text/plain" without a charset.
	JSONSuccess bool

	// Errmsg is the tail of error messages.
	Errmsg Errmsg

	// UnionID says where an account bound to an Open Platform account gives the unionid.
	UnionID UnionIDRule

	// SexString sends "sex":"0" instead of "sex":0, as in published samples.
	SexString bool

	// RawControls leaves control characters in a nickname as they are, which is no valid JSON and has been seen.
	RawControls bool

	// NoSnapshotFlag leaves out is_snapshotuser for visitors of a snapshot page, as reported now and then.
	NoSnapshotFlag bool
}

// Errmsg is a style of error messages. All have been seen, so an app must never compare a message.
type Errmsg string

const (
	ErrmsgRID      Errmsg = ""          // invalid code, rid: 6206378a-793424c0-2e4091cc
	ErrmsgPlainRID Errmsg = "plain rid" // invalid code rid: 6206378a-793424c0-2e4091cc
	ErrmsgHints    Errmsg = "hints"     // invalid code, hints: [ req_id: qHKb2qLnRa-CXAXhA ]
)

// UnionIDRule says which answers carry a unionid. Whatever the rule, an account that is bound to no Open Platform
// account never gets one.
type UnionIDRule string

const (
	// UnionIDDocumented gives it with the token if the scope is snsapi_userinfo, and with the profile.
	UnionIDDocumented UnionIDRule = ""

	// UnionIDInProfile gives it with the profile only, as observed for people who don't follow the account.
	UnionIDInProfile UnionIDRule = "profile"

	// UnionIDAlways gives it with every token, also a silent one.
	UnionIDAlways UnionIDRule = "always"

	// UnionIDEmpty gives it as "" wherever it would have been.
	UnionIDEmpty UnionIDRule = "empty"

	// UnionIDNever leaves it out everywhere, as if the account were not bound.
	UnionIDNever UnionIDRule = "never"
)

func (q Quirks) withDefaults() Quirks {
	if q.CodeLife == 0 {
		q.CodeLife = 5 * time.Minute
	}
	if q.RefreshLife == 0 {
		q.RefreshLife = 30 * 24 * time.Hour
	}
	return q
}

func (q Quirks) check() error {
	switch {
	case q.CodeLife < 0 || q.RefreshLife < 0:
		return fmt.Errorf("quirks: CodeLife and RefreshLife can't be negative")
	case !slices.Contains([]Errmsg{ErrmsgRID, ErrmsgPlainRID, ErrmsgHints}, q.Errmsg):
		return fmt.Errorf("quirks: unknown Errmsg %q", q.Errmsg)
	case !slices.Contains([]UnionIDRule{UnionIDDocumented, UnionIDInProfile, UnionIDAlways, UnionIDEmpty, UnionIDNever}, q.UnionID):
		return fmt.Errorf("quirks: unknown UnionID %q", q.UnionID)
	}
	return nil
}
