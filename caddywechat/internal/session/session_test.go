package session

import (
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

const day = 24 * time.Hour

var login = time.Date(2026, 3, 1, 8, 30, 15, 999, time.UTC)

// everything is an identity with every field there is, and two of another kind of account's.
func everything() identity.Identity {
	var id identity.Identity
	for _, name := range identity.Names {
		id = id.With(name, "value of "+name+" 张三 😀 \x00\r\n")
	}
	return id.With("employee_no", "7").With("层", "二")
}

// silent is what a silent login of an official account gives.
func silent() identity.Identity {
	return identity.Identity{}.
		With(identity.Account, "official_account").
		With(identity.AppID, "wx0123456789abcdef").
		With(identity.OpenID, "oABC-def_0123456789abcdefghi").
		With(identity.Scope, "snsapi_base")
}

// ofApp makes a session one of an account that its app id alone does not name.
func ofApp(s Session) Session {
	s.Account = "wx0123456789abcdef/1000002"
	return s
}

func renewed(s Session) Session {
	s.Renewed = s.Created.Add(time.Hour)
	return s
}

func payloadOf(t testing.TB, s Session) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(a, b Session) bool {
	return a.ID == b.ID && a.Account == b.Account && a.Created.Equal(b.Created) && a.Expires.Equal(b.Expires) &&
		a.Seen.Equal(b.Seen) && a.Renewed.Equal(b.Renewed) && a.Survives.Equal(b.Survives) &&
		slices.Equal(a.Identity, b.Identity)
}

// with is a silent session that somebody changed.
func with(change func(*Session)) Session {
	s := New(silent(), login, 7*day)
	s.Seen = s.Created.Add(time.Minute)
	change(&s)
	return s
}

func TestASessionReadsAsItWasWritten(t *testing.T) {
	for name, s := range map[string]Session{
		"silent":          New(silent(), login, 7*day),
		"everything":      New(everything(), login, 7*day),
		"nobody":          New(nil, login, 7*day),
		"a second":        New(silent(), login, time.Second),
		"ten years":       New(silent(), login, 3650*day),
		"renewed":         with(func(s *Session) { s.Renewed = s.Created.Add(time.Hour) }),
		"renewed at once": with(func(s *Session) { s.Renewed = s.Created }),
		"survives":        with(func(s *Session) { s.Survives = s.Created.Add(time.Minute) }),
		"both":            with(func(s *Session) { s.Renewed, s.Survives = s.Created, s.Created.Add(-day) }),
		"app":             ofApp(New(silent(), login, day)),
		"app, renewed":    renewed(ofApp(New(silent(), login, day))),
		"all of it": with(func(s *Session) {
			*s = ofApp(*s)
			s.Renewed, s.Survives = s.Created, s.Created.Add(-day)
		}),
		"long value": New(silent().With(identity.Nickname, strings.Repeat("张", 500)), login, day),
	} {
		t.Run(name, func(t *testing.T) {
			got := Session{ID: ID{1}, Identity: silent().With("left", "over")}
			if err := got.UnmarshalBinary(payloadOf(t, s)); err != nil {
				t.Fatal(err)
			}
			if !same(got, s) {
				t.Errorf("got %+v, want %+v", got, s)
			}
		})
	}
}

// A lifetime that the configuration takes must not give sessions that nobody can open: that would be a login loop.
func TestASessionOfAnyLifetimeReadsAsItWasWritten(t *testing.T) {
	for _, lifetime := range []time.Duration{100 * 365 * day, 101 * 365 * day, math.MaxInt64} {
		var got Session
		if err := got.UnmarshalBinary(payloadOf(t, New(silent(), login, lifetime))); err != nil {
			t.Errorf("lifetime %s: %v", lifetime, err)
		}
	}
}

func TestASessionIsToTheSecond(t *testing.T) {
	s := New(silent(), login, 90*time.Second)
	if want := login.Truncate(time.Second); !s.Created.Equal(want) {
		t.Errorf("created %s, want %s", s.Created, want)
	}
	if want := login.Truncate(time.Second).Add(90 * time.Second); !s.Expires.Equal(want) {
		t.Errorf("expires %s, want %s", s.Expires, want)
	}
}

func TestEveryLoginMakesAnotherSession(t *testing.T) {
	seen := map[ID]bool{{}: true}
	for range 1000 {
		s := New(silent(), login, day)
		if seen[s.ID] {
			t.Fatalf("id %x came twice", s.ID)
		}
		seen[s.ID] = true
	}
}

func TestEndWhereTheLifetimeWasChangedSinceTheLogin(t *testing.T) {
	s := New(silent(), login, 7*day)
	for name, tt := range map[string]struct {
		lifetime time.Duration
		want     time.Time
	}{
		"the same": {7 * day, s.Created.Add(7 * day)},
		"shorter":  {time.Hour, s.Created.Add(time.Hour)},
		"longer":   {30 * day, s.Created.Add(7 * day)},
	} {
		if got := s.Expiry(Policy{Lifetime: tt.lifetime}); !got.Equal(tt.want) {
			t.Errorf("%s: ends %s, want %s", name, got, tt.want)
		}
	}
}

func TestAPayloadOfAnotherVersionIsNoSession(t *testing.T) {
	b := payloadOf(t, New(silent(), login, day))
	for v := range 256 {
		if v >= version && v <= versionMore {
			continue
		}
		b[0] = byte(v)
		if new(Session).UnmarshalBinary(b) == nil {
			t.Errorf("version %d was read", v)
		}
	}
}

// Instances of an older version open what they can: only what they know nothing of is of a new version.
func TestASessionIsOfTheOldestVersionThatHoldsIt(t *testing.T) {
	s := New(silent(), login, day)
	for want, s := range map[byte]Session{version: s, versionRenewed: renewed(s), versionMore: ofApp(s)} {
		if got := payloadOf(t, s)[0]; got != want {
			t.Errorf("%+v is of version %d, want %d", s, got, want)
		}
	}
	if got := payloadOf(t, renewed(ofApp(s)))[0]; got != versionMore {
		t.Errorf("version %d", got)
	}
}

func TestAMalformedPayloadIsNoSession(t *testing.T) {
	whole := payloadOf(t, New(silent(), login, day))
	head := whole[:1+idLength+4]
	fields := func(b ...byte) []byte {
		return append(seal.AppendNumber(seal.AppendNumber(slices.Clone(head), 60), 1), b...)
	}
	for name, b := range map[string][]byte{
		"nothing":              nil,
		"only a version":       {version},
		"only the head":        head,
		"a huge life":          seal.AppendNumber(slices.Clone(head), math.MaxUint64),
		"a negative life":      seal.AppendNumber(slices.Clone(head), 1<<63),
		"a place of no name":   fields(byte(len(identity.Names)+1), 1, 'x'),
		"the last place":       fields(255, 1, 'x'),
		"a field without text": fields(1),
		"a text of a huge size": append(fields(1),
			binary.AppendUvarint(nil, math.MaxUint64)...),
		"a name without text": fields(0, 1, 'x'),
		"one byte more":       append(slices.Clone(whole), 1),
		"one byte less":       whole[:len(whole)-1],
	} {
		var got Session
		if err := got.UnmarshalBinary(b); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

func TestASilentSessionMakesASmallCookie(t *testing.T) {
	s, err := seal.New("session", []byte("a key with at least 32 bytes in it, for tests"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal("h5.example.com|https://open.weixin.qq.com", New(silent(), login, 7*day))
	if err != nil {
		t.Fatal(err)
	}
	pair := Cookies{}.FullName(true) + "=" + sealed
	t.Logf("the Cookie header of a silent session has %d bytes", len(pair))
	if len(pair) >= 320 {
		t.Errorf("the Cookie header of a silent session has %d bytes", len(pair))
	}
	set := Cookie(Cookies{}.FullName(true), sealed, 7*day, true).String()
	t.Logf("its Set-Cookie has %d bytes", len(set))
	if parsed, err := http.ParseSetCookie(set); err != nil || parsed.Value != sealed {
		t.Errorf("%q does not parse: %v", set, err)
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	for _, s := range []Session{
		New(silent(), login, day), New(everything(), login, day), New(nil, login, day),
		renewed(New(silent(), login, day)), ofApp(New(silent(), login, day)),
	} {
		f.Add(payloadOf(f, s))
	}
	f.Add([]byte{})
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var s Session
		if s.UnmarshalBinary(payload) != nil {
			return
		}
		if s.Expires.Before(s.Created) {
			t.Errorf("ends %s before it begins %s", s.Expires, s.Created)
		}
		for i, field := range s.Identity {
			isItsName := func(f identity.Field) bool { return f.Name == field.Name }
			if field.Value == "" || slices.ContainsFunc(s.Identity[:i], isItsName) {
				t.Errorf("identity %q has an empty field or one twice", s.Identity)
			}
		}
		var again Session
		if err := again.UnmarshalBinary(payloadOf(t, s)); err != nil || !same(again, s) {
			t.Errorf("got %+v, %v, want %+v", again, err, s)
		}
	})
}

func TestEndWhereTheVisitorIsIdle(t *testing.T) {
	s := New(silent(), login, day)
	lives := Policy{Lifetime: day, Idle: time.Hour}
	if got, want := s.Expiry(lives), login.Truncate(time.Second).Add(time.Hour); !got.Equal(want) {
		t.Errorf("at first: %s, want %s", got, want)
	}
	often, seldom := login.Add(5*time.Minute), login.Add(7*time.Minute)
	if s.NeedsTouch(lives, often) || !s.NeedsTouch(lives, seldom) ||
		s.NeedsTouch(Policy{Lifetime: day}, login.Add(day)) {
		t.Error("noted too often, too seldom, or where nobody can be idle")
	}
	s.Seen = login.Truncate(time.Second).Add(23*time.Hour + 30*time.Minute)
	if got, want := s.Expiry(lives), login.Truncate(time.Second).Add(day); !got.Equal(want) {
		t.Errorf("at last: %s, want %s", got, want)
	}
	var again Session
	if err := again.UnmarshalBinary(payloadOf(t, s)); err != nil || !again.Seen.Equal(s.Seen) {
		t.Errorf("read back: %s, %v", again.Seen, err)
	}
}
