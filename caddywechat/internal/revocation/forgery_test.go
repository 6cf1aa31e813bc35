package revocation

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

func wantPayloadError(t *testing.T, what string, keys []seal.Key, record []byte) {
	t.Helper()
	if got, err := ReadRecord(byMark(keys...), "log", record); got != nil || !errors.Is(err, seal.ErrPayload) {
		t.Errorf("%s: %+v, %v", what, got, err)
	}
}

// A key that a site does not have verifies nothing, not even what was made with no key at all.
func TestReadRecord_NobodysKeyProvesNothing(t *testing.T) {
	record := Records([]seal.Key{{}}, "log", allKinds...)[0]
	got, err := ReadRecord(byMark(keysOf(t, "mine")...), "log", record)
	if got != nil || !errors.Is(err, ErrOtherKeys) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadRecord_TheNumberOfTagsIsBounded(t *testing.T) {
	mine := keysOf(t, "mine")
	wantPayloadError(t, "huge", mine, seal.AppendNumber([]byte{recordVersion}, math.MaxUint64))
	whole := Records(mine, "log", allKinds...)[0]
	wantPayloadError(t, "cut", mine, whole[:2+len(seal.KeyID{})+len(seal.Tag{})-1])
}

func TestReadRecord_ABodyIsReadWholeOrNotAtAll(t *testing.T) {
	mine := keysOf(t, "mine")
	person := func(n byte, subjects int) []byte {
		body := append([]byte{byte(onePerson), n}, make([]byte, subjects*len(Subject{}))...)
		return seal.AppendNumber(seal.AppendNumber(body, 1), 2)
	}
	times := func(at, end uint64) []byte {
		return seal.AppendNumber(seal.AppendNumber([]byte{byte(everybody)}, at), end)
	}
	for name, body := range map[string][]byte{
		"no scope": {9}, "nobody": person(0, 0), "too many": person(maxSubjects+1, maxSubjects+1),
		"cut":           person(2, 1)[:20],
		"made too late": times(session.MaxSeconds+1, 1), "ends too late": times(1, session.MaxSeconds+1),
	} {
		wantPayloadError(t, name, mine, forged(mine[0], body))
		wantPayloadError(t, name+", behind a good one", mine, forged(mine[0], append(allKinds[2].append(nil), body...)))
	}
	for _, body := range [][]byte{person(maxSubjects, maxSubjects), times(session.MaxSeconds, session.MaxSeconds)} {
		if got, err := ReadRecord(byMark(mine...), "log", forged(mine[0], body)); len(got) != 1 || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestReadRecord_OldTimesAreBounded(t *testing.T) {
	record := append([]byte{oldVersion, byte(everybody)}, make([]byte, len(session.ID{}))...)
	for _, tt := range [][2]uint64{{session.MaxSeconds + 1, 1}, {1, session.MaxSeconds + 1}} {
		times := seal.AppendNumber(seal.AppendNumber(slices.Clone(record), tt[0]), tt[1])
		wantPayloadError(t, "times", nil, times)
	}
}
