package simulator

import (
	"regexp"
	"testing"
)

func TestOpenID_StaysTheSame(t *testing.T) {
	shape := regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`)
	seen := map[string]bool{}
	for _, id := range []string{
		OpenID(DemoAppID, "emma"), OpenID(DemoAppID, "afang"), OpenID(otherAppID, "emma"),
		UnionID(DemoAppID, "emma"), UnionID("b", "emma"),
	} {
		if !shape.MatchString(id) || seen[id] {
			t.Errorf("%q", id)
		}
		seen[id] = true
	}
	if got := OpenID(DemoAppID, "emma"); got != "oDGYG3aC4ZFBqRclJ7L_IVxaIwfd" {
		t.Errorf("Emma's openid changed to %s: it must stay the same in all versions", got)
	}
}
