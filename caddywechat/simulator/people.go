package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxPeople is how many people there may be, those of Nasty not counted.
const maxPeople = 1000

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
