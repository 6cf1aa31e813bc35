package simulator

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
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

// maxPeople is how many people there may be, those of Nasty not counted.
const maxPeople = 1000

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

// People returns those who are there, in the order in which they came; without those of Nasty.
func (s *Simulator) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.people)
}

// AddPerson lets someone join, at most 1000 in all. It fails if the id is taken or has another shape.
func (s *Simulator) AddPerson(person Person) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkNewcomer(person, s.people); err != nil {
		return err
	}
	s.people = append(s.people, person)
	return nil
}

// RemovePerson sends someone away. Their codes and tokens stay good, and if they held the phone the first person does
// now. It fails for those of Nasty and for the last one.
func (s *Simulator) RemovePerson(personID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.people, func(p Person) bool { return p.ID == personID })
	switch {
	case i == -1:
		return fmt.Errorf("person %q can't be removed: those who can are %s", personID, ids(s.people))
	case len(s.people) == 1:
		return fmt.Errorf("person %q is the last one: somebody must hold the phone, add another first", personID)
	}
	s.people = slices.Delete(s.people, i, i+1)
	if s.holder == personID {
		s.holder = s.people[0].ID
	}
	return nil
}

// Hold gives the phone to another person: from now on they log in, except in browsers where someone was chosen by hand.
func (s *Simulator) Hold(personID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.state.person(personID); !ok {
		return fmt.Errorf("there is no person %q: there are %s", personID, ids(s.state.everybody()))
	}
	s.holder = personID
	return nil
}

func ids(people []Person) string {
	var names []string
	for _, person := range people {
		names = append(names, person.ID)
	}
	return strings.Join(names, ", ")
}

// everybody is who may hold the phone.
func (s *state) everybody() []Person {
	return append(slices.Clone(s.people), Nasty()...)
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

// personCookie remembers in a browser who was chosen there. Test clients may set it to a person's id.
const personCookie = "simulator_person"

// holderFor returns who holds the phone that r came from.
func (s *Simulator) holderFor(r *http.Request) Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cookie, err := r.Cookie(personCookie); err == nil {
		if person, ok := s.state.person(cookie.Value); ok {
			return person
		}
	}
	person, _ := s.state.person(s.holder)
	return person
}

func rememberPerson(person Person) string { return setPersonCookie(person.ID, 0) }

func forgetPerson() string { return setPersonCookie("", -1) }

// setPersonCookie returns the value of a Set-Cookie field.
func setPersonCookie(value string, maxAge int) string {
	cookie := http.Cookie{
		Name: personCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	return cookie.String()
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

func (s *Simulator) listPeople(*http.Request) (any, error) {
	var list struct {
		People []personJSON `json:"people"`
		Nasty  []personJSON `json:"nasty"`
	}
	for _, person := range s.People() {
		list.People = append(list.People, s.personJSON(person))
	}
	for _, person := range Nasty() {
		list.Nasty = append(list.Nasty, s.personJSON(person))
	}
	return list, nil
}

func (s *Simulator) postPerson(r *http.Request) (any, error) {
	var person Person
	if err := readJSON(r, &person); err != nil {
		return nil, err
	}
	if err := s.AddPerson(person); err != nil {
		return nil, err
	}
	return s.personJSON(person), nil
}

func (s *Simulator) deletePerson(r *http.Request) (any, error) {
	return nil, s.RemovePerson(r.PathValue("id"))
}

type holderJSON struct {
	Person string `json:"person"`
}

func (s *Simulator) getHolder(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return holderJSON{s.holder}, nil
}

func (s *Simulator) putHolder(r *http.Request) (any, error) {
	var wanted holderJSON
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	if err := s.Hold(wanted.Person); err != nil {
		return nil, err
	}
	return wanted, nil
}
