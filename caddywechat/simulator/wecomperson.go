package simulator

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Membership is what a person is to a company in WeCom.
type Membership string

const (
	Member   Membership = "member"   // in the visible range of its apps
	Hidden   Membership = "hidden"   // a member outside of it
	External Membership = "external" // somebody else whom the company knows: a client
	Stranger Membership = "stranger" // somebody else
)

var memberships = []Membership{Member, Hidden, External, Stranger}

var (
	userIDShape      = regexp.MustCompile(`^(ww[0-9a-f]{16}/)?[0-9A-Za-z][0-9A-Za-z_@.-]{0,63}$`)
	departmentsShape = regexp.MustCompile(`^[1-9][0-9]{0,9}(,[1-9][0-9]{0,9}){0,99}$`)
)

// inWeCom returns the person with what follows for WeCom where nothing is said.
func (p Person) inWeCom() Person {
	if p.WeCom == "" {
		p.WeCom = Member
	}
	if !p.isMember() {
		p.UserID, p.Departments = "", ""
		return p
	}
	if p.UserID == "" {
		p.UserID = p.ID
	}
	if p.Departments == "" {
		p.Departments = "1"
	}
	return p
}

func (p Person) isMember() bool { return p.WeCom == "" || p.WeCom == Member || p.WeCom == Hidden }

func (p Person) checkWeCom() error {
	switch {
	case p.WeCom != "" && !slices.Contains(memberships, p.WeCom):
		return fmt.Errorf("person %q: wecom is one of %q", p.ID, memberships)
	case p.UserID != "" && !userIDShape.MatchString(p.UserID):
		return fmt.Errorf("person %q: a userid is 1 to 64 letters, digits and _-@., "+
			"perhaps with a corp id and / in front", p.ID)
	case p.Departments != "" && !departmentsShape.MatchString(p.Departments):
		return fmt.Errorf("person %q: departments are numbers, comma separated", p.ID)
	case !p.isMember() && p.UserID+p.Departments != "":
		return fmt.Errorf("person %q: only members have a userid and departments", p.ID)
	}
	return nil
}

// departments returns the ids as numbers.
func (p Person) departments() []int {
	var ids []int
	for text := range strings.SplitSeq(p.inWeCom().Departments, ",") {
		if id, err := strconv.Atoi(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// member returns the member of a userid, in upper or lower case.
func (s *state) member(userID string) (Person, bool) {
	everybody := s.everybody()
	i := slices.IndexFunc(everybody, func(p Person) bool {
		return p.isMember() && strings.EqualFold(p.inWeCom().UserID, userID)
	})
	if i == -1 {
		return Person{}, false
	}
	return everybody[i], true
}
