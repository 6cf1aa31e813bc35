package revocation

import (
	"errors"
	"slices"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// A record is what instances write into a journal of their store, where others may write as well: its version, the
// number of tags, the tags, each behind the mark of its key, and the revocations that they prove. It has a tag for each
// key of the sites that it is for. A site takes it that has one of the keys.
const recordVersion = 2

// maxTags bounds the tags of one record. More go into several.
const maxTags = 1000

var (
	// ErrOtherKeys is the error of a record that is for sites with other keys.
	ErrOtherKeys = errors.New("revocations of sites with other keys")
	// ErrForged is the error of a record that names one of the keys, and was not made with it.
	ErrForged = errors.New("revocations that nobody made who has the session key")
	// ErrVersion is the error of a record of another version.
	ErrVersion = errors.New("revocations of another version")
)

// Records returns what to write into a journal, so that all sites that have one of the keys know of the revocations.
func Records(keys []seal.Key, journal string, revocations ...Revocation) (records [][]byte) {
	var body []byte
	for _, r := range revocations {
		body = r.append(body)
	}
	for some := range slices.Chunk(keys, maxTags) {
		record := seal.AppendNumber([]byte{recordVersion}, uint64(len(some)))
		for _, key := range some {
			tag := key.Tag(journal, body)
			record = append(append(record, key.ID[:]...), tag[:]...)
		}
		records = append(records, append(record, body...))
	}
	return records
}

// ReadRecord returns the revocations in a record of a journal, with the keys of the sites that are to know of them.
// Those of version 1 are not proven, see [Revocation.IsOld].
func ReadRecord(keys map[seal.KeyID]seal.Key, journal string, record []byte) ([]Revocation, error) {
	reader := seal.NewReader(record)
	switch reader.Byte() {
	case oldVersion:
		return readOld(reader)
	case recordVersion:
	default:
		return nil, ErrVersion
	}
	n := reader.Number()
	if n > maxTags {
		return nil, seal.ErrPayload
	}
	ids := make([]seal.KeyID, n)
	tags := make([]seal.Tag, n)
	for i := range tags {
		copy(ids[i][:], reader.Raw(len(seal.KeyID{})))
		copy(tags[i][:], reader.Raw(len(seal.Tag{})))
	}
	body := []byte(reader.Rest())
	if err := reader.Close(); err != nil {
		return nil, err
	}
	err := ErrOtherKeys
	for i, id := range ids {
		key, ok := keys[id]
		if ok && key.Verify(tags[i], journal, body) {
			return readBody(body)
		}
		if ok {
			err = ErrForged
		}
	}
	return nil, err
}

func readBody(body []byte) (revocations []Revocation, err error) {
	reader := seal.NewReader(body)
	for reader.More() {
		r, err := readRevocation(reader)
		if err != nil {
			return nil, err
		}
		revocations = append(revocations, r)
	}
	if err := reader.Close(); err != nil {
		return nil, err
	}
	return revocations, nil
}

// Version 1 of a record is one revocation, without a tag: the scope, the id or digest, and the times.
const oldVersion = 1

func readOld(reader *seal.Reader) ([]Revocation, error) {
	const oldUser, oldOpenID = scope(aUser), scope(anOpenID)
	r := Revocation{scope: scope(reader.Byte()), old: true}
	var of [len(session.ID{})]byte
	copy(of[:], reader.Raw(len(session.ID{})))
	switch r.scope {
	case oneSession:
		r.id = of
	case oldUser, oldOpenID:
		r.scope, r.subjects = onePerson, []Subject{of}
	case everybody:
	default:
		return nil, seal.ErrPayload
	}
	if err := r.readTimes(reader); err != nil {
		return nil, err
	}
	if err := reader.Close(); err != nil {
		return nil, err
	}
	return []Revocation{r}, nil
}
