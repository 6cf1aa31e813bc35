package simulator

import "strings"

// personView is a person as pages show them.
type personView struct {
	ID, Nickname, Avatar string
	Holding              bool
}

// personViews returns who may be chosen on a page: the people, and those of Nasty where they are wanted, or one of them
// holds the phone. root is the relative path from the page to the simulator's base URL.
func (s *Simulator) personViews(root string, holder Person) (people, nasty []personView) {
	for _, person := range s.People() {
		people = append(people, newPersonView(root, person, holder))
	}
	all := s.Quirks().NastyPeople
	for _, person := range Nasty() {
		if all || person == holder {
			nasty = append(nasty, newPersonView(root, person, holder))
		}
	}
	return people, nasty
}

func newPersonView(root string, person, holder Person) personView {
	avatar := person.Avatar
	if avatar != "" && !isURL(avatar) {
		avatar = root + strings.TrimPrefix(avatarPath, "/") + person.ID + "/96"
	}
	return personView{person.ID, person.Nickname, avatar, person.ID == holder.ID}
}
