package simulator

import (
	"testing"
	"time"
)

func TestCode_ExpiresAfterTheQuirksLifetime(t *testing.T) {
	t.Parallel()
	for lifetime, config := range map[time.Duration]Config{
		5 * time.Minute:  {},
		10 * time.Minute: {Quirks: Quirks{CodeLife: 10 * time.Minute}},
	} {
		h := newHarness(t, config)
		young, old := h.silentCode(), h.silentCode()
		h.advance(lifetime - time.Second)
		if token := h.api(exchangePath(young)); token.Errcode != nil {
			t.Errorf("%v: a second before the end: %+v", lifetime, token)
		}
		h.advance(time.Second)
		h.wantErrcode(exchangePath(old), 40029)
		h.wantErrcode(exchangePath(young), 40163)
	}
}

func TestCodes_AreBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	first := h.sim.issueCode(grant{account: demoAccount().account()})
	for range maxEntries {
		h.sim.issueCode(grant{account: demoAccount().account()})
	}
	if n := len(h.sim.codes.values); n != maxEntries {
		t.Errorf("%d codes are kept", n)
	}
	h.wantErrcode(exchangePath(first), 40029)
}
