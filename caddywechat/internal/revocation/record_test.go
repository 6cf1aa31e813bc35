package revocation

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

func keysOf(t testing.TB, secrets ...string) (keys []seal.Key) {
	t.Helper()
	for _, secret := range secrets {
		more, err := seal.NewKeys("revocation", []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, more...)
	}
	return keys
}

func byMark(keys ...seal.Key) map[seal.KeyID]seal.Key {
	m := make(map[seal.KeyID]seal.Key)
	for _, key := range keys {
		m[key.ID] = key
	}
	return m
}

func toTheSecond(at time.Time) time.Time { return time.Unix(at.Unix(), 0) }

var allKinds = []Revocation{
	OfSession(number(7), somebody, toTheSecond(login), toTheSecond(login.Add(day))),
	OfPerson(toTheSecond(login), toTheSecond(login.Add(session.MaxLifetime)), somebody, OpenIDSubject("oSomebody")),
	OfAll(toTheSecond(login), toTheSecond(login.Add(session.MaxLifetime))),
}

func TestRevocationsTravel(t *testing.T) {
	keys := keysOf(t, "one", "two")
	records := Records(keys, "log", allKinds...)
	if len(records) != 1 || strings.Contains(string(records[0]), "omebody") {
		t.Fatalf("%q tells who it is, or is several", records)
	}
	for name, mine := range map[string]map[seal.KeyID]seal.Key{
		"all keys": byMark(keys...), "one key": byMark(keys[1]),
	} {
		got, err := ReadRecord(mine, "log", records[0])
		if err != nil || !reflect.DeepEqual(got, allKinds) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestARecordOfManyKeysIsSeveral(t *testing.T) {
	var secrets []string
	for i := range 2*maxTags + 1 {
		secrets = append(secrets, fmt.Sprint("secret ", i))
	}
	keys := keysOf(t, secrets...)
	records := Records(keys, "log", allKinds...)
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for i, key := range keys {
		if got, err := ReadRecord(byMark(key), "log", records[i/maxTags]); err != nil || len(got) != len(allKinds) {
			t.Fatalf("key %d: %v, %v", i, got, err)
		}
	}
	for _, record := range records {
		if len(record) > 60<<10 {
			t.Errorf("a record of %d bytes", len(record))
		}
	}
}

func TestNobodyForgesARecord(t *testing.T) {
	mine, others := keysOf(t, "mine"), keysOf(t, "others")
	record := Records(mine, "log", allKinds...)[0]
	want := func(what string, record []byte, journal string, errs ...error) {
		t.Helper()
		got, err := ReadRecord(byMark(mine...), journal, record)
		for _, want := range errs {
			if got == nil && errors.Is(err, want) {
				return
			}
		}
		t.Errorf("%s: %+v, %v", what, got, err)
	}
	want("another key's", Records(others, "log", allKinds...)[0], "log", ErrOtherKeys)
	want("another journal's", record, "other", ErrForged)
	renamed := bytes.Replace(Records(others, "log", allKinds...)[0], others[0].ID[:], mine[0].ID[:], 1)
	want("another key's with the mark of mine", renamed, "log", ErrForged)
	noTag := append([]byte{recordVersion, 0}, record[2+len(seal.KeyID{})+len(seal.Tag{}):]...)
	want("no tag", noTag, "log", ErrOtherKeys)
	want("a later version", append([]byte{recordVersion + 1}, record[1:]...), "log", ErrVersion)
	want("nothing", nil, "log", ErrVersion)
	for i := range record {
		changed := bytes.Clone(record)
		changed[i] ^= 1
		for _, altered := range [][]byte{record[:i], changed} {
			if got, err := ReadRecord(byMark(mine...), "log", altered); got != nil || err == nil {
				if len(got) == 0 || !got[0].IsOld() {
					t.Errorf("altered at %d: %+v, %v", i, got, err)
				}
			}
		}
	}
}

// Records of version 1 are read, and nobody takes them for proven.
func TestOldRecords(t *testing.T) {
	times := seal.AppendNumber(seal.AppendNumber(nil, uint64(login.Unix())), uint64(login.Add(day).Unix()))
	record := func(scope byte, of [len(session.ID{})]byte) []byte {
		return append(append([]byte{1, scope}, of[:]...), times...)
	}
	for name, tt := range map[string]struct {
		record  []byte
		s       session.Session
		subject Subject
	}{
		"session": {record(1, number(7)), session.Session{ID: number(7), Created: login}, nobody},
		"user":    {record(2, somebody), session.Session{Created: login}, somebody},
		"openid":  {record(3, OpenIDSubject("oSomebody")), session.Session{Created: login}, OpenIDSubject("oSomebody")},
		"all":     {record(4, [len(session.ID{})]byte{}), session.Session{Created: login}, nobody},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadRecord(nil, "log", tt.record)
			if err != nil || len(got) != 1 || !got[0].IsOld() || got[0].IsOfOneSession() != (name == "session") {
				t.Fatalf("got %+v, %v", got, err)
			}
			var r List
			r.Apply(got[0], login)
			if !r.ends(&tt.s, tt.subject) {
				t.Error("it ends nothing")
			}
			later := &session.Session{Created: login.Add(time.Second)}
			if r.ends(later, tt.subject) {
				t.Error("it ends sessions that began after it, which say nothing of it")
			}
		})
	}
	for _, bad := range [][]byte{
		{1}, record(0, number(1)), record(5, number(1)), append(record(1, number(1)), 0), record(1, number(1))[:10],
	} {
		if got, err := ReadRecord(nil, "log", bad); err == nil {
			t.Errorf("%x: %+v", bad, got)
		}
	}
}

func FuzzRecord(f *testing.F) {
	keys := keysOf(f, "mine")
	f.Add(Records(keys, "log", allKinds...)[0], []byte{})
	f.Add([]byte{1, 4}, allKinds[1].append(nil))
	f.Fuzz(func(t *testing.T, record, body []byte) {
		for _, read := range [][]byte{record, forged(keys[0], body)} {
			found, _ := ReadRecord(byMark(keys...), "log", read)
			for _, r := range found {
				r.append(nil)
				new(List).Apply(r, login)
			}
		}
	})
}

// forged is a record with the right tag for whatever body.
func forged(key seal.Key, body []byte) []byte {
	tag := key.Tag("log", body)
	return append(append(append([]byte{recordVersion, 1}, key.ID[:]...), tag[:]...), body...)
}

func TestIDsAsText(t *testing.T) {
	id := number(77)
	if got, err := session.ParseID(id.String()); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{
		"", "x", id.String()[1:], id.String() + "0", strings.Repeat("g", 32), strings.Repeat("é", 16),
	} {
		if _, err := session.ParseID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
