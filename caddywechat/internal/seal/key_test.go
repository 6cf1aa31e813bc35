package seal

import "testing"

func newKeys(t *testing.T, purpose string, secrets ...[]byte) []Key {
	t.Helper()
	keys, err := NewKeys(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestKey_VerifiesItsOwnTagsInTheirSlotOnly(t *testing.T) {
	keys := newKeys(t, "revocation", newKey, oldKey)
	other := newKeys(t, "ticket", newKey)[0]
	tag := keys[0].Tag("ab", []byte("cd"))
	if !keys[0].Verify(tag, "ab", []byte("cd")) {
		t.Error("its own tag fails")
	}
	for name, ok := range map[string]bool{
		"another slot":      keys[0].Verify(tag, "x", []byte("cd")),
		"another value":     keys[0].Verify(tag, "ab", []byte("c")),
		"slot and value":    keys[0].Verify(tag, "abc", []byte("d")), // the same bytes, the border moved
		"another secret":    keys[1].Verify(tag, "ab", []byte("cd")),
		"another purpose":   other.Verify(tag, "ab", []byte("cd")),
		"no tag":            keys[0].Verify(Tag{}, "ab", []byte("cd")),
		"the same key name": keys[0].ID == keys[1].ID || keys[0].ID == other.ID,
	} {
		if ok {
			t.Errorf("%s passes", name)
		}
	}
}
