package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
)

// Person is someone who may hold the phone.
type Person struct {
	// ID names the person in this simulator only: 1 to 32 of a-z, 0-9, - and _. WeChat's ids follow from it, see OpenID
	// and UnionID.
	ID string

	// Nickname is whatever someone may call themselves, with emoji, quotes and line breaks.
	Nickname string

	// Avatar is a URL beginning http:// or https://, which is handed out as it is; or a character or two, from which the
	// simulator draws a picture and serves it; or empty for someone without a picture.
	Avatar string
}

// Cast returns the built-in people: 小明, 阿芳, 老王, Emma 🐳, and 阿七, who has no avatar and a nickname that apps get
// wrong when they don't escape it.
func Cast() []Person {
	return []Person{
		{ID: "xiaoming", Nickname: "小明", Avatar: "明"},
		{ID: "afang", Nickname: "阿芳", Avatar: "芳"},
		{ID: "laowang", Nickname: "老王", Avatar: "王"},
		{ID: "emma", Nickname: "Emma 🐳", Avatar: "E"},
		{ID: "aqi", Nickname: "\"阿七\"\n<i>'seven'</i> & co"},
	}
}

// OpenID returns the openid by which the official account appID knows a person: the same at every start, another for
// every account. 28 characters of [0-9A-Za-z_-], the first is o.
func OpenID(appID, personID string) string {
	return wechatID("openid", appID, personID)
}

// UnionID returns the unionid by which all accounts bound to an Open Platform account know a person. It looks like an
// openid.
func UnionID(openPlatform, personID string) string {
	return wechatID("unionid", openPlatform, personID)
}

func wechatID(kind, within, personID string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + within + "\x00" + personID))
	return "o" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}

// Hold gives the phone to another person: from now on they log in, except in browsers where someone was chosen by hand.
func (s *Simulator) Hold(personID string) error {
	if _, ok := s.person(personID); !ok {
		return fmt.Errorf("there is no person %q", personID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder = personID
	return nil
}

// personCookie remembers in a browser who was chosen there. Test clients may set it to a person's id.
const personCookie = "simulator_person"

// holding returns who holds the phone that r came from.
func (s *Simulator) holding(r *http.Request) Person {
	if cookie, err := r.Cookie(personCookie); err == nil {
		if person, ok := s.person(cookie.Value); ok {
			return person
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	person, _ := s.person(s.holder)
	return person
}

func (s *Simulator) person(id string) (Person, bool) {
	for _, person := range s.config.People {
		if person.ID == id {
			return person, true
		}
	}
	return Person{}, false
}

func rememberPerson(person Person) string {
	cookie := http.Cookie{Name: personCookie, Value: person.ID, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	return cookie.String()
}

// snapshotOf returns the virtual person that WeChat puts in the place of a visitor of a snapshot page (快照页):
// another openid, a unionid shared with the other visitors of snapshot pages, and no name of their own.
func snapshotOf(person Person) Person {
	return Person{ID: "snapshot of " + person.ID, Nickname: "微信用户"}
}

var personShape = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func checkPeople(people []Person) error {
	seen := make(map[string]bool)
	for _, person := range people {
		if !personShape.MatchString(person.ID) {
			return fmt.Errorf("person %q: an id is 1 to 32 of a-z, 0-9, - and _", person.ID)
		}
		if seen[person.ID] {
			return fmt.Errorf("person %q: configured twice", person.ID)
		}
		seen[person.ID] = true
	}
	return nil
}
