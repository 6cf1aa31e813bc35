package identity

import (
	"slices"
	"testing"
)

func TestWithSetsEachNameOnceAndKeepsTheOrder(t *testing.T) {
	id := Identity{}.With(OpenID, "o1").With(Scope, "snsapi_base").With(OpenID, "o2").With("badge", "7")
	want := Identity{{OpenID, "o2"}, {Scope, "snsapi_base"}, {"badge", "7"}}
	if !slices.Equal(id, want) {
		t.Errorf("got %v, want %v", id, want)
	}
}

func TestWithTakesNoEmptyValue(t *testing.T) {
	id := Identity{}.With(UnionID, "").With(OpenID, "o1").With(OpenID, "")
	if want := (Identity{{OpenID, "o1"}}); !slices.Equal(id, want) {
		t.Errorf("got %v, want %v", id, want)
	}
}

func TestGetOfWhatIsUnknownIsEmpty(t *testing.T) {
	var nobody Identity
	if got := nobody.Get(ID); got != "" {
		t.Errorf("nobody has the id %q", got)
	}
	if got := nobody.With(OpenID, "o1").Get(UnionID); got != "" {
		t.Errorf("a silent visitor has the unionid %q", got)
	}
}

// Sealed sessions of visitors who are logged in refer to these names by their place.
func TestPlacesOfNamesNeverChange(t *testing.T) {
	want := []string{
		"id", "account", "app_id", "openid", "unionid", "userid", "external_userid", "departments", "scope", "nickname",
		"avatar", "snapshot",
	}
	if len(Names) < len(want) || !slices.Equal(Names[:len(want)], want) {
		t.Errorf("Names = %q, must begin with %q", Names, want)
	}
}
