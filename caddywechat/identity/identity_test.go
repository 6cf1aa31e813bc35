package identity

import (
	"slices"
	"strings"
	"testing"
)

func TestWith_SetsEachNameOnceAndKeepsTheOrder(t *testing.T) {
	id := Identity{}.With(OpenID, "o1").With(Scope, "snsapi_base").With(OpenID, "o2").With("badge", "7")
	want := Identity{{OpenID, "o2"}, {Scope, "snsapi_base"}, {"badge", "7"}}
	if !slices.Equal(id, want) {
		t.Errorf("got %v, want %v", id, want)
	}
}

func TestWith_TakesNoEmptyValue(t *testing.T) {
	id := Identity{}.With(UnionID, "").With(OpenID, "o1").With(OpenID, "")
	if want := (Identity{{OpenID, "o1"}}); !slices.Equal(id, want) {
		t.Errorf("got %v, want %v", id, want)
	}
}

func TestGet_IsEmptyForWhatIsUnknown(t *testing.T) {
	var nobody Identity
	if got := nobody.Get(ID); got != "" {
		t.Errorf("nobody has the id %q", got)
	}
	if got := nobody.With(OpenID, "o1").Get(UnionID); got != "" {
		t.Errorf("a silent visitor has the unionid %q", got)
	}
}

// Sealed sessions of visitors who are logged in refer to these names by their place.
func TestNames_NeverChangeTheirPlaces(t *testing.T) {
	want := []string{
		"id", "account", "app_id", "openid", "unionid", "userid", "external_userid", "departments", "scope", "nickname",
		"avatar", "snapshot",
	}
	if len(Names) < len(want) || !slices.Equal(Names[:len(want)], want) {
		t.Errorf("Names = %q, must begin with %q", Names, want)
	}
}

func TestWith_ShortensOnlyAProfile(t *testing.T) {
	long := strings.Repeat("张", 1000)
	id := Identity{}
	for _, name := range append(slices.Clone(Names), "employee_no") {
		id = id.With(name, long)
	}
	for _, f := range id {
		switch f.Name {
		case Nickname:
			if f.Value == long || f.Value == "" || !strings.HasPrefix(long, f.Value) {
				t.Errorf("nickname of %d bytes", len(f.Value))
			}
		case Avatar:
			t.Errorf("half an avatar's address: %q", f.Value)
		default:
			if f.Value != long {
				t.Errorf("%s was cut to %d bytes", f.Name, len(f.Value))
			}
		}
	}
	if len(id) != len(Names) {
		t.Errorf("%d fields", len(id))
	}
}

func TestCutNickname_CutsBetweenCharacters(t *testing.T) {
	id := Identity{}.With(Nickname, "a张😀").With(OpenID, "o1")
	for n, want := range map[int]string{-1: "", 0: "", 1: "a", 2: "a", 3: "a", 4: "a张", 7: "a张", 8: "a张😀", 99: "a张😀"} {
		got := id.CutNickname(n)
		if got.Get(Nickname) != want || got.Get(OpenID) != "o1" || want == "" && len(got) != 1 {
			t.Errorf("%d bytes: %v", n, got)
		}
	}
	if id.Get(Nickname) != "a张😀" {
		t.Error("the identity itself was changed")
	}
}
