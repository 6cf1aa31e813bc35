package session

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

func TestSession_AWholePayloadOfAnotherVersionIsNone(t *testing.T) {
	b := payloadOf(t, renewed(New(silent(), login, day)))
	b[0] = versionMore + 1
	if got := (Session{}); got.UnmarshalBinary(b) == nil {
		t.Errorf("read as %+v", got)
	}
}

func TestSession_NoTimeIsLongerThanADuration(t *testing.T) {
	head := payloadOf(t, New(silent(), login, day))[1 : 1+idLength+4]
	payload := func(version byte, numbers ...uint64) []byte {
		b := append([]byte{version}, head...)
		for _, n := range numbers {
			b = seal.AppendNumber(b, n)
		}
		if version == versionMore {
			b = seal.AppendText(b, "")
		}
		return b
	}
	const life, seen, at = 60, 1, 1 << 30
	for _, tooLong := range []uint64{MaxSeconds + 1, math.MaxUint64} {
		for name, b := range map[string][]byte{
			"life": payload(version, tooLong, seen), "seen": payload(version, life, tooLong),
			"renewed":  payload(versionRenewed, life, seen, tooLong),
			"survives": payload(versionMore, life, seen, 0, tooLong),
		} {
			if got := (Session{}); got.UnmarshalBinary(b) == nil {
				t.Errorf("%s: read as %+v", name, got)
			}
		}
	}
	var got Session
	if err := got.UnmarshalBinary(payload(versionMore, life, seen, 0, at)); err != nil || got.Survives.Unix() != at {
		t.Errorf("a proper one: %+v, %v", got, err)
	}
}

func TestSession_NoFieldIsEmptyOrThereTwice(t *testing.T) {
	whole := payloadOf(t, New(nil, login, day))
	for name, fields := range map[string][]byte{
		"empty": {3, 0}, "twice": {3, 1, 'a', 3, 1, 'b'},
		"by place and by name": {3, 1, 'a', 0, 6, 'a', 'p', 'p', '_', 'i', 'd', 1, 'b'},
	} {
		if got := (Session{}); got.UnmarshalBinary(append(slices.Clone(whole), fields...)) == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

func TestSession_ProfileTimeIsTheLastRefresh(t *testing.T) {
	s := New(silent(), login, day)
	if got := s.ProfileTime(); !got.Equal(s.Created) {
		t.Errorf("at first %s", got)
	}
	if got := renewed(s).ProfileTime(); !got.Equal(s.Created.Add(time.Hour)) {
		t.Errorf("refreshed: %s", got)
	}
}

func TestParseID_TakesWhatStringMakes(t *testing.T) {
	id := NewID()
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	text := id.String()
	for _, bad := range []string{"", "x", text[1:], text + "0", text + "00", strings.Repeat("g", 32), text[:31] + "g"} {
		if got, err := ParseID(bad); err == nil || got != (ID{}) {
			t.Errorf("%q: %s, %v", bad, got, err)
		}
	}
}
