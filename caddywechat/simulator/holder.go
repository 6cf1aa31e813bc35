package simulator

import (
	"fmt"
	"net/http"
)

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
