package keyring

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// vault returns the vault of a site with these keys.
func (w *world) vault(t *testing.T, secrets ...string) *Vault {
	t.Helper()
	return &Vault{Keyring: w.keyring(t, secrets...), Store: w.store}
}

func put(t *testing.T, v *Vault, key, secret string) {
	t.Helper()
	if err := v.Put(t.Context(), key, []byte(secret), time.Hour); err != nil {
		t.Fatal(err)
	}
}

func wantSecret(t *testing.T, v *Vault, key, want string) {
	t.Helper()
	if got, err := v.Get(t.Context(), key); err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
	}
}

// nameOf returns the name under which the first key of a site keeps a secret.
func nameOf(t *testing.T, v *Vault, key string) string {
	t.Helper()
	return key + "-" + ids(t, v.Keyring)[0]
}

func TestVault_KeepsSecretsSealedForAWhile(t *testing.T) {
	w := newWorld()
	v := w.vault(t, one)
	wantSecret(t, v, "area/a", "")
	put(t, v, "area/a", "a secret")
	wantSecret(t, v, "area/a", "a secret")
	wantSecret(t, w.vault(t, one), "area/a", "a secret") // on another instance
	put(t, v, "area/a", "another")
	wantSecret(t, v, "area/a", "another")
	stored, err := w.store.Get(t.Context(), nameOf(t, v, "area/a"))
	if err != nil || strings.Contains(string(stored), "another") {
		t.Errorf("stored: %q, %v", stored, err)
	}
	w.now = w.now.Add(time.Hour)
	wantSecret(t, v, "area/a", "")
}

func TestVault_OpensWhatAnOlderKeySealed(t *testing.T) {
	w := newWorld()
	before := w.vault(t, one)
	put(t, before, "area/a", "old")
	rotated := w.vault(t, two, one)
	wantSecret(t, rotated, "area/a", "old")
	put(t, rotated, "area/a", "new")
	wantSecret(t, rotated, "area/a", "new")
	wantSecret(t, before, "area/a", "old")
	if err := rotated.Delete(t.Context(), "area/a"); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, rotated, "area/a", "")
	wantSecret(t, before, "area/a", "")
	if err := rotated.Delete(t.Context(), "area/a"); err != nil {
		t.Errorf("there is none to delete: %v", err)
	}
}

func TestVault_SitesWithOtherKeysAreNotInTheWay(t *testing.T) {
	w := newWorld()
	mine, others := w.vault(t, one), w.vault(t, two)
	put(t, mine, "area/a", "mine")
	wantSecret(t, others, "area/a", "")
	got, err := others.PutIfAbsent(t.Context(), "area/a", []byte("theirs"), 0)
	if err != nil || string(got) != "theirs" {
		t.Errorf("%q, %v", got, err)
	}
	if err := others.Delete(t.Context(), "area/a"); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, mine, "area/a", "mine")
}

func TestVault_PutIfAbsentReturnsTheOneThatIsThere(t *testing.T) {
	w := newWorld()
	v := w.vault(t, one)
	for _, secret := range []string{"first", "second"} {
		got, err := v.PutIfAbsent(t.Context(), "area/a", []byte(secret), 0)
		if err != nil || string(got) != "first" {
			t.Errorf("%s: %q, %v", secret, got, err)
		}
	}
	w.put(t, nameOf(t, v, "area/b"), "forged")
	if got, err := v.PutIfAbsent(t.Context(), "area/b", []byte("mine"), 0); got != nil || err != nil {
		t.Errorf("beside a forged one: %q, %v", got, err)
	}
}

func TestVault_WhatWasForgedOrMovedDoesNotOpen(t *testing.T) {
	w := newWorld()
	v := w.vault(t, one)
	put(t, v, "area/a", "a secret")
	sealed, err := w.store.Get(t.Context(), nameOf(t, v, "area/a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"moved": string(sealed), "forged": "forged", "cut": string(sealed[:len(sealed)-4]),
	} {
		w.put(t, nameOf(t, v, "area/b"), value)
		if got, err := v.Get(t.Context(), "area/b"); got != nil || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	put(t, v, "area/b", "")
	if got, err := v.Get(t.Context(), "area/b"); got != nil || err != nil {
		t.Errorf("an empty secret is none: %q, %v", got, err)
	}
}

func TestVault_TellsWhatFails(t *testing.T) {
	calls := map[string]func(*Vault) error{
		"Put": func(v *Vault) error { return v.Put(t.Context(), "area/a", []byte("secret"), time.Hour) },
		"Get": func(v *Vault) error {
			_, err := v.Get(t.Context(), "area/a")
			return err
		},
		"PutIfAbsent": func(v *Vault) error {
			_, err := v.PutIfAbsent(t.Context(), "area/a", []byte("secret"), time.Hour)
			return err
		},
		"Delete": func(v *Vault) error { return v.Delete(t.Context(), "area/a") },
	}
	for call, do := range calls {
		w := newWorld()
		w.failing = call + " area/"
		if err := do(w.vault(t, one)); !errors.Is(err, store.ErrStore) {
			t.Errorf("%s: the store fails, and nobody hears: %v", call, err)
		}
		w = newWorld()
		w.put(t, madeKeyName, "short") // no key
		if err := do(w.vault(t)); err == nil || errors.Is(err, store.ErrStore) {
			t.Errorf("%s: there is no key, and nobody hears: %v", call, err)
		}
	}
}

func TestVault_WhatIsTooLongIsNotKept(t *testing.T) {
	w := newWorld()
	v := w.vault(t, one)
	long := []byte(strings.Repeat("x", 8<<10))
	if err := v.Put(t.Context(), "area/a", long, time.Hour); err == nil || errors.Is(err, store.ErrStore) {
		t.Errorf("Put: %v", err)
	}
	got, err := v.PutIfAbsent(t.Context(), "area/a", long, 0)
	if got != nil || err == nil || errors.Is(err, store.ErrStore) {
		t.Errorf("PutIfAbsent: %q, %v", got, err)
	}
	if w.asked("Put area/")+w.asked("PutIfAbsent area/") != 0 {
		t.Errorf("the store was asked: %v", w.calls)
	}
}

func TestKey_NamesAnEntryByAllItsParts(t *testing.T) {
	if Key("area", "a", "b") == Key("area", "ab") || Key("area", "a") == Key("other", "a") {
		t.Error("two entries have one key")
	}
	if key := Key("area", "oSomebody"); strings.Contains(key, "omebody") || !strings.HasPrefix(key, "area/") {
		t.Errorf("got %s", key)
	}
}
