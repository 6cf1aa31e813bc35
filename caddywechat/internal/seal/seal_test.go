package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
)

// broken is a value that neither goes in nor comes out.
type broken struct{}

func (broken) MarshalBinary() ([]byte, error) { return nil, errors.New("no") }
func (broken) UnmarshalBinary([]byte) error   { return errors.New("no") }

const site = "h5.example.com|https://open.weixin.qq.com"

var (
	oldKey = []byte("an old key with more than 32 bytes in it")
	newKey = []byte("a new key, also with more than 32 bytes in it")
)

func newSealer(t testing.TB, purpose string, secrets ...[]byte) *Sealer {
	t.Helper()
	s, err := New(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *Sealer, v Text) string {
	t.Helper()
	sealed, err := s.Seal(site, v)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealer_OpensWhatItSealed(t *testing.T) {
	s := newSealer(t, "session", newKey)
	for _, v := range []Text{"x", "会话 \x00\r\n|;,= %n%s", Text(strings.Repeat("x", 2000))} {
		var got Text
		if !s.Open(site, mustSeal(t, s, v), &got) || got != v {
			t.Errorf("opened to %.40q, want %.40q", got, v)
		}
	}
}

func TestSeal_FitsACookieAndHidesTheValue(t *testing.T) {
	const secret = "oABCDEFGHIJKLMNOPQRSTUVWXYZ0"
	sealed := mustSeal(t, newSealer(t, "session", newKey), secret)
	if strings.Trim(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=") != "" {
		t.Errorf("%q holds characters that no cookie may", sealed)
	}
	for range 3 {
		if strings.Contains(sealed, secret) {
			t.Fatal("the value can be read")
		}
		b, err := base64.URLEncoding.DecodeString(sealed)
		if err != nil {
			break
		}
		sealed = string(b)
		if _, after, ok := strings.Cut(sealed, "|"); ok {
			sealed, _, _ = strings.Cut(after, "|")
		}
	}
}

func TestOpen_RefusesAlteredText(t *testing.T) {
	s := newSealer(t, "session", newKey)
	// Three lengths in a row, so that the text ends with each number of unused bits.
	for _, v := range []Text{"o1", "o12", "o123"} {
		sealed := []byte(mustSeal(t, s, v))
		altered := bytes.Clone(sealed)
		var got Text
		for i := range altered {
			for c := range 256 {
				if byte(c) == sealed[i] {
					continue
				}
				altered[i] = byte(c)
				if s.Open(site, string(altered), &got) {
					t.Errorf("opens with %q instead of %q at %d of %d", byte(c), sealed[i], i, len(sealed))
				}
			}
			altered[i] = sealed[i]
		}
	}
}

func TestOpen_RefusesCutOrExtendedText(t *testing.T) {
	s := newSealer(t, "session", newKey)
	sealed := mustSeal(t, s, "o1")
	var got Text
	for i := range sealed {
		if s.Open(site, sealed[:i], &got) {
			t.Errorf("opens without its last %d characters", len(sealed)-i)
		}
		if i > 0 && s.Open(site, sealed[i:], &got) {
			t.Errorf("opens without its first %d characters", i)
		}
		for _, more := range []string{"A", "=", "\n", "\r", "\r\n\r\n", "AAAA", "====", " ", "|", ".", "\x00"} {
			if s.Open(site, sealed[:i]+more+sealed[i:], &got) {
				t.Errorf("opens with %q at %d", more, i)
			}
		}
	}
	for _, more := range []string{"A", "=", "\n", "\n\n\n\n", "AAAA", "====", " ", sealed} {
		if s.Open(site, sealed+more, &got) {
			t.Errorf("opens with %q behind it", more)
		}
	}
}

func TestOpen_RefusesRubbish(t *testing.T) {
	s := newSealer(t, "session", newKey)
	for name, sealed := range map[string]string{
		"nothing":      "",
		"padding":      "====",
		"not base64":   "{\"openid\":\"victim\"}",
		"zeros":        strings.Repeat("A", 400),
		"dots":         strings.Repeat(".", 1<<20),
		"too long":     strings.Repeat("A", MaxLength+4),
		"two dividers": base64.URLEncoding.EncodeToString([]byte("||")),
		"no number":    base64.URLEncoding.EncodeToString([]byte("x|y|z")),
		"NUL":          "\x00\x00\x00\x00",
	} {
		var got Text
		if s.Open(site, sealed, &got) {
			t.Errorf("%s opens", name)
		}
	}
}

func TestOpen_RefusesAnotherSitePurposeOrKey(t *testing.T) {
	s := newSealer(t, "session", newKey)
	sealed := mustSeal(t, s, "o1")
	var got Text
	for _, other := range []string{
		"", "h5.example.com", "other.example.com|https://open.weixin.qq.com", strings.ToUpper(site), site + "|",
		"|" + site,
	} {
		if s.Open(other, sealed, &got) {
			t.Errorf("opens at %q", other)
		}
	}
	for name, other := range map[string]*Sealer{
		"another purpose":          newSealer(t, "login attempt", newKey),
		"another key":              newSealer(t, "session", oldKey),
		"several other keys":       newSealer(t, "session", oldKey, []byte("and one more key of at least 32 bytes")),
		"the key with a line end":  newSealer(t, "session", append(bytes.Clone(newKey), '\n')),
		"the key without its last": newSealer(t, "session", newKey[:len(newKey)-1]),
	} {
		if other.Open(site, sealed, &got) {
			t.Errorf("opens with %s", name)
		}
	}
}

// Purpose and site stand side by side under the signature: moving the border between them must not help.
func TestOpen_KeepsPurposeAndSiteApart(t *testing.T) {
	sealed, err := newSealer(t, "a", newKey).Seal("b|c", Text("o1"))
	if err != nil {
		t.Fatal(err)
	}
	var got Text
	if newSealer(t, "a|b", newKey).Open("c", sealed, &got) {
		t.Error("opens for another purpose")
	}
}

func TestSealer_SealsWithTheFirstKeyAndOpensWithAll(t *testing.T) {
	before, after := newSealer(t, "session", oldKey), newSealer(t, "session", newKey, oldKey)
	var got Text
	if !after.Open(site, mustSeal(t, before, "o1"), &got) || got != "o1" {
		t.Error("a session from before the exchange of keys does not open")
	}
	if !after.Open(site, mustSeal(t, after, "o1"), &got) {
		t.Error("what the exchanged keys sealed does not open")
	}
	if before.Open(site, mustSeal(t, after, "o1"), &got) {
		t.Error("the old key still seals")
	}
	if !newSealer(t, "session", newKey).Open(site, mustSeal(t, after, "o1"), &got) {
		t.Error("the new key does not seal")
	}
}

func TestNew_NeedsASecret(t *testing.T) {
	if s, err := New("session"); err == nil {
		t.Errorf("got %v", s)
	}
}

func TestSeal_RefusesTooLongValues(t *testing.T) {
	s := newSealer(t, "session", newKey)
	longest := 0
	for n := 1000; n < MaxLength; n++ {
		sealed, err := s.Seal(site, Text(strings.Repeat("x", n)))
		if err != nil {
			break
		}
		if len(sealed) > MaxLength {
			t.Fatalf("%d bytes became %d characters", n, len(sealed))
		}
		longest = n
	}
	if longest < 2100 {
		t.Errorf("the longest value has %d bytes: an attempt with a target of 2,000 must fit", longest)
	}
	_, err := s.Seal(site, Text(strings.Repeat("x", MaxLength)))
	if err == nil || strings.Contains(err.Error(), "xxx") {
		t.Errorf("error = %v, want one without the value", err)
	}
}

func TestSealer_ReportsValuesThatFail(t *testing.T) {
	s := newSealer(t, "session", newKey)
	if _, err := s.Seal(site, broken{}); err == nil {
		t.Error("sealed")
	}
	if s.Open(site, mustSeal(t, s, "o1"), broken{}) {
		t.Error("opened")
	}
}

func TestSeal_UsesEachNonceOnce(t *testing.T) {
	s := newSealer(t, "session", newKey)
	const seals, nonceLength = 10_000, 16
	seen := make(map[string]bool, seals)
	for range seals {
		outer, err := base64.URLEncoding.DecodeString(mustSeal(t, s, "o1"))
		if err != nil {
			t.Fatal(err)
		}
		inner, err := base64.URLEncoding.DecodeString(string(bytes.SplitN(outer, []byte("|"), 3)[1]))
		if err != nil {
			t.Fatal(err)
		}
		nonce := string(inner[:nonceLength])
		if seen[nonce] {
			t.Fatalf("nonce %x came twice", nonce)
		}
		seen[nonce] = true
	}
}

func TestSealer_IsSafeForConcurrentUse(t *testing.T) {
	s := newSealer(t, "session", newKey, oldKey)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				sealed, err := s.Seal(site, Text("o1"))
				var got Text
				if err != nil || !s.Open(site, sealed, &got) || got != "o1" {
					t.Errorf("opened to %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestLength_IsThatOfTheSealedText(t *testing.T) {
	s := newSealer(t, "session", newKey)
	for n := range 1500 {
		if got, want := Length(n), len(mustSeal(t, s, Text(strings.Repeat("x", n)))); got != want {
			t.Fatalf("a payload of %d bytes: %d, want %d", n, got, want)
		}
	}
}

// The seeds are sealed with a key that the fuzzed Sealer does not have: whatever is made of them, none opens.
func FuzzOpen(f *testing.F) {
	sealed := mustSeal(f, newSealer(f, "session", oldKey), "o1")
	f.Add(sealed)
	f.Add("")
	f.Add(sealed[:len(sealed)-4] + "====")
	f.Add(strings.Repeat("=", 64))
	f.Add(base64.URLEncoding.EncodeToString([]byte("1|o1|")))
	s := newSealer(f, "session", newKey)
	f.Fuzz(func(t *testing.T, stranger string) {
		var got Text
		if s.Open(site, stranger, &got) {
			t.Errorf("%q opens", stranger)
		}
	})
}
