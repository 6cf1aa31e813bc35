package seal

import (
	"bytes"
	"runtime"
	"testing"
)

func secret(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

func mustKeyset(t *testing.T, secrets ...[]byte) *Keyset {
	t.Helper()
	k, err := NewKeyset(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyset_KeepsPurposesApart(t *testing.T) {
	k := mustKeyset(t, secret('a'))
	text, err := k.Sealer("one").Seal("site", Text("hello"))
	if err != nil {
		t.Fatal(err)
	}
	var got Text
	if !k.Sealer("one").Open("site", text, &got) || got != "hello" {
		t.Errorf("does not open: %q", got)
	}
	if k.Sealer("two").Open("site", text, &got) {
		t.Error("opens for another purpose")
	}
	if bytes.Equal(k.Derive("one"), k.Derive("two")) {
		t.Error("two purposes have the same key")
	}
}

func TestKeyset_OpensWithAllKeysAndSealsWithTheFirst(t *testing.T) {
	old, both := mustKeyset(t, secret('a')), mustKeyset(t, secret('b'), secret('a'))
	text, _ := old.Sealer("p").Seal("site", Text("x"))
	var got Text
	if !both.Sealer("p").Open("site", text, &got) {
		t.Error("the older key opens no more")
	}
	text, _ = both.Sealer("p").Seal("site", Text("x"))
	if old.Sealer("p").Open("site", text, &got) {
		t.Error("the older key seals")
	}
	if both.IDs()[1] != old.IDs()[0] || both.IDs()[0] == both.IDs()[1] {
		t.Errorf("ids %q and %q", both.IDs(), old.IDs())
	}
}

func TestKeyset_IsSharedWhileInUse(t *testing.T) {
	k := mustKeyset(t, secret('c'), secret('d'))
	if mustKeyset(t, secret('c'), secret('d')) != k {
		t.Error("the same secrets gave another key set")
	}
	if mustKeyset(t, secret('d'), secret('c')) == k {
		t.Error("another order of the secrets gave the same key set")
	}
	runtime.KeepAlive(k)
}

func TestKeyset_NeedsASecret(t *testing.T) {
	if _, err := NewKeyset(); err == nil {
		t.Error("no secret, no error")
	}
}

func TestKeyset_SealerAllocatesNothing(t *testing.T) {
	k := mustKeyset(t, secret('e'))
	k.Sealer("p")
	if n := testing.AllocsPerRun(100, func() { k.Sealer("p") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
