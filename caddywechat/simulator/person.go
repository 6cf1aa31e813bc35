package simulator

import (
	"fmt"
	"regexp"
	"slices"
)

// Person is someone who may hold the phone.
type Person struct {
	// ID names the person in this simulator only: 1 to 32 of a-z, 0-9, - and _. WeChat's ids follow from it, see OpenID
	// and UnionID.
	ID string `json:"id"`

	// Nickname is whatever someone may call themselves, with emoji, quotes and line breaks.
	Nickname string `json:"nickname"`

	// Avatar is an http or https URL, which is handed out as it is; or a character or two, from which the
	// simulator draws a picture and serves it; or empty for someone without a picture.
	Avatar string `json:"avatar"`

	// WeCom is what they are to the companies in WeCom. Empty: Member.
	WeCom Membership `json:"wecom,omitzero"`

	// UserID is a member's id in WeCom: 1 to 64 of A-Z, a-z, 0-9 and _-@., perhaps with the id of another company and /
	// in front. Empty: ID.
	UserID string `json:"userid,omitzero"`

	// Departments are the ids of a member's departments in WeCom, comma separated. Empty: 1.
	Departments string `json:"departments,omitzero"`
}

var personShape = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// checkNewcomer says what is against a person joining the others.
func checkNewcomer(person Person, others []Person) error {
	named := func(other Person) bool { return other.ID == person.ID }
	switch {
	case !personShape.MatchString(person.ID):
		return fmt.Errorf("person %q: an id is 1 to 32 of a-z, 0-9, - and _", person.ID)
	case slices.ContainsFunc(others, named):
		return fmt.Errorf("person %q: there is one of this id already", person.ID)
	case slices.ContainsFunc(Nasty(), named):
		return fmt.Errorf("person %q: one of the built-in nasty people has this id", person.ID)
	case len(others) >= maxPeople:
		return fmt.Errorf("person %q: there are %d people already, remove some first", person.ID, maxPeople)
	}
	return person.checkWeCom()
}

func (s *state) person(id string) (Person, bool) {
	everybody := s.everybody()
	i := slices.IndexFunc(everybody, func(p Person) bool { return p.ID == id })
	if i == -1 {
		return Person{}, false
	}
	return everybody[i], true
}

func (s *Simulator) person(id string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.person(id)
}

// snapshotOf returns the virtual person that WeChat substitutes for a visitor of a snapshot page (快照页):
// another openid, a unionid shared with the other visitors of snapshot pages, and no name of their own.
func snapshotOf(person Person) Person {
	return Person{ID: "snapshot of " + person.ID, Nickname: "微信用户"}
}

// personJSON adds the ids by which apps know a person, under the app id of each account.
type personJSON struct {
	Person
	OpenIDs  map[string]string `json:"openids"`
	UnionIDs map[string]string `json:"unionids"` // of accounts that are bound to an Open Platform account
}

func (s *Simulator) personJSON(person Person) personJSON {
	person = person.inWeCom()
	result := personJSON{person, map[string]string{}, map[string]string{}}
	for _, account := range s.accounts {
		result.OpenIDs[account.AppID] = OpenID(account.AppID, person.ID)
		if account.OpenPlatform != "" {
			result.UnionIDs[account.AppID] = UnionID(account.OpenPlatform, person.ID)
		}
	}
	return result
}
