package keyring

import "testing"

// The keys are asked for with every request.
func TestKeyset_AllocatesNothingOnceThereAreKeys(t *testing.T) {
	k := newWorld().keyring(t, one)
	ids(t, k)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := k.Keyset(t.Context()); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
